import EDICStore
import SystemPackage

/// What de-duplication needs to know of a row: the hash of its text and where the row lies.
struct RowKey: Sendable, Equatable {
    /// Equal for rows with the same text, and only for those (128 bits).
    var high: UInt64
    var low: UInt64
    /// Index of the row's bucket among the sorted buckets of its batch.
    var bucket: UInt32
    /// Number of the row in its bucket, in this batch.
    var row: UInt32

    static let byteCount = 24
    /// The top byte of the hash.
    var partition: Int { Int(high >> 56) }
}

/// Writes the keys of a batch so that the keys of any range of partitions can be read without the rest.
///
/// The file is a sequence of segments. A segment is 256 counts (UInt32), then its keys ordered by partition and, within
/// a partition, as they came; all numbers are little-endian. Memory is that of one segment.
struct KeyFileWriter: ~Copyable {
    private static let keysInSegment = 1 << 19

    private var file: AtomicFile
    private var keys: [RowKey] = []

    init(_ path: FilePath) throws(StoreError) { file = try AtomicFile(path, isDurable: false) }

    mutating func append(_ key: RowKey) throws(StoreError) {
        keys.append(key)
        if keys.count == Self.keysInSegment { try writeSegment() }
    }

    consuming func commit() throws(StoreError) -> AtomicFile.Written {
        if !keys.isEmpty { try writeSegment() }
        return try file.commit()
    }

    private mutating func writeSegment() throws(StoreError) {
        var counts = [Int](repeating: 0, count: 256)
        for key in keys { counts[key.partition] += 1 }
        var places = [Int](repeating: 0, count: 256)
        for partition in 1..<256 { places[partition] = places[partition - 1] + counts[partition - 1] }
        var ordered = keys
        for key in keys {
            ordered[places[key.partition]] = key
            places[key.partition] += 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024 + ordered.count * RowKey.byteCount)
        for count in counts { bytes.appendLittleEndian(UInt32(count)) }
        for key in ordered {
            bytes.appendLittleEndian(key.high)
            bytes.appendLittleEndian(key.low)
            bytes.appendLittleEndian(key.bucket)
            bytes.appendLittleEndian(key.row)
        }
        try file.write(bytes.span)
        keys.removeAll(keepingCapacity: true)
    }
}

/// Reads the keys of some partitions from a file that `KeyFileWriter` wrote.
struct KeyFileReader: ~Copyable {
    private let name: String
    private let file: FileDescriptor
    /// For each segment, its offset and how many keys come before each partition (257 numbers).
    private let segments: [(offset: Int, starts: [Int])]

    init(_ path: FilePath) throws {
        let opened = try Self.open(path)
        name = path.string
        file = opened.file
        segments = opened.segments
    }

    deinit { try? file.close() }

    var count: Int { segments.reduce(0) { $0 + $1.starts[256] } }

    /// Calls `body` with the keys of `partitions`, in an order that keeps equal keys in the order of their rows.
    func forEachKey(in partitions: Range<Int>, _ body: (RowKey) -> Void) throws {
        for segment in segments {
            let first = segment.starts[partitions.lowerBound]
            let count = segment.starts[partitions.upperBound] - first
            guard count > 0 else { continue }
            let offset = segment.offset + 1024 + first * RowKey.byteCount
            let bytes = try Self.read(count * RowKey.byteCount, at: offset, of: file, name: name)
            var at = 0
            for _ in 0..<count {
                body(
                    RowKey(
                        high: bytes.littleEndian(at: at), low: bytes.littleEndian(at: at + 8),
                        bucket: bytes.littleEndian(at: at + 16), row: bytes.littleEndian(at: at + 20)))
                at += RowKey.byteCount
            }
        }
    }

    private static func open(_ path: FilePath) throws -> (
        file: FileDescriptor, segments: [(offset: Int, starts: [Int])]
    ) {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        do {
            return (file, try segments(of: file, name: path.string))
        } catch {
            try? file.close()
            throw error
        }
    }

    private static func segments(of file: FileDescriptor, name: String) throws -> [(offset: Int, starts: [Int])] {
        let size = Int(try file.seek(offset: 0, from: .end))
        var segments: [(offset: Int, starts: [Int])] = []
        var offset = 0
        while offset < size {
            let header = try read(1024, at: offset, of: file, name: name)
            var starts = [0]
            for partition in 0..<256 {
                let count: UInt32 = header.littleEndian(at: partition * 4)
                starts.append(starts[partition] + Int(count))
            }
            segments.append((offset, starts))
            offset += 1024 + starts[256] * RowKey.byteCount
        }
        guard offset == size else {
            throw BuildError(.storage, "\(name): is damaged; remove the state folder of this build and run it again")
        }
        return segments
    }

    private static func read(_ count: Int, at offset: Int, of file: FileDescriptor, name: String) throws -> [UInt8] {
        let bytes = unsafe try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
                let read = unsafe try file.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
                if read == 0 { break }
                filled += read
            }
        }
        guard bytes.count == count else {
            throw BuildError(
                .storage, "\(name): ends too early; remove the state folder of this build and run it again")
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate func littleEndian<Number: FixedWidthInteger>(at offset: Int) -> Number {
        var number: Number = 0
        for index in stride(from: Number.bitWidth / 8 - 1, through: 0, by: -1) {
            number = number << 8 | Number(truncatingIfNeeded: self[offset + index])
        }
        return number
    }
}
