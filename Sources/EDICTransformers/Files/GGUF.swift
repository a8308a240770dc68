internal import EDICNumerics
public import SystemPackage

/// A GGUF file, version 2 or 3: metadata and tensors, mapped and not read.
///
/// Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
public struct GGUF: Sendable {
    /// A metadata value. Arrays stay in the file until they are asked for.
    public enum Value: Sendable {
        case integer(Int64)
        /// Above `Int64.max`.
        case unsigned(UInt64)
        case double(Double)
        case bool(Bool)
        case string(String)
        case array(Array)
    }

    /// The place of an array in the file.
    public struct Array: Sendable {
        let elementType: ScalarType
        /// How many elements there are.
        public let count: Int
        let region: MappedRegion
        let file: String
    }

    enum ScalarType: UInt32, Sendable {
        case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

        /// Bytes of a value; nil for those of varying length.
        var size: Int? {
            switch self {
            case .uint8, .int8, .bool: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            case .string, .array: nil
            }
        }
    }

    /// As it was given.
    public let path: FilePath
    /// The version of the format.
    public let version: Int
    /// The values under their keys.
    public private(set) var metadata: [String: Value]
    /// The tensors, which lie in the file.
    public internal(set) var tensors: TensorCollection

    /// Opens a file and checks its header, its metadata and where its tensors lie.
    public init(_ path: FilePath) throws(ModelError) {
        self.path = path
        let file = try MappedFile.open(path)
        let name = path.string
        let whole = try file.whole()
        let header = try whole.withBytes { bytes throws(ModelError) in try Self.header(of: bytes, name: name) }
        // Vocabularies are most of it, and whoever wants them reads them again.
        if let first = header.tensors.map(\.range.lowerBound).min() { whole.release(0..<first) }
        version = header.version
        metadata = [:]
        for (key, value) in header.values {
            switch value {
            case .scalar(let value): metadata[key] = value
            case .array(let type, let count, let range):
                metadata[key] = .array(
                    Array(elementType: type, count: count, region: try file.part(range), file: name))
            }
        }
        var tensors: [Tensor] = []
        for entry in header.tensors {
            let region = try file.part(entry.range)
            tensors.append(
                Tensor(name: entry.name, type: entry.type, shape: entry.shape, storage: .mapped(region), file: name))
        }
        self.tensors = TensorCollection(source: name, tensors)
    }

    // MARK: - The header

    private static let magic: UInt32 = 0x4655_4747

    /// Whether a file begins as GGUF does.
    static func isPresent(at path: FilePath) -> Bool {
        guard let file = try? MappedFile.open(path), let region = try? file.part(0..<4) else { return false }
        return region.withBytes { $0.littleEndian(UInt32.self, at: 0) == magic }
    }

    enum RawValue {
        case scalar(Value)
        case array(ScalarType, count: Int, Range<Int>)
    }

    struct Header {
        var version = 0
        var values: [(String, RawValue)] = []
        var tensors: [Safetensors.Entry] = []
    }

    static func header(of bytes: Span<UInt8>, name: String) throws(ModelError) -> Header {
        var cursor = ByteCursor(file: name)
        var header = Header()
        let magic = try cursor.read(UInt32.self, from: bytes, "the magic number")
        guard magic == Self.magic else {
            throw ModelError(.malformed, "\(name): does not begin with GGUF, so it is not a GGUF file")
        }
        let version = try cursor.read(UInt32.self, from: bytes, "the version")
        guard version == 2 || version == 3 else {
            throw ModelError(
                .unsupported,
                (1...9).contains(version.byteSwapped)
                    ? "\(name): is a big-endian GGUF file; little-endian ones are read, as most are"
                    : "\(name): GGUF version \(version); versions 2 and 3 are read")
        }
        header.version = Int(version)
        let tensorCount = try cursor.read(UInt64.self, from: bytes, "the number of tensors")
        let valueCount = try cursor.read(UInt64.self, from: bytes, "the number of metadata values")
        // A tensor takes at least 24 bytes here and a value 13: a claim of more is damage, not a reason to allocate.
        guard tensorCount <= UInt64(bytes.count / 24), valueCount <= UInt64(bytes.count / 13) else {
            throw ModelError(
                .malformed, "\(name): claims \(tensorCount) tensors and \(valueCount) values, more than fit in the file"
            )
        }
        var alignment = 32
        for _ in 0..<valueCount {
            let length = try cursor.read(UInt64.self, from: bytes, "the length of a metadata key")
            let key = try cursor.text(length, from: bytes, "a metadata key")
            let type = try scalarType(&cursor, bytes)
            let value = try value(of: type, &cursor, bytes, key: key)
            if key == "general.alignment", case .scalar(.integer(let wanted)) = value {
                guard wanted > 0, wanted <= 1 << 16, wanted & (wanted - 1) == 0 else {
                    throw ModelError(.malformed, "\(name): general.alignment is \(wanted), not a power of two")
                }
                alignment = Int(wanted)
            }
            header.values.append((key, value))
        }
        var places: [TensorPlace] = []
        for _ in 0..<tensorCount { places.append(try tensorPlace(&cursor, bytes)) }
        cursor.align(to: alignment)
        let data = cursor.offset..<max(cursor.offset, bytes.count)
        header.tensors = try places.map { place throws(ModelError) in
            try place.entry(in: data, alignment: alignment, name: name)
        }
        return header
    }

