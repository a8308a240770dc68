internal import EDICNumerics

/// Interpolated modified Kneser-Ney estimation from word codes.
///
/// All n-grams of the highest order are packed into keys and sorted from their last word back, in buckets
/// (``EstimationPlan``); each bucket becomes a suffix trie, one level an order. An n-gram's lower-order probability lies
/// in its own bucket, but the sums over its context belong to the bucket in which the context, as an n-gram, ends. So for
/// each order from 2 up, every bucket sends its n-grams' counts to those buckets and gets back, in the same order, where
/// the context is, its total and its interpolation weight. Nothing is sorted twice: the context of an n-gram is found
/// among the left extensions of the context of the n-gram without the first word.
///
/// Levels, messages and probabilities are kept in memory while the limit allows and in a spill file beyond.
final class GramEstimation: Sendable {
    /// A bucket's trie.
    private struct Trie: Sendable {
        /// How many bigrams end in each word.
        let unigrams: Lane<UInt32>
        /// Labels and counts of the orders from 2.
        var labels: [KeptLane<UInt32>] = []
        var counts: [KeptLane<UInt32>] = []

        func level(_ order: Int) throws(NgramError) -> GramLevel {
            if order == 1 { return GramLevel(labels: Lane(zeros: 0), counts: unigrams) }
            return GramLevel(labels: try labels[order - 2].load(), counts: try counts[order - 2].load())
        }
    }

    /// What one bucket sends to all: where each one's part begins in n-grams and in bytes.
    private struct Sent: Sendable {
        let bytes: KeptBytes
        let starts: Lane<UInt32>
        let offsets: Lane<UInt64>
    }

    /// What one bucket answers all.
    private struct Answered: Sendable {
        let bytes: KeptBytes
        let offsets: [Int]
    }

    /// What is known of the n-grams of one order in one bucket.
    private struct Estimates: Sendable {
        let probabilities: KeptLane<Float>
        let contextBuckets: KeptLane<UInt16>?
        let contextPlaces: KeptLane<UInt32>?
    }

    struct Statistics: Sendable {
        var tallies: [GramTally]
        /// The sum of the adjusted counts of unigrams.
        var adjustedTotal: UInt64 = 0
    }

    private let options: NgramEstimator.Options
    private let input: NgramIntake.Result
    private let pool: StoppablePool
    private let memory: KeptMemory
    private let budget: EstimationMemory
    private let shape: KeyShape
    private let plan: EstimationPlan
    private let tries: [Trie]
    /// Adjusted counts of unigrams, by code.
    private let unigrams: Lane<UInt32>
    let statistics: Statistics

    private var order: Int { shape.order }
    var batchCount: Int { plan.buckets.count }

    /// What a sink may use: it sorts parts of sets while no bucket is worked on, so in what is left for these.
    var sinkMeans: GramIndexBuilder.Means {
        let tokens = plan.buckets.map(\.tokens).max() ?? 0
        return GramIndexBuilder.Means(
            memory: memory, partSize: min(GramIndexBuilder.Means.largestPart, max(4096, tokens)),
            shouldStop: pool.shouldStop)
    }

    /// Forms, sorts and counts the n-grams of the text. `pass` is told of each of the passes over it.
    init(
        options: NgramEstimator.Options, input: NgramIntake.Result, pool: StoppablePool, memory: KeptMemory,
        sinkBytes: Int,
        pass: (_ pass: Int, _ passes: Int) throws(NgramError) -> Void
    ) throws(NgramError) {
        self.options = options
        self.input = input
        self.pool = pool
        self.memory = memory
        let shape = KeyShape(order: options.order, largestCode: input.codeCounts.count)
        self.shape = shape
        var total: UInt64 = 0
        for code in 0..<input.codeCounts.count { total += input.codeCounts[code] }
        let vocabulary = input.vocabulary.bytes.count + input.codeCounts.count * 32 + sinkBytes
        budget = EstimationMemory(
            limit: options.memoryLimit, vocabulary: vocabulary, order: options.order, tokens: total,
            keyBytes: shape.bytes, workers: pool.workers)
        plan = try Self.plan(input, budget, order: options.order, pool)
        let last = try LastGrams(input, order: options.order)
        let counting = Counting(
            shape: shape, plan: plan, budget: budget, input: input, pool: pool, memory: memory,
            thresholds: Self.thresholds(options), allowed: Self.allowed(input))
        let (tries, tallies) = try counting.count(pass)
        self.tries = tries
        unigrams = Self.unigrams(tries, plan, input, order: options.order)
        var statistics = Self.statistics(unigrams, tallies, keptWords: input.keptWords)
        statistics.tallies.recount(last)
        self.statistics = statistics
    }

