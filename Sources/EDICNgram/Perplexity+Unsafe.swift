internal import CEDICNgramIndex
internal import EDICNumerics
internal import Glibc

/// How well a model foretells a text: sums that can be added up over sentences and files.
public struct PerplexityTotals: Sendable, Hashable {
    /// Words and sentence ends.
    public var tokens = 0
    /// Sentences, or lines.
    public var sentences = 0
    /// Words that the model does not know.
    public var unknownWords = 0
    /// The sum of the base-10 logarithms of all tokens' probabilities.
    public var logProbability = 0.0
    /// The same, of the unknown words only.
    public var unknownLogProbability = 0.0

    public init() {}

    /// 10 to the mean negative log probability of a token. Not a number where there is no token.
    public var perplexity: Double { pow(10, -logProbability / Double(tokens)) }

    /// The perplexity of the known tokens.
    public var knownPerplexity: Double {
        pow(10, -(logProbability - unknownLogProbability) / Double(tokens - unknownWords))
    }

    /// Adds what another text gave.
    public static func += (left: inout PerplexityTotals, right: PerplexityTotals) {
        left.tokens += right.tokens
        left.sentences += right.sentences
        left.unknownWords += right.unknownWords
        left.logProbability += right.logProbability
        left.unknownLogProbability += right.unknownLogProbability
    }
}

extension NgramModel {
    /// Scores a text of sentences, one a line, each from `<s>` to `</s>`. Look-ups of many words are under way at once.
    public func perplexity(of text: Span<UInt8>) -> PerplexityTotals {
        var totals = PerplexityTotals()
        forEachScore(of: text, isWhole: true) { word, id, score in
            totals.add(id, score)
            if word.length == 0 { totals.sentences += 1 }
        }
        return totals
    }

    /// Scores one sentence, or several with line feeds between.
    public func perplexity(of text: String) -> PerplexityTotals { perplexity(of: Array(text.utf8).span) }

    /// Scores many texts on all workers; results are in the order of the texts.
    public func perplexities(of texts: [String], workers: Int? = nil) -> [PerplexityTotals] {
        let pool = workers.map { WorkerPool(workers: $0) } ?? .shared
        return pool.map(count: texts.count, grain: 16) { index, _ in self.perplexity(of: texts[index]) }
    }