    /// What the header says of a tensor.
    private struct TensorPlace {
        var name: String
        var type: ElementType
        var shape: [Int]
        /// Counts from where the data begins.
        var offset: UInt64

        /// The tensor within the bytes of data at `range` of a file.
        func entry(in range: Range<Int>, alignment: Int, name file: String) throws(ModelError) -> Safetensors.Entry {
            let tensor = "\(file): tensor \(name)"
            guard let offset = Int(exactly: offset), offset % alignment == 0, offset <= range.count else {
                throw ModelError(
                    .malformed,
                    "\(tensor): begins at byte \(offset) of \(range.count) of data; "
                        + "the file is truncated or damaged, fetch it again")
            }
            try Tensor.checkExtents(shape, tensor)
            var size = 0
            if type.bytesPerBlock != nil {
                guard let known = Tensor.byteCount(of: type, shape: shape) else {
                    throw ModelError(.malformed, "\(tensor): \(type) cannot have the shape \(shape)")
                }
                size = known
            }
            guard size <= range.count - offset else {
                throw ModelError(
                    .malformed,
                    "\(tensor): wants \(size) bytes at \(offset) of \(range.count) of data; "
                        + "the file is truncated or damaged, fetch it again")
            }
            let start = range.lowerBound + offset
            return .init(name: name, type: type, shape: shape, range: start..<start + size)
        }
    }

