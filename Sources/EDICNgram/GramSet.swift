/// The shape of one set of n-grams: where it lies and how its entries are packed. Sixteen of these words make up its
/// description in a model file.
struct GramSetShape: Sendable, Hashable {
    var count = 0
    /// Bits of a word and of a parent's number; a key is both, the parent above.
    var wordBits = 0
    var parentBits = 0
    /// Words with ids in `firstWord ..< firstWord + (1 << wordBits)` are in this set.
    var firstWord = 0
    /// The number of the first n-gram of this set among those of its order.
    var firstNumber = 0
    /// The scrambled key's top bits choose one of `1 << homeBits` homes.
    var homeBits = 0
    var seed = 0
    var probabilityBits = 0
    var backoffBits = 0
    /// Byte offsets of the blocks and the entries in the model.
    var blocks = 0
    var entries = 0

    var keyBits: Int { wordBits + parentBits }
    var remainderBits: Int { keyBits - homeBits }
    var entryBits: Int { remainderBits + probabilityBits + backoffBits }
    var blockCount: Int { ((1 << homeBits) + 15) / 16 }
    /// With eight bytes behind the last entry, so that whole words can be read.
    var entryBytes: Int { (count * entryBits + 7) / 8 + 8 }

    static let fieldCount = 11

    var fields: [Int] {
        [
            count, wordBits, parentBits, firstWord, firstNumber, homeBits, seed, probabilityBits, backoffBits, blocks,
            entries,
        ]
    }

    init() {}

    init(fields: [Int]) {
        precondition(fields.count == Self.fieldCount)
        (count, wordBits, parentBits, firstWord) = (fields[0], fields[1], fields[2], fields[3])
        (firstNumber, homeBits, seed) = (fields[4], fields[5], fields[6])
        (probabilityBits, backoffBits, blocks, entries) = (fields[7], fields[8], fields[9], fields[10])
    }

    /// Whether the numbers fit together and lie inside a model of `size` bytes.
    func isSound(within size: Int) -> Bool {
        guard count >= 0, count <= 1 << 32, (0...32).contains(wordBits), (0...32).contains(parentBits),
            homeBits >= 0, homeBits <= keyBits, homeBits <= 34, remainderBits <= 56,
            firstWord >= 0, firstWord <= 1 << 32, firstNumber >= 0, firstNumber <= 1 << 32,
            (0...32).contains(probabilityBits), (0...32).contains(backoffBits), (0..<64).contains(seed)
        else { return false }
        guard blocks >= 0, blocks <= size, entries >= 0, entries <= size else { return false }
        return blockCount * 12 <= size - blocks && entryBytes <= size - entries
    }
}

/// N-grams of one order whose added word lies in one range, by the number of the n-gram one word shorter.
///
/// A key is a parent's number and a word. It is scrambled by a bijection, so that its top bits choose a home evenly;
/// entries lie in the order of their scrambled keys and store only the bits below. For every sixteen homes a block of
/// twelve bytes holds the number of entries before it and how many each home has, four bits each.
final class GramSet: Sendable {
    let shape: GramSetShape
    /// The first word above this set's.
    let wordsEnd: Int
    private let blocks: ByteView
    private let entries: ByteView
    private let keyMask: UInt64
    private let remainderMask: UInt64
    private let multiplier: UInt64
    private let foldShift: UInt64

