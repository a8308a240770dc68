public import SystemPackage

/// Sizes, counts and digests of a shard, read from its index and seek table.
public struct ShardStatistics: Sendable, Hashable {
    /// Smallest, middle and largest of a number of sizes; zeros if there are none.
    public struct Spread: Sendable, Hashable {
        /// The smallest size.
        public let smallest: Int
        /// The middle one; the larger of two.
        public let median: Int
        /// The largest size.
        public let largest: Int

        init(_ sizes: [Int]) {
            let sorted = sizes.sorted()
            smallest = sorted.first ?? 0
            median = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
            largest = sorted.last ?? 0
        }
    }

    /// What the shard holds.
    public let kind: ShardKind
    /// Rows or documents.
    public let itemCount: Int
    /// Tokens, in a shard of tokens.
    public let tokenCount: Int?
    /// Bytes of each token, in a shard of tokens.
    public let tokenWidth: Int?
    /// Every id is less, in a shard of tokens.
    public let vocabularySize: Int?
    /// The digest of the tokenizer that made the ids, in a shard of tokens.
    public let tokenizerDigest: Digest?
    /// Frames that hold content.
    public let frameCount: Int
    /// Bytes before compression.
    public let contentSize: Int
    /// Bytes of the whole file.
    public let fileSize: Int
    /// Bytes of the frames that hold content.
    public let compressedSize: Int
    /// Bytes of the index and the seek table.
    public let indexSize: Int
    /// Bytes of the stored dictionary, 0 without one.
    public let dictionarySize: Int
    /// Content of a frame in bytes.
    public let frameContent: Spread
    /// A compressed frame in bytes.
    public let frameCompressed: Spread
    /// SHA-256 of the content, as the index states it.
    public let contentDigest: Digest
    /// SHA-256 of the file, if it was asked for.
    public let fileDigest: Digest?

    /// Bytes before compression for each byte of the file; 0 for an empty shard.
    public var ratio: Double { contentSize == 0 ? 0 : Double(contentSize) / Double(fileSize) }

    /// Reads the statistics of a shard of either kind.
    ///
    /// - Parameter digesting: whether to read the whole file for its digest; otherwise only its end is read.
    public init(of path: FilePath, digesting: Bool = false) throws(StoreError) {
        let shard = try ShardFile(path, kind: nil)
        let index = shard.index
        let table = shard.table
        let frames = (0..<index.frameCount).map { $0 + index.leadingFrames }
        let size = try shard.file.size()
        kind = index.kind
        itemCount = index.itemCount
        tokenCount = index.kind == .tokens ? index.contentSize / index.tokenWidth : nil
        tokenWidth = index.kind == .tokens ? index.tokenWidth : nil
        vocabularySize = index.kind == .tokens ? index.vocabularySize : nil
        tokenizerDigest = index.tokenizerDigest
        frameCount = index.frameCount
        contentSize = index.contentSize
        fileSize = size
        dictionarySize = index.dictionaryFrameSize
        compressedSize = shard.indexRange.lowerBound - index.dictionaryFrameSize
        indexSize = size - shard.indexRange.lowerBound
        frameContent = Spread(frames.map { table.contentRange($0).count })
        frameCompressed = Spread(frames.map { table.fileRange($0).count })
        contentDigest = index.contentDigest
        fileDigest = digesting ? try Digest.ofFile(path) : nil
    }
}
