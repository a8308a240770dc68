internal import EDICNumerics
internal import Glibc

/// Interpolated modified Kneser-Ney estimation from word codes.
///
/// All n-grams of the highest order are packed into keys and sorted from their last word back, in buckets by last word;
/// each bucket then holds the n-grams of every order (``GramBucket``). An n-gram's lower-order probability lies in its
/// own bucket, but the sums over its context belong to the bucket in which the context, as an n-gram, ends. So for each
/// order from 2 up, every bucket sends its (context, count) records to those buckets and gets back, in the same order,
/// the discounted share and the context's interpolation weight. Nothing is sorted twice.
struct GramEstimation<let limbs: Int>: ~Copyable {
    typealias Key = PackedKey<limbs>

    /// The counts of one order, sent to the buckets of their contexts.
    private struct Records: Sendable {
        let contexts: Lane<Key>
        /// The adjusted count; the top bit says that the n-gram is pruned.
        let counts: Lane<UInt32>
        /// Where the records for each bucket begin, and the end.
        let starts: [Int]
        /// What comes back: discounted share and interpolation weight.
        let replies: Lane<SIMD2<Float>>
    }

    struct Statistics: Sendable {
        var grams: [Int]
        var kept: [Int]
        var countsOfCounts: [[UInt64]]
        var adjustedTotal: UInt64 = 0
    }

    let layout: KeyLayout
    let options: NgramEstimator.Options
    let input: NgramIntake.Result
    let pool: WorkerPool
    /// Words that may be kept, by code; nil when all may.
    let allowed: Lane<Bool>?
    private var bucketOf = Lane<UInt16>(zeros: 0)
    private var buckets: [GramBucket<limbs>] = []
    private static var prunedBit: UInt32 { 1 << 31 }

    init(
        layout: KeyLayout, options: NgramEstimator.Options, input: NgramIntake.Result, pool: WorkerPool,
        allowed: Lane<Bool>?
    ) {
        self.layout = layout
        self.options = options
        self.input = input
        self.pool = pool
        self.allowed = allowed
    }

    var batchCount: Int { buckets.count }

    // MARK: Counting

    /// Forms, sorts and counts the n-grams of the text.
    mutating func count() throws(NgramError) {
        let total = input.codeCounts.reduce(0, +)
        let bucketCount = max(1, min(256, Int(total / 4096)))
        let bucketOf = Lane<UInt16>(zeros: input.codeCounts.count)
        var bucket = 0
        var filled: UInt64 = 0
        for code in 0..<input.codeCounts.count {
            let share = (UInt64(bucket) + 1) * total / UInt64(bucketCount)
            if filled >= share, bucket + 1 < bucketCount, code > Int(GramCode.end) { bucket += 1 }
            bucketOf[code] = UInt16(bucket)
            filled += input.codeCounts[code]
        }
        self.bucketOf = bucketOf
        let used = bucket + 1

        let blocks = input.blocks
        let histograms = pool.map(count: blocks.count) { index, _ in
            var histogram = [Int](repeating: 0, count: used)
            let block = blocks[index]
            for place in 0..<block.count {
                let code = block[place]
                if code != GramCode.none { histogram[Int(bucketOf[Int(code)])] += 1 }
            }
            return histogram
        }
        // Two more in the first bucket: <unk> and <s> alone.
        var starts = [Int](repeating: 0, count: used + 1)
        var positions = histograms.map { _ in [Int](repeating: 0, count: used) }
        var end = 2
        for bucket in 0..<used {
            starts[bucket] = bucket == 0 ? 0 : end
            for block in 0..<blocks.count {
                positions[block][bucket] = end
                end += histograms[block][bucket]
            }
        }
        starts[used] = end
        let keys = Lane<Key>(uninitialized: end)
        let layout = layout
        let full = Key(maskOf: layout.order, layout)
        for (place, code) in [GramCode.unknown, GramCode.begin].enumerated() {
            var key = Key()
            key.push(UInt64(code), layout, full: full)
            keys[place] = key
        }
        let blockPositions = positions
        pool.forEach(count: blocks.count) { index, _ in
            var next = blockPositions[index]
            Self.scatter(blocks[index], keys, bucketOf, &next, layout, full)
        }
        let bucketStarts = starts
        buckets = pool.map(count: used) { bucket, _ in
            let part = keys.part(bucketStarts[bucket]..<bucketStarts[bucket + 1])
            return GramBucket(sorting: part, scratch: Lane(uninitialized: part.count), layout)
        }
    }

