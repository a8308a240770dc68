internal import EDICNumerics
internal import Synchronization

/// Builds a model in the module's own format from estimated n-grams, with nothing written in between.
final class GramIndexSink: GramSink {
    private struct State: Sendable {
        var builder: GramIndexBuilder?
        var batches: [Batch?] = []
        /// The numbers of the n-grams one order lower, and where each batch of theirs begins.
        var shorter: Lane<UInt32>?
        var shorterStarts: [Int] = []
    }

    private struct Batch: Sendable {
        let words: Lane<UInt32>
        let parents: Lane<UInt32>
        let probabilities: Lane<Float>
        let backoffs: Lane<Float>?
    }

    private let quantisation: GramIndexBuilder.Quantisation?
    private let pool: WorkerPool
    private let state = Mutex(State())
    private let deliver: @Sendable (GramIndexBuilder) throws(NgramError) -> Void

    /// `deliver` gets the builder when everything is in it.
    init(
        quantisation: GramIndexBuilder.Quantisation?, pool: WorkerPool,
        deliver: @escaping @Sendable (GramIndexBuilder) throws(NgramError) -> Void
    ) {
        self.quantisation = quantisation
        self.pool = pool
        self.deliver = deliver
    }

    func begin(_ header: GramHeader, batches: Int) {
        let builder = GramIndexBuilder(
            order: header.order, vocabulary: header.vocabulary, quantisation: quantisation, pool: pool)
        state.withLock { state in
            state.builder = builder
            state.batches = Array(repeating: nil, count: batches)
        }
    }

    var needsWords: Bool { false }

    func accept(_ batch: GramBatch, number: Int) {
        let (words, parents, places) = batch.kept()
        let probabilities = Lane<Float>(uninitialized: words.count)
        for index in 0..<words.count { probabilities[index] = batch.logProbabilities[Int(places[index])] }
        let backoffs = batch.logBackoffs.map { all in
            let backoffs = Lane<Float>(uninitialized: words.count)
            for index in 0..<words.count { backoffs[index] = all[Int(places[index])] }
            return backoffs
        }
        let kept = Batch(words: words, parents: parents, probabilities: probabilities, backoffs: backoffs)
        state.withLock { $0.batches[number] = kept }
    }

    func complete(order: Int) throws(NgramError) {
        let (builder, batches, shorter, shorterStarts) = state.withLock {
            ($0.builder, $0.batches.compactMap(\.self), $0.shorter, $0.shorterStarts)
        }
        guard let builder else { throw NgramError(.invalidArgument, "n-grams came before their header") }
        var starts: [Int] = []
        var total = 0
        for batch in batches {
            starts.append(total)
            total += batch.words.count
        }
        let numbers: Lane<UInt32>
        if order == 1 {
            numbers = Lane(uninitialized: total)
            var next = 0
            for batch in batches {
                for index in 0..<batch.words.count {
                    let word = batch.words[index]
                    builder.setUnigram(
                        Int(word), probability: batch.probabilities[index], backoff: batch.backoffs?[index] ?? 0)
                    numbers[next] = word
                    next += 1
                }
            }
        } else {
            let words = Lane<UInt32>(uninitialized: total)
            let parents = Lane<UInt32>(uninitialized: total)
            let probabilities = Lane<Float>(uninitialized: total)
            let hasBackoffs = batches.contains { $0.backoffs != nil }
            let backoffs = Lane<Float>(uninitialized: hasBackoffs ? total : 0)
            guard let shorter, order == 2 || shorterStarts.count == batches.count else {
                throw NgramError(.invalidArgument, "orders came out of turn")
            }
            let firsts = starts
            pool.forEach(count: batches.count) { number, _ in
                let batch = batches[number]
                let first = firsts[number]
                copy(batch.words, into: words, at: first)
                copy(batch.probabilities, into: probabilities, at: first)
                if let own = batch.backoffs { copy(own, into: backoffs, at: first) }
                if order == 2 {
                    copy(batch.parents, into: parents, at: first)
                } else {
                    for index in 0..<batch.words.count {
                        parents[first + index] = shorter[shorterStarts[number] + Int(batch.parents[index])]
                    }
                }
            }
            state.withLock { $0.batches = $0.batches.map { _ in nil } }
            numbers = try builder.addOrder(
                GramColumns(parents: parents, words: words, probabilities: probabilities, backoffs: backoffs))
        }
        let ownStarts = starts
        state.withLock { state in
            state.shorter = numbers
            state.shorterStarts = ownStarts
            state.batches = state.batches.map { _ in nil }
        }
    }

    func finish(pool: WorkerPool) throws(NgramError) {
        if let builder = state.withLock({ $0.builder }) { try deliver(builder) }
    }
}
