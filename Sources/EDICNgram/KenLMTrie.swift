/// A KenLM model as a trie: n-grams sorted from their last word back, bit-packed, weights perhaps quantised, pointers
/// perhaps split into packed low bits and a list of where the high bits change.
struct KenLMTrie: NgramSearch {
    let order: Int
    let counts: [Int]
    let vocabulary: KenLMVocabulary
    private let unigrams: ByteView
    private let levels: [Level]
    private let wordBits: Int
    private let wordMask: UInt64

    private struct Level: Sendable {
        let entries: ByteView
        let count: Int
        let total: Int
        let probabilityBits: Int
        let backoffBits: Int
        let nextBits: Int
        /// Where the pointers' high bits change, or nil.
        let highStarts: ByteView?
        let probabilities: Lane<Float>?
        let backoffs: Lane<Float>?
    }

    init(_ header: KenLMHeader, _ bytes: ByteView, name: String) throws(NgramError) {
        func cutOff(_ what: String) -> NgramError {
            NgramError(.corrupt, "\(name): ends within \(what); the file is incomplete, make or copy it again")
        }
        order = header.order
        counts = header.counts
        var place = header.size
        func take(_ size: Int, _ what: String) throws(NgramError) -> ByteView {
            guard let part = bytes.part(from: place, count: size) else { throw cutOff(what) }
            place += size
            return part
        }
        let known = Int(truncatingIfNeeded: try take(8, "the vocabulary").load(UInt64.self, at: 0))
        guard known >= 0, known <= counts[0] else {
            throw NgramError(.corrupt, "\(name): has \(known) words where \(counts[0]) were expected")
        }
        let hashes = try take(counts[0] * 8, "the vocabulary")

        var books: [(Lane<Float>, Lane<Float>?)] = []
        var probabilityBits = 31
        var backoffBits = 32
        if header.kind.isQuantised {
            let widths = try take(8, "the codebooks")
            guard widths.load(UInt8.self, at: 0) == 2 else {
                throw NgramError(.unsupported, "\(name): codebooks of version \(widths.load(UInt8.self, at: 0))")
            }
            probabilityBits = Int(widths.load(UInt8.self, at: 1))
            backoffBits = Int(widths.load(UInt8.self, at: 2))
            guard (1...25).contains(probabilityBits), (1...25).contains(backoffBits) else {
                throw NgramError(.corrupt, "\(name): codebooks of \(probabilityBits) and \(backoffBits) bits")
            }
            func book(_ bits: Int) throws(NgramError) -> Lane<Float> {
                let view = try take(4 << bits, "the codebooks")
                let lane = Lane<Float>(uninitialized: 1 << bits)
                for code in 0..<lane.count { lane[code] = view.float(at: code * 4) }
                return lane
            }
            for _ in 2..<order { books.append((try book(probabilityBits), try book(backoffBits))) }
            books.append((try book(probabilityBits), nil))
        }
        unigrams = try take((counts[0] + 2) * 16, "the unigrams")
        wordBits = bitsNeeded(counts[0])
        wordMask = ones(wordBits)
        var levels: [Level] = []
        for order in 2...header.order {
            let count = counts[order - 1]
            let isHighest = order == header.order
            var nextBits = isHighest ? 0 : bitsNeeded(counts[order])
            var highStarts: ByteView?
            if header.kind.hasArrays, !isHighest {
                guard let setting = bytes.part(from: place, count: 2) else { throw cutOff("the \(order)-grams") }
                nextBits -= Self.choppedBits(
                    entries: count + 1, largest: counts[order], limit: Int(setting.load(UInt8.self, at: 1)))
                let starts = (counts[order] >> nextBits) + 1
                let aligned = (place + 7) / 8 * 8 + 8
                highStarts = bytes.part(from: aligned, count: starts * 8)
                guard highStarts != nil else { throw cutOff("the \(order)-grams") }
                place += 8 * (1 + starts) + 7
            }
            let total = wordBits + probabilityBits + (isHighest ? 0 : backoffBits + nextBits)
            let entries = try take(((1 + count) * total + 7) / 8 + 8, "the \(order)-grams")
            levels.append(
                Level(
                    entries: entries, count: count, total: total, probabilityBits: probabilityBits,
                    backoffBits: isHighest ? 0 : backoffBits, nextBits: nextBits, highStarts: highStarts,
                    probabilities: books.isEmpty ? nil : books[order - 2].0,
                    backoffs: books.isEmpty ? nil : books[order - 2].1))
        }
        self.levels = levels
        guard let strings = bytes.part(place..<bytes.count) else { throw cutOff("the words") }
        vocabulary = KenLMVocabulary(count: counts[0], kind: .sorted(count: known), hashes: hashes, strings: strings)
    }

