public import EDICNumerics
internal import EDICStore
public import SystemPackage

/// Reads `.npz` files: a ZIP archive of NumPy arrays, which is how Marian saves models.
///
/// Formats: APPNOTE 6.3 (stored and deflated members, ZIP64) and NumPy's NEP 1 (versions 1 to 3). Stored members stay
/// mapped; deflated ones are unpacked into memory. All are checked against their CRC.
public enum NumPyArchive {
    /// The arrays of an archive, named without `.npy`.
    ///
    /// - Parameter pool: the threads that check and unpack them.
    public static func tensors(
        in path: FilePath, pool: WorkerPool = .shared
    ) throws(ModelError) -> TensorCollection {
        let file = try MappedFile.open(path)
        let name = path.string
        let members = try file.whole().withBytes { bytes throws(ModelError) in
            try directory(of: bytes, file: name)
        }
        let arrays = members.filter { $0.name.hasSuffix(".npy") }
        let tensors = try pool.map(count: arrays.count) { index, _ throws(ModelError) in
            let member = arrays[index]
            let region = try file.part(member.range)
            let storage: Tensor.Storage
            switch member.method {
            case .stored:
                try member.check(region, file: name)
                storage = .mapped(region)
            case .deflated:
                let bytes = try member.inflated(region, file: name)
                let unpacked = Tensor.Unpacked(bytes) { () throws(ModelError) in
                    do {
                        return try member.inflated(region, file: name)
                    } catch {
                        throw ModelError(
                            .malformed,
                            "\(name): \(member.name): was changed while it was read; open it again, and replace such files by "
                                + "renaming others over them", cause: error)
                    }
                }
                storage = .unpacked(unpacked, 0..<bytes.count)
            }
            let tensor = Tensor(
                name: String(member.name.dropLast(4)), type: .uint8, shape: [], storage: storage, file: name)
            return try array(in: tensor, file: file, start: member.range.lowerBound)
        }
        return TensorCollection(source: name, tensors)
    }

    enum Method { case stored, deflated }

    struct Member {
        let name: String
        let method: Method
        let crc: UInt32
        let size: Int
        let range: Range<Int>

        /// Leaves nothing of it in memory.
        func check(_ region: MappedRegion, file: String) throws(ModelError) {
            defer { region.release() }
            guard region.withBytes({ Deflate.crc(of: $0) }) == crc else {
                throw ModelError(
                    .malformed, "\(file): \(name): the checksum does not fit: the file is damaged, fetch it again")
            }
        }

        /// Leaves nothing of the packed bytes in memory.
        func inflated(_ region: MappedRegion, file: String) throws(ModelError) -> [UInt8] {
            defer { region.release() }
            return try region.withBytes { bytes throws(ModelError) in
                do throws(StoreError) {
                    return try Deflate.unpack(bytes, size: size, checksum: crc, name: "\(file): \(name)")
                } catch {
                    throw ModelError(.malformed, error.message, cause: error)
                }
            }
        }
    }

    // MARK: - ZIP

    static func directory(of bytes: Span<UInt8>, file: String) throws(ModelError) -> [Member] {
        guard let end = endOfDirectory(in: bytes) else {
            throw ModelError(.malformed, "\(file): has no ZIP directory at its end; it is truncated or no .npz file")
        }
        var cursor = ByteCursor(file: file, offset: end + 10)
        var count = UInt64(try cursor.read(UInt16.self, from: bytes, "the number of members"))
        _ = try cursor.read(UInt32.self, from: bytes, "the size of the directory")
        var start = UInt64(try cursor.read(UInt32.self, from: bytes, "the place of the directory"))
        if end >= 20, bytes.littleEndian(UInt32.self, at: end - 20) == 0x0706_4B50 {
            // A ZIP64 locator: the true figures are in a record of their own.
            let record = bytes.littleEndian(UInt64.self, at: end - 12)
            guard record <= UInt64(max(0, bytes.count - 56)),
                bytes.littleEndian(UInt32.self, at: Int(record)) == 0x0606_4B50
            else {
                throw ModelError(.malformed, "\(file): the ZIP64 directory is not where the file says")
            }
            count = bytes.littleEndian(UInt64.self, at: Int(record) + 32)
            start = bytes.littleEndian(UInt64.self, at: Int(record) + 48)
        }
        guard count <= UInt64(bytes.count / 46), start <= UInt64(bytes.count) else {
            throw ModelError(
                .malformed, "\(file): claims \(count) members at byte \(start), which do not fit in the file")
        }
        cursor = ByteCursor(file: file, offset: Int(start))
        var members: [Member] = []
        for index in 0..<count {
            members.append(try member(&cursor, bytes, index: index))
        }
        // So that nobody's time goes into reading the same bytes again and again.
        let places = members.map(\.range).sorted { $0.lowerBound < $1.lowerBound }
        guard zip(places, places.dropFirst()).allSatisfy({ $0.upperBound <= $1.lowerBound }) else {
            throw ModelError(.malformed, "\(file): members of the archive lie one over the other")
        }
        return members
    }