    private static func scatter(
        _ block: Lane<UInt32>, _ keys: Lane<Key>, _ bucketOf: Lane<UInt16>, _ next: inout [Int], _ layout: KeyLayout,
        _ full: Key
    ) {
        var start = Key()
        start.push(UInt64(GramCode.begin), layout, full: full)
        var key = start
        for place in 0..<block.count {
            let code = block[place]
            if code == GramCode.none { continue }
            key.push(UInt64(code), layout, full: full)
            let bucket = Int(bucketOf[Int(code)])
            keys[next[bucket]] = key
            next[bucket] += 1
            if code == GramCode.end { key = start }
        }
    }

    // MARK: Statistics

    func statistics() -> Statistics {
        let order = layout.order
        let layout = layout
        let buckets = buckets
        let rule = pruningRule()
        let empty = Statistics(
            grams: Array(repeating: 0, count: order), kept: Array(repeating: 0, count: order),
            countsOfCounts: Array(repeating: [0, 0, 0, 0], count: order))
        let parts = pool.map(count: buckets.count) { number, _ in
            var part = empty
            for k in 1...order {
                var grams = 0
                var kept = 0
                var ones = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
                var sum: UInt64 = 0
                buckets[number].forEachGram(order: k, layout) { _, first, adjusted, occurrences in
                    grams += 1
                    if rule.keeps(buckets[number].keys[first], order: k, occurrences) { kept += 1 }
                    switch adjusted {
                    case 1: ones.0 += 1
                    case 2: ones.1 += 1
                    case 3: ones.2 += 1
                    case 4: ones.3 += 1
                    default: break
                    }
                    sum += UInt64(adjusted)
                }
                part.grams[k - 1] = grams
                part.kept[k - 1] = kept
                part.countsOfCounts[k - 1] = [ones.0, ones.1, ones.2, ones.3]
                if k == 1 { part.adjustedTotal = sum }
            }
            return part
        }
        return parts.reduce(into: empty) { whole, part in
            for k in 0..<order {
                whole.grams[k] += part.grams[k]
                whole.kept[k] += part.kept[k]
                for place in 0..<4 { whole.countsOfCounts[k][place] += part.countsOfCounts[k][place] }
            }
            whole.adjustedTotal += part.adjustedTotal
        }
    }

    /// Which n-grams stay in the model.
    struct PruningRule: Sendable {
        let thresholds: [UInt64]
        let allowed: Lane<Bool>?
        let layout: KeyLayout

        @inline(__always)
        func keeps(_ key: Key, order: Int, _ occurrences: UInt64) -> Bool {
            if occurrences <= thresholds[order - 1], order > 1 { return false }
            guard let allowed else { return true }
            for word in 0..<order where !allowed[Int(key.code(at: layout.place(word), layout))] { return false }
            return true
        }
    }

    private func pruningRule() -> PruningRule {
        var thresholds = options.pruning
        while thresholds.count < layout.order { thresholds.append(thresholds.last ?? 0) }
        return PruningRule(thresholds: thresholds, allowed: allowed, layout: layout)
    }

    // MARK: Estimating

    /// Computes all probabilities and backoff weights and hands them to `sink`, order by order.
    func estimate(
        _ statistics: Statistics, _ discounts: [Discounts], into sink: any GramSink,
        progress: (_ order: Int) throws(NgramError) -> Void
    ) throws(NgramError) {
        var lower = unigrams(statistics, discounts[0])
        for order in stride(from: 2, through: layout.order, by: 1) {
            try progress(order - 1)
            let records = sendRecords(order: order)
            try answer(records, contextOrder: order - 1, lower, discounts[order - 1], sink)
            try sink.complete(order: order - 1)
            lower = interpolate(order: order, records, lower)
        }
        try progress(layout.order)
        let final = lower
        let buckets = buckets
        let layout = layout
        let rule = pruningRule()
        try pool.forEach(count: buckets.count) { number, _ throws(NgramError) in
            let batch = Self.batch(buckets[number], layout, rule, order: layout.order, final[number], backoffs: nil)
            try sink.accept(batch, number: number)
        }
        try sink.complete(order: layout.order)
    }

