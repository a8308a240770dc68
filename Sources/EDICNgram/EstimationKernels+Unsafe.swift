internal import CEDICNgram
internal import EDICNumerics

/// How keys hold n-grams: the last word first, so many words in a machine word.
struct KeyShape: Sendable {
    let order: Int
    let bits: Int
    let wordsPerLimb: Int
    let limbs: Int

    init(order: Int, largestCode: Int) {
        self.order = order
        bits = max(2, Int.bitWidth - largestCode.leadingZeroBitCount)
        wordsPerLimb = min(order, 64 / bits)
        limbs = (order + wordsPerLimb - 1) / wordsPerLimb
    }

    var bytes: Int { limbs * 8 }

    fileprivate var layout: edic_ngram_layout {
        edic_ngram_layout(
            order: UInt32(order), bits: UInt32(bits), words_per_limb: UInt32(wordsPerLimb), limbs: UInt32(limbs))
    }
}

/// How many n-grams of one order there are, stay after pruning, and have (adjusted) counts 1 to 4.
struct GramTally: Sendable {
    var seen = 0
    var kept = 0
    var counts: [UInt64] = [0, 0, 0, 0]
    /// Those that stay, by the class of the first word.
    var classes = [Int](repeating: 0, count: GramClasses.count)

    static func += (left: inout GramTally, right: GramTally) {
        left.seen += right.seen
        left.kept += right.kept
        for place in 0..<4 { left.counts[place] += right.counts[place] }
        for place in 0..<GramClasses.count { left.classes[place] += right.classes[place] }
    }
}

/// What one thread needs to spread keys over buckets.
final class KeyStage: Sendable {
    fileprivate let keys: Lane<UInt64>
    fileprivate let filled: Lane<UInt8>

    init(buckets: Int, limbs: Int) {
        keys = Lane(uninitialized: buckets * 32 * limbs)
        filled = Lane(zeros: buckets)
    }
}

/// The sums over one context, as a kernel keeps them.
typealias ContextSum = edic_ngram_sum

enum EstimationKernels {
    /// The codes of a block, each sentence's end included.
    static func codes(_ block: Lane<UInt8>, codes: Lane<UInt32>) -> Lane<UInt32> {
        let found = Lane<UInt32>(uninitialized: block.count)
        let count = unsafe edic_ngram_codes(block.pointer, block.count, codes.pointer, found.pointer)
        return found.part(0..<count)
    }

    static func countPairs(_ block: Lane<UInt8>, codes: Lane<UInt32>, _ draft: EstimationPlan.Draft, rows: Lane<UInt32>)
    {
        unsafe edic_ngram_count_pairs(
            block.pointer, block.count, codes.pointer, draft.bucketOf.pointer, draft.classOf.pointer, rows.pointer)
    }

    /// Adds the keys of the buckets in `range` that are in a block; `cursors` has the next place of each.
    static func scatter(
        _ block: Lane<UInt8>, codes: Lane<UInt32>, _ shape: KeyShape, _ plan: EstimationPlan, _ range: Range<Int>,
        keys: Lane<UInt64>, cursors: Lane<UInt64>, stage: KeyStage
    ) {
        precondition(cursors.count >= range.count && stage.filled.count >= range.count, "too little room")
        unsafe withPlan(plan) { plan in
            unsafe edic_ngram_scatter(
                block.pointer, block.count, codes.pointer, shape.layout, plan, UInt32(range.lowerBound),
                UInt32(range.upperBound), keys.pointer, cursors.pointer, stage.keys.pointer, stage.filled.pointer)
        }
    }

