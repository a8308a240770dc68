internal import EDICJSON
public import SystemPackage

/// Reads a shard of documents: rows of JSON, by number, by id or one after the other. Many threads may use one shard.
///
/// Opening reads the seek table and the head of the index, not the rows. Finding a row by id reads the table of ids once
/// (12 bytes a row) and then, for each row, one frame.
public final class DocumentShard: Sendable {
    let shard: ShardFile
    /// The first row of each frame, and at the end the number of rows.
    private let firstRows: [Int]

    /// Opens a shard.
    ///
    /// - Throws: `StoreError`: `unsupported` for a file that is something else, `corrupt` for a damaged one.
    public init(_ path: FilePath) throws(StoreError) {
        let shard = try ShardFile(path, kind: .documents)
        self.shard = shard
        firstRows = shard.index.cumulativeCounts()
    }

    /// The path as it was given.
    public var name: String { shard.name }
    /// Rows in the shard.
    public var rowCount: Int { shard.index.itemCount }
    /// Frames that hold them.
    public var frameCount: Int { shard.index.frameCount }
    /// Bytes of all rows with their newlines.
    public var contentSize: Int { shard.index.contentSize }
    /// SHA-256 of all rows with their newlines, as the index states it.
    public var contentDigest: Digest { shard.index.contentDigest }
    /// The dictionary stored in the shard.
    public var dictionary: ZstdDictionary? { shard.dictionary }

    /// The rows that a frame holds.
    public func rows(inFrame frame: Int) -> Range<Int> { firstRows[frame]..<firstRows[frame + 1] }

    /// The frame that holds a row. Takes time logarithmic in the number of frames.
    public func frame(ofRow row: Int) -> Int {
        var low = 0
        var high = frameCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstRows[middle] <= row { low = middle } else { high = middle }
        }
        return low
    }

    /// The JSON of a row, without its newline. Decompresses one frame.
    public func row(at row: Int) throws(StoreError) -> [UInt8] {
        guard (0..<rowCount).contains(row) else {
            throw StoreError(.notFound, "\(name): has rows 0 to \(rowCount - 1), not \(row)")
        }
        let frame = frame(ofRow: row)
        let content = try content(ofFrame: frame)
        return Array(content.bytes[content.ranges[row - firstRows[frame]]])
    }

    /// The JSON of the row with this id, or nil if no row has it. Decompresses one frame (one more for each row before
    /// it whose id has the same 64-bit hash).
    public func row(id: String) throws(StoreError) -> [UInt8]? {
        try find(id)?.row
    }

    /// The number of the row with this id, or nil.
    public func index(ofID id: String) throws(StoreError) -> Int? {
        try find(id)?.number
    }

    private func find(_ id: String) throws(StoreError) -> (number: Int, row: [UInt8])? {
        for number in try shard.idTable().items(withHash: idHash(id)) {
            let row = try self.row(at: number)
            if Self.id(of: row.span) == id { return (number, row) }
        }
        return nil
    }

    /// The member `id` of a row of JSON, or nil if it is not an object that has one.
    static func id(of row: Span<UInt8>) -> String? {
        do throws(JSONError) {
            return try JSONDocument(parsing: row).root["id"]?.string
        } catch {
            return nil
        }
    }

    /// Calls `body` with every row and its number, in order, holding one frame in memory.
    public func forEachRow(_ body: (Int, Span<UInt8>) throws -> Void) throws {
        var rows = rows()
        while try rows.advance() { try rows.withRow { try body(rows.number, $0) } }
    }

    /// Reads rows in order, from `first` on, holding one frame in memory.
    public func rows(from first: Int = 0) -> Rows { Rows(self, from: first) }

    /// A frame's content and where each of its rows lies in it.
    func content(ofFrame frame: Int) throws(StoreError) -> FrameRows {
        var content = FrameRows()
        content.bytes = try shard.content(ofDataFrame: frame)
        let expected = rows(inFrame: frame).count
        content.ranges.reserveCapacity(min(expected, content.bytes.count))
        var start = 0
        while let end = content.bytes.span.firstIndex(ofByte: 0x0A, from: start) {
            content.ranges.append(start..<end)
            start = end + 1
        }
        guard content.ranges.count == expected, start == content.bytes.count else {
            throw StoreError.damaged(
                name, "frame \(frame + shard.index.leadingFrames)",
                shard.table.fileRange(frame + shard.index.leadingFrames),
                "it holds \(content.ranges.count) rows, but the index says \(expected)")
        }
        return content
    }

    /// The content of a frame and where its rows lie in it.
    struct FrameRows {
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
    }

    /// A position in the rows of a shard.
    public struct Rows: ~Copyable {
        private let shard: DocumentShard
        private var content = FrameRows()
        private var frame: Int
        private var line = 0
        private var next: Int
        /// The number of the current row, counted from 0.
        public var number: Int { next - 1 }

        fileprivate init(_ shard: DocumentShard, from first: Int) {
            self.shard = shard
            next = min(max(first, 0), shard.rowCount)
            frame = -1
        }

        /// Moves to the next row; false when there is none.
        public mutating func advance() throws(StoreError) -> Bool {
            guard next < shard.rowCount else { return false }
            if frame < 0 || next == shard.rows(inFrame: frame).upperBound {
                frame = shard.frame(ofRow: next)
                content = try shard.content(ofFrame: frame)
            }
            line = next - shard.rows(inFrame: frame).lowerBound
            next += 1
            return true
        }

        /// Calls `body` with the current row, without its newline.
        public borrowing func withRow<Result: ~Copyable, Failure: Error>(
            _ body: (Span<UInt8>) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            let range = content.ranges[line]
            return try body(content.bytes.span.extracting(range))
        }
    }
}
