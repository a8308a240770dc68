internal import EDICNumerics
internal import SystemPackage

/// A model in the module's own format, wherever its bytes lie; see the article "The model format".
struct GramIndex: NgramSearch {
    static let magic: [UInt8] = Array("EDIC-LM\n".utf8)
    static let version: UInt32 = 1
    static let headerSize = 8192
    static let setsPerOrder = 8

    /// The header's fields, all of them 64-bit numbers behind the magic and the version.
    struct Header: Sendable {
        var order = 0
        var fileSize = 0
        var vocabularyCount = 0
        var vocabulary = VocabularyIndex.Layout()
        /// Pairs of floats: log probability and log backoff of each word.
        var unigrams = 0
        struct Order: Sendable {
            var count = 0
            var probabilityValues = 0
            var probabilityValueCount = 0
            var backoffValues = 0
            var backoffValueCount = 0
            var sets: [GramSetShape] = []
        }
        /// Of orders from 2 on.
        var orders: [Order] = []

        var fields: [Int] {
            var fields = [
                order, fileSize, vocabularyCount, vocabulary.slots, vocabulary.slotCount, vocabulary.starts,
                vocabulary.words, vocabulary.wordBytes, unigrams,
            ]
            for order in orders {
                fields += [
                    order.count, order.probabilityValues, order.probabilityValueCount, order.backoffValues,
                    order.backoffValueCount, order.sets.count,
                ]
                for place in 0..<GramIndex.setsPerOrder {
                    fields += place < order.sets.count ? order.sets[place].fields : GramSetShape().fields
                }
            }
            return fields
        }

        init() {}

        init?(_ field: (Int) -> Int) {
            var next = 0
            func take() -> Int {
                next += 1
                return field(next - 1)
            }
            order = take()
            guard (1...10).contains(order) else { return nil }
            fileSize = take()
            vocabularyCount = take()
            vocabulary = VocabularyIndex.Layout(
                slots: take(), slotCount: take(), starts: take(), words: take(), wordBytes: take())
            unigrams = take()
            for _ in 0..<order - 1 {
                var part = Order(
                    count: take(), probabilityValues: take(), probabilityValueCount: take(), backoffValues: take(),
                    backoffValueCount: take())
                let sets = take()
                guard (0...GramIndex.setsPerOrder).contains(sets) else { return nil }
                for place in 0..<GramIndex.setsPerOrder {
                    let shape = GramSetShape(fields: (0..<GramSetShape.fieldCount).map { _ in take() })
                    if place < sets { part.sets.append(shape) }
                }
                orders.append(part)
            }
        }
    }

    /// The sets of one order and what their codes stand for. A class, as a set is: a look-up then holds two references
    /// for a moment, where copies of structs would hold and let go of every buffer inside them.
    final class Level: Sendable {
        let count: Int
        let sets: [GramSet]
        let isQuantised: Bool
        let probabilities: Lane<Float>
        let backoffs: Lane<Float>

        init(count: Int, sets: [GramSet], isQuantised: Bool, probabilities: Lane<Float>, backoffs: Lane<Float>) {
            self.count = count
            self.sets = sets
            self.isQuantised = isQuantised
            self.probabilities = probabilities
            self.backoffs = backoffs
        }
    }

    let order: Int
    let vocabulary: VocabularyIndex
    let header: Header
    let bytes: ByteView
    private let unigrams: ByteView
    private let levels: [Level]