    /// Sorts keys and builds the levels of order 1 and up of a bucket from them. `scratch` has the size of `keys`.
    static func build(
        _ keys: Lane<UInt64>, scratch: Lane<UInt64>, _ shape: KeyShape, _ bucket: EstimationPlan.Bucket,
        thresholds: [UInt64], allowed: Lane<UInt8>?
    ) -> (levels: [GramLevel], tallies: [GramTally]) {
        precondition(scratch.count >= keys.count, "too little room")
        let count = keys.count / shape.limbs
        unsafe edic_ngram_sort(keys.pointer, scratch.pointer, count, UInt32(shape.limbs))
        var nodes = [UInt64](repeating: 0, count: shape.order)
        let merged = unsafe edic_ngram_merge(keys.pointer, scratch.pointer, count, shape.layout, &nodes)
        var levels = [GramLevel(labels: Lane(zeros: 0), counts: Lane(zeros: bucket.codes))]
        for k in stride(from: 2, through: shape.order, by: 1) {
            let size = Int(nodes[k - 1])
            levels.append(GramLevel(labels: Lane(uninitialized: size), counts: Lane(uninitialized: size)))
        }
        // How often an n-gram occurs is not counted unless n-grams are left out for it.
        var occurrences: [Lane<UInt32>?] = Array(repeating: nil, count: shape.order)
        for k in stride(from: 2, to: shape.order, by: 1) where thresholds[k - 1] > 0 {
            occurrences[k - 1] = Lane(zeros: levels[k - 1].count)
        }
        let counts = occurrences
        let classes = Lane<UInt64>(zeros: shape.order * GramClasses.count)
        var tallies = unsafe (0..<shape.order).map { k in
            unsafe edic_ngram_tally(
                seen: 0, kept: 0, counts: (0, 0, 0, 0), classes: classes.pointer + k * GramClasses.count)
        }
        var raw = unsafe levels.map { unsafe edic_ngram_level($0) }
        var pointers = unsafe counts.map { unsafe $0?.pointer }
        let counted = counts.contains { $0 != nil }
        unsafe raw.withUnsafeMutableBufferPointer { raw in
            unsafe pointers.withUnsafeMutableBufferPointer { pointers in
                unsafe tallies.withUnsafeMutableBufferPointer { tallies in
                    guard let raw = raw.baseAddress, let tallies = tallies.baseAddress else { return }
                    unsafe edic_ngram_build(
                        keys.pointer, scratch.pointer, count, merged, shape.layout, UInt32(bucket.base), raw,
                        thresholds,
                        allowed?.pointer, counted ? UnsafePointer(pointers.baseAddress) : nil, tallies)
                }
            }
        }
        let results = unsafe tallies.enumerated().map { k, tally in
            unsafe GramTally(
                seen: Int(tally.seen), kept: Int(tally.kept),
                counts: [tally.counts.0, tally.counts.1, tally.counts.2, tally.counts.3],
                classes: (0..<GramClasses.count).map { Int(classes[k * GramClasses.count + $0]) })
        }
        return (levels, results)
    }

    /// The base-10 logarithms.
    static func logarithms(_ values: Lane<Float>) -> Lane<Float> {
        let logs = Lane<Float>(uninitialized: values.count)
        unsafe edic_ngram_logs(values.pointer, values.count, logs.pointer)
        return logs
    }

    /// Where the extensions of each n-gram of a level begin among the next, and their end.
    static func offsets(_ level: GramLevel, isFirst: Bool) -> Lane<UInt32> {
        let offsets = Lane<UInt32>(uninitialized: level.count + 1)
        unsafe edic_ngram_offsets(edic_ngram_level(level), isFirst ? 1 : 0, offsets.pointer)
        return offsets
    }

    fileprivate static func withPlan<Result>(
        _ plan: EstimationPlan, _ body: (UnsafePointer<edic_ngram_plan>) -> Result
    ) -> Result {
        var raw = unsafe edic_ngram_plan(
            bucket_of: plan.bucketOf.pointer, split: plan.rows.pointer, class_of: plan.classOf.pointer,
            code_base: plan.bases.pointer, buckets: UInt32(plan.buckets.count))
        return unsafe withUnsafePointer(to: &raw) { unsafe body($0) }
    }
}