    private static func endOfDirectory(in bytes: Span<UInt8>) -> Int? {
        guard bytes.count >= 22 else { return nil }
        var offset = bytes.count - 22
        let lowest = max(0, bytes.count - 22 - 65535)
        while offset >= lowest {
            if bytes.littleEndian(UInt32.self, at: offset) == 0x0605_4B50 { return offset }
            offset -= 1
        }
        return nil
    }

    private static func member(
        _ cursor: inout ByteCursor, _ bytes: Span<UInt8>, index: UInt64
    ) throws(ModelError) -> Member {
        let file = cursor.file
        let header = try cursor.take(46, of: bytes, "member \(index) of the directory").lowerBound
        guard bytes.littleEndian(UInt32.self, at: header) == 0x0201_4B50 else {
            throw ModelError(.malformed, "\(file): byte \(header): member \(index) of the ZIP directory is damaged")
        }
        let flags = bytes.littleEndian(UInt16.self, at: header + 8)
        let method = bytes.littleEndian(UInt16.self, at: header + 10)
        let crc = bytes.littleEndian(UInt32.self, at: header + 16)
        var packed = UInt64(bytes.littleEndian(UInt32.self, at: header + 20))
        var unpacked = UInt64(bytes.littleEndian(UInt32.self, at: header + 24))
        var place = UInt64(bytes.littleEndian(UInt32.self, at: header + 42))
        let name = try cursor.text(UInt64(bytes.littleEndian(UInt16.self, at: header + 28)), from: bytes, "a name")
        let extra = try cursor.take(
            UInt64(bytes.littleEndian(UInt16.self, at: header + 30)), of: bytes, "the extra field of \(name)")
        _ = try cursor.take(UInt64(bytes.littleEndian(UInt16.self, at: header + 32)), of: bytes, "a comment")
        var at = extra.lowerBound
        while at + 4 <= extra.upperBound {
            let kind = bytes.littleEndian(UInt16.self, at: at)
            let end = at + 4 + Int(bytes.littleEndian(UInt16.self, at: at + 2))
            guard end <= extra.upperBound else { break }
            if kind == 1 {
                var field = at + 4
                for figure in 0..<3 {
                    let isElsewhere = [unpacked, packed, place][figure] == 0xFFFF_FFFF
                    guard isElsewhere, field + 8 <= end else { continue }
                    let value = bytes.littleEndian(UInt64.self, at: field)
                    switch figure {
                    case 0: unpacked = value
                    case 1: packed = value
                    default: place = value
                    }
                    field += 8
                }
            }
            at = end
        }
        guard flags & 1 == 0, method == 0 || method == 8 else {
            throw ModelError(
                .unsupported,
                "\(file): \(name): is encrypted or packed by method \(method); only stored and deflated are read")
        }
        guard place <= UInt64(bytes.count), unpacked <= 1 << 40, method == 8 || packed == unpacked else {
            throw ModelError(.malformed, "\(file): \(name): lies at byte \(place), outside the file, or has two sizes")
        }
        // Deflate packs at most 1032 to 1, so that a larger claim is damage.
        guard method == 0 || unpacked / 1032 <= packed else {
            throw ModelError(.malformed, "\(file): \(name): claims to unpack from \(packed) to \(unpacked) bytes")
        }
        var local = ByteCursor(file: file, offset: Int(place))
        let localHeader = try local.take(30, of: bytes, "the header of \(name)").lowerBound
        guard bytes.littleEndian(UInt32.self, at: localHeader) == 0x0403_4B50 else {
            throw ModelError(.malformed, "\(file): \(name): the ZIP directory points to no member")
        }
        let skipped =
            UInt64(bytes.littleEndian(UInt16.self, at: localHeader + 26))
            + UInt64(bytes.littleEndian(UInt16.self, at: localHeader + 28))
        _ = try local.take(skipped, of: bytes, "the header of \(name)")
        let range = try local.take(packed, of: bytes, "the data of \(name)")
        return Member(
            name: name, method: method == 0 ? .stored : .deflated, crc: crc, size: Int(unpacked), range: range)
    }

