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
        var header = GramIndex.Header()
        header.order = order
        header.vocabularyCount = vocabulary.count
        var parts: [Lane<UInt8>] = [Lane(zeros: GramIndex.headerSize)]
        var end = GramIndex.headerSize
        func place(_ part: Lane<UInt8>) -> Int {
            let start = end
            parts.append(part)
            end = (end + part.count + 63) / 64 * 64
            return start
        }
        let words = try VocabularyIndex.build(vocabulary)
        header.vocabulary.slots = place(words.slots)
        header.vocabulary.slotCount = words.slots.count / 4
        header.vocabulary.starts = place(words.starts)
        header.vocabulary.words = place(words.words)
        header.vocabulary.wordBytes = words.words.count
        header.unigrams = place(unigrams)
        for (index, set) in built.enumerated() {
            var part = GramIndex.Header.Order()
            part.count = counts[index]
            part.probabilityValueCount = set.probabilityValues.count
            part.probabilityValues = place(floats(set.probabilityValues))
            part.backoffValueCount = set.backoffValues.count
            part.backoffValues = place(floats(set.backoffValues))
            for (number, shape) in set.shapes.enumerated() {
                var shape = shape
                shape.blocks = place(set.blocks[number])
                shape.entries = place(set.entries[number])
                part.sets.append(shape)
            }
            header.orders.append(part)
        }
        header.fileSize = end
        write(header, to: parts[0])
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

    private func write(_ header: GramIndex.Header, to bytes: Lane<UInt8>) {
        func put(_ value: UInt64, at offset: Int) {
            for byte in 0..<8 { bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
        }
        for (place, byte) in GramIndex.magic.enumerated() { bytes[place] = byte }
        put(UInt64(GramIndex.version), at: 8)
        for (place, field) in header.fields.enumerated() { put(UInt64(field), at: 24 + place * 8) }
        put(GramIndex.checksum(of: ByteView(bytes)), at: 16)
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
        let padding = Lane<UInt8>(zeros: 64)
        for part in try parts() {
            try file.add(OrderedFile.Piece(bytes: part, count: part.count), number: file.nextNumber)
            let rest = (64 - part.count % 64) % 64
            try file.add(OrderedFile.Piece(bytes: padding, count: rest), number: file.nextNumber)
        }
        try file.commit()
    }
}