    /// Unigram probabilities: discounted, interpolated with the uniform distribution over all words but `<s>`.
    private func unigrams(_ statistics: Statistics, _ discounts: Discounts) -> [Lane<Float>] {
        let buckets = buckets
        let layout = layout
        let rule = pruningRule()
        let masses = pool.map(count: buckets.count) { number, _ in
            var mass = UnigramMass()
            buckets[number].forEachGram(order: 1, layout) { _, first, adjusted, occurrences in
                if !rule.keeps(buckets[number].keys[first], order: 1, occurrences) {
                    mass.pruned += UInt64(adjusted)
                } else if adjusted > 0 {
                    mass.counts[min(Int(adjusted), 3) - 1] += 1
                }
            }
            return mass
        }
        let total = Double(max(1, statistics.adjustedTotal))
        var given = masses.reduce(0.0) { $0 + Double($1.pruned) }
        given += masses.reduce(0.0) { $0 + Double($1.counts[0]) } * discounts.one
        given += masses.reduce(0.0) { $0 + Double($1.counts[1]) } * discounts.two
        given += masses.reduce(0.0) { $0 + Double($1.counts[2]) } * discounts.threeOrMore
        let uniform = given / total / Double(max(1, statistics.kept[0] - 1))
        return pool.map(count: buckets.count) { number, _ in
            let result = Lane<Float>(uninitialized: buckets[number].keys.count)
            var count = 0
            buckets[number].forEachGram(order: 1, layout) { node, _, adjusted, _ in
                result[node] = Float((Double(adjusted) - discounts.discount(adjusted)) / total + uniform)
                count = node + 1
            }
            return result.copyFirst(count)
        }
    }

    private func sendRecords(order: Int) -> [Records] {
        let buckets = buckets
        let layout = layout
        let bucketOf = bucketOf
        let rule = pruningRule()
        return pool.map(count: buckets.count) { number, _ in
            let bucket = buckets[number]
            let contextLast = layout.place(1)
            let mask = Key(maskOf: order - 1, layout)
            var starts = [Int](repeating: 0, count: buckets.count + 1)
            bucket.forEachGram(order: order, layout) { _, first, _, _ in
                starts[Int(bucketOf[Int(bucket.keys[first].code(at: contextLast, layout))]) + 1] += 1
            }
            for place in 0..<buckets.count { starts[place + 1] += starts[place] }
            var next = starts
            let total = starts[buckets.count]
            let contexts = Lane<Key>(uninitialized: total)
            let counts = Lane<UInt32>(uninitialized: total)
            bucket.forEachGram(order: order, layout) { _, first, adjusted, occurrences in
                let key = bucket.keys[first]
                let target = Int(bucketOf[Int(key.code(at: contextLast, layout))])
                let place = next[target]
                next[target] = place + 1
                contexts[place] = key.context(layout).masked(mask)
                let kept = rule.keeps(key, order: order, occurrences)
                counts[place] = min(adjusted, Self.prunedBit - 1) | (kept ? 0 : Self.prunedBit)
            }
            return Records(
                contexts: contexts, counts: counts, starts: starts, replies: Lane(uninitialized: total))
        }
    }

