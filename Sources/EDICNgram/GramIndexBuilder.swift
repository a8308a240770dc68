internal import EDICNumerics
internal import SystemPackage

/// Puts a model in the module's own format together, order by order.
final class GramIndexBuilder: @unchecked Sendable {
    struct Quantisation: Sendable, Hashable {
        var probabilityBits: Int
        var backoffBits: Int
    }

    private let order: Int
    private let vocabulary: VocabularyList
    private let quantisation: Quantisation?
    private let pool: WorkerPool
    private var unigrams: Lane<UInt8>
    private var built: [BuiltOrder] = []
    private var counts: [Int] = []

    init(order: Int, vocabulary: VocabularyList, quantisation: Quantisation?, pool: WorkerPool) {
        self.order = order
        self.vocabulary = vocabulary
        self.quantisation = quantisation
        self.pool = pool
        unigrams = Lane(zeros: vocabulary.count * 8)
    }

    func setUnigram(_ id: Int, probability: Float, backoff: Float) {
        let bits = UInt64(probability.bitPattern) | UInt64(backoff.bitPattern) << 32
        for byte in 0..<8 { unigrams[id * 8 + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte)) }
    }

    /// Adds all n-grams of the next order, from 2 on; gives the number of each.
    func addOrder(_ columns: GramColumns) throws(NgramError) -> Lane<UInt32> {
        let set = try GramSetBuilder.build(
            columns, vocabulary: vocabulary.count, parentCount: built.last?.numbers.count ?? vocabulary.count,
            quantised: quantisation.map { ($0.probabilityBits, $0.backoffBits) },
            isHighest: built.count + 2 == order, pool: pool)
        built.append(set)
        counts.append(columns.count)
        return set.numbers
    }

    /// The parts of the file, in order; each begins at a multiple of 64 bytes.
    func parts() throws(NgramError) -> [Lane<UInt8>] {
        var header = GramIndexHeader()
        header.order = order
        header.vocabularyCount = vocabulary.count
        header.orders = built.enumerated().map { index, set in
            GramIndexHeader.Order(count: counts[index], sets: set.shapes)
        }
        header.size = header.neededSize
        var parts: [Lane<UInt8>] = [Lane(zeros: header.size)]
        var end = header.size
        func place(_ part: Lane<UInt8>) -> Int {
            let start = end
            parts.append(part)
            end = (end + part.count + 63) / 64 * 64
            return start
        }
        func place(_ values: [Float]) -> GramIndexHeader.Values {
            GramIndexHeader.Values(offset: place(floats(values)), count: values.count)
        }
        let words = try VocabularyParts(vocabulary)
        header.vocabulary.slots = place(words.slots)
        header.vocabulary.slotCount = words.slots.count / 4
        header.vocabulary.starts = place(words.starts)
        header.vocabulary.words = place(words.words)
        header.vocabulary.wordBytes = words.words.count
        if quantisation == nil {
            header.unigrams = place(unigrams)
        } else {
            let packed = PackedUnigrams(unigrams)
            header.unigrams = place(packed.codes)
            header.unigramProbabilities = place(packed.probabilities)
            header.unigramBackoffs = place(packed.backoffs)
        }
        for (index, set) in built.enumerated() {
            header.orders[index].probabilities = place(set.probabilityValues)
            header.orders[index].backoffs = place(set.backoffValues)
            for number in set.shapes.indices {
                header.orders[index].sets[number].lines = place(set.lines[number])
                header.orders[index].sets[number].entries = place(set.entries[number])
            }
        }
        header.fileSize = end
        parts[0] = header.bytes()
        return parts
    }

    private func floats(_ values: [Float]) -> Lane<UInt8> {
        let bytes = Lane<UInt8>(zeros: values.count * 4)
        for (place, value) in values.enumerated() {
            for byte in 0..<4 {
                bytes[place * 4 + byte] = UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * byte))
            }
        }
        return bytes
    }

    /// The model in memory.
    func index(name: String) throws(NgramError) -> GramIndex {
        let parts = try parts()
        let size = parts.reduce(0) { ($0 + $1.count + 63) / 64 * 64 }
        let whole = Lane<UInt8>(zeros: size)
        var end = 0
        for part in parts {
            copy(part, into: whole, at: end)
            end = (end + part.count + 63) / 64 * 64
        }
        return try GramIndex(ByteView(whole), name: name)
    }

    func write(to path: FilePath) throws(NgramError) {
        let file = try OrderedFile(path)
        try file.addBlocks(parts(), alignment: 64)
        try file.commit()
    }
}
