/// Reads little-endian numbers from a model file and never beyond its end.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - offset }

    mutating func integer<I: FixedWidthInteger>(_: I.Type) throws(LanguageIDError) -> I {
        let size = I.bitWidth / 8
        try need(size, "a number")
        var value: I = 0
        for k in 0..<size { value |= I(truncatingIfNeeded: bytes[offset + k]) << (8 * k) }
        offset += size
        return value
    }

    mutating func int32() throws(LanguageIDError) -> Int { Int(try integer(Int32.self)) }
    mutating func int64() throws(LanguageIDError) -> Int { Int(try integer(Int64.self)) }
    mutating func bool() throws(LanguageIDError) -> Bool { try integer(UInt8.self) != 0 }

    mutating func floats(_ count: Int) throws(LanguageIDError) -> [Float] {
        guard count >= 0, count <= remaining / 4 else { throw cut("\(count) numbers of 4 bytes") }
        var values: [Float] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(Float(bitPattern: try integer(UInt32.self))) }
        return values
    }

    mutating func bytes(_ count: Int) throws(LanguageIDError) -> ArraySlice<UInt8> {
        guard count >= 0 else { throw cut("\(count) bytes") }
        try need(count, "\(count) bytes")
        offset += count
        return bytes[offset - count..<offset]
    }

    /// The bytes up to the next zero byte, which is skipped.
    mutating func zeroTerminated() throws(LanguageIDError) -> ArraySlice<UInt8> {
        guard let end = bytes[offset...].firstIndex(of: 0) else { throw cut("a word that ends with a zero byte") }
        defer { offset = end + 1 }
        return bytes[offset..<end]
    }

    private func need(_ count: Int, _ what: String) throws(LanguageIDError) {
        guard count <= remaining else { throw cut(what) }
    }

    private func cut(_ what: String) -> LanguageIDError {
        LanguageIDError(
            code: .malformedModel,
            message: "byte \(offset): expected \(what), but only \(remaining) bytes are left; fetch the model again")
    }
}
