internal import EDICNumerics
internal import SystemPackage

/// Writes models as KenLM binaries of version 5, probing or trie, with float weights.
struct KenLMWriter {
    private let table: GramTable
    /// For each order: whether a longer n-gram ends in an n-gram, and whether one goes on from it.
    private let extendsLeft: [Lane<Bool>]
    private let extendsRight: [Lane<Bool>]

    init(_ index: GramIndex, name: String) throws(NgramError) {
        let table = try GramTable(index, name: name)
        self.init(table, contexts: table.contexts(in: index))
        guard table.order >= 2 else {
            throw NgramError(.unsupported, "\(name): has order 1, and KenLM's binaries hold 2 at least; write ARPA")
        }
    }

    private init(_ table: GramTable, contexts: [Lane<Int32>]) {
        let left = table.counts.map { Lane<Bool>(zeros: $0) }
        let right = table.counts.map { Lane<Bool>(zeros: $0) }
        for order in stride(from: 2, through: table.order, by: 1) {
            let level = table.levels[order - 2]
            for place in 0..<level.count {
                left[order - 2][Int(level.parents[place])] = true
                let context = contexts[order - 2][place]
                if context >= 0 { right[order - 2][Int(context)] = true }
            }
        }
        self.table = table
        extendsLeft = left
        extendsRight = right
    }

    private func probability(order: Int, _ place: Int) -> Float {
        order == 1 ? table.unigramProbabilities[place] : table.levels[order - 2].probabilities[place]
    }

    /// The backoff weight; negative zero where no longer n-gram goes on, positive zero where one does.
    private func backoff(order: Int, _ place: Int) -> UInt32 {
        let value = order == 1 ? table.unigramBackoffs[place] : table.levels[order - 2].backoffs[place]
        if value != 0 { return value.bitPattern }
        return extendsRight[order - 1][place] ? 0 : 0x8000_0000
    }

    /// The bytes of the words, each with a zero behind, in the order given.
    private func strings(_ ids: [Int]) -> Lane<UInt8> {
        let list = table.vocabulary
        let bytes = Lane<UInt8>(zeros: list.bytes.count + list.count)
        var end = 0
        for id in ids {
            for index in list.range(of: id) {
                bytes[end] = list.bytes[index]
                end += 1
            }
            end += 1
        }
        return bytes
    }

    private func wordHash(_ id: Int) -> UInt64 {
        let bytes = table.vocabulary.range(of: id).map { table.vocabulary.bytes[$0] }
        return KenLMVocabulary.hash(bytes.span)
    }

