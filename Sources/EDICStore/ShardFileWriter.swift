internal import SystemPackage

/// What writing a shard gave.
public struct ShardSummary: Sendable, Hashable {
    /// Rows or documents.
    public let itemCount: Int
    /// Frames that hold them.
    public let frameCount: Int
    /// Bytes before compression.
    public let contentSize: Int
    /// Bytes of the file.
    public let fileSize: Int
    /// SHA-256 of what is in the frames; it does not depend on level, frame size or dictionary.
    public let contentDigest: Digest
    /// SHA-256 of the file.
    public let fileDigest: Digest
}

/// What both kinds of shard are written by: an optional dictionary, data frames, the index, the seek table.
struct ShardFileWriter: ~Copyable {
    private var frames: FramedFileWriter
    private var index: ShardIndex
    private var ids: [IDTable.Entry] = []

    /// A dictionary lies in the file in a skippable frame of its own.
    static let dictionaryMagic: UInt32 = 0x184D_2A5C

    init(
        _ path: FilePath, index: ShardIndex, level: Int, dictionary: ZstdDictionary?, isDurable: Bool
    ) throws(StoreError) {
        var frames = try FramedFileWriter(path, level: level, dictionary: dictionary, isDurable: isDurable)
        var index = index
        if let dictionary {
            var frame: [UInt8] = []
            frame.append(littleEndian: Self.dictionaryMagic)
            frame.append(littleEndian: UInt32(dictionary.bytes.count))
            frame += dictionary.bytes
            try frames.writeSkippableFrame(frame.span)
            index.dictionaryFrameSize = frame.count
        }
        self.frames = frames
        self.index = index
    }

    var name: String { frames.name }
    var itemCount: Int { ids.count }

    /// Counts an item that is, or will be, in a frame.
    mutating func appendItem(id: Span<UInt8>) throws(StoreError) {
        guard ids.count < Int(UInt32.max) else {
            throw StoreError(.limitExceeded, "\(name): a shard has at most \(UInt32.max) items; begin another")
        }
        ids.append(IDTable.Entry(hash: xxh3(id), item: UInt32(ids.count)))
    }

    /// Adds to the list of rows in each frame or tokens in each document.
    mutating func appendCount(_ count: UInt32) { index.counts.append(count) }

    mutating func writeFrame(_ content: Span<UInt8>) throws(StoreError) {
        try frames.writeFrame(content)
        index.frameCount += 1
    }

    mutating func writeFrame(_ buffer: borrowing RawBuffer, count: Int) throws(StoreError) {
        try frames.writeFrame(buffer, count: count)
        index.frameCount += 1
    }

    /// Writes the index and the seek table and makes the file appear; nothing may be written afterwards.
    mutating func finish() throws(StoreError) -> ShardSummary {
        index.itemCount = ids.count
        index.contentSize = frames.table.contentSize
        index.contentDigest = frames.currentContentDigest()
        index.frameHashes = frames.frameHashes
        // The index holds the hash of the seek table, which holds the size of the index but nothing of its content.
        var table = frames.table
        table.append(compressedSize: index.size, contentSize: 0, checksum: FramedFileWriter.emptyChecksum)
        index.seekTableHash = xxh3(table.encoded().span)
        let bytes = try index.encoded(ids: IDTable.sorted(ids))
        try frames.writeSkippableFrame(bytes.span)
        let written = try frames.finish()
        return ShardSummary(
            itemCount: index.itemCount, frameCount: index.frameCount, contentSize: index.contentSize,
            fileSize: written.count, contentDigest: index.contentDigest, fileDigest: written.digest)
    }
}
