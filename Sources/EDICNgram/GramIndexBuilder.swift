internal import EDICNumerics
internal import SystemPackage

/// Puts a model in the module's own format together, order by order.
///
/// Unchecked: one thread at a time goes from order to order; before, workers may set different unigrams at once.
final class GramIndexBuilder: @unchecked Sendable {
    struct Quantisation: Sendable, Hashable {
        var probabilityBits: Int
        var backoffBits: Int
    }

    /// With how much memory n-grams are sorted.
    struct Means: Sendable {
        let memory: KeptMemory
        /// N-grams of one part of a set, of which each worker has one in memory.
        let partSize: Int
        var shouldStop: (@Sendable () -> Bool)?

        /// For models that are in memory anyway.
        static var inMemory: Means {
            Means(memory: KeptMemory(limit: .max, spill: SpillFile(folder: "/tmp")), partSize: largestPart)
        }
        static let largestPart = 1 << 18
    }

    private let order: Int
    private let vocabulary: VocabularyList
    private let quantisation: Quantisation?
    private let pool: StoppablePool
    private let means: Means
    private let output: GramIndexOutput
    private let unigrams: Lane<UInt8>
    private var header = GramIndexHeader()

    /// Into memory, unless there is an `output`.
    init(
        order: Int, vocabulary: VocabularyList, quantisation: Quantisation?, pool: WorkerPool,
        means: Means = .inMemory, output: GramIndexOutput = GramIndexOutput()
    ) {
        self.order = order
        self.vocabulary = vocabulary
        self.quantisation = quantisation
        self.pool = StoppablePool(pool, shouldStop: means.shouldStop)
        self.means = means
        self.output = output
        unigrams = Lane(zeros: vocabulary.count * 8)
    }

    func setUnigram(_ id: Int, probability: Float, backoff: Float) {
        let bits = UInt64(probability.bitPattern) | UInt64(backoff.bitPattern) << 32
        for byte in 0..<8 { unigrams[id * 8 + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte)) }
    }

    /// Begins the next order, from 2 on, after all unigrams: takes n-grams in `blocks` blocks.
    func nextOrder(classCounts: [Int], blocks: Int) throws(NgramError) -> GramSetBuilder {
        if header.orders.isEmpty { try writeWords() }
        return try GramSetBuilder(
            .init(
                classCounts: classCounts, vocabulary: vocabulary.count,
                parentCount: header.orders.last?.count ?? vocabulary.count, quantised: quantisation,
                isHighest: header.orders.count + 2 == order),
            blocks: blocks, partSize: means.partSize, memory: means.memory, pool: pool)
    }

    /// All n-grams of the order have come.
    func finish(_ set: GramSetBuilder) throws(NgramError) { header.orders.append(try set.finish(into: output)) }

    /// Adds all n-grams of the next order; gives the number of each.
    func addOrder(_ columns: GramColumns) throws(NgramError) -> Lane<UInt32> {
        let grain = 1 << 16
        let blocks = (columns.count + grain - 1) / grain
        @Sendable func range(_ block: Int) -> Range<Int> { block * grain..<min(columns.count, (block + 1) * grain) }
        let histograms = try pool.map(count: blocks) { block, _ throws(NgramError) in
            var histogram = [Int](repeating: 0, count: GramClasses.count)
            for index in range(block) { histogram[GramClasses.index(of: columns.words[index])] += 1 }
            return histogram
        }
        var counts = [Int](repeating: 0, count: GramClasses.count)
        for histogram in histograms { for place in counts.indices { counts[place] += histogram[place] } }
        let set = try nextOrder(classCounts: counts, blocks: blocks)
        try pool.forEach(count: blocks) { block, _ throws(NgramError) in
            try set.add(columns.part(range(block)), block: block)
        }
        try finish(set)
        guard header.orders.count + 1 < order else { return Lane(uninitialized: 0) }
        let numbers = Lane<UInt32>(uninitialized: columns.count)
        try pool.forEach(count: blocks) { block, _ throws(NgramError) in
            copy(try set.numbers(block: block), into: numbers, at: range(block).lowerBound)
        }
        return numbers
    }

    /// Writes what comes before the n-grams of two words: room for the header, and the words with their weights.
    private func writeWords() throws(NgramError) {
        header.order = order
        header.vocabularyCount = vocabulary.count
        var largest = header
        // All sets there can be.
        let classes = GramClasses.index(of: UInt32(max(1, vocabulary.count) - 1)) + 1
        var full = GramIndexHeader.Order()
        full.sets = Array(repeating: GramSetShape(), count: classes)
        largest.orders = Array(repeating: full, count: max(0, order - 1))
        header.size = largest.neededSize
        try output.append(Lane(zeros: header.size))
        let words = try VocabularyParts(vocabulary)
        header.vocabulary.slots = try output.place(words.slots)
        header.vocabulary.slotCount = words.slots.count / 4
        header.vocabulary.starts = try output.place(words.starts)
        header.vocabulary.words = try output.place(words.words)
        header.vocabulary.wordBytes = words.words.count
        guard quantisation != nil else {
            header.unigrams = try output.place(unigrams)
            return
        }
        let packed = PackedUnigrams(unigrams)
        header.unigrams = try output.place(packed.codes)
        header.unigramProbabilities = try output.place(packed.probabilities)
        header.unigramBackoffs = try output.place(packed.backoffs)
    }

    /// Completes the model: every order has come.
    func finish() throws(NgramError) {
        if header.orders.isEmpty { try writeWords() }
        header.fileSize = try output.align()
        try output.finish(header: header.bytes())
    }

    /// The model in memory.
    func index(name: String) throws(NgramError) -> GramIndex {
        try finish()
        return try GramIndex(ByteView(output.bytes), name: name)
    }

    /// Writes the model, which was put together in memory.
    func write(to path: FilePath) throws(NgramError) {
        let file = try OrderedFile(path)
        try finish()
        try file.addBlocks([output.bytes], alignment: 1)
        try file.commit()
    }
}