    private static func thresholds(_ options: NgramEstimator.Options) -> [UInt64] {
        var thresholds = options.pruning
        while thresholds.count < options.order { thresholds.append(thresholds.last ?? 0) }
        return thresholds
    }

    /// Which codes may be kept; nil when all may.
    private static func allowed(_ input: NgramIntake.Result) -> Lane<UInt8>? {
        guard input.keptWords + 1 < input.codeCounts.count else { return nil }
        let allowed = Lane<UInt8>(zeros: input.codeCounts.count)
        for id in 0..<input.keptWords { allowed[id + 1] = 1 }
        return allowed
    }

    private static func plan(
        _ input: NgramIntake.Result, _ budget: EstimationMemory, order: Int, _ pool: StoppablePool
    ) throws(NgramError) -> EstimationPlan {
        let draft = EstimationPlan.draft(input.codeCounts, most: budget.mostTokens, order: order)
        let size = draft.splitCodes.count * EstimationPlan.classes
        let pairs = Lane<UInt64>(zeros: size)
        if size > 0 {
            let rows = (0..<pool.workers).map { _ in Lane<UInt32>(zeros: size) }
            try pool.forEach(count: input.blocks.count) { index, worker throws(NgramError) in
                EstimationKernels.countPairs(
                    try input.blocks[index].load(), codes: input.codes, draft, rows: rows[worker])
            }
            for row in rows { for place in 0..<size { pairs[place] += UInt64(row[place]) } }
        }
        return EstimationPlan(draft, counts: input.codeCounts, most: budget.mostTokens, pairs: pairs)
    }

    // MARK: Counting

    private struct Counting {
        let shape: KeyShape
        let plan: EstimationPlan
        let budget: EstimationMemory
        let input: NgramIntake.Result
        let pool: StoppablePool
        let memory: KeptMemory
        let thresholds: [UInt64]
        let allowed: Lane<UInt8>?

        func count(
            _ pass: (Int, Int) throws(NgramError) -> Void
        ) throws(NgramError) -> (tries: [Trie], tallies: [GramTally]) {
            let buckets = plan.buckets
            var tallies = Array(repeating: GramTally(), count: shape.order)
            guard shape.order > 1 else {
                return (buckets.map { Trie(unigrams: Lane(zeros: $0.codes)) }, tallies)
            }
            let passes = passes()
            var tries: [Trie] = []
            for (number, range) in passes.enumerated() {
                try pass(number, passes.count)
                for (trie, counted) in try count(range) {
                    tries.append(trie)
                    for k in 0..<shape.order { tallies[k] += counted[k] }
                }
            }
            return (tries, tallies)
        }

        /// Which buckets' keys are in memory together.
        private func passes() -> [Range<Int>] {
            var passes: [Range<Int>] = []
            var first = 0
            var keys = 0
            for (number, bucket) in plan.buckets.enumerated() {
                if keys > 0, keys + bucket.tokens > budget.mostKeys {
                    passes.append(first..<number)
                    (first, keys) = (number, 0)
                }
                keys += bucket.tokens
            }
            passes.append(first..<plan.buckets.count)
            return passes
        }

        private func count(_ range: Range<Int>) throws(NgramError) -> [(Trie, [GramTally])] {
            var starts = [0]
            for bucket in plan.buckets[range] { starts.append(starts[starts.count - 1] + bucket.tokens) }
            let total = starts[starts.count - 1]
            memory.allow(
                budget.kept(keys: total, tokens: plan.buckets.map(\.tokens).max() ?? 0, workers: pool.workers))
            for block in input.blocks where memory.isOver { try block.evict() }
            let keys = Lane<UInt64>(uninitialized: total * shape.limbs)
            let cursors = Lane(starts.map { UInt64($0) })
            let stages = (0..<pool.workers).map { _ in KeyStage(buckets: range.count, limbs: shape.limbs) }
            try pool.forEach(count: input.blocks.count) { index, worker throws(NgramError) in
                EstimationKernels.scatter(
                    try input.blocks[index].load(), codes: input.codes, shape, plan, range, keys: keys,
                    cursors: cursors, stage: stages[worker])
            }
            let bounds = starts
            return try pool.map(count: range.count) { number, _ throws(NgramError) in
                let bucket = plan.buckets[range.lowerBound + number]
                let part = keys.part(bounds[number] * shape.limbs..<bounds[number + 1] * shape.limbs)
                let (levels, tallies) = EstimationKernels.build(
                    part, scratch: Lane(uninitialized: part.count), shape, bucket, thresholds: thresholds,
                    allowed: allowed)
                var trie = Trie(unigrams: levels[0].counts)
                for level in levels.dropFirst() {
                    trie.labels.append(try KeptLane(level.labels, in: memory))
                    trie.counts.append(try KeptLane(level.counts, in: memory))
                }
                return (trie, tallies)
            }
        }
    }

