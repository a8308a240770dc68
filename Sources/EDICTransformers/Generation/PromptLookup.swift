/// Guesses how a text goes on: as it did the last time its latest tokens occurred (prompt lookup, Saxena 2023; LLMA, Yang
/// et al. 2023).
///
/// A model reads its weights once for several tokens, so that three more take a third to all of the time of the first. Right
/// guesses come that much sooner, and wrong ones cost it: fewer are made after those.
struct PromptLookup {
    private var tokens: [Int]
    /// The place of the token that followed these three when they last occurred, the latest ones not counted.
    private var places: [Context: Int] = [:]
    /// So many of the latest tokens must have occurred together for a guess.
    private var needed = Self.fewest
    /// How many tokens a guess has.
    private var length = Self.shortest
    private let longest: Int

    private static let fewest = 3
    private static let most = 16
    /// With the token before them, as many rows as the kernels read at once.
    private static let shortest = 3

    private struct Context: Hashable {
        let first: Int
        let second: Int
        let third: Int
    }

    /// - Parameters:
    ///   - text: what is there already.
    ///   - longest: how many tokens are guessed behind a guess that was right.
    init(_ text: [Int], longest: Int) {
        self.longest = longest
        tokens = []
        tokens.reserveCapacity(text.count)
        places.reserveCapacity(text.count)
        for token in text { append(token) }
    }

    /// The text goes on with `token`.
    mutating func append(_ token: Int) {
        if let context { places[context] = tokens.count }
        tokens.append(token)
    }

    /// The latest tokens.
    private var context: Context? {
        guard tokens.count >= Self.fewest else { return nil }
        let end = tokens.count
        return Context(first: tokens[end - 3], second: tokens[end - 2], third: tokens[end - 1])
    }

    /// What the next tokens may be; none where the text says nothing of it.
    func draft(atMost limit: Int) -> [Int] {
        guard limit > 0, let context, let place = places[context] else { return [] }
        var same = Self.fewest
        while same < needed, same < place, tokens[place - 1 - same] == tokens[tokens.count - 1 - same] { same += 1 }
        guard same >= needed else { return [] }
        var draft: [Int] = []
        for offset in 0..<min(length, limit) {
            // A text that repeats itself goes on with the guess itself.
            let source = place + offset
            draft.append(source < tokens.count ? tokens[source] : draft[source - tokens.count])
        }
        return draft
    }

    /// - Parameter right: how many of the draft's first tokens the model made itself.
    mutating func learn(from draft: [Int], right: Int) {
        guard !draft.isEmpty else { return }
        needed = right == 0 ? min(needed + 1, Self.most) : max(needed - 1, Self.fewest)
        length = right == draft.count ? longest : Self.shortest
    }
}
