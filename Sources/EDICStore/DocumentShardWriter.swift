internal import EDICJSON
public import SystemPackage

/// Writes documents as rows of JSON into a shard: JSONL in zstd, cut into frames at the borders of rows.
///
/// `zstd -dc SHARD` gives the rows, one a line. ``DocumentShard`` reads one row by decompressing one frame. The bytes
/// depend on the rows, the parameters and the version of libzstd only.
public struct DocumentShardWriter: ~Copyable {
    private var shard: ShardFileWriter
    private var pending: [UInt8] = []
    private var pendingRows: UInt32 = 0
    private let frameSize: Int

    /// Bytes of rows in each frame unless the caller says otherwise; OPTIMIZATIONS.md shows why.
    public static let defaultFrameSize = 256 << 10

    /// Begins a shard that appears under its name when it is finished.
    ///
    /// - Parameters:
    ///   - frameSize: the bytes of rows at which a frame is full. A larger row has a frame of its own.
    ///   - dictionary: helps small frames; it is stored in the shard. Other programs then need it too
    ///     (`zstd -d -D DICTIONARY`), so leave it out where plain `zstd -d` must read the shard.
    ///   - isDurable: as for ``AtomicFile``.
    public init(
        _ path: FilePath, frameSize: Int = defaultFrameSize, level: Int = 3, dictionary: ZstdDictionary? = nil,
        isDurable: Bool = true
    ) throws(StoreError) {
        guard (1...SeekTable.maximumFrameSize).contains(frameSize) else {
            throw StoreError(.invalidArgument, "\(path): frames may have 1 byte to 1 GiB, not \(frameSize)")
        }
        let shard = try ShardFileWriter(
            path, index: ShardIndex(kind: .documents), level: level, dictionary: dictionary, isDurable: isDurable)
        self.shard = shard
        self.frameSize = frameSize
    }

    /// Rows added so far.
    public var rowCount: Int { shard.itemCount }

    /// Adds a row.
    ///
    /// - Parameters:
    ///   - row: a JSON object on one line, without a newline, whose member `id` is the string `id`. That it is JSON is
    ///     the caller's word; ``ShardVerification`` checks it.
    ///   - id: the row's name, unique in the shard. If it is not, ``DocumentShard/row(id:)`` finds the first.
    /// - Throws: `invalidArgument` for an empty row or one with a newline.
    public mutating func append(_ row: Span<UInt8>, id: String) throws(StoreError) {
        try append(row, id: id.utf8.span)
    }

    /// Adds a row whose id is at hand as UTF-8.
    public mutating func append(_ row: Span<UInt8>, id: Span<UInt8>) throws(StoreError) {
        guard row.count < SeekTable.maximumFrameSize else {
            throw StoreError(
                .limitExceeded, "\(shard.name): row \(rowCount) has \(row.count) bytes; a row has less than 1 GiB")
        }
        guard !row.isEmpty, row.firstIndex(ofByte: 0x0A) == nil else {
            throw StoreError(
                .invalidArgument, "\(shard.name): row \(rowCount) is empty or holds a newline; rows are one line each")
        }
        if !pending.isEmpty && pending.count + row.count + 1 > frameSize { try endFrame() }
        try shard.appendItem(id: id)
        pending.append(copying: row)
        pending.append(0x0A)
        pendingRows += 1
    }

    private mutating func endFrame() throws(StoreError) {
        guard pendingRows > 0 else { return }
        // Swapped out, because a span of one property bars writing to another.
        var content: [UInt8] = []
        swap(&content, &pending)
        try shard.writeFrame(content.span)
        shard.appendCount(pendingRows)
        pendingRows = 0
        content.removeAll(keepingCapacity: true)
        swap(&content, &pending)
    }

    /// Writes the index and makes the shard appear.
    @discardableResult
    public consuming func finish() throws(StoreError) -> ShardSummary {
        try endFrame()
        return try shard.finish()
    }
}
