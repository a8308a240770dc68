internal import EDICNumerics

/// A way of merging symbols in place; `sizes` are summed along.
typealias SymbolMerging = (MergeTable, inout [UInt32], inout [UInt32]) -> Void

extension Tokenizer {
    /// How ``sampleEncode(_:_:seed:specialTokens:)`` chooses among the ways to write a text.
    public enum Sampling: Sendable, Equatable {
        /// BPE-dropout (Provilkov et al. 2020): each merge is passed over with this probability, 0 to 1.
        case dropout(Double)
        /// Unigram (Kudo 2018): any segmentation, with its probability to the power of `smoothing`.
        case segmentation(smoothing: Double)
        /// Unigram: one of the `best` segmentations, with its probability to the power of `smoothing`.
        case nBest(Int, smoothing: Double)
    }

    /// One of the ways to write a text, chosen at random: subword regularisation for training models. Its ids decode as
    /// those of ``encode(_:addingSpecialTokens:specialTokens:)`` do; equal seeds choose the same way.
    ///
    /// As sentencepiece's `SampleEncode`. Special tokens are not put around it. For Unigram the time grows with the number
    /// of best ones.
    ///
    /// - Throws: `invalidArgument` where the model has no such sampling or a number is out of range.
    public func sampleEncode(
        _ text: String, _ sampling: Sampling, seed: UInt64, specialTokens policy: SpecialTokenPolicy = .recognized
    ) throws(TokenizerError) -> [UInt32] {
        var random = SplitMix64(seed: seed)
        let model = core.parts.model
        switch (sampling, model) {
        case (.dropout(let probability), .bytePair), (.dropout(let probability), .sentencePieceBPE):
            guard (0...1).contains(probability) else {
                throw TokenizerError(.invalidArgument, "a dropout of \(probability) is not between 0 and 1")
            }
            return core.encode(text, policy) { word in
                model.encode(word) { table, symbols, sizes in
                    dropoutMerge(table, &symbols, &sizes, probability: probability, &random)
                }
            }
        case (.segmentation(let smoothing), .unigram(let unigram)):
            try Self.check(smoothing: smoothing)
            return core.encode(text, policy) { word in
                unigram.tokens(UnigramPaths(unigram, word).sample(smoothing: smoothing, &random), of: word)
            }
        case (.nBest(let count, let smoothing), .unigram(let unigram)):
            try Self.check(smoothing: smoothing)
            try Self.check(count: count)
            return core.encode(text, policy) { word in
                let paths = UnigramPaths(unigram, word).best(count)
                let chosen = UnigramPaths.choose(paths.map { $0.score * smoothing }, &random)
                return unigram.tokens(paths[chosen].pieces, of: word)
            }
        default:
            throw TokenizerError(
                .invalidArgument, "\(modelKind) has no such sampling: dropout is for BPE, the others are for Unigram")
        }
    }

    /// The `count` likeliest segmentations of a text under a Unigram model, the likeliest first, each with the sum of its
    /// pieces' log-probabilities; fewer where the text has fewer.
    ///
    /// - Throws: `invalidArgument` for other models, for those that split text into words first, and for a count that is
    ///   not between 1 and 1024.
    public func nBest(_ text: String, _ count: Int) throws(TokenizerError) -> [(ids: [UInt32], score: Double)] {
        guard case .unigram(let model) = core.parts.model, core.parts.preTokenizer == nil else {
            throw TokenizerError(
                .invalidArgument, "n-best segmentations are for Unigram models that take whole sentences")
        }
        try Self.check(count: count)
        var normalized = AlignedText(Array(text.utf8), at: 0, tracking: false)
        if let normalizer = core.parts.normalizer { normalized = normalizer.apply(normalized) }
        guard !normalized.bytes.isEmpty else { return [([], 0)] }
        return UnigramPaths(model, normalized.bytes).best(count).map { path in
            (model.tokens(path.pieces, of: normalized.bytes).map(\.id), path.score)
        }
    }

