/// Where an n-gram was found; what the numbers mean is the search structure's own business.
struct GramNode: Sendable {
    var first: UInt64
    var second: UInt64 = 0
}

/// What a model says of one n-gram.
struct GramWeights: Sendable {
    var probability: Float
    var backoff: Float
    var node: GramNode
}

/// A structure that finds n-grams from their last word back.
protocol NgramSearch: Sendable {
    var order: Int { get }
    func unigram(_ word: UInt32) -> GramWeights
    /// The n-gram of `order` words that is `node`'s with `word` put before it, or nil.
    func extend(_ node: GramNode, order: Int, word: UInt32) -> GramWeights?
}

extension NgramSearch {
    /// Scores `word` after `state` and gives the state after it.
    @inline(__always)
    func score(_ word: UInt32, after state: borrowing NgramState, into next: inout NgramState) -> NgramScore {
        var found = unigram(word)
        var matched = 1
        let order = order
        var probability = found.probability
        if order > 1 {
            next.words[0] = word
            next.backoffs[0] = found.backoff
        }
        let length = state.length
        while matched <= length {
            guard let longer = extend(found.node, order: matched + 1, word: state.words[matched - 1]) else { break }
            found = longer
            probability = longer.probability
            if matched + 1 < order {
                next.words[matched] = state.words[matched - 1]
                next.backoffs[matched] = longer.backoff
            }
            matched += 1
        }
        next.length = min(matched, order - 1)
        var backoff: Float = 0
        var place = matched - 1
        while place < length {
            backoff += state.backoffs[place]
            probability += state.backoffs[place]
            place += 1
        }
        return NgramScore(logProbability: probability, matchedLength: matched, logBackoff: backoff)
    }
}
