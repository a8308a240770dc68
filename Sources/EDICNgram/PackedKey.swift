/// How the words of an n-gram lie in a ``PackedKey``: the last word first, in the top bits, so that comparing keys
/// compares n-grams from their last word back ("suffix order").
///
/// A word is stored as its id plus one; zero stands for "no word", before the beginning of a sentence.
struct KeyLayout: Sendable {
    let order: Int
    let bits: Int
    let wordsPerLimb: Int
    let limbs: Int
    let wordMask: UInt64

    init(order: Int, largestCode: UInt32) {
        self.order = order
        bits = max(2, 32 - largestCode.leadingZeroBitCount)
        wordsPerLimb = min(order, 64 / bits)
        limbs = (order + wordsPerLimb - 1) / wordsPerLimb
        wordMask = (1 << UInt64(bits)) - 1
    }

    /// Where word `index`, counted from the last, lies.
    @inline(__always)
    func place(_ index: Int) -> (limb: Int, shift: UInt64) {
        (index / wordsPerLimb, UInt64((wordsPerLimb - 1 - index % wordsPerLimb) * bits))
    }

    /// Ones over the bits of limb `limb` that hold words below `count`.
    func mask(limb: Int, words count: Int) -> UInt64 {
        let held = min(max(count - limb * wordsPerLimb, 0), wordsPerLimb)
        if held == 0 { return 0 }
        let ones: UInt64 = held * bits >= 64 ? .max : (1 << UInt64(held * bits)) - 1
        return ones << UInt64((wordsPerLimb - held) * bits)
    }
}

/// The words of an n-gram, packed into `limbs` machine words as a ``KeyLayout`` says.
struct PackedKey<let limbs: Int>: BitwiseCopyable, Sendable {
    var value: InlineArray<limbs, UInt64>

    @inline(__always)
    init() { value = InlineArray(repeating: 0) }

    /// Masks that keep the first `count` words.
    init(maskOf count: Int, _ layout: KeyLayout) {
        value = InlineArray(repeating: 0)
        for limb in 0..<limbs { value[limb] = layout.mask(limb: limb, words: count) }
    }

    @inline(__always)
    func masked(_ mask: PackedKey) -> PackedKey {
        var result = self
        for limb in 0..<limbs { result.value[limb] &= mask.value[limb] }
        return result
    }

    /// Makes `code` the last word; every other word moves one back, and the one beyond `full` falls off.
    @inline(__always)
    mutating func push(_ code: UInt64, _ layout: KeyLayout, full: PackedKey) {
        let bits = UInt64(layout.bits)
        let top = UInt64((layout.wordsPerLimb - 1) * layout.bits)
        var carried = code
        for limb in 0..<limbs {
            let old = value[limb]
            value[limb] = ((old >> bits) | (carried << top)) & full.value[limb]
            carried = old & layout.wordMask
        }
    }

    /// Without its last word: the context.
    @inline(__always)
    func context(_ layout: KeyLayout) -> PackedKey {
        let bits = UInt64(layout.bits)
        let top = UInt64((layout.wordsPerLimb - 1) * layout.bits)
        var result = PackedKey()
        for limb in 0..<limbs {
            let next = limb + 1 < limbs ? value[limb + 1] >> top : 0
            result.value[limb] = ((value[limb] << bits) | next) & layout.mask(limb: 0, words: layout.wordsPerLimb)
        }
        return result
    }

    @inline(__always)
    func code(at place: (limb: Int, shift: UInt64), _ layout: KeyLayout) -> UInt32 {
        UInt32(truncatingIfNeeded: (value[place.limb] >> place.shift) & layout.wordMask)
    }

    @inline(__always)
    static func < (left: PackedKey, right: PackedKey) -> Bool {
        for limb in 0..<limbs where left.value[limb] != right.value[limb] {
            return left.value[limb] < right.value[limb]
        }
        return false
    }

    @inline(__always)
    static func == (left: PackedKey, right: PackedKey) -> Bool {
        var difference: UInt64 = 0
        for limb in 0..<limbs { difference |= left.value[limb] ^ right.value[limb] }
        return difference == 0
    }

    /// How many words, counted from the last, two different keys share.
    @inline(__always)
    func sharedWords(_ other: PackedKey, _ layout: KeyLayout) -> Int {
        for limb in 0..<limbs {
            let difference = value[limb] ^ other.value[limb]
            if difference != 0 {
                let unused = 64 - layout.wordsPerLimb * layout.bits
                return limb * layout.wordsPerLimb + (difference.leadingZeroBitCount - unused) / layout.bits
            }
        }
        return layout.order
    }

    @inline(__always)
    var hash: UInt64 {
        var result: UInt64 = 0x9E37_79B9_7F4A_7C15
        for limb in 0..<limbs {
            let product = (result ^ value[limb]).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            result = product.high ^ product.low
        }
        return result
    }
}
