internal import EDICNumerics

/// Builds a model from listed n-grams, as an ARPA file has them.
enum ModelBuilding {
    static func build(
        _ text: ARPAText, quantisation: GramIndexBuilder.Quantisation?, pool: WorkerPool, name: String
    ) throws(NgramError) -> GramIndexBuilder {
        // Nearly all files list every shorter n-gram; whether one does shows while the model is built.
        if let builder = try build(text, text.orders, quantisation: quantisation, pool: pool, name: name) {
            return builder
        }
        let orders = MissingSuffixes.complete(text.orders)
        guard let builder = try build(text, orders, quantisation: quantisation, pool: pool, name: name) else {
            throw NgramError(.corrupt, "\(name): an n-gram without the one that is a word shorter inside it")
        }
        return builder
    }

    /// Nil where an n-gram without the first word of another is missing.
    private static func build(
        _ text: ARPAText, _ orders: [ARPAText.Order], quantisation: GramIndexBuilder.Quantisation?, pool: WorkerPool,
        name: String
    ) throws(NgramError) -> GramIndexBuilder? {
        let builder = GramIndexBuilder(
            order: orders.count, vocabulary: text.vocabulary, quantisation: quantisation, pool: pool)
        for index in 0..<orders[0].probabilities.count {
            builder.setUnigram(
                Int(orders[0].words[index]), probability: orders[0].probabilities[index],
                backoff: orders[0].backoffs[index])
        }
        // For each order, the numbers by suffix path.
        var shorter = SuffixNumbers(order: 1)
        let grain = 1 << 14
        for order in stride(from: 2, through: orders.count, by: 1) {
            let all = orders[order - 1].words.lane
            let count = orders[order - 1].probabilities.count
            let parents = Lane<UInt32>(uninitialized: count)
            let words = Lane<UInt32>(uninitialized: count)
            let known = shorter
            let isComplete = pool.map(count: (count + grain - 1) / grain) { chunk, _ in
                var last: (first: Int, parent: UInt32)?
                for index in chunk * grain..<min(count, (chunk + 1) * grain) {
                    let first = index * order
                    words[index] = all[first]
                    // Sorted files have n-grams with the same last words one after another.
                    if let last, (1..<order).allSatisfy({ all[last.first + $0] == all[first + $0] }) {
                        parents[index] = last.parent
                        continue
                    }
                    guard let parent = known.number(all, first + 1) else { return false }
                    parents[index] = parent
                    last = (first, parent)
                }
                return true
            }
            guard isComplete.allSatisfy(\.self) else { return nil }
            let list = orders[order - 1]
            let numbers: Lane<UInt32>
            do {
                numbers = try builder.addOrder(
                    GramColumns(
                        parents: parents, words: words, probabilities: list.probabilities.lane.part(0..<count),
                        backoffs: order == orders.count ? Lane(zeros: 0) : list.backoffs.lane.part(0..<count)))
            } catch {
                // Very many with one key do not fit the format.
                if let index = repeated(parents, words) { throw listedTwice(index, order, text, name) }
                throw error
            }
            if let index = repeated(parents, words, numbers) { throw listedTwice(index, order, text, name) }
            if order < orders.count { shorter = SuffixNumbers(order: order, parents, words, numbers, shorter) }
        }
        return builder
    }

    /// The place of an n-gram that was there already: those with one key have neighbouring numbers.
    private static func repeated(
        _ parents: Lane<UInt32>, _ words: Lane<UInt32>, _ numbers: Lane<UInt32>
    ) -> Int? {
        let places = Lane<UInt32>(zeros: numbers.count)
        for place in 0..<numbers.count { places[Int(numbers[place])] = UInt32(place) }
        for number in 1..<max(1, numbers.count) {
            let (one, other) = (Int(places[number - 1]), Int(places[number]))
            if words[one] == words[other], parents[one] == parents[other] { return max(one, other) }
        }
        return nil
    }

    private static func repeated(_ parents: Lane<UInt32>, _ words: Lane<UInt32>) -> Int? {
        var seen: Set<UInt64> = []
        return (0..<words.count).first { !seen.insert(UInt64(parents[$0]) << 32 | UInt64(words[$0])).inserted }
    }

    private static func listedTwice(_ index: Int, _ order: Int, _ text: ARPAText, _ name: String) -> NgramError {
        let list = text.orders[order - 1]
        let words = (0..<order).map { text.vocabulary.text(of: Int(list.words[index * order + $0])) }
        let line = list.firstLine.map { ", line \($0 + index)" } ?? ""
        return NgramError(.corrupt, "\(name)\(line): \"\(words.joined(separator: " "))\" is listed twice")
    }
}

/// Finds the number of an n-gram from its words: the number of the n-gram without the first word, and that word, lead
/// to it.
private struct SuffixNumbers: Sendable {
    private let order: Int
    private var levels: [Level] = []

    private struct Level: Sendable {
        let keys: Lane<UInt64>
        let numbers: Lane<UInt32>
        let mask: Int
    }

    init(order: Int) { self.order = order }

