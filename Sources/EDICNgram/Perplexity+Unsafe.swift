internal import EDICNumerics
internal import Glibc

/// How well a model foretells a text: sums that can be added up over sentences and files.
public struct PerplexityTotals: Sendable, Hashable {
    /// Words and sentence ends.
    public var tokens = 0
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

    public static func += (left: inout PerplexityTotals, right: PerplexityTotals) {
        left.tokens += right.tokens
        left.sentences += right.sentences
        left.unknownWords += right.unknownWords
        left.logProbability += right.logProbability
        left.unknownLogProbability += right.unknownLogProbability
    }
}

extension NgramModel {
    /// Scores a text of sentences, one a line, each from `<s>` to `</s>`.
    public func perplexity(of text: Span<UInt8>) -> PerplexityTotals {
        unsafe text.withUnsafeBufferPointer { text in
            var totals = PerplexityTotals()
            let size = text.count
            guard let start = text.baseAddress else { return totals }
            // The splitter may read a few bytes beyond the end of what it is given.
            let copy = Lane<UInt8>(uninitialized: size + TextSplitter.padding)
            unsafe copy.pointer.update(from: start, count: size)
            for index in size..<size + TextSplitter.padding { copy[index] = 0x0A }
            switch storage {
            case .index(let index):
                unsafe score(copy, size, in: index, &totals) { unsafe index.vocabulary.id($0, $1) ?? 0 }
            case .probing(let model):
                unsafe score(copy, size, in: model, &totals) { unsafe model.vocabulary.id($0, $1) }
            case .trie(let model): unsafe score(copy, size, in: model, &totals) { unsafe model.vocabulary.id($0, $1) }
            }
            return totals
        }
    }

    /// Scores one sentence, or several with line feeds between.
    public func perplexity(of text: String) -> PerplexityTotals { perplexity(of: Array(text.utf8).span) }

    /// Scores many texts on all workers; results are in the order of the texts.
    public func perplexities(of texts: [String], workers: Int? = nil) -> [PerplexityTotals] {
        let pool = workers.map { WorkerPool(workers: $0) } ?? .shared
        return pool.map(count: texts.count, grain: 16) { index, _ in self.perplexity(of: texts[index]) }
    }

    private func score<Search: NgramSearch>(
        _ text: Lane<UInt8>, _ size: Int, in search: Search, _ totals: inout PerplexityTotals,
        id: (UnsafePointer<UInt8>, Int) -> UInt32
    ) {
        let begin = beginSentenceState
        let end = endID
        var state = begin
        var next = NgramState()
        unsafe TextSplitter.forEachWord(text.pointer, size) { word, length in
            let id = unsafe id(word, length)
            let score = search.score(id, after: state, into: &next)
            swap(&state, &next)
            totals.tokens += 1
            totals.logProbability += Double(score.logProbability)
            if id == 0 {
                totals.unknownWords += 1
                totals.unknownLogProbability += Double(score.logProbability)
            }
        } line: {
            totals.tokens += 1
            totals.sentences += 1
            totals.logProbability += Double(search.score(end, after: state, into: &next).logProbability)
            state = begin
        }
    }
}
