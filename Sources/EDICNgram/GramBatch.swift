internal import EDICNumerics

/// The n-grams of one order in one bucket, in suffix order: their first words as codes, with a mark at pruned ones, and
/// how many n-grams extend each (at the highest order and after `<s>`: how often it occurs).
struct GramLevel: Sendable {
    /// Empty at order 1, where the codes are those of the bucket.
    var labels: Lane<UInt32>
    var counts: Lane<UInt32>

    var count: Int { counts.count }
}

/// Estimated n-grams of one order whose last words lie in one range, in suffix order, as they go to a writer.
struct GramBatch: Sendable {
    let order: Int
    /// The code of the first unigram.
    let base: Int
    /// Orders 1 to `order`; those below the last two are empty unless the sink ``GramSink/needsWords``. Unigrams with
    /// codes the model leaves out are not counted in at order 1.
    let levels: [GramLevel]
    /// Base-10 logarithms of the probabilities, of pruned n-grams too.
    let logProbabilities: Lane<Float>
    /// Base-10 logarithms of the backoff weights; nil at the highest order.
    let logBackoffs: Lane<Float>?

    /// How many n-grams there are, pruned ones included.
    var count: Int { levels[order - 1].count }
}

/// What a writer learns before the first batch.
struct GramHeader: Sendable {
    let order: Int
    /// How many n-grams of each order will come.
    let counts: [Int]
    /// For each order, how many n-grams will come of each class of first words (``GramClasses``); of none at order 1.
    let classes: [[Int]]
    let vocabulary: VocabularyList
}

/// Where estimated n-grams go.
///
/// Orders come one after another from 1; within an order the batches are numbered from 0 in suffix order and come from
/// several workers at once, each beginning in rising order. What all batches hold together, and in which order, does not
/// depend on how they are cut.
protocol GramSink: AnyObject, Sendable {
    /// Whether batches must spell out their n-grams.
    var needsWords: Bool { get }
    /// How many bytes of memory the sink takes for a vocabulary.
    func memory(for vocabulary: VocabularyList) -> Int
    /// `means` says how much memory the sink may use.
    func begin(_ header: GramHeader, batches: Int, means: GramIndexBuilder.Means) throws(NgramError)
    func accept(_ batch: GramBatch, number: Int) throws(NgramError)
    /// All batches of `order` have come.
    func complete(order: Int) throws(NgramError)
    func finish(pool: WorkerPool) throws(NgramError)
}

/// Hands every batch to several sinks.
final class SinkSplitter: GramSink {
    private let sinks: [any GramSink]

    init(_ sinks: [any GramSink]) { self.sinks = sinks }

    var needsWords: Bool { sinks.contains { $0.needsWords } }

    func memory(for vocabulary: VocabularyList) -> Int { sinks.reduce(0) { $0 + $1.memory(for: vocabulary) } }

    func begin(_ header: GramHeader, batches: Int, means: GramIndexBuilder.Means) throws(NgramError) {
        for sink in sinks { try sink.begin(header, batches: batches, means: means) }
    }

    func accept(_ batch: GramBatch, number: Int) throws(NgramError) {
        for sink in sinks { try sink.accept(batch, number: number) }
    }

    func complete(order: Int) throws(NgramError) {
        for sink in sinks { try sink.complete(order: order) }
    }

    func finish(pool: WorkerPool) throws(NgramError) {
        for sink in sinks { try sink.finish(pool: pool) }
    }
}