    /// Sums up each context, answers the records about it, and hands the contexts, now complete, to the sink.
    private func answer(
        _ records: [Records], contextOrder: Int, _ probabilities: [Lane<Float>], _ discounts: Discounts,
        _ sink: any GramSink
    ) throws(NgramError) {
        let buckets = buckets
        let layout = layout
        let rule = pruningRule()
        try pool.forEach(count: buckets.count) { number, _ throws(NgramError) in
            let table = ContextTable(buckets[number], order: contextOrder, layout, nodes: probabilities[number].count)
            var found = 0
            for record in records { found += record.starts[number + 1] - record.starts[number] }
            let places = Lane<UInt32>(uninitialized: found)
            let sums = Lane<ContextSum>(zeros: probabilities[number].count)
            var place = 0
            for record in records {
                for index in record.starts[number]..<record.starts[number + 1] {
                    let node = table.find(record.contexts[index])
                    places[place] = UInt32(truncatingIfNeeded: node)
                    place += 1
                    var sum = sums[node]
                    sum.add(record.counts[index], prunedBit: Self.prunedBit)
                    sums[node] = sum
                }
            }
            let weights = Lane<Float>(uninitialized: sums.count)
            for node in 0..<sums.count { weights[node] = sums[node].weight(discounts) }
            place = 0
            for record in records {
                for index in record.starts[number]..<record.starts[number + 1] {
                    let node = Int(places[place])
                    place += 1
                    let count = record.counts[index]
                    let kept = count & Self.prunedBit == 0
                    let share = kept ? (Double(count) - discounts.discount(count)) / Double(sums[node].total) : 0
                    record.replies[index] = SIMD2(Float(share), weights[node])
                }
            }
            let batch = Self.batch(
                buckets[number], layout, rule, order: contextOrder, probabilities[number], backoffs: weights)
            try sink.accept(batch, number: number)
        }
    }

    private func interpolate(order: Int, _ records: [Records], _ lower: [Lane<Float>]) -> [Lane<Float>] {
        let buckets = buckets
        let layout = layout
        let bucketOf = bucketOf
        return pool.map(count: buckets.count) { number, _ in
            let bucket = buckets[number]
            let record = records[number]
            let shorter = lower[number]
            let contextLast = layout.place(1)
            let shorterFirst = layout.place(order - 2)
            var next = record.starts
            let result = Lane<Float>(uninitialized: record.counts.count)
            // The n-gram without its first word began at or before the same entry.
            var parent = -1
            var seen = 0
            bucket.forEachGram(order: order, layout) { node, first, _, _ in
                while seen <= first {
                    if Int(bucket.shared[seen]) < order - 1,
                        bucket.keys[seen].code(at: shorterFirst, layout) != GramCode.none
                    {
                        parent += 1
                    }
                    seen += 1
                }
                let target = Int(bucketOf[Int(bucket.keys[first].code(at: contextLast, layout))])
                let reply = record.replies[next[target]]
                next[target] += 1
                result[node] = reply.x + reply.y * shorter[parent]
            }
            return result
        }
    }

    private static func batch(
        _ bucket: GramBucket<limbs>, _ layout: KeyLayout, _ rule: PruningRule, order: Int,
        _ probabilities: Lane<Float>, backoffs: Lane<Float>?
    ) -> GramBatch<limbs> {
        let mask = Key(maskOf: order, layout)
        let keys = Lane<Key>(uninitialized: probabilities.count)
        let logs = Lane<Float>(uninitialized: probabilities.count)
        let weights = backoffs.map { _ in Lane<Float>(uninitialized: probabilities.count) }
        let last = layout.place(0)
        let parents = Lane<UInt32>(uninitialized: order > 1 ? probabilities.count : 0)
        let shorter = keptParents(bucket, layout, rule, order: order)
        var kept = 0
        bucket.forEachGram(order: order, layout) { node, first, _, occurrences in
            let key = bucket.keys[first].masked(mask)
            guard rule.keeps(key, order: order, occurrences) else { return }
            if order > 1 { parents[kept] = shorter[first] }
            keys[kept] = key
            let isBegin = order == 1 && key.code(at: last, layout) == GramCode.begin
            logs[kept] = isBegin ? 0 : decimalLogarithm(probabilities[node])
            if let backoffs, let weights { weights[kept] = decimalLogarithm(backoffs[node]) }
            kept += 1
        }
        return GramBatch(
            layout: layout, order: order, keys: keys.part(0..<kept), logProbabilities: logs.part(0..<kept),
            logBackoffs: weights?.part(0..<kept), parents: order > 1 ? parents.part(0..<kept) : parents)
    }

