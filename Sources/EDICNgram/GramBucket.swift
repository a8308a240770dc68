/// The distinct n-grams of highest order whose last words lie in one range, sorted, with their counts.
///
/// In suffix order every n-gram of a lower order is a run of neighbours, so this one list holds all orders: an n-gram
/// of order `k` begins where fewer than `k` words are shared with the entry before.
struct GramBucket<let limbs: Int>: Sendable {
    let keys: Lane<PackedKey<limbs>>
    let counts: Lane<UInt32>
    /// How many words, from the last, an entry shares with the one before.
    let shared: Lane<UInt8>

    /// Sorts `keys` in place and merges equal ones.
    ///
    /// `<unk>` and `<s>` alone are entries that never occurred: they are put in so that both have a place among the
    /// unigrams.
    init(sorting keys: Lane<PackedKey<limbs>>, scratch: Lane<PackedKey<limbs>>, _ layout: KeyLayout) {
        sortKeys(keys, scratch: scratch)
        var distinct = keys.count == 0 ? 0 : 1
        for index in stride(from: 1, to: keys.count, by: 1) where !(keys[index] == keys[index - 1]) { distinct += 1 }
        let merged = Lane<PackedKey<limbs>>(uninitialized: distinct)
        let counts = Lane<UInt32>(uninitialized: distinct)
        let shared = Lane<UInt8>(uninitialized: distinct)
        var place = -1
        var run: UInt32 = 0
        for index in 0..<keys.count {
            let key = keys[index]
            if place >= 0 && key == merged[place] {
                run += 1
                continue
            }
            if place >= 0 { counts[place] = run }
            let common = place >= 0 ? key.sharedWords(merged[place], layout) : 0
            place += 1
            merged[place] = key
            shared[place] = UInt8(truncatingIfNeeded: common)
            run = 1
        }
        if place >= 0 { counts[place] = run }
        let last = layout.place(0)
        let second = layout.place(min(1, layout.order - 1))
        for index in 0..<min(distinct, 2) where merged[index].code(at: last, layout) <= GramCode.begin {
            if layout.order == 1 || merged[index].code(at: second, layout) == GramCode.none { counts[index] = 0 }
        }
        self.keys = merged
        self.counts = counts
        self.shared = shared
    }

    /// Calls `body(node, first, adjusted, occurrences)` for each n-gram of `order` words: its place among them, the
    /// first entry it begins, its adjusted count and how often it occurs.
    ///
    /// The adjusted count of an n-gram is how many different words precede it, except at the highest order and after
    /// `<s>`, where it is the number of occurrences.
    @inline(__always)
    func forEachGram(
        order: Int, _ layout: KeyLayout,
        _ body: (_ node: Int, _ first: Int, _ adjusted: UInt32, _ occurrences: UInt64) -> Void
    ) {
        let firstWord = layout.place(order - 1)
        let isHighest = order == layout.order
        var node = 0
        var first = 0
        var firstCode = GramCode.none
        var extensions: UInt32 = 0
        var occurrences: UInt64 = 0
        for index in 0..<keys.count {
            let common = Int(shared[index])
            if common >= order {
                if common == order { extensions &+= 1 }
                occurrences &+= UInt64(counts[index])
                continue
            }
            if firstCode != GramCode.none {
                let raw = isHighest || firstCode == GramCode.begin || occurrences == 0
                body(node, first, raw ? UInt32(clamping: occurrences) : extensions, occurrences)
                node += 1
            }
            firstCode = keys[index].code(at: firstWord, layout)
            first = index
            extensions = 1
            occurrences = UInt64(counts[index])
        }
        if firstCode != GramCode.none {
            let raw = isHighest || firstCode == GramCode.begin || occurrences == 0
            body(node, first, raw ? UInt32(clamping: occurrences) : extensions, occurrences)
        }
    }
}
