internal import EDICNumerics

/// New tokens of several sequences, to be read by a decoder in one step. Rows lie one sequence after the other.
struct TokenBatch {
    /// The new tokens of one sequence and the cache rows of those before.
    struct Sequence {
        var past: [Int32]
        var tokens: [Int]
        var length = Length.withNewTokens
    }

    /// How long a sequence is taken to be, where positions depend on it (dynamic scaling).
    enum Length {
        case withNewTokens
        /// More tokens are known to follow in later steps.
        case known(Int)
        /// For each token, what came up to it: those behind are guesses.
        case ownPosition
    }

    private(set) var tokens: [Int] = []
    /// The position of each new token in its sequence.
    private(set) var positions: [Int] = []
    /// How long each token's sequence is taken to be.
    private(set) var lengths: [Int] = []
    /// Which sequence each token belongs to.
    private(set) var owners: [Int] = []
    /// The cache rows of each sequence, those of the new tokens included.
    private(set) var tables: [[Int32]] = []
    /// Whether a sequence's rows lie one after the other, so that they are read without looking each up.
    private var isContiguous: [Bool] = []
    /// The cache rows of the new tokens.
    private(set) var newRows: [Int32] = []

    init(_ sequences: [Sequence], cache: inout some DecoderCache) {
        newRows = cache.allocate(sequences.reduce(0) { $0 + $1.tokens.count })
        for (owner, sequence) in sequences.enumerated() {
            let start = tokens.count
            let length = sequence.past.count + sequence.tokens.count
            tokens += sequence.tokens
            positions += sequence.past.count..<length
            switch sequence.length {
            case .withNewTokens: lengths += repeatElement(length, count: sequence.tokens.count)
            case .known(let known): lengths += repeatElement(known, count: sequence.tokens.count)
            case .ownPosition: lengths += sequence.past.count + 1...length
            }
            owners += repeatElement(owner, count: sequence.tokens.count)
            let table = sequence.past + newRows[start..<start + sequence.tokens.count]
            isContiguous.append(table.indices.allSatisfy { table[$0] == table[0] + Int32($0) })
            tables.append(table)
        }
    }

    /// The rows that the token in `row` may look at: itself and those before it, at most `window` in all.
    func visible(_ row: Int, window: Int?) -> VisibleRows {
        let end = positions[row] + 1
        let start = window.map { max(0, end - $0) } ?? 0
        let table = tables[owners[row]]
        if isContiguous[owners[row]], let first = table.first {
            return .range(Int(first) + start..<Int(first) + end)
        }
        return .rows(table[start..<end])
    }

    /// Whether all tokens are those of one sequence, whose rows are the first `end` ones.
    func isOneText(endingAt end: Int) -> Bool {
        tables.count == 1 && isContiguous[0] && tables[0].count == end && tables[0].first ?? 0 == 0
    }

    /// The rows of each sequence's new tokens.
    var sequenceRows: [Range<Int>] {
        var start = 0
        return lastRows.map { last in
            defer { start = last + 1 }
            return start..<last + 1
        }
    }

    /// The row of each sequence's last token.
    var lastRows: [Int] {
        owners.indices.filter { $0 + 1 == owners.count || owners[$0 + 1] != owners[$0] }
    }
}

/// A decoder-only transformer: tokens in, scores of the next token out.
protocol CausalNetwork: Sendable {
    var vocabulary: Int { get }
    /// The longest text it was made for, where the file says.
    var contextLength: Int? { get }

    /// Bytes of weights that one step reads, however few its tokens; of embeddings only a row is read, not counted.
    var bytesPerToken: Int { get }

    /// Whether keys in a text of `length` tokens are others than in shorter ones.
    func stretchesWithLength(_ length: Int) -> Bool

    /// The shape of each layer's attention.
    var attentionShapes: [AttentionShape] { get }

    /// The state of each new token after the last normalisation.
    ///
    /// - Parameter trace: is shown the states before the first layer and after each.
    func states(
        of batch: TokenBatch, cache: inout some DecoderCache, on compute: Compute, trace: ((Matrix) -> Void)?
    ) -> Matrix

    /// Scores words: vocabulary × width.
    var head: Weights { get }
}

extension CausalNetwork {
    func stretchesWithLength(_ length: Int) -> Bool { false }

    /// The scores of all words, for some states.
    func logits(_ states: Matrix, on compute: Compute) -> Matrix { head(states, on: compute) }

    /// What is asked of the scores of all words, for some states.
    func bestScores(_ question: BestScores.Question, of states: Matrix, on compute: Compute) -> BestScores {
        Linear(weights: head, bias: nil).bestScores(question, of: states, on: compute)
    }

    /// For the hypotheses of a search.
    func emptyCache() -> KeyValueCache { KeyValueCache(layers: attentionShapes) }

    /// For one text.
    func emptyHistory(_ storage: AttentionStorage) -> TextHistory {
        TextHistory(layers: attentionShapes, storage: storage)
    }
}