    init(order: Int, _ parents: Lane<UInt32>, _ words: Lane<UInt32>, _ numbers: Lane<UInt32>, _ shorter: SuffixNumbers)
    {
        self.order = order
        var size = 16
        while size < words.count * 2 { size *= 2 }
        let keys = Lane<UInt64>(zeros: size)
        let values = Lane<UInt32>(zeros: size)
        for index in 0..<words.count {
            let key = (UInt64(parents[index]) << 32 | UInt64(words[index])) &+ 1
            var place = Self.place(key, size - 1)
            while keys[place] != 0 { place = (place + 1) & (size - 1) }
            keys[place] = key
            values[place] = numbers[index]
        }
        levels = shorter.levels + [Level(keys: keys, numbers: values, mask: size - 1)]
    }

    private static func place(_ key: UInt64, _ mask: Int) -> Int {
        let product = key.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: product.high ^ product.low) & mask
    }

    /// The number of the n-gram of `order` words that begins at `first`.
    func number(_ words: Lane<UInt32>, _ first: Int) -> UInt32? {
        var number = words[first + order - 1]
        for (depth, level) in levels.enumerated() {
            let key = (UInt64(number) << 32 | UInt64(words[first + order - 2 - depth])) &+ 1
            var place = Self.place(key, level.mask)
            while level.keys[place] != key {
                if level.keys[place] == 0 { return nil }
                place = (place + 1) & level.mask
            }
            number = level.numbers[place]
        }
        return number
    }
}

/// Models pruned by other programs may list an n-gram but not the shorter one inside it. The shorter one is added with
/// the probability that backing off gives it, so that every score stays what the listed n-grams say.
private enum MissingSuffixes {
    static func complete(_ orders: [ARPAText.Order]) -> [ARPAText.Order] {
        var orders = orders
        guard orders.count > 2 else { return orders }
        for order in stride(from: orders.count, through: 3, by: -1) {
            let missing = missing(order, orders)
            for gram in missing {
                orders[order - 2].probabilities.append(.nan)
                orders[order - 2].backoffs.append(0)
                for word in gram { orders[order - 2].words.append(word) }
            }
        }
        for order in 2..<orders.count { fill(order, &orders) }
        return orders
    }

    private static func missing(
        _ order: Int, _ orders: [ARPAText.Order]
    ) -> [[UInt32]] {
        let list = orders[order - 1]
        let shorter = orders[order - 2]
        var present = SuffixFilter(capacity: shorter.probabilities.count)
        for index in 0..<shorter.probabilities.count { present.insert(shorter.words, index * (order - 1), order - 1) }
        var found: [[UInt32]] = []
        for index in 0..<list.probabilities.count
        where !present.contains(list.words, index * order + 1, order - 1) {
            present.insert(list.words, index * order + 1, order - 1)
            found.append((1..<order).map { list.words[index * order + $0] })
        }
        return found
    }

    /// Gives the added n-grams of an order their probabilities: the context's backoff weight times the shorter one's.
    private static func fill(_ order: Int, _ orders: inout [ARPAText.Order]) {
        let list = orders[order - 1]
        var added: [Int] = []
        for index in 0..<list.probabilities.count where list.probabilities[index].isNaN { added.append(index) }
        guard !added.isEmpty else { return }
        var tables: [[[UInt32]: Int]] = []
        for shorter in 1..<order {
            var table: [[UInt32]: Int] = [:]
            let part = orders[shorter - 1]
            for index in 0..<part.probabilities.count {
                table[(0..<shorter).map { part.words[index * shorter + $0] }] = index
            }
            tables.append(table)
        }
        for index in added {
            let gram = (0..<order).map { list.words[index * order + $0] }
            var sum: Float = 0
            for length in stride(from: order - 1, through: 1, by: -1) {
                let context = Array(gram[(order - 1 - length)..<(order - 1)])
                if let place = tables[length - 1][context] { sum += orders[length - 1].backoffs[place] }
                if let place = tables[length - 1][Array(gram.suffix(length))] {
                    sum += orders[length - 1].probabilities[place]
                    break
                }
            }
            list.probabilities[index] = sum
        }
    }
}

/// A set of n-grams of one length, exact to 64 bits of hash.
private struct SuffixFilter {
    private var slots: Lane<UInt64>
    private var count = 0

    init(capacity: Int) {
        var size = 16
        while size < capacity * 3 { size *= 2 }
        slots = Lane(zeros: size)
    }

    private static func hash(_ words: GrowingLane<UInt32>, _ first: Int, _ count: Int) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for place in first..<first + count {
            let product = (hash ^ UInt64(words[place])).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            hash = (product.high ^ product.low) &+ 0x2545_F491_4F6C_DD1D
        }
        return hash | 1
    }

    private func place(_ hash: UInt64) -> Int {
        var place = Int(truncatingIfNeeded: hash >> 20) & (slots.count - 1)
        while slots[place] != 0, slots[place] != hash { place = (place + 1) & (slots.count - 1) }
        return place
    }

    mutating func insert(_ words: GrowingLane<UInt32>, _ first: Int, _ length: Int) {
        let hash = Self.hash(words, first, length)
        let spot = place(hash)
        if slots[spot] != 0 { return }
        slots[spot] = hash
        count += 1
        if count * 2 > slots.count {
            let old = slots
            slots = Lane(zeros: old.count * 2)
            for index in 0..<old.count where old[index] != 0 { slots[place(old[index])] = old[index] }
        }
    }

    func contains(_ words: GrowingLane<UInt32>, _ first: Int, _ length: Int) -> Bool {
        slots[place(Self.hash(words, first, length))] != 0
    }
}
