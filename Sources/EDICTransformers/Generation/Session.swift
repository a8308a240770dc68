internal import EDICNumerics

/// The beginning of prompts, read once: its tokens with their keys and values.
public struct PromptPrefix: Sendable {
    /// The tokens, from the first one on.
    public let tokens: [Int]
    let session: Session
    /// The scores of the token after it: one row.
    let scores: Matrix
}

/// One text being read, with its cache.
struct Session: Sendable {
    let network: any CausalNetwork
    var compute: Compute
    var cache: TextHistory
    var past: [Int32] = []
    /// How many tokens are read at a time: the activations of more only take memory.
    var tokensAtATime = mostTokensAtATime
    static let mostTokensAtATime = 256

    init(network: any CausalNetwork, compute: Compute, storage: AttentionStorage = .floats) {
        self.network = network
        self.compute = compute
        cache = network.emptyHistory(storage)
    }

    /// Makes room for so many tokens, those read before included.
    mutating func reserve(_ count: Int) { cache.reserve(count) }

    /// Reads tokens and gives the scores of the one after them: one row.
    mutating func read(_ tokens: [Int]) -> Matrix {
        var last = Matrix(rows: 0, columns: 0)
        readStates(of: tokens) { last = $0 }
        return network.logits(last.rows(last.rows - 1..<last.rows), on: compute)
    }

    /// Reads a token with some that may follow, and gives the scores of the one after each: a row each, the same as if
    /// they were read one by one, to the last bit.
    mutating func read(_ token: Int, draft: [Int]) -> Matrix {
        let batch = TokenBatch(
            [.init(past: past, tokens: [token] + draft, length: .ownPosition)], cache: &cache)
        past = batch.tables[0]
        return network.logits(network.states(of: batch, cache: &cache, on: compute, trace: nil), on: compute)
    }

    /// Forgets the latest tokens, as if they had not been read.
    mutating func removeLast(_ count: Int) {
        guard count > 0 else { return }
        past.removeLast(count)
        cache.removeLast(count)
    }

    /// Reads tokens; `body` is given the states of some of them at a time, in their order.
    mutating func readStates<Failure: Error>(
        of tokens: [Int], _ body: (Matrix) throws(Failure) -> Void
    ) throws(Failure) {
        let length = past.count + tokens.count
        reserve(length)
        for start in stride(from: 0, to: tokens.count, by: tokensAtATime) {
            let part = Array(tokens[start..<min(start + tokensAtATime, tokens.count)])
            let batch = TokenBatch([.init(past: past, tokens: part, length: .known(length))], cache: &cache)
            past = batch.tables[0]
            try body(network.states(of: batch, cache: &cache, on: compute, trace: nil))
        }
    }
}
