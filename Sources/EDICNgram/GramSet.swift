/// The shape of one set of n-grams: where it lies and how its entries are packed.
struct GramSetShape: Sendable, Hashable {
    /// Homes that one line counts the entries of.
    static let homesPerLine = 56
    static let lineBytes = 32

    var count = 0
    /// Bits of a word and of a parent's number; a key is both, the parent above.
    var wordBits = 0
    var parentBits = 0
    /// The first word of the set's class.
    var firstWord = 0
    /// The number of the first n-gram of this set among those of its order.
    var firstNumber = 0
    /// The scrambled key's top bits choose one of `1 << homeBits` homes.
    var homeBits = 0
    var seed = 0
    var probabilityBits = 0
    var backoffBits = 0
    /// Byte offsets of the lines and the entries in the model.
    var lines = 0
    var entries = 0

    var keyBits: Int { wordBits + parentBits }
    var remainderBits: Int { keyBits - homeBits }
    var entryBits: Int { remainderBits + probabilityBits + backoffBits }
    var lineCount: Int { ((1 << homeBits) + Self.homesPerLine - 1) / Self.homesPerLine }
    /// How far the scrambling shifts.
    var fold: Int { (keyBits + 1) / 2 }
    /// With eight bytes behind the last entry, so that whole words can be read.
    var entryBytes: Int { (count * entryBits + 7) / 8 + 8 }

    static let fieldCount = 11

    var fields: [Int] {
        [
            count, wordBits, parentBits, firstWord, firstNumber, homeBits, seed, probabilityBits, backoffBits, lines,
            entries,
        ]
    }

    init() {}

    init(fields: [Int]) {
        precondition(fields.count == Self.fieldCount)
        (count, wordBits, parentBits, firstWord) = (fields[0], fields[1], fields[2], fields[3])
        (firstNumber, homeBits, seed) = (fields[4], fields[5], fields[6])
        (probabilityBits, backoffBits, lines, entries) = (fields[7], fields[8], fields[9], fields[10])
    }

    /// Whether the numbers fit together and lie inside a model of `size` bytes.
    func isSound(within size: Int) -> Bool {
        guard (0...1 << 32).contains(count), (1...28).contains(wordBits), (1...32).contains(parentBits),
            (0...min(32, keyBits)).contains(homeBits), remainderBits <= 56, (0..<1 << 28).contains(firstWord),
            firstNumber >= 0, firstNumber <= 1 << 32 - count,
            (0...32).contains(probabilityBits), (0...32).contains(backoffBits), (0..<64).contains(seed)
        else { return false }
        guard (0...size).contains(lines), (0...size).contains(entries) else { return false }
        return lineCount * Self.lineBytes <= size - lines && entryBytes <= size - entries
    }
}

/// Reads the n-grams of a set back out of a model, in the order of their places.
///
/// A key is a parent's number and a word. It is scrambled by a bijection, so that its top bits choose a home evenly;
/// entries lie in the order of their scrambled keys and store only the bits below. For every 56 homes a line of 32
/// bytes holds the number of entries before it and how many each home has, four bits each.
struct GramSet: Sendable {
    let shape: GramSetShape
    private let lines: ByteView
    private let entries: ByteView

    init?(_ shape: GramSetShape, in model: ByteView) {
        guard shape.isSound(within: model.count),
            let lines = model.part(from: shape.lines, count: shape.lineCount * GramSetShape.lineBytes),
            let entries = model.part(from: shape.entries, count: shape.entryBytes)
        else { return nil }
        self.shape = shape
        self.lines = lines
        self.entries = entries
    }

    static func multiplier(seed: Int) -> UInt64 { 0x9E37_79B9_7F4A_7C15 &+ UInt64(seed) &* 0x3C6E_F372_FE94_F82A }

    /// The bijection on keys of `bits` bits.
    @inline(__always)
    static func scramble(_ key: UInt64, mask: UInt64, fold: UInt64, multiplier: UInt64) -> UInt64 {
        var value = key
        value = (value &* multiplier) & mask
        value ^= value >> fold
        value = (value &* 0xD6E8_FEB8_6659_FD93) & mask
        value ^= value >> fold
        return value
    }

    /// Undoes ``scramble(_:mask:fold:multiplier:)``.
    private func unscramble(_ scrambled: UInt64, inverses: (UInt64, UInt64)) -> UInt64 {
        let mask = ones(shape.keyBits)
        let fold = UInt64(shape.fold)
        var value = scrambled
        value ^= value >> fold
        value = (value &* inverses.0) & mask
        value ^= value >> fold
        return (value &* inverses.1) & mask
    }

    /// The inverse of an odd number modulo 2 to the 64, by Newton's method.
    private static func inverse(_ value: UInt64) -> UInt64 {
        var inverse = value
        for _ in 0..<5 { inverse = inverse &* (2 &- value &* inverse) }
        return inverse
    }

    /// Calls `body(place, parent, word, probability code, backoff code)` for each entry until it returns false; false
    /// where it did or an entry is not where its key belongs.
    func forEachEntry(_ body: (_ place: Int, _ parent: UInt64, _ word: UInt32, UInt32, UInt32) -> Bool) -> Bool {
        let inverses = (Self.inverse(0xD6E8_FEB8_6659_FD93), Self.inverse(Self.multiplier(seed: shape.seed)))
        var place = 0
        for home in 0..<1 << shape.homeBits {
            let within = home % GramSetShape.homesPerLine
            let pair = lines.load(
                UInt8.self, at: home / GramSetShape.homesPerLine * GramSetShape.lineBytes + 4 + within / 2)
            for _ in 0..<(pair >> UInt8(within % 2 * 4)) & 15 {
                guard place < shape.count else { return false }
                let offset = place * shape.entryBits
                let remainder = entries.bits(at: offset, mask: ones(shape.remainderBits))
                let key = unscramble(UInt64(home) << UInt64(shape.remainderBits) | remainder, inverses: inverses)
                let word = UInt32(truncatingIfNeeded: key & ones(shape.wordBits)) &+ UInt32(shape.firstWord)
                let probability = entries.bits(at: offset + shape.remainderBits, mask: ones(shape.probabilityBits))
                let backoff = entries.bits(
                    at: offset + shape.remainderBits + shape.probabilityBits, mask: ones(shape.backoffBits))
                guard
                    body(
                        place, key >> UInt64(shape.wordBits), word, UInt32(truncatingIfNeeded: probability),
                        UInt32(truncatingIfNeeded: backoff))
                else { return false }
                place += 1
            }
        }
        return place == shape.count
    }
}

/// A mask of the lowest `count` bits.
@inline(__always)
func ones(_ count: Int) -> UInt64 { count >= 64 ? .max : (1 << UInt64(count)) &- 1 }
