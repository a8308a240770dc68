/// The fields of a protocol-buffer message, read one after another (wire types 0, 1, 2 and 5).
struct ProtocolBufferReader {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(Range<Int>)
        case fixed32(UInt32)
    }

    private var at: Int
    private let end: Int

    /// - Parameter range: where in the data that each call is given the message is.
    init(_ range: Range<Int>) {
        at = range.lowerBound
        end = range.upperBound
    }

    /// The next field, or nil at the end.
    mutating func next(of data: Span<UInt8>) throws(TokenizerError) -> (field: Int, value: Value)? {
        guard at < end else { return nil }
        let tag = try varint(data)
        let field = Int(truncatingIfNeeded: tag >> 3)
        guard field > 0, field < 1 << 29 else { throw damage("field number \(tag >> 3)") }
        switch tag & 7 {
        case 0: return (field, .varint(try varint(data)))
        case 1: return (field, .fixed64(try fixed(8, data)))
        case 2:
            let count = try varint(data)
            guard count <= UInt64(end - at) else {
                throw damage("field \(field) claims \(count) bytes, \(end - at) are left")
            }
            defer { at += Int(count) }
            return (field, .bytes(at..<at + Int(count)))
        case 5: return (field, .fixed32(UInt32(try fixed(4, data))))
        default: throw damage("wire type \(tag & 7)")
        }
    }

    private func damage(_ what: String) -> TokenizerError { .malformed("byte \(at): \(what) in a protocol buffer") }

    private mutating func fixed(_ count: Int, _ data: Span<UInt8>) throws(TokenizerError) -> UInt64 {
        guard end - at >= count else { throw damage("the end inside a number") }
        defer { at += count }
        var value: UInt64 = 0
        for place in 0..<count { value |= UInt64(data[at + place]) << UInt64(8 * place) }
        return value
    }

    private mutating func varint(_ data: Span<UInt8>) throws(TokenizerError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 70 {
            guard at < end else { throw damage("the end inside a number") }
            let byte = data[at]
            at += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw damage("a number longer than ten bytes")
    }
}

/// Writes the fields of a protocol-buffer message.
struct ProtocolBufferWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ field: Int, _ value: UInt64) {
        append(UInt64(field) << 3)
        append(value)
    }

    mutating func bool(_ field: Int, _ value: Bool) { varint(field, value ? 1 : 0) }
    /// An int32, sign-extended as the format wants it.
    mutating func int(_ field: Int, _ value: Int) { varint(field, UInt64(bitPattern: Int64(value))) }

    mutating func float(_ field: Int, _ value: Float) {
        append(UInt64(field) << 3 | 5)
        let pattern = value.bitPattern
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: pattern >> shift))
        }
    }

    mutating func data(_ field: Int, _ value: some Collection<UInt8>) {
        append(UInt64(field) << 3 | 2)
        append(UInt64(value.count))
        bytes += value
    }

    private mutating func append(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}
