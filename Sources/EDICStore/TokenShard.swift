public import SystemPackage

/// Reads a shard of tokens: whole documents by number or id, any range of tokens, or everything in order. Many threads
/// may use one shard.
///
/// Opening reads the seek table and the head of the index (4 bytes a document), not the tokens.
public final class TokenShard: Sendable {
    let shard: ShardFile
    /// The first token of each document, and at the end the number of tokens.
    private let firstTokens: [Int]

    /// Opens a shard.
    ///
    /// - Throws: `StoreError`: `unsupported` for a file that is something else, `corrupt` for a damaged one.
    public init(_ path: FilePath) throws(StoreError) {
        let shard = try ShardFile(path, kind: .tokens)
        self.shard = shard
        firstTokens = shard.index.cumulativeCounts()
    }

    /// The path as it was given.
    public var name: String { shard.name }
    /// Documents in the shard.
    public var documentCount: Int { shard.index.itemCount }
    /// Tokens of all documents.
    public var tokenCount: Int { firstTokens[documentCount] }
    /// Frames that hold them.
    public var frameCount: Int { shard.index.frameCount }
    /// Bytes of each token before compression: 2 or 4.
    public var tokenWidth: Int { shard.index.tokenWidth }
    /// Every token is less than this.
    public var vocabularySize: Int { shard.index.vocabularySize }
    /// The digest of the tokenizer that made the tokens.
    public var tokenizerDigest: Digest? { shard.index.tokenizerDigest }
    /// SHA-256 of all tokens as they lie in the frames, as the index states it.
    public var contentDigest: Digest { shard.index.contentDigest }
    /// The dictionary stored in the shard.
    public var dictionary: ZstdDictionary? { shard.dictionary }

    /// Which tokens are a document's, counted over the whole shard.
    public func tokenRange(ofDocument document: Int) -> Range<Int> {
        firstTokens[document]..<firstTokens[document + 1]
    }

    /// The tokens of a document. Decompresses the frames that hold it, usually one.
    public func document(at document: Int) throws(StoreError) -> [UInt32] {
        guard (0..<documentCount).contains(document) else {
            throw StoreError(.notFound, "\(name): has documents 0 to \(documentCount - 1), not \(document)")
        }
        return try tokens(in: tokenRange(ofDocument: document))
    }

    /// The tokens of the document with this id, or nil if there is none.
    ///
    /// The shard keeps a 64-bit hash of each id, not the id: a name that is not in a shard of a million documents is
    /// mistaken for one that is with a probability of 5e-14.
    public func document(id: String) throws(StoreError) -> [UInt32]? {
        guard let document = try index(ofID: id) else { return nil }
        return try self.document(at: document)
    }

    /// The number of the document with this id, or nil.
    public func index(ofID id: String) throws(StoreError) -> Int? {
        try shard.idTable().items(withHash: idHash(id)).first
    }

    /// Any range of tokens, across documents and frames. Decompresses only the frames that hold them.
    public func tokens(in range: Range<Int>) throws(StoreError) -> [UInt32] {
        guard range.lowerBound >= 0, range.upperBound <= tokenCount else {
            throw StoreError(.invalidArgument, "\(name): has \(tokenCount) tokens, not \(range)")
        }
        let bytes = try shard.reader.content(in: (range.lowerBound * tokenWidth)..<(range.upperBound * tokenWidth))
        return try unpack(bytes)
    }

    /// The tokens of one frame.
    func tokens(ofFrame frame: Int) throws(StoreError) -> [UInt32] {
        try unpack(try shard.content(ofDataFrame: frame))
    }

    /// Which tokens a frame holds, counted over the whole shard.
    func tokenRange(ofFrame frame: Int) -> Range<Int> {
        let range = shard.contentRange(ofDataFrame: frame)
        return (range.lowerBound / tokenWidth)..<(range.upperBound / tokenWidth)
    }

    private func unpack(_ bytes: [UInt8]) throws(StoreError) -> [UInt32] {
        guard let tokens = TokenPacking.unpack(bytes.span, width: tokenWidth, vocabularySize: vocabularySize) else {
            throw StoreError(.corrupt, "\(name): holds a token outside its vocabulary of \(vocabularySize)")
        }
        return tokens
    }

    /// Calls `body` with every document's number and tokens, in order, holding one frame and one document in memory.
    public func forEachDocument(_ body: (Int, Span<UInt32>) throws -> Void) throws {
        var documents = documents()
        while try documents.advance() { try documents.withTokens { try body(documents.number, $0) } }
    }

    /// Reads documents in order, from `first` on, holding one frame and one document in memory.
    public func documents(from first: Int = 0) -> Documents { Documents(self, from: first) }

    /// A position in the documents of a shard.
    public struct Documents: ~Copyable {
        private let shard: TokenShard
        private var next: Int
        private var frame = -1
        private var frameRange = 0..<0
        private var frameTokens: [UInt32] = []
        private var tokens: [UInt32] = []
        /// The number of the current document, counted from 0.
        public var number: Int { next - 1 }

        fileprivate init(_ shard: TokenShard, from first: Int) {
            self.shard = shard
            next = min(max(first, 0), shard.documentCount)
        }

        /// Moves to the next document; false when there is none.
        public mutating func advance() throws(StoreError) -> Bool {
            guard next < shard.documentCount else { return false }
            let range = shard.tokenRange(ofDocument: next)
            tokens.removeAll(keepingCapacity: true)
            var position = range.lowerBound
            while position < range.upperBound {
                if !frameRange.contains(position) { try load(frameWith: position) }
                let end = min(range.upperBound, frameRange.upperBound)
                tokens += frameTokens[(position - frameRange.lowerBound)..<(end - frameRange.lowerBound)]
                position = end
            }
            next += 1
            return true
        }

        private mutating func load(frameWith token: Int) throws(StoreError) {
            if frame >= 0 && frameRange.upperBound == token {
                frame += 1
            } else {
                frame = shard.shard.table.frame(containing: token * shard.tokenWidth) - shard.shard.index.leadingFrames
            }
            frameTokens = try shard.tokens(ofFrame: frame)
            frameRange = shard.tokenRange(ofFrame: frame)
            guard frameRange.contains(token), frameRange.count == frameTokens.count else {
                throw StoreError(.corrupt, "\(shard.name): frame \(frame) is empty or ends within a token")
            }
        }

        /// The number of tokens of the current document.
        public var tokenCount: Int { tokens.count }

        /// Calls `body` with the tokens of the current document.
        public borrowing func withTokens<Result: ~Copyable, Failure: Error>(
            _ body: (Span<UInt32>) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try body(tokens.span)
        }
    }
}