    private static func put<Value: FixedWidthInteger>(_ value: Value, into bytes: Lane<UInt8>, at offset: Int) {
        for byte in 0..<MemoryLayout<Value>.size {
            bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> Value(8 * byte))
        }
    }

    private func write(_ kind: KenLMHeader.Kind, _ parts: [Lane<UInt8>], to path: FilePath) throws(NgramError) {
        let header = KenLMHeader(
            kind: kind, order: table.order, probingMultiplier: 1.5, hasVocabulary: true,
            searchVersion: kind == .probing ? 0 : 1, counts: table.counts)
        let file = try OrderedFile(path)
        try file.addBlocks([Lane(header.bytes)] + parts, alignment: 1)
        try file.commit()
    }

    // MARK: Probing

    func writeProbing(to path: FilePath) throws(NgramError) {
        let counts = table.counts
        var parts: [Lane<UInt8>] = []
        let start = Lane<UInt8>(zeros: 8)
        Self.put(UInt32(counts[0]), into: start, at: 4)
        parts.append(start)
        let wordSlots = KenLMProbing.slots(entries: counts[0], multiplier: 1.5)
        let words = Slots(count: wordSlots, size: 12)
        for id in 1..<counts[0] {
            let place = words.take(wordHash(id))
            Self.put(UInt32(id), into: words.bytes, at: place + 8)
        }
        parts.append(words.bytes)

        let unigrams = Lane<UInt8>(zeros: (counts[0] + 1) * 8)
        var hashes = Lane<UInt64>(uninitialized: counts[0])
        for id in 0..<counts[0] {
            Self.put(markedProbability(order: 1, id), into: unigrams, at: id * 8)
            Self.put(backoff(order: 1, id), into: unigrams, at: id * 8 + 4)
            hashes[id] = UInt64(id)
        }
        parts.append(unigrams)
        for order in 2...table.order {
            let level = table.levels[order - 2]
            let isHighest = order == table.order
            let slots = Slots(
                count: KenLMProbing.slots(entries: level.count, multiplier: 1.5), size: isHighest ? 12 : 16)
            let longer = Lane<UInt64>(uninitialized: level.count)
            for place in 0..<level.count {
                let hash = KenLMProbing.combine(hashes[Int(level.parents[place])], level.words[place])
                longer[place] = hash
                let slot = slots.take(hash)
                if isHighest {
                    Self.put(probability(order: order, place).bitPattern, into: slots.bytes, at: slot + 8)
                } else {
                    Self.put(markedProbability(order: order, place), into: slots.bytes, at: slot + 8)
                    Self.put(backoff(order: order, place), into: slots.bytes, at: slot + 12)
                }
            }
            hashes = longer
            parts.append(slots.bytes)
        }
        parts.append(strings((0..<counts[0]).map(\.self)))
        try write(.probing, parts, to: path)
    }

    /// The log probability, positive where a longer n-gram ends in this one.
    private func markedProbability(order: Int, _ place: Int) -> UInt32 {
        let bits = probability(order: order, place).magnitude.bitPattern
        return extendsLeft[order - 1][place] ? bits : bits | 0x8000_0000
    }

    /// An open-addressing table whose slots begin with a hash; zero means empty.
    private struct Slots {
        let bytes: Lane<UInt8>
        private let count: Int
        private let size: Int

        init(count: Int, size: Int) {
            self.count = count
            self.size = size
            bytes = Lane(zeros: count * size)
        }

        /// The offset of a free slot for `hash`, now marked with it.
        func take(_ hash: UInt64) -> Int {
            var place = Int(hash % UInt64(count))
            while !isFree(place * size) { place = place + 1 == count ? 0 : place + 1 }
            KenLMWriter.put(hash, into: bytes, at: place * size)
            return place * size
        }

        private func isFree(_ offset: Int) -> Bool {
            for byte in 0..<8 where bytes[offset + byte] != 0 { return false }
            return true
        }
    }

    // MARK: Trie

    func writeTrie(to path: FilePath) throws(NgramError) {
        let counts = table.counts
        // Ids are places in the list of hashes, sorted; <unk> is not in it.
        let sorted = (1..<counts[0]).map { (hash: wordHash($0), id: $0) }.sorted { $0.hash < $1.hash }
        let hashes = Lane<UInt8>(zeros: 8 + counts[0] * 8)
        Self.put(UInt64(sorted.count), into: hashes, at: 0)
        let newIDs = Lane<UInt32>(zeros: counts[0])
        for (place, word) in sorted.enumerated() {
            Self.put(word.hash, into: hashes, at: 8 + place * 8)
            newIDs[word.id] = UInt32(place + 1)
        }
        let trie = trieOrder(words: sorted.map { UInt32($0.id) }, newIDs)
        var parts = [hashes, trieUnigrams(trie)]
        for order in 2...table.order { parts.append(trieLevel(order, trie, newIDs)) }
        parts.append(strings((0..<counts[0]).map { Int(trie.grams[0][$0]) }))
        try write(.trie, parts, to: path)
    }

    /// Which n-gram of an order lies at each place, and where the children of each begin among the next order.
    private typealias TrieOrder = (grams: [Lane<UInt32>], children: [Lane<UInt64>])

    private func trieOrder(words: [UInt32], _ newIDs: Lane<UInt32>) -> TrieOrder {
        var grams: [Lane<UInt32>] = [Lane([0] + words)]
        var children: [Lane<UInt64>] = []
        var places = newIDs
        for order in 2...table.order {
            let level = table.levels[order - 2]
            let keys = Lane<PackedKey<2>>(uninitialized: level.count)
            let counts = Lane<UInt64>(zeros: table.counts[order - 2] + 2)
            for place in 0..<level.count {
                let parent = places[Int(level.parents[place])]
                counts[Int(parent) + 1] += 1
                var key = PackedKey<2>()
                key.value[0] = UInt64(parent) << 32 | UInt64(newIDs[Int(level.words[place])])
                key.value[1] = UInt64(place)
                keys[place] = key
            }
            for place in 1..<counts.count { counts[place] += counts[place - 1] }
            children.append(counts)
            sortKeys(keys, scratch: Lane(uninitialized: level.count))
            let sequence = Lane<UInt32>(uninitialized: level.count)
            let position = Lane<UInt32>(uninitialized: level.count)
            for place in 0..<level.count {
                let gram = UInt32(truncatingIfNeeded: keys[place].value[1])
                sequence[place] = gram
                position[Int(gram)] = UInt32(place)
            }
            grams.append(sequence)
            places = position
        }
        return (grams, children)
    }

    private func trieUnigrams(_ trie: TrieOrder) -> Lane<UInt8> {
        let count = table.counts[0]
        let children = trie.children[0]
        let unigrams = Lane<UInt8>(zeros: (count + 2) * 16)
        for place in 0..<count {
            let id = Int(trie.grams[0][place])
            Self.put(probability(order: 1, id).bitPattern, into: unigrams, at: place * 16)
            Self.put(backoff(order: 1, id), into: unigrams, at: place * 16 + 4)
            Self.put(children[place], into: unigrams, at: place * 16 + 8)
        }
        // One more than there are words is kept; its neighbours' pointers end where the last one's do.
        Self.put(children[count], into: unigrams, at: count * 16 + 8)
        Self.put(children[count], into: unigrams, at: (count + 1) * 16 + 8)
        return unigrams
    }

    private func trieLevel(_ order: Int, _ trie: TrieOrder, _ newIDs: Lane<UInt32>) -> Lane<UInt8> {
        let level = table.levels[order - 2]
        let isHighest = order == table.order
        let wordBits = bitsNeeded(table.counts[0])
        let nextBits = isHighest ? 0 : bitsNeeded(table.counts[order])
        let total = wordBits + 31 + (isHighest ? 0 : 32 + nextBits)
        let bytes = Lane<UInt8>(zeros: ((1 + level.count) * total + 7) / 8 + 8)
        var packer = BitPacker(bytes, at: 0)
        for place in 0..<level.count {
            let gram = Int(trie.grams[order - 1][place])
            packer.add(UInt64(newIDs[Int(level.words[gram])]), width: wordBits)
            packer.add(UInt64(probability(order: order, gram).magnitude.bitPattern), width: 31)
            if !isHighest {
                packer.add(UInt64(backoff(order: order, gram)), width: 32)
                packer.add(trie.children[order - 1][place], width: nextBits)
            }
        }
        if !isHighest {
            // A last entry holds only where the children of the one before it end.
            packer.add(0, width: wordBits)
            packer.add(0, width: 31)
            packer.add(0, width: 32)
            packer.add(trie.children[order - 1][level.count], width: nextBits)
        }
        packer.finish()
        return bytes
    }
}