extension edic_ngram_level {
    init(_ level: GramLevel) {
        unsafe self.init(labels: level.labels.pointer, counts: level.counts.pointer, n: level.count)
    }
}

/// One order's n-grams in one bucket, with what tells where their contexts are.
struct ContextSource: Sendable {
    let order: Int
    let level: GramLevel
    let parents: GramLevel
    /// The contexts of the parents: bucket and place; from order 4 on.
    let contextBuckets: Lane<UInt16>?
    let contextPlaces: Lane<UInt32>?

    private func withRaw<Result>(
        _ plan: EstimationPlan, _ body: (UnsafePointer<edic_ngram_source>, UnsafePointer<edic_ngram_plan>) -> Result
    ) -> Result {
        var raw = unsafe edic_ngram_source(
            k: UInt32(order), level: edic_ngram_level(level), parents: edic_ngram_level(parents),
            context_bucket: contextBuckets?.pointer, context_place: contextPlaces?.pointer,
            home_of: plan.homeOf.pointer)
        return unsafe withUnsafePointer(to: &raw) { raw in
            unsafe EstimationKernels.withPlan(plan) { plan in unsafe body(raw, plan) }
        }
    }

    /// The n-grams as their contexts' buckets get them: packed bytes, and where each bucket's part begins in n-grams and
    /// in bytes.
    func sent(
        _ plan: EstimationPlan
    ) -> (bytes: Lane<UInt8>, count: Int, starts: Lane<UInt32>, offsets: Lane<UInt64>) {
        let buckets = plan.buckets.count
        let scratch = Lane<UInt32>(uninitialized: level.count * 3)
        let bytes = Lane<UInt8>(uninitialized: level.count * 15)
        let starts = Lane<UInt32>(uninitialized: buckets + 1)
        let offsets = Lane<UInt64>(uninitialized: buckets + 1)
        let count = unsafe withRaw(plan) { source, plan in
            unsafe edic_ngram_send(source, plan, scratch.pointer, starts.pointer, offsets.pointer, bytes.pointer)
        }
        return (bytes, count, starts, offsets)
    }

    struct Estimated: Sendable {
        let probabilities: Lane<Float>
        let contextBuckets: Lane<UInt16>?
        let contextPlaces: Lane<UInt32>?
    }

    /// Probabilities, and where asked for the contexts, from the answers of all buckets.
    func interpolated(
        _ plan: EstimationPlan, answers: [Lane<UInt8>], _ discounts: Discounts, shorter: Lane<Float>,
        findsContexts: Bool
    ) throws(NgramError) -> Estimated {
        precondition(answers.count == plan.buckets.count && shorter.count >= parents.count, "too few answers")
        let result = Estimated(
            probabilities: Lane(uninitialized: level.count),
            contextBuckets: findsContexts ? Lane(uninitialized: level.count) : nil,
            contextPlaces: findsContexts ? Lane(uninitialized: level.count) : nil)
        var starts = unsafe answers.map { unsafe UnsafePointer<UInt8>($0.pointer) }
        let ends = unsafe answers.map { unsafe UnsafePointer<UInt8>($0.pointer + $0.count) }
        let isSound = unsafe withRaw(plan) { source, plan in
            unsafe starts.withUnsafeMutableBufferPointer { starts in
                unsafe ends.withUnsafeBufferPointer { ends in
                    guard let starts = starts.baseAddress, let ends = ends.baseAddress else { return false }
                    return unsafe edic_ngram_interpolate(
                        source, plan, starts, ends, [discounts.one, discounts.two, discounts.threeOrMore],
                        shorter.pointer, result.probabilities.pointer, result.contextBuckets?.pointer,
                        result.contextPlaces?.pointer) != 0
                }
            }
        }
        guard isSound else { throw NgramError(.corrupt, "spilled n-grams: answers are damaged") }
        return result
    }
}

