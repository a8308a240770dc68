internal import EDICNumerics
internal import Synchronization

/// Builds a model in the module's own format from estimated n-grams, with nothing written in between.
final class GramIndexSink: GramSink {
    private struct State: Sendable {
        var builder: GramIndexBuilder?
        var header: GramHeader?
        var batches = 0
        /// Takes the n-grams of the order that comes.
        var set: GramSetBuilder?
        /// Knows the numbers of the n-grams one order lower.
        var shorter: GramSetBuilder?
    }

    private let quantisation: GramIndexBuilder.Quantisation?
    private let pool: WorkerPool
    private let state = Mutex(State())
    private let output: @Sendable () throws(NgramError) -> GramIndexOutput
    private let deliver: @Sendable (GramIndexBuilder) throws(NgramError) -> Void

    /// `deliver` gets the builder when everything is in it.
    init(
        quantisation: GramIndexBuilder.Quantisation?, pool: WorkerPool,
        output: @escaping @Sendable () throws(NgramError) -> GramIndexOutput,
        deliver: @escaping @Sendable (GramIndexBuilder) throws(NgramError) -> Void
    ) {
        self.quantisation = quantisation
        self.pool = pool
        self.output = output
        self.deliver = deliver
    }

    func begin(_ header: GramHeader, batches: Int, means: GramIndexBuilder.Means) throws(NgramError) {
        let builder = GramIndexBuilder(
            order: header.order, vocabulary: header.vocabulary, quantisation: quantisation, pool: pool, means: means,
            output: try output())
        state.withLock { state in
            state.builder = builder
            state.header = header
            state.batches = batches
        }
    }

    var needsWords: Bool { false }

    /// The words as they lie in the file and what finds them, their weights, and those sorted.
    func memory(for vocabulary: VocabularyList) -> Int { vocabulary.bytes.count + vocabulary.count * 40 }

    func accept(_ batch: GramBatch, number: Int) throws(NgramError) {
        let (builder, set, shorter) = state.withLock { ($0.builder, $0.set, $0.shorter) }
        guard let builder else { throw NgramError(.invalidArgument, "n-grams came before their header") }
        let (words, parents, places) = batch.kept()
        if batch.order == 1 {
            for index in 0..<words.count {
                builder.setUnigram(
                    Int(words[index]), probability: batch.logProbabilities[index],
                    backoff: batch.logBackoffs?[index] ?? 0)
            }
            return
        }
        guard let set, batch.order == 2 || shorter != nil else {
            throw NgramError(.invalidArgument, "orders came out of turn")
        }
        if let shorter {
            let numbers = try shorter.numbers(block: number)
            for index in 0..<parents.count { parents[index] = numbers[Int(parents[index])] }
        }
        func chosen(_ all: Lane<Float>) -> Lane<Float> {
            let chosen = Lane<Float>(uninitialized: words.count)
            for index in 0..<words.count { chosen[index] = all[Int(places[index])] }
            return chosen
        }
        try set.add(
            GramColumns(
                parents: parents, words: words, probabilities: chosen(batch.logProbabilities),
                backoffs: batch.logBackoffs.map(chosen) ?? Lane(uninitialized: 0)),
            block: number)
    }

    func complete(order: Int) throws(NgramError) {
        let (builder, header, batches, set) = state.withLock { state in
            // What the order before knew is no longer needed.
            state.shorter = state.set
            state.set = nil
            return (state.builder, state.header, state.batches, state.shorter)
        }
        guard let builder, let header else { throw NgramError(.invalidArgument, "n-grams came before their header") }
        if let set { try builder.finish(set) }
        guard order < header.order else { return }
        let next = try builder.nextOrder(classCounts: header.classes[order], blocks: batches)
        state.withLock { $0.set = next }
    }

    func finish(pool: WorkerPool) throws(NgramError) {
        if let builder = state.withLock({ $0.builder }) { try deliver(builder) }
    }
}