    /// Scores sentences of ids, each from `<s>` to the `</s>` (``endID``) that must end it.
    public func perplexity(ids: Span<UInt32>) -> PerplexityTotals {
        var totals = PerplexityTotals()
        let end = endID
        guard case .index(let index) = storage else {
            let begin = beginSentenceState
            var state = begin
            for place in ids.indices {
                let id = known(ids[place])
                totals.add(id, score(id: id, after: &state))
                if id == end {
                    totals.sentences += 1
                    state = begin
                }
            }
            return totals
        }
        var context = index.context(after: EDIC_INDEX_BEGIN)
        let most = Int(EDIC_INDEX_BATCH)
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: most) { batch in
            var place = 0
            while place < ids.count {
                var count = 0
                while place < ids.count, count < most - 1 {
                    let id = known(ids[place])
                    unsafe batch[count] = id
                    count += 1
                    place += 1
                    if id == end {
                        unsafe batch[count] = EDIC_INDEX_BEGIN
                        count += 1
                    }
                }
                let filled = unsafe UnsafeBufferPointer(rebasing: batch[..<count])
                unsafe index.score(filled, after: &context) { place, score in
                    let id = unsafe filled[place]
                    if id == EDIC_INDEX_BEGIN {
                        totals.sentences += 1
                    } else {
                        totals.add(id, NgramScore(score))
                    }
                }
            }
        }
        return totals
    }

    /// Scores ids one after another, from `state` on, which becomes the one after the last. As
    /// ``score(id:after:)`` for each, but in a model of the module's own format look-ups of many are under way at once.
    public func scores(ids: Span<UInt32>, after state: inout NgramState) -> [NgramScore] {
        var scores: [NgramScore] = []
        scores.reserveCapacity(ids.count)
        guard case .index(let index) = storage else {
            for place in ids.indices { scores.append(score(id: ids[place], after: &state)) }
            return scores
        }
        var context = edic_index_context(state)
        let most = Int(EDIC_INDEX_BATCH)
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: most) { batch in
            var place = 0
            while place < ids.count {
                let count = min(most, ids.count - place)
                for offset in 0..<count { unsafe batch[offset] = known(ids[place + offset]) }
                let filled = unsafe UnsafeBufferPointer(rebasing: batch[..<count])
                unsafe index.score(filled, after: &context) { _, score in scores.append(NgramScore(score)) }
                place += count
            }
        }
        state = NgramState(context, order: order)
        return scores
    }

    /// Scores the words of a text of sentences, one a line. `body` gets where each word lies, its id and its score; at
    /// the end of a line, a word of no length and `</s>`, which only counts where lines are `isWhole`: stand between `<s>`
    /// and `</s>`.
    @inline(__always)
    func forEachScore(
        of text: Span<UInt8>, isWhole: Bool, _ body: ((start: Int, length: Int), UInt32, NgramScore) -> Void
    ) {
        let size = text.count
        guard size > 0 else { return }
        // Words are read eight bytes at a time, the last ones beyond the end too.
        let copy = Lane<UInt8>(uninitialized: size + 8)
        unsafe text.withUnsafeBufferPointer { text in
            if let start = text.baseAddress { unsafe copy.pointer.update(from: start, count: size) }
        }
        for index in size..<size + 8 { copy[index] = 0x0A }
        let end = endID
        switch storage {
        case .index(let index):
            let begin = isWhole ? EDIC_INDEX_BEGIN : EDIC_INDEX_NOTHING
            unsafe index.scoreText(copy.pointer, size, end: end, begin: begin) { word, id, score in
                if id != begin { body((word.start, word.length), id, NgramScore(score)) }
            }
        case .probing(let model):
            unsafe score(copy, size, in: model, isWhole, end, body) { unsafe model.vocabulary.id($0, $1) }
        case .trie(let model):
            unsafe score(copy, size, in: model, isWhole, end, body) { unsafe model.vocabulary.id($0, $1) }
        }
    }

    @inline(__always)
    private func score<Search: NgramSearch>(
        _ text: Lane<UInt8>, _ size: Int, in search: Search, _ isWhole: Bool, _ end: UInt32,
        _ body: ((start: Int, length: Int), UInt32, NgramScore) -> Void, id: (UnsafePointer<UInt8>, Int) -> UInt32
    ) {
        let begin = isWhole ? beginSentenceState : emptyState
        var state = begin
        var next = NgramState()
        var isOpen = false
        var place = 0
        while place < size || isOpen {
            let byte = place < size ? text[place] : 0x0A
            if byte == 0x0A {
                let score = search.score(end, after: state, into: &next)
                body((size, 0), end, score)
                state = begin
                isOpen = false
                place += 1
                continue
            }
            isOpen = true
            let start = place
            while place < size, !Self.isSeparator(text[place]) { place += 1 }
            if place == start {
                place += 1
                continue
            }
            let id = unsafe id(UnsafePointer(text.pointer + start), place - start)
            let score = search.score(id, after: state, into: &next)
            swap(&state, &next)
            body((start, place - start), id, score)
        }
    }

    /// Tab to carriage return, and space.
    @inline(__always)
    private static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
}

extension PerplexityTotals {
    @inline(__always)
    mutating func add(_ id: UInt32, _ score: NgramScore) {
        tokens += 1
        logProbability += Double(score.logProbability)
        if id == 0 {
            unknownWords += 1
            unknownLogProbability += Double(score.logProbability)
        }
    }
}

extension NgramScore {
    @inline(__always)
    init(_ score: edic_index_score) {
        self.init(
            logProbability: score.probability, matchedLength: Int(score.matched), logBackoff: score.backoff)
    }
}

extension edic_index_context {
    init(_ state: NgramState) {
        self.init()
        unsafe withUnsafeMutableBytes(of: &words) { words in
            let words = unsafe words.bindMemory(to: UInt32.self)
            // The latest word comes last here, and first in a state.
            for place in 0..<state.length { unsafe words[words.count - 1 - place] = state.words[place] }
        }
        unsafe withUnsafeMutableBytes(of: &backoffs) { backoffs in
            let backoffs = unsafe backoffs.bindMemory(to: Float.self)
            for place in 0..<state.length { unsafe backoffs[place] = state.backoffs[place] }
        }
        matched = UInt32(state.length)
    }
}

extension NgramState {
    fileprivate init(_ context: edic_index_context, order: Int) {
        self.init()
        length = min(Int(context.matched), order - 1)
        var context = context
        unsafe withUnsafeBytes(of: &context.words) { words in
            let words = unsafe words.bindMemory(to: UInt32.self)
            for place in 0..<length { self.words[place] = unsafe words[words.count - 1 - place] }
        }
        unsafe withUnsafeBytes(of: &context.backoffs) { backoffs in
            let backoffs = unsafe backoffs.bindMemory(to: Float.self)
            for place in 0..<length { self.backoffs[place] = unsafe backoffs[place] }
        }
    }
}
