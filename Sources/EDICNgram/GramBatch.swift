internal import EDICNumerics

/// Estimated n-grams of one order whose last words lie in one range, in suffix order, as they go to a writer.
struct GramBatch<let limbs: Int>: Sendable {
    let layout: KeyLayout
    let order: Int
    let keys: Lane<PackedKey<limbs>>
    /// Base-10 logarithms of the probabilities.
    let logProbabilities: Lane<Float>
    /// Base-10 logarithms of the backoff weights; nil at the highest order.
    let logBackoffs: Lane<Float>?
    /// For each n-gram, the place of the one without the first word in the batch of the same number one order lower.
    let parents: Lane<UInt32>

    var count: Int { logProbabilities.count }
}

/// What a writer learns before the first batch.
struct GramHeader: Sendable {
    let order: Int
    /// How many n-grams of each order will come.
    let counts: [Int]
    let vocabulary: VocabularyList
}

/// Where estimated n-grams go.
///
/// Orders come one after another from 1; within an order the batches are numbered from 0 in suffix order and come from
/// several workers at once, each beginning in rising order.
protocol GramSink: AnyObject, Sendable {
    func begin(_ header: GramHeader, batches: Int) throws(NgramError)
    func accept<let limbs: Int>(_ batch: GramBatch<limbs>, number: Int) throws(NgramError)
    /// All batches of `order` have come.
    func complete(order: Int) throws(NgramError)
    func finish(pool: WorkerPool) throws(NgramError)
}

/// Hands every batch to several sinks.
final class SinkSplitter: GramSink {
    private let sinks: [any GramSink]

    init(_ sinks: [any GramSink]) { self.sinks = sinks }

    func begin(_ header: GramHeader, batches: Int) throws(NgramError) {
        for sink in sinks { try sink.begin(header, batches: batches) }
    }

    func accept<let limbs: Int>(_ batch: GramBatch<limbs>, number: Int) throws(NgramError) {
        for sink in sinks { try sink.accept(batch, number: number) }
    }

    func complete(order: Int) throws(NgramError) {
        for sink in sinks { try sink.complete(order: order) }
    }

    func finish(pool: WorkerPool) throws(NgramError) {
        for sink in sinks { try sink.finish(pool: pool) }
    }
}