    private static func tensorPlace(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(ModelError) -> TensorPlace
    {
        let length = try cursor.read(UInt64.self, from: bytes, "the length of a tensor's name")
        let name = try cursor.text(length, from: bytes, "a tensor's name")
        let rank = try cursor.read(UInt32.self, from: bytes, "the rank of \(name)")
        guard rank <= 4 else {
            throw ModelError(
                .malformed, "\(cursor.file): tensor \(name): has \(rank) dimensions; at most 4 are allowed")
        }
        var shape: [Int] = []
        for _ in 0..<rank {
            let extent = try cursor.read(UInt64.self, from: bytes, "the shape of \(name)")
            guard let extent = Int(exactly: extent) else {
                throw ModelError(.malformed, "\(cursor.file): tensor \(name): has an extent of \(extent)")
            }
            shape.insert(extent, at: 0)
        }
        let type = ElementType(ggml: try cursor.read(UInt32.self, from: bytes, "the type of \(name)"))
        let offset = try cursor.read(UInt64.self, from: bytes, "the offset of \(name)")
        return TensorPlace(name: name, type: type, shape: shape, offset: offset)
    }

    private static func scalarType(_ cursor: inout ByteCursor, _ bytes: Span<UInt8>) throws(ModelError) -> ScalarType {
        let number = try cursor.read(UInt32.self, from: bytes, "the type of a metadata value")
        guard let type = ScalarType(rawValue: number) else {
            throw ModelError(.malformed, "\(cursor.file): byte \(cursor.offset - 4): \(number) is no metadata type")
        }
        return type
    }

    private static func value(
        of type: ScalarType, _ cursor: inout ByteCursor, _ bytes: Span<UInt8>, key: String
    ) throws(ModelError) -> RawValue {
        guard type == .array else { return .scalar(try scalar(of: type, &cursor, bytes, key)) }
        let elementType = try scalarType(&cursor, bytes)
        let count = try cursor.read(UInt64.self, from: bytes, "the length of \(key)")
        guard elementType != .array else {
            throw ModelError(.unsupported, "\(cursor.file): \(key) is an array of arrays, which no known model has")
        }
        let start = cursor.offset
        if let size = elementType.size {
            let (total, overflow) = count.multipliedReportingOverflow(by: UInt64(size))
            _ = try cursor.take(overflow ? .max : total, of: bytes, "the array \(key)")
        } else {
            guard count <= UInt64(bytes.count / 8) else {
                throw ModelError(
                    .malformed, "\(cursor.file): \(key) claims \(count) strings, more than fit in the file")
            }
            try cursor.skipStrings(count, of: bytes, "a string of \(key)")
        }
        return .array(elementType, count: Int(count), start..<cursor.offset)
    }

    private static func scalar(
        of type: ScalarType, _ cursor: inout ByteCursor, _ bytes: Span<UInt8>, _ key: String
    ) throws(ModelError) -> Value {
        switch type {
        case .uint8: return .integer(Int64(try cursor.read(UInt8.self, from: bytes, key)))
        case .int8: return .integer(Int64(try cursor.read(Int8.self, from: bytes, key)))
        case .uint16: return .integer(Int64(try cursor.read(UInt16.self, from: bytes, key)))
        case .int16: return .integer(Int64(try cursor.read(Int16.self, from: bytes, key)))
        case .uint32: return .integer(Int64(try cursor.read(UInt32.self, from: bytes, key)))
        case .int32: return .integer(Int64(try cursor.read(Int32.self, from: bytes, key)))
        case .int64: return .integer(try cursor.read(Int64.self, from: bytes, key))
        case .uint64:
            let value = try cursor.read(UInt64.self, from: bytes, key)
            return Int64(exactly: value).map { .integer($0) } ?? .unsigned(value)
        case .float32: return .double(Double(Float(bitPattern: try cursor.read(UInt32.self, from: bytes, key))))
        case .float64: return .double(Double(bitPattern: try cursor.read(UInt64.self, from: bytes, key)))
        case .bool: return .bool(try cursor.read(UInt8.self, from: bytes, key) != 0)
        case .string:
            let length = try cursor.read(UInt64.self, from: bytes, "the length of \(key)")
            return .string(try cursor.text(length, from: bytes, key))
        case .array:
            throw ModelError(.unsupported, "\(cursor.file): \(key) is an array inside an array")
        }
    }
}

extension GGUF.Array {
    /// The numbers of an array of numbers; nil for strings.
    public var numbers: [Double]? {
        guard let size = elementType.size else { return nil }
        return region.withBytes { bytes in
            (0..<count).map { index in
                let at = index * size
                return switch elementType {
                case .uint8, .bool: Double(bytes[at])
                case .int8: Double(Int8(bitPattern: bytes[at]))
                case .uint16: Double(bytes.littleEndian(UInt16.self, at: at))
                case .int16: Double(bytes.littleEndian(Int16.self, at: at))
                case .uint32: Double(bytes.littleEndian(UInt32.self, at: at))
                case .int32: Double(bytes.littleEndian(Int32.self, at: at))
                case .uint64: Double(bytes.littleEndian(UInt64.self, at: at))
                case .int64: Double(bytes.littleEndian(Int64.self, at: at))
                case .float32: Double(Float(bitPattern: bytes.littleEndian(UInt32.self, at: at)))
                case .float64: Double(bitPattern: bytes.littleEndian(UInt64.self, at: at))
                case .string, .array: 0
                }
            }
        }
    }
}

extension GGUF {
    /// The family the file names, such as `llama`.
    public var architecture: String? { string("general.architecture") }

    /// The string under a key; nil where there is none.
    public func string(_ key: String) -> String? {
        guard case .string(let value) = metadata[key] else { return nil }
        return value
    }

    /// The integer under a key; nil where there is none that fits.
    public func integer(_ key: String) -> Int? {
        guard case .integer(let value) = metadata[key] else { return nil }
        return Int(exactly: value)
    }

    /// The number under a key, integers too; nil where there is none.
    public func double(_ key: String) -> Double? {
        switch metadata[key] {
        case .double(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    /// The truth value under a key; nil where there is none.
    public func bool(_ key: String) -> Bool? {
        guard case .bool(let value) = metadata[key] else { return nil }
        return value
    }

    /// The array under a key; nil where there is none.
    public func array(_ key: String) -> Array? {
        guard case .array(let value) = metadata[key] else { return nil }
        return value
    }
}