    /// The adjusted counts of unigrams: how many words come before each, or at order 1 how often each occurs.
    private static func unigrams(
        _ tries: [Trie], _ plan: EstimationPlan, _ input: NgramIntake.Result, order: Int
    ) -> Lane<UInt32> {
        let unigrams = Lane<UInt32>(zeros: input.codeCounts.count)
        if order == 1 {
            for code in 0..<unigrams.count { unigrams[code] = UInt32(clamping: input.codeCounts[code]) }
            return unigrams
        }
        for (trie, bucket) in zip(tries, plan.buckets) {
            for place in 0..<bucket.codes { unigrams[bucket.base + place] &+= trie.unigrams[place] }
        }
        return unigrams
    }

    private static func statistics(_ unigrams: Lane<UInt32>, _ tallies: [GramTally], keptWords: Int) -> Statistics {
        var statistics = Statistics(tallies: tallies)
        var first = GramTally(seen: unigrams.count - 1, kept: keptWords)
        for code in 1..<unigrams.count {
            let count = unigrams[code]
            statistics.adjustedTotal += UInt64(count)
            if (1...4).contains(count) { first.counts[Int(count) - 1] += 1 }
        }
        statistics.tallies[0] = first
        return statistics
    }

    // MARK: Estimating

    /// Computes all probabilities and backoff weights and hands them to `sink`, order by order.
    func estimate(
        _ discounts: [Discounts], into sink: any GramSink, progress: (_ order: Int) throws(NgramError) -> Void
    ) throws(NgramError) {
        let tokens = plan.buckets.map(\.tokens).max() ?? 0
        memory.allow(budget.kept(keys: 0, tokens: tokens, workers: pool.workers))
        let first = unigramProbabilities(discounts[0])
        var lower: [Estimates] = []
        for k in stride(from: 2, through: order, by: 1) {
            try progress(k - 1)
            let sent = try send(k, lower)
            let answered = try answer(k, sent, first, lower, discounts[k - 1], sink)
            try sink.complete(order: k - 1)
            lower = try interpolate(k, answered, first, lower, discounts[k - 1])
        }
        try progress(order)
        let final = lower
        try pool.forEach(count: plan.buckets.count) { number, _ throws(NgramError) in
            let probabilities =
                order == 1 ? own(first, plan.buckets[number]) : try final[number].probabilities.load()
            try hand(probabilities, weights: nil, order: order, number, to: sink)
        }
        try sink.complete(order: order)
    }

    private func own(_ unigrams: Lane<Float>, _ bucket: EstimationPlan.Bucket) -> Lane<Float> {
        unigrams.part(bucket.base..<bucket.base + bucket.codes)
    }

    /// Unigram probabilities by code: discounted, interpolated with the uniform distribution over all words but `<s>`.
    private func unigramProbabilities(_ discounts: Discounts) -> Lane<Float> {
        var counts: [UInt64] = [0, 0, 0]
        var pruned: UInt64 = 0
        for code in 1..<unigrams.count {
            let count = unigrams[code]
            if code > input.keptWords {
                pruned += UInt64(count)
            } else if count > 0 {
                counts[min(Int(count), 3) - 1] += 1
            }
        }
        let total = Double(max(1, statistics.adjustedTotal))
        var given = Double(pruned)
        given += Double(counts[0]) * discounts.one
        given += Double(counts[1]) * discounts.two
        given += Double(counts[2]) * discounts.threeOrMore
        let uniform = given / total / Double(max(1, input.keptWords - 1))
        let result = Lane<Float>(zeros: unigrams.count)
        for code in 1..<unigrams.count {
            let count = unigrams[code]
            result[code] = Float((Double(count) - discounts.discount(count)) / total + uniform)
        }
        return result
    }

    private func source(_ k: Int, _ number: Int, _ lower: [Estimates]) throws(NgramError) -> ContextSource {
        ContextSource(
            order: k, level: try tries[number].level(k), parents: try tries[number].level(k - 1),
            contextBuckets: k > 3 ? try lower[number].contextBuckets?.load() : nil,
            contextPlaces: k > 3 ? try lower[number].contextPlaces?.load() : nil)
    }

    private func send(_ k: Int, _ lower: [Estimates]) throws(NgramError) -> [Sent] {
        try pool.map(count: plan.buckets.count) { number, _ throws(NgramError) in
            let (bytes, count, starts, offsets) = try source(k, number, lower).sent(plan)
            return Sent(bytes: try KeptBytes(bytes, count: count, in: memory), starts: starts, offsets: offsets)
        }
    }

