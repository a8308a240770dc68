internal import EDICNumerics

/// All n-grams of a model, spelled out: for each order the place of the n-gram without the first word, the first word,
/// and the weights.
struct GramTable: Sendable {
    let order: Int
    let vocabulary: VocabularyList
    let unigramProbabilities: Lane<Float>
    let unigramBackoffs: Lane<Float>
    /// Of orders from 2 on; parents are places in the list one order lower, words for order 2.
    let levels: [GramColumns]

    var counts: [Int] { [vocabulary.count] + levels.map(\.count) }

    /// Reads everything out of a model of our own format: the scrambling of keys is undone.
    init(_ index: GramIndex, name: String) throws(NgramError) {
        order = index.order
        var words = WordTable(capacity: index.vocabulary.count)
        for id in 0..<index.vocabulary.count {
            guard words.intern(index.vocabulary.bytes(of: UInt32(id)).span).isNew else {
                throw NgramError(.corrupt, "\(name): word \(id) appears twice; the file is damaged")
            }
        }
        vocabulary = VocabularyList(words: words, order: (3..<UInt32(words.count)).map(\.self))
        let probabilities = Lane<Float>(uninitialized: words.count)
        let backoffs = Lane<Float>(uninitialized: words.count)
        for id in 0..<words.count {
            let weights = index.unigram(UInt32(id))
            probabilities[id] = weights.probability
            backoffs[id] = weights.backoff
        }
        unigramProbabilities = probabilities
        unigramBackoffs = backoffs
        var levels: [GramColumns] = []
        var shorter = words.count
        for order in stride(from: 2, through: index.order, by: 1) {
            let columns = try index.columns(order: order, parents: shorter, name: name)
            shorter = columns.count
            levels.append(columns)
        }
        self.levels = levels
    }

    /// For each n-gram of `order` words, the place of its context, the n-gram without the last word, one order lower;
    /// -1 where the model does not have it.
    func contexts(in index: GramIndex) -> [Lane<Int32>] {
        var all: [Lane<Int32>] = []
        for order in stride(from: 2, through: self.order, by: 1) {
            let level = levels[order - 2]
            let contexts = Lane<Int32>(uninitialized: level.count)
            let shorter = all.last
            WorkerPool.shared.forEach(count: (level.count + 65535) / 65536) { chunk, _ in
                for place in chunk * 65536..<min(level.count, (chunk + 1) * 65536) {
                    let word = level.words[place]
                    guard let shorter else {
                        contexts[place] = Int32(bitPattern: word)
                        continue
                    }
                    let parent = shorter[Int(level.parents[place])]
                    let node = GramNode(first: UInt64(max(0, parent)))
                    let found = parent < 0 ? nil : index.extend(node, order: order - 1, word: word)
                    contexts[place] = found.map { Int32(truncatingIfNeeded: $0.node.first) } ?? -1
                }
            }
            all.append(contexts)
        }
        return all
    }

    /// The ids of an n-gram's words, first to last.
    func words(order: Int, _ place: Int) -> [UInt32] {
        var words: [UInt32] = []
        var place = place
        for level in stride(from: order, through: 2, by: -1) {
            words.append(levels[level - 2].words[place])
            place = Int(levels[level - 2].parents[place])
        }
        words.append(UInt32(place))
        return words
    }
}

extension GramIndex {
    /// All n-grams of an order by their numbers.
    fileprivate func columns(order: Int, parents parentCount: Int, name: String) throws(NgramError) -> GramColumns {
        let part = header.orders[order - 2]
        let isHighest = order == self.order
        let parents = Lane<UInt32>(zeros: part.count)
        let words = Lane<UInt32>(zeros: part.count)
        let probabilities = Lane<Float>(zeros: part.count)
        let backoffs = Lane<Float>(zeros: isHighest ? 0 : part.count)
        for shape in part.sets {
            guard let set = GramSet(shape, in: bytes), shape.firstNumber + shape.count <= part.count else {
                throw NgramError(.corrupt, "\(name): the \(order)-grams are damaged")
            }
            let vocabularyCount = vocabulary.count
            let isSound = set.forEachKey { place, parent, word in
                guard parent < UInt64(parentCount), Int(word) < vocabularyCount else { return false }
                let number = shape.firstNumber + place
                parents[number] = UInt32(truncatingIfNeeded: parent)
                words[number] = word
                let found = weights(order: order, set, place)
                probabilities[number] = found.probability
                if !isHighest { backoffs[number] = found.backoff }
                return true
            }
            guard isSound else { throw NgramError(.corrupt, "\(name): the \(order)-grams are damaged") }
        }
        return GramColumns(parents: parents, words: words, probabilities: probabilities, backoffs: backoffs)
    }
}

extension GramSet {
    /// Calls `body(place, parent, word)` for each entry until it returns false; false where it did or an entry is not
    /// where its key belongs.
    func forEachKey(_ body: (_ place: Int, _ parent: UInt64, _ word: UInt32) -> Bool) -> Bool {
        var place = 0
        for home in 0..<1 << shape.homeBits {
            for _ in 0..<held(home: home) {
                guard place < shape.count else { return false }
                let key = unscramble(UInt64(home) << UInt64(shape.remainderBits) | remainder(place))
                let word = UInt32(truncatingIfNeeded: key & ones(shape.wordBits)) &+ UInt32(shape.firstWord)
                guard body(place, key >> UInt64(shape.wordBits), word) else { return false }
                place += 1
            }
        }
        return place == shape.count
    }
}
