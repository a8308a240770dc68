internal import EDICJSON
internal import EDICNumerics
internal import SystemPackage

/// The metadata of a GGUF file (version 2 or 3, little-endian); only what tokenizers need is kept.
struct GGUFMetadata {
    fileprivate enum Value {
        case integer(Int)
        case float(Double)
        case bool(Bool)
        case string([UInt8])
        case strings(Vocabulary)
        case integers([Int])
        case floats([Float])
        case bytes([UInt8])
    }

    private var values: [String: Value] = [:]

    init(_ path: FilePath) throws(TokenizerError) {
        let region: MappedRegion
        do {
            let file = try MappedFile(path)
            region = try file.region(0..<file.count)
        } catch {
            throw TokenizerError(.fileUnreadable, error.message, cause: error)
        }
        values = try region.withBytes { bytes throws(TokenizerError) in try Self.values(in: bytes) }
    }

    private static func values(in file: Span<UInt8>) throws(TokenizerError) -> [String: Value] {
        var values: [String: Value] = [:]
        var reader = Reader()
        guard try reader.bytes(4, of: file) == Array("GGUF".utf8) else { throw .malformed("byte 0: not a GGUF file") }
        let version = try reader.integer(4, of: file)
        guard version == 2 || version == 3 else {
            throw TokenizerError(.unsupported, "byte 4: GGUF version \(version); 2 and 3 are known")
        }
        _ = try reader.integer(8, of: file)
        let count = try reader.integer(8, of: file)
        for _ in 0..<count {
            let key = try reader.bytes(try reader.integer(8, of: file), of: file).decodedText
            let type = try reader.integer(4, of: file)
            let value = try reader.value(type, keeps: key.hasPrefix("tokenizer."), of: file)
            if let value { values[key] = value }
        }
        return values
    }

    func string(_ key: String) -> String? {
        if case .string(let bytes)? = values[key] { return bytes.decodedText }
        return nil
    }

    func strings(_ key: String) -> Vocabulary? {
        if case .strings(let list)? = values[key] { return list }
        return nil
    }

    func integer(_ key: String) -> Int? {
        if case .integer(let value)? = values[key] { return value }
        return nil
    }

    func bool(_ key: String) -> Bool? {
        if case .bool(let value)? = values[key] { return value }
        return nil
    }

    func integers(_ key: String) -> [Int]? {
        if case .integers(let list)? = values[key] { return list }
        return nil
    }

    func floats(_ key: String) -> [Float]? {
        if case .floats(let list)? = values[key] { return list }
        return nil
    }

    func bytes(_ key: String) -> [UInt8]? {
        if case .bytes(let list)? = values[key] { return list }
        return nil
    }
}

/// Reads a file's values one after another.
private struct Reader {
    private var at = 0

    private func need(_ count: Int, of file: Span<UInt8>) throws(TokenizerError) {
        guard count >= 0, count <= file.count - at else {
            throw .malformed("byte \(at): \(count) bytes are claimed, \(file.count - at) are left")
        }
    }

    mutating func integer(_ size: Int, of file: Span<UInt8>) throws(TokenizerError) -> Int {
        let value = try bits(size, of: file)
        guard let result = Int(exactly: value) else {
            throw .malformed("byte \(at - size): the number \(value) is absurd")
        }
        return result
    }

    private mutating func bits(_ size: Int, of file: Span<UInt8>) throws(TokenizerError) -> UInt64 {
        try need(size, of: file)
        defer { at += size }
        return unsafe file.withUnsafeBytes { bytes in
            switch size {
            case 8: UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            case 4: UInt64(UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
            case 2: UInt64(UInt16(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)))
            default: UInt64(unsafe bytes[at])
            }
        }
    }

    mutating func bytes(_ count: Int, of file: Span<UInt8>) throws(TokenizerError) -> [UInt8] {
        try need(count, of: file)
        defer { at += count }
        return Array(copying: file.extracting(at..<at + count))
    }

    private static func size(of type: Int) -> Int? {
        switch type {
        case 0, 1, 7: 1
        case 2, 3: 2
        case 4, 5, 6: 4
        case 10, 11, 12: 8
        default: nil
        }
    }

    private mutating func signed(_ type: Int, of file: Span<UInt8>) throws(TokenizerError) -> Int {
        let raw = try bits(Self.size(of: type) ?? 8, of: file)
        switch type {
        case 1: return Int(Int8(truncatingIfNeeded: raw))
        case 3: return Int(Int16(truncatingIfNeeded: raw))
        case 5: return Int(Int32(truncatingIfNeeded: raw))
        default: return Int(truncatingIfNeeded: raw)
        }
    }

    mutating func value(
        _ type: Int, keeps: Bool, of file: Span<UInt8>
    ) throws(TokenizerError) -> GGUFMetadata.Value? {
        switch type {
        case 8: return .string(try bytes(try integer(8, of: file), of: file))
        case 9: return try array(keeps: keeps, of: file)
        case 7: return .bool(try bits(1, of: file) != 0)
        case 6: return .float(Double(Float(bitPattern: UInt32(try bits(4, of: file)))))
        case 12: return .float(Double(bitPattern: try bits(8, of: file)))
        case 0, 1, 2, 3, 4, 5, 10, 11: return .integer(try signed(type, of: file))
        default: throw .malformed("byte \(at): metadata type \(type) is not between 0 and 12")
        }
    }

    private mutating func array(keeps: Bool, of file: Span<UInt8>) throws(TokenizerError) -> GGUFMetadata.Value? {
        let type = try integer(4, of: file)
        let count = try integer(8, of: file)
        if type == 8 { return try strings(count, keeps: keeps, of: file) }
        guard let size = Self.size(of: type) else {
            throw TokenizerError(.unsupported, "byte \(at): arrays of metadata type \(type) are not supported")
        }
        try need(count.multipliedReportingOverflow(by: size).overflow ? -1 : count * size, of: file)
        guard keeps else {
            at += count * size
            return nil
        }
        if size == 1 { return .bytes(try bytes(count, of: file)) }
        if type == 6 {
            var list: [Float] = []
            list.reserveCapacity(count)
            for _ in 0..<count { list.append(Float(bitPattern: UInt32(try bits(4, of: file)))) }
            return .floats(list)
        }
        var list: [Int] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try signed(type, of: file)) }
        return .integers(list)
    }

    /// Strings are copied in one piece, with their lengths between them.
    private mutating func strings(
        _ count: Int, keeps: Bool, of file: Span<UInt8>
    ) throws(TokenizerError) -> GGUFMetadata.Value? {
        // Each takes eight bytes at least.
        try need(count > file.count / 8 ? -1 : count * 8, of: file)
        let begin = at
        var starts: [UInt32] = []
        var lengths: [UInt32] = []
        if keeps {
            starts.reserveCapacity(count)
            lengths.reserveCapacity(count)
        }
        for _ in 0..<count {
            let length = try integer(8, of: file)
            try need(length, of: file)
            if keeps {
                guard at + length - begin < Int(UInt32.max) else { throw .malformed("byte \(at): strings of 4 GiB") }
                starts.append(UInt32(at - begin))
                lengths.append(UInt32(length))
            }
            at += length
        }
        guard keeps else { return nil }
        var strings = Vocabulary()
        strings.append(bytes: file.extracting(begin..<at), starts: starts, lengths: lengths)
        return .strings(strings)
    }
}
