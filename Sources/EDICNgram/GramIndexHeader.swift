/// The header of a model file in the module's own format; see the article "The model format".
struct GramIndexHeader: Sendable {
    static let magic: [UInt8] = Array("EDIC-LM\n".utf8)
    static let version: UInt32 = 2
    /// Where the fields begin: behind the magic, the version and the checksum.
    static let fieldsStart = 24
    static let smallestSize = fieldsStart + 8 * 18
    static let largestSize = 1 << 16

    /// A list of floats in the file.
    struct Values: Sendable {
        var offset = 0
        var count = 0
    }

    struct Order: Sendable {
        var count = 0
        var probabilities = Values()
        var backoffs = Values()
        var sets: [GramSetShape] = []
    }

    /// All bytes before the first part.
    var size = 0
    var order = 0
    var fileSize = 0
    var vocabularyCount = 0
    var vocabulary = VocabularyLayout()
    /// Each word's weights: two floats, or two codes of 16 bits where there are values for them.
    var unigrams = 0
    var unigramProbabilities = Values()
    var unigramBackoffs = Values()
    /// Of orders from 2 on.
    var orders: [Order] = []

    var fields: [Int] {
        var fields = [
            size, order, fileSize, vocabularyCount, vocabulary.slots, vocabulary.slotCount, vocabulary.starts,
            vocabulary.words, vocabulary.wordBytes, unigrams, unigramProbabilities.offset, unigramProbabilities.count,
            unigramBackoffs.offset, unigramBackoffs.count,
        ]
        for order in orders {
            fields += [
                order.count, order.probabilities.offset, order.probabilities.count, order.backoffs.offset,
                order.backoffs.count, order.sets.count,
            ]
            for set in order.sets { fields += set.fields }
        }
        return fields
    }

    /// The size of a header with these fields.
    var neededSize: Int { (Self.fieldsStart + 8 * fields.count + 63) / 64 * 64 }

    init() {}

    /// Reads and checks the header of a model.
    init(_ bytes: ByteView, name: String) throws(NgramError) {
        func corrupt(_ what: String) -> NgramError { .damaged(name, what) }
        guard bytes.count >= Self.smallestSize else { throw corrupt("is shorter than the header of a model") }
        for (place, byte) in Self.magic.enumerated() where bytes.load(UInt8.self, at: place) != byte {
            throw corrupt("does not begin like a model")
        }
        let version = bytes.load(UInt32.self, at: 8)
        guard version == Self.version else {
            throw NgramError(
                .unsupported,
                "\(name): model format \(version), and this program reads \(Self.version); make the model again")
        }
        let size = Int(truncatingIfNeeded: bytes.load(UInt64.self, at: Self.fieldsStart))
        guard (Self.smallestSize - 64...Self.largestSize).contains(size), size % 64 == 0, size <= bytes.count else {
            throw corrupt("the header has an impossible size")
        }
        guard bytes.load(UInt64.self, at: 16) == Self.checksum(of: bytes, size: size) else {
            throw corrupt("the header does not match its checksum")
        }
        let available = (size - Self.fieldsStart) / 8
        var next = 0
        func take() throws(NgramError) -> Int {
            guard next < available else { throw corrupt("the header is too short for its sets") }
            next += 1
            return Int(truncatingIfNeeded: bytes.load(UInt64.self, at: Self.fieldsStart + (next - 1) * 8))
        }
        func values(atMost limit: Int) throws(NgramError) -> Values {
            let values = Values(offset: try take(), count: try take())
            guard (0...limit).contains(values.count) else { throw corrupt("the header has impossible values") }
            return values
        }
        self.size = try take()
        order = try take()
        guard (1...10).contains(order) else { throw corrupt("the header has impossible values") }
        fileSize = try take()
        vocabularyCount = try take()
        vocabulary = VocabularyLayout(
            slots: try take(), slotCount: try take(), starts: try take(), words: try take(), wordBytes: try take())
        unigrams = try take()
        unigramProbabilities = try values(atMost: 1 << 16)
        unigramBackoffs = try values(atMost: 1 << 16)
        for _ in 0..<order - 1 {
            var part = Order(
                count: try take(), probabilities: try values(atMost: 1 << 16), backoffs: try values(atMost: 1 << 16))
            let sets = try take()
            guard (0...GramClasses.count).contains(sets) else { throw corrupt("the header has impossible values") }
            for _ in 0..<sets {
                var fields: [Int] = []
                for _ in 0..<GramSetShape.fieldCount { fields.append(try take()) }
                part.sets.append(GramSetShape(fields: fields))
            }
            orders.append(part)
        }
        guard fileSize == bytes.count else {
            throw corrupt("has \(bytes.count) bytes where the header says \(fileSize)")
        }
    }

    /// The header's bytes, of ``size``.
    func bytes() -> Lane<UInt8> {
        let bytes = Lane<UInt8>(zeros: size)
        func put(_ value: UInt64, at offset: Int) {
            for byte in 0..<8 { bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
        }
        for (place, byte) in Self.magic.enumerated() { bytes[place] = byte }
        put(UInt64(Self.version), at: 8)
        for (place, field) in fields.enumerated() { put(UInt64(field), at: Self.fieldsStart + place * 8) }
        put(Self.checksum(of: ByteView(bytes), size: size), at: 16)
        return bytes
    }

    /// FNV-1a over the header, its checksum left out.
    private static func checksum(of bytes: ByteView, size: Int) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in 0..<size where !(16..<24).contains(place) {
            hash = (hash ^ UInt64(bytes.load(UInt8.self, at: place))) &* 0x100_0000_01B3
        }
        return hash
    }
}

/// Where the parts of a vocabulary lie in a model: offsets and sizes in bytes.
struct VocabularyLayout: Sendable, Hashable {
    var slots = 0
    var slotCount = 0
    var starts = 0
    var words = 0
    var wordBytes = 0
}

/// The classes of first words: ids below 16, then one class for each power of two. Frequent words have small ids, so
/// that most n-grams are in sets whose keys are short.
enum GramClasses {
    static let count = 25

    @inline(__always)
    static func index(of word: UInt32) -> Int { 28 - (word | 15).leadingZeroBitCount }

    static func firstWord(_ index: Int) -> Int { index == 0 ? 0 : 8 << index }

    /// The bits that tell the words of a class apart, in a vocabulary of `count` words that reaches into it.
    static func wordBits(_ index: Int, vocabulary count: Int) -> Int {
        let words = min(count - firstWord(index), index == 0 ? 16 : 8 << index)
        return max(1, Int.bitWidth - (words - 1).leadingZeroBitCount)
    }
}