    init?(_ shape: GramSetShape, in model: ByteView) {
        guard shape.isSound(within: model.count),
            let blocks = model.part(from: shape.blocks, count: shape.blockCount * 12),
            let entries = model.part(from: shape.entries, count: shape.entryBytes)
        else { return nil }
        self.shape = shape
        wordsEnd = shape.firstWord + (1 << shape.wordBits)
        self.blocks = blocks
        self.entries = entries
        keyMask = ones(shape.keyBits)
        remainderMask = ones(shape.remainderBits)
        multiplier = Self.multiplier(seed: shape.seed)
        foldShift = UInt64((shape.keyBits + 1) / 2)
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

    @inline(__always)
    private func scrambled(_ parent: UInt64, _ word: UInt32) -> UInt64 {
        let key = (parent << UInt64(shape.wordBits)) | UInt64(word &- UInt32(truncatingIfNeeded: shape.firstWord))
        return Self.scramble(key & keyMask, mask: keyMask, fold: foldShift, multiplier: multiplier)
    }

    /// An entry's place in the set, or -1. `word` must be one of this set's.
    @inline(__always)
    func find(parent: UInt64, word: UInt32) -> Int {
        guard shape.count > 0 else { return -1 }
        let key = scrambled(parent, word)
        let home = Int(truncatingIfNeeded: key >> UInt64(shape.remainderBits))
        let block = (home >> 4) * 12
        let counts = blocks.load(UInt64.self, at: block + 4)
        let shift = UInt64(home & 15) * 4
        let held = Int(truncatingIfNeeded: (counts >> shift) & 15)
        if held == 0 { return -1 }
        let before = counts & ((1 << shift) &- 1)
        let pairs = (before & 0x0F0F_0F0F_0F0F_0F0F) &+ ((before >> 4) & 0x0F0F_0F0F_0F0F_0F0F)
        let sum = Int(truncatingIfNeeded: (pairs &* 0x0101_0101_0101_0101) >> 56)
        let first = Int(blocks.load(UInt32.self, at: block)) + sum
        let wanted = key & remainderMask
        var offset = first * shape.entryBits
        for place in first..<first + held {
            // A damaged file may count more entries than there are.
            if place >= shape.count { return -1 }
            let remainder = entries.bits(at: offset, mask: remainderMask)
            if remainder >= wanted { return remainder == wanted ? place : -1 }
            offset += shape.entryBits
        }
        return -1
    }

    /// How many entries a home has.
    func held(home: Int) -> Int {
        Int(truncatingIfNeeded: (blocks.load(UInt64.self, at: (home >> 4) * 12 + 4) >> (UInt64(home & 15) * 4)) & 15)
    }

    func remainder(_ place: Int) -> UInt64 { entries.bits(at: place * shape.entryBits, mask: remainderMask) }

    /// Undoes ``scramble(_:mask:fold:multiplier:)``.
    func unscramble(_ scrambled: UInt64) -> UInt64 {
        var value = scrambled
        value ^= value >> foldShift
        value = (value &* Self.inverse(0xD6E8_FEB8_6659_FD93)) & keyMask
        value ^= value >> foldShift
        return (value &* Self.inverse(multiplier)) & keyMask
    }

    /// The inverse of an odd number modulo 2 to the 64, by Newton's method.
    private static func inverse(_ value: UInt64) -> UInt64 {
        var inverse = value
        for _ in 0..<5 { inverse = inverse &* (2 &- value &* inverse) }
        return inverse
    }

    /// The block of a key, brought near; part of an interleaved look-up.
    @inline(__always)
    func touchBlock(parent: UInt64, word: UInt32) -> UInt8 {
        let home = Int(truncatingIfNeeded: scrambled(parent, word) >> UInt64(shape.remainderBits))
        return blocks.touch((home >> 4) * 12)
    }

    @inline(__always)
    func probabilityCode(_ place: Int) -> UInt32 {
        let offset = place * shape.entryBits + shape.remainderBits
        return UInt32(truncatingIfNeeded: entries.bits(at: offset, mask: ones(shape.probabilityBits)))
    }

    @inline(__always)
    func backoffCode(_ place: Int) -> UInt32 {
        let offset = place * shape.entryBits + shape.remainderBits + shape.probabilityBits
        return UInt32(truncatingIfNeeded: entries.bits(at: offset, mask: ones(shape.backoffBits)))
    }
}

/// A mask of the lowest `count` bits.
@inline(__always)
func ones(_ count: Int) -> UInt64 { count >= 64 ? .max : (1 << UInt64(count)) &- 1 }
