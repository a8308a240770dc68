internal import EDICNumerics
internal import Synchronization

/// N-grams of one order on their way into a model: the number of the n-gram without the first word, the first word,
/// and the weights.
struct GramColumns: Sendable {
    let parents: Lane<UInt32>
    let words: Lane<UInt32>
    let probabilities: Lane<Float>
    /// Empty at the highest order.
    let backoffs: Lane<Float>

    var count: Int { words.count }

    func part(_ range: Range<Int>) -> GramColumns {
        GramColumns(
            parents: parents.part(range), words: words.part(range), probabilities: probabilities.part(range),
            backoffs: backoffs.count == 0 ? backoffs : backoffs.part(range))
    }
}

/// Histograms of the weights that one worker has seen.
struct WeightHistograms: Sendable {
    let probabilities = WeightCodebook.Histogram()
    let backoffs = WeightCodebook.Histogram()
}

/// Sorts the n-grams of one order into sets and packs them.
///
/// Each set is shared out among parts by the top bits of its scrambled keys, so that only a few parts are in memory at
/// once: n-grams come in blocks as ``add(_:block:)`` has them, become records in ``RecordExchange``, are sorted and packed
/// part by part in ``finish(into:)``, and their numbers go back block by block in ``numbers(block:)``. What is written
/// does not depend on how many parts or blocks there are.
final class GramSetBuilder: Sendable {
    struct Description: Sendable {
        /// How many n-grams of each class of first words will come.
        let classCounts: [Int]
        let vocabulary: Int
        /// How many n-grams are one word shorter.
        let parentCount: Int
        let quantised: GramIndexBuilder.Quantisation?
        let isHighest: Bool
    }

    /// One class of first words and its parts.
    private struct Class: Sendable {
        let index: Int
        let shape: GramSetShape
        let firstPart: Int
        let partBits: Int

        var partCount: Int { 1 << partBits }
    }

    private typealias Books = (probability: WeightCodebook, backoff: WeightCodebook)

    private let description: Description
    private let memory: KeptMemory
    private let pool: StoppablePool
    private let classes: [Class]
    private let recordClasses: Lane<RecordClass>
    private let exchange: RecordExchange
    private let histograms = Mutex<[WeightHistograms]>([])

    /// `partSize` n-grams are in a part at most, or a few more; n-grams will come in `blocks` blocks.
    init(
        _ description: Description, blocks: Int, partSize: Int, memory: KeptMemory, pool: StoppablePool
    ) throws(NgramError) {
        self.description = description
        self.memory = memory
        self.pool = pool
        var classes: [Class] = []
        var firstPart = 0
        var firstNumber = 0
        recordClasses = Lane(zeros: GramClasses.count)
        for (index, count) in description.classCounts.enumerated() where count > 0 {
            var shape = try Self.shape(index, count, description)
            shape.firstNumber = firstNumber
            firstNumber += count
            var partBits = 0
            while partBits < shape.homeBits, count >> partBits > partSize { partBits += 1 }
            recordClasses[index] = RecordClass(shape, firstPart: firstPart, partBits: partBits)
            classes.append(Class(index: index, shape: shape, firstPart: firstPart, partBits: partBits))
            firstPart += 1 << partBits
        }
        guard firstPart <= 1 << 16 else {
            throw NgramError(
                .limitExceeded, "model: \(firstNumber) n-grams of one order need more memory to sort; give more")
        }
        self.classes = classes
        let weightBits = (description.quantised == nil ? 32 : 18) * (description.isHighest ? 1 : 2)
        let keyBits = classes.map(\.shape.keyBits).max() ?? 1
        exchange = RecordExchange(
            RecordShape(keyBits: keyBits, weightBits: weightBits), parts: firstPart, blocks: blocks,
            answersBlocks: !description.isHighest, memory: memory)
    }

    private static func shape(
        _ index: Int, _ count: Int, _ description: Description
    ) throws(NgramError) -> GramSetShape {
        let parents = description.parentCount
        var shape = GramSetShape()
        shape.count = count
        shape.wordBits = GramClasses.wordBits(index, vocabulary: description.vocabulary)
        shape.parentBits = parents <= 1 ? 1 : Int.bitWidth - (parents - 1).leadingZeroBitCount
        shape.firstWord = GramClasses.firstWord(index)
        shape.probabilityBits = description.quantised?.probabilityBits ?? 32
        shape.backoffBits = description.isHighest ? 0 : description.quantised?.backoffBits ?? 32
        shape.homeBits = homeBits(shape, seed: 0)
        guard shape.remainderBits <= 56 else {
            throw NgramError(
                .unsupported, "model: \(description.vocabulary) words with \(parents) n-grams do not fit the format")
        }
        return shape
    }

    /// Two to four entries a home, or half as many where some home is likely to have more than fifteen: always of very
    /// many, and where four seeds have failed.
    private static func homeBits(_ shape: GramSetShape, seed: Int) -> Int {
        let spread = Int.bitWidth - 1 - shape.count.leadingZeroBitCount
        let bits = max(0, spread - 1)
        let homes = Double(1 << bits)
        let mean = Double(shape.count) / homes
        // The Poisson distribution's tail from 16 on, and 1 over e to the mean, by their series.
        var (term, exponential) = (1.0, 1.0)
        var tail = 0.0
        for n in 1..<48 {
            term *= mean / Double(n)
            exponential += term
            if n > 15 { tail += term }
        }
        let isCrowded = homes * tail / exponential > 2
        return min(seed >= 4 || isCrowded ? bits + 1 : bits, shape.keyBits)
    }

    // MARK: Taking in

