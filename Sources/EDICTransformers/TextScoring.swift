internal import EDICNumerics

// How probable texts are to a language model.
extension CausalLanguageModel {
    /// How probable a text is: the log-probability of each of its tokens after those before it.
    ///
    /// - Parameter shouldStop: asked before each layer; true ends the work.
    /// - Throws: `badRequest` for a text of no tokens or too many, `cancelled` when the task is or `shouldStop` says so.
    public func score(_ text: String, shouldStop: (@Sendable () -> Bool)? = nil) throws(ModelError) -> TextScore {
        try score([text], shouldStop: shouldStop)[0]
    }

    /// How probable each of several texts is, in their order.
    ///
    /// Each of the model's threads takes whole texts, short ones several at a time: much faster than one text after the
    /// other, and the same to the last bit.
    ///
    /// - Parameter shouldStop: asked before each layer, from any thread; true ends the work.
    /// - Throws: `badRequest` for a text of no tokens or too many, `cancelled` when the task is or `shouldStop` says so.
    public func score(
        _ texts: [String], shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> [TextScore] {
        try score(tokens: texts.map { tokens(of: $0) }, shouldStop: shouldStop)
    }

    /// How probable a text of tokens is.
    public func score(
        tokens: [Int], shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> TextScore {
        try score(tokens: [tokens], shouldStop: shouldStop)[0]
    }

    /// How probable texts of tokens are.
    public func score(
        tokens texts: [[Int]], shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> [TextScore] {
        try score(
            tokens: texts, pool: compute.pool ?? WorkerPool(workers: 1), tokensAtATime: Session.mostTokensAtATime,
            shouldStop: shouldStop)
    }

    func score(
        tokens texts: [[Int]], pool: WorkerPool, tokensAtATime: Int, shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> [TextScore] {
        for text in texts { try checkTokens(text) }
        let batches = Self.batches(of: texts.map(\.count), tokens: tokensAtATime, workers: pool.workers)
        var shared = compute.stopping(when: shouldStop)
        // A single batch is shared out product by product.
        shared.pool = batches.count == 1 ? pool : nil
        let scores = try pool.map(count: batches.count) { [shared] index, _ throws(ModelError) in
            try self.logProbabilities(of: texts[batches[index]], tokensAtATime, on: shared)
        }
        guard !scores.joined().joined().contains(where: \.isNaN) else { throw .noNumber(folder) }
        return zip(texts, scores.joined()).map { TextScore(tokens: $0, logProbabilities: $1) }
    }

    /// Neighbouring texts together, `tokens` at most in all where a text alone is not longer; a batch a worker where there
    /// are few.
    private static func batches(of lengths: [Int], tokens: Int, workers: Int) -> [Range<Int>] {
        let share = (lengths.reduce(0, +) + workers - 1) / workers
        let most = min(share, tokens)
        var batches: [Range<Int>] = []
        var count = 0
        for (text, length) in lengths.enumerated() {
            if let last = batches.last, count + length <= most {
                batches[batches.count - 1] = last.lowerBound..<text + 1
            } else {
                batches.append(text..<text + 1)
                count = 0
            }
            count += length
        }
        return batches
    }

    private func logProbabilities(
        of texts: ArraySlice<[Int]>, _ tokensAtATime: Int, on compute: Compute
    ) throws(ModelError) -> [[Float]] {
        // For each token the one that follows it.
        let next = texts.map { $0.dropFirst().map { Optional($0) } + [nil] }
        guard texts.count > 1 || next.joined().count <= tokensAtATime else {
            // Part by part, as a prompt.
            var session = Session(network: network, compute: compute, storage: storage)
            session.tokensAtATime = tokensAtATime
            var values: [Float] = []
            var rest = next[0][...]
            try session.readStates(of: texts[texts.startIndex]) { states throws(ModelError) in
                values += try logProbabilities(of: Array(rest.prefix(states.rows)), after: states, on: compute)
                rest = rest.dropFirst(states.rows)
            }
            return [values]
        }
        var cache = WholeTexts(layers: network.attentionShapes, storage: storage)
        let batch = TokenBatch(texts.map { .init(past: [], tokens: $0) }, cache: &cache)
        let states = network.states(of: batch, cache: &cache, on: compute, trace: nil)
        var values = try logProbabilities(of: Array(next.joined()), after: states, on: compute)[...]
        return texts.map { text in
            defer { values = values.dropFirst(text.count - 1) }
            return Array(values.prefix(text.count - 1))
        }
    }

    /// Of those tokens that there are, each after the state in its row.
    private func logProbabilities(
        of tokens: [Int?], after states: Matrix, on compute: Compute
    ) throws(ModelError) -> [Float] {
        let rows = tokens.indices.filter { tokens[$0] != nil }
        var values: [Float] = []
        // So many rows' scores of some hundred words stay in a cache.
        for start in stride(from: 0, to: rows.count, by: 128) {
            try compute.stop?.check("the scoring")
            let part = rows[start..<min(start + 128, rows.count)]
            let scores = network.bestScores(
                .init(count: 1, picked: part.map { tokens[$0] }), of: states.gathering(part), on: compute)
            for row in 0..<part.count {
                values.append(
                    (scores.picked(of: row) ?? .nan) - LogSoftmax.normalizer(scores.logSumExp(of: row)))
            }
        }
        return values
    }
}