    private static func check(smoothing: Double) throws(TokenizerError) {
        guard smoothing.isFinite, smoothing >= 0 else {
            throw TokenizerError(.invalidArgument, "a smoothing of \(smoothing) is no number from 0 on")
        }
    }

    private static func check(count: Int) throws(TokenizerError) {
        guard (1...1024).contains(count) else {
            throw TokenizerError(.invalidArgument, "\(count) best segmentations are not between 1 and 1024")
        }
    }
}

extension TokenizerCore {
    /// The ids of a text whose words are encoded in a way of their own.
    fileprivate func encode(
        _ text: String, _ policy: Tokenizer.SpecialTokenPolicy, _ encodeWord: ([UInt8]) -> [ModelToken]
    ) -> [UInt32] {
        let bytes = Array(text.utf8)
        var ids: [UInt32] = []
        for part in rawParts(bytes.span, policy) ?? (bytes.isEmpty ? [] : [.text(0..<bytes.count)]) {
            switch part {
            case .token(let id, _): ids.append(id)
            case .text(let range):
                withoutActuallyEscaping(encodeWord) { encodeWord in
                    encodeSlowly(
                        Array(bytes[range]), at: range.lowerBound, policy, tracking: false, encodeWord: encodeWord
                    ) { id, _, _ in ids.append(id) }
                }
            }
        }
        return ids
    }
}

/// Merges symbols as the table says, but passes over each merge with a probability. A pair that was passed over stays
/// apart until a merge beside it makes another pair.
private func dropoutMerge(
    _ table: MergeTable, _ symbols: inout [UInt32], _ sizes: inout [UInt32], probability: Double,
    _ random: inout SplitMix64
) {
    let count = symbols.count
    var next = Array(1...max(count, 1))
    var previous = (0..<count).map { $0 - 1 }
    var candidates = MergeCandidates()
    func consider(_ at: Int) {
        guard at >= 0, next[at] < count, let merge = table.merge(symbols[at], symbols[next[at]]) else { return }
        candidates.push(
            .init(rank: merge.rank, at: at, result: merge.result, left: symbols[at], right: symbols[next[at]]))
    }
    let gone = UInt32.max
    for at in 0..<count { consider(at) }
    while let best = candidates.popFirst() {
        guard symbols[best.at] == best.left, next[best.at] < count, symbols[next[best.at]] == best.right
        else { continue }
        if random.nextUnit() < probability { continue }
        let other = next[best.at]
        symbols[best.at] = best.result
        sizes[best.at] += sizes[other]
        symbols[other] = gone
        next[best.at] = next[other]
        if next[other] < count { previous[next[other]] = best.at }
        consider(previous[best.at])
        consider(best.at)
    }
    var kept = 0
    var at = 0
    while at < count {
        symbols[kept] = symbols[at]
        sizes[kept] = sizes[at]
        kept += 1
        at = next[at]
    }
    symbols.removeLast(count - kept)
    sizes.removeLast(count - kept)
}

/// Merges that may come next: a heap, the lowest rank first and the leftmost of equal ones.
private struct MergeCandidates {
    struct Candidate {
        var rank: UInt32
        var at: Int
        var result: UInt32
        var left: UInt32
        var right: UInt32
    }

    private var heap: [Candidate] = []

    private func precedes(_ a: Int, _ b: Int) -> Bool { (heap[a].rank, heap[a].at) < (heap[b].rank, heap[b].at) }

    mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var at = heap.count - 1
        while at > 0, precedes(at, (at - 1) / 2) {
            heap.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    mutating func popFirst() -> Candidate? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var at = 0
        while true {
            var least = at
            for child in [at * 2 + 1, at * 2 + 2] where child < heap.count && precedes(child, least) { least = child }
            if least == at { return first }
            heap.swapAt(at, least)
            at = least
        }
    }
}
