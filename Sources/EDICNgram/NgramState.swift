/// What of the words so far matters to the next one: the latest first, each with the backoff weight of the n-gram that
/// it ends the list of.
///
/// Two states are equal when they give every continuation the same score: when they hold the same words.
public struct NgramState: Sendable, Hashable {
    /// The most words a state can hold.
    static var capacity: Int { 9 }

    var words: InlineArray<9, UInt32>
    var backoffs: InlineArray<9, Float>
    /// How many words of context there are.
    public internal(set) var length: Int

    init() {
        words = InlineArray(repeating: 0)
        backoffs = InlineArray(repeating: 0)
        length = 0
    }

    public static func == (left: NgramState, right: NgramState) -> Bool {
        guard left.length == right.length else { return false }
        for place in 0..<left.length where left.words[place] != right.words[place] { return false }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(length)
        for place in 0..<length { hasher.combine(words[place]) }
    }
}

/// The score of one word after a state.
public struct NgramScore: Sendable, Hashable {
    /// The base-10 logarithm of the word's probability.
    public let logProbability: Float
    /// How many words the longest n-gram found has, the word itself counted: 1 where only the unigram is known.
    public let matchedLength: Int
    /// The sum of the backoff weights in ``logProbability``, base-10 logarithm.
    public let logBackoff: Float
}