    /// For each entry, how many kept n-grams one order lower began before the one it belongs to.
    private static func keptParents(
        _ bucket: GramBucket<limbs>, _ layout: KeyLayout, _ rule: PruningRule, order: Int
    ) -> Lane<UInt32> {
        guard order > 1 else { return Lane(zeros: 0) }
        let result = Lane<UInt32>(zeros: bucket.keys.count)
        var kept: UInt32 = 0
        var next = 0
        bucket.forEachGram(order: order - 1, layout) { _, first, _, occurrences in
            guard rule.keeps(bucket.keys[first], order: order - 1, occurrences) else { return }
            // Entries of this one follow until another begins; those between belong to pruned or absent ones.
            while next < first {
                result[next] = kept &- 1
                next += 1
            }
            kept += 1
        }
        while next < bucket.keys.count {
            result[next] = kept &- 1
            next += 1
        }
        return result
    }
}

/// The base-10 logarithm, from the base-2 one, which is much the faster.
@inline(__always)
func decimalLogarithm(_ value: Float) -> Float {
    value == 1 ? 0 : Float(log2(Double(value)) * 0.301029995663981195)
}

/// How many unigrams have adjusted counts 1, 2 and more, and how much is pruned.
private struct UnigramMass: Sendable {
    var counts: [UInt64] = [0, 0, 0]
    var pruned: UInt64 = 0
}

/// What is known of one context: the sum of its counts, how many are 1, 2 and more, and how much was pruned.
private struct ContextSum: BitwiseCopyable {
    var total: UInt64 = 0
    var pruned: UInt64 = 0
    var ones: UInt32 = 0
    var twos: UInt32 = 0
    var more: UInt32 = 0

    @inline(__always)
    mutating func add(_ marked: UInt32, prunedBit: UInt32) {
        let count = marked & ~prunedBit
        total &+= UInt64(count)
        if marked & prunedBit != 0 {
            pruned &+= UInt64(count)
        } else {
            ones &+= count == 1 ? 1 : 0
            twos &+= count == 2 ? 1 : 0
            more &+= count > 2 ? 1 : 0
        }
    }

    /// The mass that discounting and pruning leave for the shorter context; 1 where the context was never extended.
    @inline(__always)
    func weight(_ discounts: Discounts) -> Float {
        guard total > 0 else { return 1 }
        let mass =
            Double(ones) * discounts.one + Double(twos) * discounts.two + Double(more) * discounts.threeOrMore
            + Double(pruned)
        return Float(mass / Double(total))
    }
}

/// Finds contexts among the n-grams of one bucket.
private struct ContextTable<let limbs: Int> {
    private let slots: Lane<UInt32>
    private let keys: Lane<PackedKey<limbs>>
    private let mask: Int

    init(_ bucket: GramBucket<limbs>, order: Int, _ layout: KeyLayout, nodes: Int) {
        var size = 16
        while size < nodes * 2 { size *= 2 }
        let slots = Lane<UInt32>(zeros: size)
        let keys = Lane<PackedKey<limbs>>(uninitialized: nodes)
        let limit = size - 1
        let kept = PackedKey<limbs>(maskOf: order, layout)
        bucket.forEachGram(order: order, layout) { node, first, _, _ in
            let key = bucket.keys[first].masked(kept)
            keys[node] = key
            var place = Int(truncatingIfNeeded: key.hash) & limit
            while slots[place] != 0 { place = (place + 1) & limit }
            slots[place] = UInt32(truncatingIfNeeded: node + 1)
        }
        self.slots = slots
        self.keys = keys
        mask = limit
    }

    @inline(__always)
    func find(_ key: PackedKey<limbs>) -> Int {
        var place = Int(truncatingIfNeeded: key.hash) & mask
        while true {
            let slot = slots[place]
            precondition(slot != 0, "every context is itself an n-gram of the text")
            if keys[Int(slot) - 1] == key { return Int(slot) - 1 }
            place = (place + 1) & mask
        }
    }
}