    // MARK: - NumPy

    /// The array whose `.npy` bytes `raw` holds.
    private static func array(in raw: Tensor, file: MappedFile, start: Int) throws(ModelError) -> Tensor {
        let header = try raw.bytes().withBytes { bytes throws(ModelError) in
            try arrayHeader(of: bytes, name: "\(raw.file): \(raw.name)")
        }
        let storage: Tensor.Storage =
            switch raw.storage {
            case .mapped: .mapped(try file.part(start + header.range.lowerBound..<start + header.range.upperBound))
            case .owned(let bytes): .owned(Array(bytes[header.range]))
            case .unpacked(let member, _): .unpacked(member, header.range)
            }
        return Tensor(name: raw.name, type: header.type, shape: header.shape, storage: storage, file: raw.file)
    }

    static func arrayHeader(
        of bytes: Span<UInt8>, name: String
    ) throws(ModelError) -> (type: ElementType, shape: [Int], range: Range<Int>) {
        var cursor = ByteCursor(file: name)
        let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
        _ = try cursor.take(6, of: bytes, "the magic number")
        guard magic.indices.allSatisfy({ bytes[$0] == magic[$0] }) else {
            throw ModelError(.malformed, "\(name): is not a NumPy array")
        }
        let major = try cursor.read(UInt8.self, from: bytes, "the version")
        _ = try cursor.read(UInt8.self, from: bytes, "the version")
        let length =
            major == 1
            ? UInt64(try cursor.read(UInt16.self, from: bytes, "the length of the header"))
            : UInt64(try cursor.read(UInt32.self, from: bytes, "the length of the header"))
        let text = try cursor.text(length, from: bytes, "the header")
        guard let descriptor = text.quoted(after: "'descr'"), let dimensions = text.tuple(after: "'shape'") else {
            throw ModelError(.malformed, "\(name): the NumPy header has no descr and shape")
        }
        guard !text.contains("'fortran_order': True") || dimensions.count < 2 else {
            throw ModelError(.unsupported, "\(name): is stored by columns; save it in C order")
        }
        let type: ElementType =
            switch descriptor {
            case "<f4": .float32
            case "<f2": .float16
            case "<f8": .float64
            case "|i1": .int8
            case "|u1", "|b1": .uint8
            case "<i2": .int16
            case "<i4": .int32
            case "<i8": .int64
            default: .other("NumPy type " + descriptor)
            }
        try Tensor.checkExtents(dimensions, name)
        let data = bytes.count - cursor.offset
        guard type.bytesPerBlock == nil || Tensor.byteCount(of: type, shape: dimensions) == data else {
            throw ModelError(.malformed, "\(name): \(data) bytes do not make \(type) \(dimensions)")
        }
        return (type, dimensions, cursor.offset..<bytes.count)
    }
}

extension String {
    /// What stands in single quotes after `key` and a colon.
    fileprivate func quoted(after key: String) -> String? {
        guard let rest = rest(after: key), let open = rest.firstIndex(of: "'") else { return nil }
        let value = rest[rest.index(after: open)...]
        return value.firstIndex(of: "'").map { String(value[..<$0]) }
    }

    /// The whole numbers in parentheses after `key`.
    fileprivate func tuple(after key: String) -> [Int]? {
        guard let rest = rest(after: key), let open = rest.firstIndex(of: "("),
            let close = rest.firstIndex(of: ")"), open < close
        else { return nil }
        let fields = rest[rest.index(after: open)..<close].split(separator: ",").map { $0.filter { $0 != " " } }
        let numbers = fields.filter { !$0.isEmpty }.map { Int($0) }
        guard numbers.count <= 8, numbers.allSatisfy({ ($0 ?? -1) >= 0 }) else { return nil }
        return numbers.compactMap(\.self)
    }

    private func rest(after key: String) -> Substring? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(key) { return self[self.index(index, offsetBy: key.count)...] }
            index = self.index(after: index)
        }
        return nil
    }
}