/// The contexts of one order in one bucket, while n-grams are matched with them.
struct ContextTarget: Sendable {
    /// The order of the n-grams whose contexts these are.
    let order: Int
    let contexts: GramLevel
    /// Where the extensions of each n-gram one shorter begin among the contexts; nil where the contexts are unigrams.
    let offsets: Lane<UInt32>?
    let base: Int
    private let sums: Lane<ContextSum>

    init(order: Int, contexts: GramLevel, offsets: Lane<UInt32>?, base: Int) {
        self.order = order
        self.contexts = contexts
        self.offsets = offsets
        self.base = base
        sums = Lane(zeros: contexts.count)
    }

    /// Adds up `count` n-grams that a bucket sent; `places` gets the contexts' places.
    func collect(_ bytes: Lane<UInt8>, count: Int, places: Lane<UInt32>) throws(NgramError) {
        precondition(places.count >= count, "too little room")
        let isSound =
            unsafe edic_ngram_collect(
                UInt32(order), bytes.pointer, bytes.count, count, edic_ngram_level(contexts), offsets?.pointer,
                offsets?.count ?? 0, UInt32(base), sums.pointer, places.pointer) != 0
        guard isSound else { throw NgramError(.corrupt, "spilled n-grams: contexts are damaged") }
    }

    func weights(_ discounts: Discounts) -> Lane<Float> {
        let weights = Lane<Float>(uninitialized: sums.count)
        unsafe edic_ngram_weights(
            sums.pointer, sums.count, [discounts.one, discounts.two, discounts.threeOrMore], weights.pointer)
        return weights
    }

    /// Appends the answers to the n-grams with these contexts.
    func reply(_ places: Lane<UInt32>, weights: Lane<Float>, givesPlaces: Bool, into answers: inout GrowingLane<UInt8>)
    {
        answers.grow(to: answers.count + places.count * 20)
        let size = unsafe edic_ngram_reply(
            places.pointer, places.count, sums.pointer, weights.pointer, givesPlaces ? 1 : 0,
            answers.lane.pointer + answers.count)
        answers.advance(by: size)
    }
}

extension GramBatch {
    /// The n-grams that stay: the ids of their first words, the places of their parents among the kept ones of this
    /// bucket (at order 2 their ids), and their places in the batch.
    func kept() -> (words: Lane<UInt32>, parents: Lane<UInt32>, places: Lane<UInt32>) {
        let words = Lane<UInt32>(uninitialized: count)
        let parents = Lane<UInt32>(uninitialized: count)
        let places = Lane<UInt32>(uninitialized: count)
        if order == 1 {
            for place in 0..<count {
                words[place] = UInt32(base + place - 1)
                places[place] = UInt32(place)
            }
            return (words, parents, places)
        }
        let kept = unsafe edic_ngram_kept(
            UInt32(order), edic_ngram_level(levels[order - 1]), edic_ngram_level(levels[order - 2]), UInt32(base),
            words.pointer, parents.pointer, places.pointer)
        return (words.part(0..<kept), parents.part(0..<kept), places.part(0..<kept))
    }

    /// The n-grams that stay as lines of ARPA text, handed over in pieces of about `size` bytes.
    func forEachText<Failure: Error>(
        _ vocabulary: VocabularyList, size: Int, _ body: (Lane<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        var buffer = Lane<UInt8>(uninitialized: size)
        let raw = unsafe levels.map { unsafe edic_ngram_level($0) }
        var walk = edic_ngram_walk()
        while walk.node < count {
            let before = walk.node
            let written = unsafe edic_ngram_lines(
                UInt32(order), raw, UInt32(base), logProbabilities.pointer, logBackoffs?.pointer,
                vocabulary.bytes.pointer, vocabulary.starts.pointer, buffer.pointer, buffer.count, &walk)
            if written > 0 {
                try body(buffer.part(0..<written))
                buffer = Lane(uninitialized: size)
            } else if walk.node == before {
                // A line longer than the buffer.
                buffer = Lane(uninitialized: buffer.count * 2)
            }
        }
    }
}
