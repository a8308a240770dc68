public import SystemPackage

/// Writes the token ids of documents into a shard: 2 bytes an id where the vocabulary has at most 65 536 tokens, else 4,
/// in zstd frames. ``TokenShard`` reads a document by decompressing the frame that holds it.
///
/// The bytes depend on the ids, the parameters and the version of libzstd only.
public struct TokenShardWriter: ~Copyable {
    /// Bytes of ids in each frame unless the caller says otherwise; OPTIMIZATIONS.md shows why.
    public static let defaultFrameSize = 256 << 10

    private var shard: ShardFileWriter
    private let pending: RawBuffer
    private var filled = 0
    private let width: Int
    private let vocabularySize: Int
    /// Tokens added so far.
    public private(set) var tokenCount = 0

    /// Begins a shard that appears under its name when it is finished.
    ///
    /// - Parameters:
    ///   - vocabularySize: every id is less than this; at least 1.
    ///   - tokenizer: the digest of the tokenizer that made the ids, kept in the shard.
    ///   - frameSize: the bytes of ids at which a frame is full. A longer document takes several frames.
    ///   - dictionary: helps small frames; it is stored in the shard.
    ///   - isDurable: as for ``AtomicFile``.
    public init(
        _ path: FilePath, vocabularySize: Int, tokenizer: Digest, frameSize: Int = defaultFrameSize, level: Int = 3,
        dictionary: ZstdDictionary? = nil, isDurable: Bool = true
    ) throws(StoreError) {
        guard (4...SeekTable.maximumFrameSize).contains(frameSize) else {
            throw StoreError(.invalidArgument, "\(path): frames may have 4 bytes to 1 GiB, not \(frameSize)")
        }
        guard (1...(1 << 32)).contains(vocabularySize) else {
            throw StoreError(.invalidArgument, "\(path): a vocabulary has 1 to 2^32 tokens, not \(vocabularySize)")
        }
        var index = ShardIndex(kind: .tokens)
        index.tokenWidth = TokenPacking.width(vocabularySize: vocabularySize)
        index.vocabularySize = vocabularySize
        index.tokenizerDigest = tokenizer
        let shard = try ShardFileWriter(
            path, index: index, level: level, dictionary: dictionary, isDurable: isDurable)
        self.shard = shard
        width = index.tokenWidth
        self.vocabularySize = vocabularySize
        pending = RawBuffer(count: frameSize / index.tokenWidth * index.tokenWidth)
    }

    /// Documents added so far.
    public var documentCount: Int { shard.itemCount }

    /// Adds a document, which may be empty.
    ///
    /// - Parameter id: the document's name, unique in the shard. If it is not, ``TokenShard/document(id:)`` finds the
    ///   first.
    /// - Throws: `invalidArgument` if an id is not in the vocabulary.
    public mutating func append(_ tokens: Span<UInt32>, id: String) throws(StoreError) {
        var largest: UInt32 = 0
        for index in tokens.indices { largest = max(largest, tokens[index]) }
        guard tokens.isEmpty || Int(largest) < vocabularySize, tokens.count <= Int(UInt32.max) else {
            throw StoreError(
                .invalidArgument,
                "\(shard.name): document \(documentCount) has token \(largest), but the vocabulary has \(vocabularySize); "
                    + "write with the vocabulary of the tokenizer that made it")
        }
        try shard.appendItem(id: id.utf8.span)
        shard.appendCount(UInt32(tokens.count))
        tokenCount += tokens.count
        if filled > 0 && filled + tokens.count * width > pending.count { try endFrame() }
        var position = 0
        while position < tokens.count {
            let count = min(tokens.count - position, (pending.count - filled) / width)
            TokenPacking.pack(
                tokens.extracting(position..<(position + count)), width: width, into: pending, at: filled)
            filled += count * width
            position += count
            if filled == pending.count { try endFrame() }
        }
    }

    private mutating func endFrame() throws(StoreError) {
        guard filled > 0 else { return }
        try shard.writeFrame(pending, count: filled)
        filled = 0
    }

    /// Writes the index and makes the shard appear.
    @discardableResult
    public consuming func finish() throws(StoreError) -> ShardSummary {
        try endFrame()
        return try shard.finish()
    }
}
