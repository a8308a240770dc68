public import SystemPackage

/// The outcome of reading every byte of a shard and checking it against its checksums and its index.
///
/// Every byte of a shard is under a checksum: each frame under one in the index, the index under its own two, the seek
/// table under one in the index. So a single wrong byte anywhere is found, and `problems` says in which part and within
/// which bytes of the file.
public struct ShardVerification: Sendable {
    /// What is wrong, in the order of the checks. Each error's `bytes` are the part of the file that is damaged.
    public private(set) var problems: [StoreError] = []
    /// Frames whose content was read and found whole.
    public private(set) var soundFrames = 0
    /// Rows or documents that were read.
    public private(set) var itemCount = 0

    /// Whether every check was made; not so when damage or the caller ended them early.
    public private(set) var isComplete = false

    /// Whether everything was checked and nothing found.
    public var isSound: Bool { isComplete && problems.isEmpty }

    /// Checks a shard of either kind. Holds one frame and the table of ids in memory.
    ///
    /// - Parameter progress: called after each frame with the bytes of the file checked and in all; returning false
    ///   stops the check with what was found so far.
    /// - Throws: `StoreError` when the file cannot be read, or is not a shard at all. Damage is not thrown.
    public init(of path: FilePath, progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }) throws(StoreError)
    {
        let file = try OpenFile(reading: path)
        let size = try file.size()
        guard let table = try attempt({ () throws(StoreError) in try SeekTable(readingFrom: file) }),
            let index = try attempt({ () throws(StoreError) in
                try ShardIndex(readingFrom: file, table: table, kind: nil)
            })
        else { return }
        let indexRange = table.fileRange(table.frameCount - 1)
        let ids = try attempt { () throws(StoreError) in
            try IDTable(readingFrom: file, index: index, indexRange: indexRange)
        }
        var dictionary: ZstdDictionary?
        if index.leadingFrames > 0 {
            dictionary =
                try attempt { () throws(StoreError) in
                    try ShardFile.dictionary(of: file, table: table, index: index)
                } ?? nil
            // Without it no frame can be read.
            guard dictionary != nil else { return }
        }
        let decoder = try FrameDecoder(dictionary: dictionary)
        var digest = Digest.Builder()
        let firstItems = index.cumulativeCounts()
        for frame in index.leadingFrames..<(index.frameCount + index.leadingFrames) {
            let content = try attempt { () throws(StoreError) in
                try decoder.content(ofFrame: frame, table: table, file: file, hash: index.frameHashes[frame])
            }
            if let content {
                digest.update(content.span)
                let range = table.fileRange(frame)
                let fault =
                    index.kind == .documents
                    ? checkRows(
                        content,
                        numbers: firstItems[frame - index.leadingFrames]..<firstItems[frame - index.leadingFrames + 1],
                        ids)
                    : checkTokens(content, index)
                if let fault {
                    problems.append(.damaged(file.name, "frame \(frame)", range, fault))
                } else {
                    soundFrames += 1
                }
            }
            guard progress(table.fileRange(frame).upperBound, size) else { return }
        }
        isComplete = true
        if index.kind == .tokens { itemCount = index.itemCount }
        if problems.isEmpty && digest.current() != index.contentDigest {
            problems.append(
                .damaged(file.name, "the index", indexRange, "the content does not have the digest it states"))
        }
    }

    /// The result of a step, or nil if it found damage, which is noted.
    private mutating func attempt<Value>(_ step: () throws(StoreError) -> Value) throws(StoreError) -> Value? {
        do throws(StoreError) {
            return try step()
        } catch {
            guard error.bytes != nil else { throw error }
            problems.append(error)
            return nil
        }
    }

    /// What is wrong with the rows of a frame, or nil.
    private mutating func checkRows(_ content: [UInt8], numbers: Range<Int>, _ ids: IDTable?) -> String? {
        var row = numbers.lowerBound
        var start = 0
        while let end = content.span.firstIndex(ofByte: 0x0A, from: start) {
            guard let id = DocumentShard.id(of: content.span.extracting(start..<end)) else {
                return "row \(row) is not a JSON object with a string member \"id\""
            }
            if let ids, !ids.items(withHash: idHash(id)).contains(row) {
                return "row \(row), \"\(id)\", is not in the table of ids"
            }
            row += 1
            start = end + 1
        }
        guard start == content.count, row == numbers.upperBound else {
            return "it holds \(row - numbers.lowerBound) rows, but the index says \(numbers.count)"
        }
        itemCount += numbers.count
        return nil
    }

    private func checkTokens(_ content: [UInt8], _ index: ShardIndex) -> String? {
        guard content.count % index.tokenWidth == 0 else { return "it ends within a token" }
        let tokens = TokenPacking.unpack(content.span, width: index.tokenWidth, vocabularySize: index.vocabularySize)
        return tokens == nil ? "it holds a token outside the vocabulary of \(index.vocabularySize)" : nil
    }
}
