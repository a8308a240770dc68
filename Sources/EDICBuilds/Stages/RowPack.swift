import EDICCorpora
import EDICStore
import SystemPackage

/// Rows on their way from reading to the shards: each with its JSON as the shard will hold it, its id, and the words
/// and bytes of its texts, so that nothing of it needs to be parsed or counted again.
///
/// A pack is one zstd stream of records, all numbers little-endian: the bytes of the rest of the record, of the JSON and
/// of the id (32 bits each), the number of texts (16 bits); for each text the length of its language tag (8 bits), the
/// tag, its words and bytes (32 bits each); the id; the JSON.
enum RowPack {
    static let headLength = 14
}

/// Writes a pack.
struct RowPackWriter: ~Copyable {
    private var file: SeekableWriter
    private var record: [UInt8] = []
    private var id: [UInt8] = []
    private var json: [UInt8] = []
    private(set) var rows = 0

    init(_ path: FilePath) throws(StoreError) {
        // Read once or twice and then dropped: speed counts more than size (see OPTIMIZATIONS.md).
        file = try SeekableWriter(path, level: -1, isDurable: false)
    }

    /// Adds a row.
    ///
    /// - Parameter words: of each of its texts.
    mutating func append(_ row: Int, of block: RowBlock, words: [Int]) throws(StoreError) {
        let segments = block.segments(of: row)
        id.removeAll(keepingCapacity: true)
        json.removeAll(keepingCapacity: true)
        block.appendID(of: row, to: &id)
        block.appendJSON(of: row, to: &json)
        record.removeAll(keepingCapacity: true)
        record.appendLittleEndian(UInt32(0))
        record.appendLittleEndian(UInt32(json.count))
        record.appendLittleEndian(UInt32(id.count))
        record.appendLittleEndian(UInt16(segments.count))
        for (segment, words) in zip(segments, words) {
            let tag = block.language(of: segment)
            record.append(UInt8(truncatingIfNeeded: tag.utf8.count))
            record += tag.utf8
            record.appendLittleEndian(UInt32(words))
            record.appendLittleEndian(UInt32(block.byteCount(of: segment)))
        }
        record += id
        record += json
        let rest = UInt32(record.count - 4)
        for byte in 0..<4 { record[byte] = UInt8(truncatingIfNeeded: rest >> UInt32(8 * byte)) }
        // Swapped out, because a span of one property bars writing to another.
        var content: [UInt8] = []
        swap(&content, &record)
        try file.write(content.span)
        swap(&content, &record)
        rows += 1
    }

    consuming func finish() throws(StoreError) -> AtomicFile.Written { try file.finish() }
}

/// Reads the rows of a pack in order.
struct RowPackReader: ~Copyable {
    private let name: String
    private var reader: ByteReader
    private var buffer: [UInt8] = []
    private var at = 0
    private var end = 0
    private var texts: [Text] = []
    private var id = 0..<0
    private var json = 0..<0
    /// The number of the current row, counted from 0.
    private(set) var number = -1

    private struct Text {
        var tag: Range<Int>
        var words: Int
        var bytes: Int
    }

    init(_ path: FilePath) throws(StoreError) {
        reader = try ByteReader(path)
        name = path.string
    }

    /// Moves to the next row; false when there is none.
    mutating func advance() throws -> Bool {
        at = end
        guard try fill(RowPack.headLength) else {
            guard buffer.count == at else { throw damaged }
            return false
        }
        let size = number(at, 4)
        guard size >= RowPack.headLength - 4, try fill(4 + size) else { throw damaged }
        number += 1
        end = at + 4 + size
        let (jsonSize, idSize, count) = (number(at + 4, 4), number(at + 8, 4), number(at + 12, 2))
        texts.removeAll(keepingCapacity: true)
        var place = at + RowPack.headLength
        for _ in 0..<count {
            guard place < end, place + 9 + Int(buffer[place]) <= end else { throw damaged }
            let tag = place + 1..<place + 1 + Int(buffer[place])
            texts.append(
                Text(tag: tag, words: number(tag.upperBound, 4), bytes: number(tag.upperBound + 4, 4)))
            place = tag.upperBound + 8
        }
        guard place + idSize + jsonSize == end else { throw damaged }
        id = place..<place + idSize
        json = id.upperBound..<end
        return true
    }

    /// Calls `body` with the current row's JSON and id.
    func withRow<Result>(_ body: (_ json: Span<UInt8>, _ id: Span<UInt8>) throws -> Result) rethrows -> Result {
        try body(buffer.span.extracting(json), buffer.span.extracting(id))
    }

    /// Adds the current row's texts to the counts.
    func count(into counts: inout TextCounts, areDocuments: Bool) {
        for text in texts {
            counts.add(
                buffer.span.extracting(text.tag), isDocument: areDocuments, words: text.words, bytes: text.bytes)
        }
    }

    /// Makes `count` bytes from `at` on available; false at the end of the pack.
    private mutating func fill(_ count: Int) throws -> Bool {
        if buffer.count - at >= count { return true }
        buffer.removeSubrange(..<at)
        end -= at
        at = 0
        while buffer.count < count { if try reader.read(into: &buffer, atMost: 1 << 18) == 0 { return false } }
        return true
    }

    private func number(_ place: Int, _ length: Int) -> Int {
        var value = 0
        for byte in 0..<length { value |= Int(buffer[place + byte]) << (8 * byte) }
        return value
    }

    private var damaged: BuildError {
        BuildError(.storage, "\(name): is damaged; remove the state folder of this build and run it again")
    }
}