    /// Sums up each context, answers the n-grams about it, and hands the contexts, now complete, to the sink.
    private func answer(
        _ k: Int, _ sent: [Sent], _ first: Lane<Float>, _ lower: [Estimates], _ discounts: Discounts,
        _ sink: any GramSink
    ) throws(NgramError) -> [Answered] {
        try pool.map(count: plan.buckets.count) { number, _ throws(NgramError) in
            let bucket = plan.buckets[number]
            let contexts = try tries[number].level(k - 1)
            let offsets =
                k == 2 ? nil : EstimationKernels.offsets(try tries[number].level(k - 2), isFirst: k == 3)
            let target = ContextTarget(order: k, contexts: contexts, offsets: offsets, base: bucket.base)
            var found = [0]
            for part in sent {
                found.append(found[found.count - 1] + Int(part.starts[number + 1] - part.starts[number]))
            }
            let places = Lane<UInt32>(uninitialized: found[sent.count])
            var scratch = GrowingLane<UInt8>()
            for (place, part) in sent.enumerated() where found[place + 1] > found[place] {
                let range = Int(part.offsets[number])..<Int(part.offsets[number + 1])
                try target.collect(
                    try part.bytes.part(range, scratch: &scratch), count: found[place + 1] - found[place],
                    places: places.part(found[place]..<found[place + 1]))
            }
            let weights = target.weights(discounts)
            var answers = GrowingLane<UInt8>(capacity: places.count * 4)
            var ends = [0]
            for place in sent.indices {
                target.reply(
                    places.part(found[place]..<found[place + 1]), weights: weights, givesPlaces: k < order && k > 2,
                    into: &answers)
                ends.append(answers.count)
            }
            let probabilities = k == 2 ? own(first, bucket) : try lower[number].probabilities.load()
            try hand(probabilities, weights: weights, order: k - 1, number, to: sink)
            return Answered(
                bytes: try KeptBytes(answers.lane, count: answers.count, in: memory), offsets: ends)
        }
    }

    private func interpolate(
        _ k: Int, _ answered: [Answered], _ first: Lane<Float>, _ lower: [Estimates], _ discounts: Discounts
    ) throws(NgramError) -> [Estimates] {
        try pool.map(count: plan.buckets.count) { number, _ throws(NgramError) in
            let source = try source(k, number, lower)
            var answers: [Lane<UInt8>] = []
            for part in answered {
                // Each its own: all are read at once.
                var scratch = GrowingLane<UInt8>(capacity: 1)
                answers.append(
                    try part.bytes.part(part.offsets[number]..<part.offsets[number + 1], scratch: &scratch))
            }
            let shorter = k == 2 ? own(first, plan.buckets[number]) : try lower[number].probabilities.load()
            let result = try source.interpolated(
                plan, answers: answers, discounts, shorter: shorter, findsContexts: k < order && k > 2)
            return Estimates(
                probabilities: try KeptLane(result.probabilities, in: memory),
                contextBuckets: try kept(result.contextBuckets), contextPlaces: try kept(result.contextPlaces))
        }
    }

    private func kept<Element: BitwiseCopyable>(_ lane: Lane<Element>?) throws(NgramError) -> KeptLane<Element>? {
        guard let lane else { return nil }
        return try KeptLane(lane, in: memory)
    }

    /// Hands the n-grams of one order in one bucket to the sink.
    private func hand(
        _ probabilities: Lane<Float>, weights: Lane<Float>?, order k: Int, _ number: Int, to sink: any GramSink
    ) throws(NgramError) {
        let bucket = plan.buckets[number]
        var levels: [GramLevel] = []
        for level in 1...k {
            let isNeeded = level >= k - 1 || level == 1 || sink.needsWords
            levels.append(
                isNeeded ? try tries[number].level(level) : GramLevel(labels: Lane(zeros: 0), counts: Lane(zeros: 0)))
        }
        var logs = EstimationKernels.logarithms(probabilities)
        var backoffs = weights.map { EstimationKernels.logarithms($0) }
        if k == 1 {
            // What the model leaves out comes last; a split word's unigram is in its first bucket.
            let kept = bucket.owns ? max(0, min(bucket.codes, input.keptWords + 1 - bucket.base)) : 0
            levels[0].counts = levels[0].counts.part(0..<kept)
            logs = logs.part(0..<kept)
            backoffs = backoffs?.part(0..<kept)
            let begin = Int(GramCode.begin) - bucket.base
            if logs.count > 0, begin >= 0, begin < kept { logs[begin] = 0 }
        }
        try sink.accept(
            GramBatch(
                order: k, base: bucket.base, levels: levels, logProbabilities: logs, logBackoffs: backoffs),
            number: number)
    }
}