    /// Opens a model: checks its header and that all its parts lie inside. Takes the same time for any size.
    init(_ bytes: ByteView, name: String) throws(NgramError) {
        func corrupt(_ what: String) -> NgramError {
            NgramError(.corrupt, "\(name): \(what); the file is damaged or incomplete, make or copy it again")
        }
        guard bytes.count >= Self.headerSize else { throw corrupt("is shorter than the header of a model") }
        for (place, byte) in Self.magic.enumerated() where bytes.load(UInt8.self, at: place) != byte {
            throw corrupt("does not begin like a model")
        }
        let version = bytes.load(UInt32.self, at: 8)
        guard version == Self.version else {
            throw NgramError(.unsupported, "\(name): model format \(version), and this program reads \(Self.version)")
        }
        guard bytes.load(UInt64.self, at: 16) == Self.checksum(of: bytes) else {
            throw corrupt("the header does not match its checksum")
        }
        guard
            let header = Header({ field in
                Int(truncatingIfNeeded: bytes.load(UInt64.self, at: 24 + field * 8))
            })
        else { throw corrupt("the header has impossible values") }
        guard header.fileSize == bytes.count else {
            throw corrupt("has \(bytes.count) bytes where the header says \(header.fileSize)")
        }
        guard let vocabulary = VocabularyIndex(count: header.vocabularyCount, header.vocabulary, in: bytes),
            let unigrams = bytes.part(from: header.unigrams, count: header.vocabularyCount * 8)
        else { throw corrupt("the vocabulary lies outside the file") }
        var levels: [Level] = []
        for (place, part) in header.orders.enumerated() {
            guard let level = Self.level(part, in: bytes) else {
                throw corrupt("the \(place + 2)-grams lie outside the file")
            }
            levels.append(level)
        }
        order = header.order
        self.vocabulary = vocabulary
        self.header = header
        self.bytes = bytes
        self.unigrams = unigrams
        self.levels = levels
    }

    private static func level(_ part: Header.Order, in bytes: ByteView) -> Level? {
        func values(_ offset: Int, _ count: Int) -> Lane<Float>? {
            guard count >= 0, count <= 1 << 16, let view = bytes.part(from: offset, count: count * 4) else {
                return nil
            }
            let lane = Lane<Float>(zeros: max(count, 1))
            for place in 0..<count { lane[place] = view.float(at: place * 4) }
            return lane
        }
        guard let probabilities = values(part.probabilityValues, part.probabilityValueCount),
            let backoffs = values(part.backoffValues, part.backoffValueCount)
        else { return nil }
        var sets: [GramSet] = []
        for shape in part.sets {
            guard let set = GramSet(shape, in: bytes) else { return nil }
            sets.append(set)
        }
        return Level(
            count: part.count, sets: sets, isQuantised: part.probabilityValueCount > 0,
            probabilities: probabilities, backoffs: backoffs)
    }

    /// FNV-1a over the header, its checksum left out.
    static func checksum(of bytes: ByteView) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in 0..<headerSize where !(16..<24).contains(place) {
            hash = (hash ^ UInt64(bytes.load(UInt8.self, at: place))) &* 0x100_0000_01B3
        }
        return hash
    }

    var counts: [Int] { [vocabulary.count] + levels.map(\.count) }

    // MARK: Searching

    @inline(__always)
    func unigram(_ word: UInt32) -> GramWeights {
        let id = Int(word) < vocabulary.count ? Int(word) : 0
        return GramWeights(
            probability: unigrams.float(at: id * 8), backoff: unigrams.float(at: id * 8 + 4),
            node: GramNode(first: UInt64(id)))
    }

    @inline(__always)
    func extend(_ node: GramNode, order: Int, word: UInt32) -> GramWeights? {
        let level = levels[order - 2]
        // The sets share out the words in rising order.
        var place = 0
        while place < level.sets.count, Int(word) >= level.sets[place].wordsEnd { place += 1 }
        guard place < level.sets.count else { return nil }
        let set = level.sets[place]
        guard Int(word) >= set.shape.firstWord else { return nil }
        let entry = set.find(parent: node.first, word: word)
        if entry < 0 { return nil }
        let found = weights(level, set, entry)
        return GramWeights(
            probability: found.probability, backoff: found.backoff,
            node: GramNode(first: UInt64(set.shape.firstNumber + entry)))
    }

    func weights(order: Int, _ set: GramSet, _ entry: Int) -> (probability: Float, backoff: Float) {
        weights(levels[order - 2], set, entry)
    }

    @inline(__always)
    private func weights(_ level: Level, _ set: GramSet, _ entry: Int) -> (probability: Float, backoff: Float) {
        let probability = set.probabilityCode(entry)
        let backoff = set.shape.backoffBits > 0 ? set.backoffCode(entry) : 0
        guard level.isQuantised else { return (Float(bitPattern: probability), Float(bitPattern: backoff)) }
        return (
            level.probabilities[min(Int(probability), level.probabilities.count - 1)],
            level.backoffs[min(Int(backoff), level.backoffs.count - 1)]
        )
    }
}
