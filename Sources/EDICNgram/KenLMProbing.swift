/// A KenLM model in hash tables: one for each order, keyed by a hash of the words from the last back.
struct KenLMProbing: NgramSearch {
    static let combineLeft: UInt64 = 8_978_948_897_894_561_157
    static let combineRight: UInt64 = 17_894_857_484_156_487_943

    let order: Int
    let counts: [Int]
    let vocabulary: KenLMVocabulary
    private let unigrams: ByteView
    private let tables: [Table]

    private struct Table: Sendable {
        let slots: ByteView
        let count: Int
        let size: Int
    }

    static func slots(entries: Int, multiplier: Float) -> Int {
        max(entries + 1, Int(multiplier * Float(entries)))
    }

    init(_ header: KenLMHeader, _ bytes: ByteView, name: String) throws(NgramError) {
        func cutOff(_ what: String) -> NgramError {
            NgramError(.corrupt, "\(name): ends within \(what); the file is incomplete, make or copy it again")
        }
        order = header.order
        counts = header.counts
        var place = header.size + 8
        func take(_ size: Int, _ what: String) throws(NgramError) -> ByteView {
            guard let part = bytes.part(from: place, count: size) else { throw cutOff(what) }
            place += size
            return part
        }
        let wordSlots = Self.slots(entries: counts[0], multiplier: header.probingMultiplier)
        let hashes = try take(wordSlots * 12, "the vocabulary")
        unigrams = try take((counts[0] + 1) * 8, "the unigrams")
        var tables: [Table] = []
        for order in 2...header.order {
            let count = Self.slots(entries: counts[order - 1], multiplier: header.probingMultiplier)
            let size = order == header.order ? 12 : 16
            tables.append(Table(slots: try take(count * size, "the \(order)-grams"), count: count, size: size))
        }
        self.tables = tables
        guard let strings = bytes.part(place..<bytes.count) else { throw cutOff("the words") }
        vocabulary = KenLMVocabulary(
            count: counts[0], kind: .table(slots: wordSlots), hashes: hashes, strings: strings)
    }

    @inline(__always)
    static func combine(_ hash: UInt64, _ word: UInt32) -> UInt64 {
        (hash &* combineLeft) ^ ((1 &+ UInt64(word)) &* combineRight)
    }

    @inline(__always)
    func unigram(_ word: UInt32) -> GramWeights {
        let id = Int(word) < counts[0] ? Int(word) : 0
        // The sign says whether longer n-grams end in this one; a log probability is never above zero.
        return GramWeights(
            probability: -unigrams.float(at: id * 8).magnitude, backoff: unigrams.float(at: id * 8 + 4),
            node: GramNode(first: UInt64(id)))
    }

    @inline(__always)
    func extend(_ node: GramNode, order: Int, word: UInt32) -> GramWeights? {
        let table = tables[order - 2]
        let hash = Self.combine(node.first, word)
        var place = Int(hash % UInt64(table.count))
        for _ in 0..<table.count {
            let held = table.slots.load(UInt64.self, at: place * table.size)
            if held == hash {
                let at = place * table.size + 8
                return GramWeights(
                    probability: -table.slots.float(at: at).magnitude,
                    backoff: table.size == 16 ? table.slots.float(at: at + 4) : 0, node: GramNode(first: hash))
            }
            if held == 0 { return nil }
            place = place + 1 == table.count ? 0 : place + 1
        }
        return nil
    }
}