    /// How many high bits of a pointer go into the list: as many as make list and entries smallest.
    static func choppedBits(entries: Int, largest: Int, limit: Int) -> Int {
        let needed = bitsNeeded(largest)
        var best = 0
        var lowest = Int.max
        for chopped in 0...min(needed, limit) {
            let change = (largest >> (needed - chopped)) * 64 - entries * chopped
            if change < lowest {
                lowest = change
                best = chopped
            }
        }
        return best
    }

    var quantisation: NgramQuantisation? {
        guard let first = levels.first, first.probabilities != nil else { return nil }
        return NgramQuantisation(probabilityBits: first.probabilityBits, backoffBits: first.backoffBits)
    }

    @inline(__always)
    func unigram(_ word: UInt32) -> GramWeights {
        let id = Int(word) < counts[0] ? Int(word) : 0
        return GramWeights(
            probability: -unigrams.float(at: id * 16).magnitude, backoff: unigrams.float(at: id * 16 + 4),
            node: GramNode(
                first: unigrams.load(UInt64.self, at: id * 16 + 8), second: unigrams.load(UInt64.self, at: id * 16 + 24)
            ))
    }

    @inline(__always)
    func extend(_ node: GramNode, order: Int, word: UInt32) -> GramWeights? {
        let level = levels[order - 2]
        // A damaged file may point anywhere.
        guard node.first < node.second, node.second <= UInt64(level.count) else { return nil }
        var low = Int(node.first)
        var high = Int(node.second)
        var lowest: UInt64 = 0
        var highest = UInt64(counts[0])
        let wanted = UInt64(word)
        while low < high {
            let middle: Int
            let isShort = high - low < 8
            if isShort {
                middle = low
            } else {
                let share = (wanted &- lowest) &* UInt64(high - low) / max(1, highest &- lowest)
                middle = min(high - 1, low + Int(truncatingIfNeeded: share & UInt64(Int.max)))
            }
            let held = level.entries.bits(at: middle * level.total, mask: wordMask)
            if held == wanted { return weights(level, middle) }
            if held < wanted {
                low = middle + 1
                lowest = held
            } else {
                if isShort { return nil }
                high = middle
                highest = held
            }
            if wanted < lowest || wanted > highest { return nil }
        }
        return nil
    }

    /// The first word of an n-gram and its weights.
    func entry(order: Int, _ place: Int) -> (word: UInt32, weights: GramWeights) {
        let level = levels[order - 2]
        let word = level.entries.bits(at: place * level.total, mask: wordMask)
        return (UInt32(truncatingIfNeeded: word), weights(level, place))
    }

    @inline(__always)
    private func weights(_ level: Level, _ place: Int) -> GramWeights {
        var offset = place * level.total + wordBits
        let probability: Float
        var backoff: Float = 0
        if let probabilities = level.probabilities {
            if let backoffs = level.backoffs {
                backoff = backoffs[Int(level.entries.bits(at: offset, mask: ones(level.backoffBits)))]
                offset += level.backoffBits
            }
            probability = probabilities[Int(level.entries.bits(at: offset, mask: ones(level.probabilityBits)))]
            offset += level.probabilityBits
        } else {
            let bits = level.entries.bits(at: offset, mask: ones(31))
            probability = -Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            offset += 31
            if level.backoffBits > 0 {
                backoff = Float(bitPattern: UInt32(truncatingIfNeeded: level.entries.bits(at: offset, mask: ones(32))))
                offset += 32
            }
        }
        guard level.backoffBits > 0 else {
            return GramWeights(probability: probability, backoff: backoff, node: GramNode(first: 0))
        }
        return GramWeights(
            probability: probability, backoff: backoff,
            node: GramNode(
                first: pointer(level, place, offset), second: pointer(level, place + 1, offset + level.total)))
    }

    @inline(__always)
    private func pointer(_ level: Level, _ place: Int, _ offset: Int) -> UInt64 {
        let bits = level.entries.bits(at: offset, mask: ones(level.nextBits))
        guard let starts = level.highStarts else { return bits }
        // The last start at or before this entry.
        var low = 0
        var high = starts.count / 8
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts.load(UInt64.self, at: middle * 8) <= UInt64(place) { low = middle } else { high = middle }
        }
        return UInt64(low) << UInt64(level.nextBits) | bits
    }
}