    /// Adds a block of n-grams.
    func add(_ columns: GramColumns, block: Int) throws(NgramError) {
        let own = description.quantised == nil ? nil : histograms.withLock { $0.popLast() } ?? WeightHistograms()
        let records = Records(
            columns, exchange.shape, classes: recordClasses, partCount: exchange.partCount, histograms: own)
        if let own { histograms.withLock { $0.append(own) } }
        try exchange.add(records, block: block)
    }

    // MARK: Packing

    /// Sorts and packs all that was added, and writes it.
    func finish(into output: GramIndexOutput) throws(NgramError) -> GramIndexHeader.Order {
        exchange.close()
        let books = codebooks()
        var order = GramIndexHeader.Order()
        order.count = classes.reduce(0) { $0 + $1.shape.count }
        order.probabilities = try output.place(books?.probability.values ?? [])
        order.backoffs = try output.place(books?.backoff.values ?? [])
        let parts = classes.flatMap { entry in (0..<entry.partCount).map { (entry, $0) } }
        let packed = try pool.map(count: parts.count) { number, _ throws(NgramError) in
            let (entry, part) = parts[number]
            return try pack(exchange, entry.firstPart, entry.shape, part, of: entry.partBits, books)
        }
        for entry in classes {
            let own = packed[entry.firstPart..<entry.firstPart + entry.partCount]
            var (shape, pieces) = (entry.shape, own.compactMap(\.self))
            if pieces.count < entry.partCount { (shape, pieces) = try repack(entry, books) }
            shape.lines = try output.join(pieces.map { ($0.firstLine, $0.lines) }, unit: GramSetShape.lineBytes)
            shape.entries = try output.join(pieces.map { ($0.firstByte, $0.entries) }, unit: 1, zeros: 8)
            order.sets.append(shape)
        }
        exchange.dropRecords()
        return order
    }

    /// The numbers of the n-grams of a block, in the order in which they came.
    func numbers(block: Int) throws(NgramError) -> Lane<UInt32> { try exchange.numbers(block: block) }

    private func codebooks() -> Books? {
        guard let bits = description.quantised else { return nil }
        let all = histograms.withLock { all in
            defer { all = [] }
            return all
        }
        let sums = all.first ?? WeightHistograms()
        for other in all.dropFirst() {
            sums.probabilities.add(other.probabilities)
            sums.backoffs.add(other.backoffs)
        }
        return (
            WeightCodebook(sums.probabilities, bits: bits.probabilityBits, keepsZero: false),
            WeightCodebook(
                description.isHighest ? WeightCodebook.Histogram() : sums.backoffs, bits: bits.backoffBits,
                keepsZero: true)
        )
    }

    /// One part's share of a set.
    private struct Piece: Sendable {
        /// Where in the set's lines and entries it begins.
        let firstLine: Int
        let lines: KeptBytes
        let firstByte: Int
        let entries: KeptBytes
    }

    /// Packs a part and keeps its numbers; nil where a home would have too many entries.
    private func pack(
        _ exchange: RecordExchange, _ firstPart: Int, _ shape: GramSetShape, _ part: Int, of partBits: Int,
        _ books: Books?
    ) throws(NgramError) -> Piece? {
        let homes = 1 << (shape.homeBits - partBits)
        var place = 0
        for before in 0..<part { place += exchange.count(part: firstPart + before) }
        let count = exchange.count(part: firstPart + part)
        let records = try exchange.load(part: firstPart + part)
        guard
            let packed = PackedPart(
                records, count: count, exchange.shape, shape, homes: part * homes..<(part + 1) * homes, place: place,
                books: books, givesNumbers: !description.isHighest)
        else { return nil }
        if !description.isHighest { try exchange.answer(part: firstPart + part, packed.numbers) }
        return Piece(
            firstLine: part * homes / GramSetShape.homesPerLine * GramSetShape.lineBytes,
            lines: try KeptBytes(adopting: packed.lines, in: memory),
            firstByte: place * shape.entryBits / 8, entries: try KeptBytes(adopting: packed.entries, in: memory))
    }

    /// Packs a set again with other seeds, until no home has too many entries.
    private func repack(_ entry: Class, _ books: Books?) throws(NgramError) -> (GramSetShape, [Piece]) {
        for seed in 1..<64 {
            var shape = entry.shape
            shape.seed = seed
            shape.homeBits = Self.homeBits(shape, seed: seed)
            let again = RecordExchange(
                exchange.shape, parts: entry.partCount, blocks: entry.partCount,
                answersBlocks: !description.isHighest, memory: memory)
            let from = recordClasses[entry.index]
            let to = RecordClass(shape, firstPart: 0, partBits: entry.partBits)
            let other = shape
            try pool.forEach(count: entry.partCount) { part, _ throws(NgramError) in
                let number = entry.firstPart + part
                let records = Records(
                    rekeying: try exchange.load(part: number), count: exchange.count(part: number), exchange.shape,
                    from: from, to: to, partCount: entry.partCount)
                try again.add(records, block: part)
            }
            again.close()
            let packed = try pool.map(count: entry.partCount) { part, _ throws(NgramError) in
                try pack(again, 0, other, part, of: entry.partBits, books)
            }
            let pieces = packed.compactMap(\.self)
            guard pieces.count == entry.partCount else { continue }
            if !description.isHighest {
                try pool.forEach(count: entry.partCount) { part, _ throws(NgramError) in
                    try exchange.answer(part: entry.firstPart + part, try again.numbers(block: part))
                }
            }
            return (shape, pieces)
        }
        throw NgramError(
            .unsupported, "model: \(entry.shape.count) n-grams do not spread evenly; are some listed twice?")
    }
}
