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
        var words = WordTable(capacity: index.wordCount)
        for id in 0..<index.wordCount {
            guard words.intern(index.bytes(of: UInt32(id)).span).isNew else {
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
        let values = (try values(part.probabilities, name), try values(part.backoffs, name))
        let isQuantised = part.probabilities.count > 0
        let wordCount = wordCount
        for shape in part.sets {
            guard let set = GramSet(shape, in: bytes), shape.firstNumber + shape.count <= part.count else {
                throw .damaged(name, "the \(order)-grams are inconsistent")
            }
            let isSound = set.forEachEntry { place, parent, word, probability, backoff in
                guard parent < UInt64(parentCount), Int(word) < wordCount else { return false }
                let number = shape.firstNumber + place
                parents[number] = UInt32(truncatingIfNeeded: parent)
                words[number] = word
                if isQuantised {
                    guard Int(probability) < values.0.count else { return false }
                    probabilities[number] = values.0[Int(probability)]
                    guard !isHighest else { return true }
                    guard Int(backoff) < values.1.count else { return false }
                    backoffs[number] = values.1[Int(backoff)]
                } else {
                    probabilities[number] = Float(bitPattern: probability)
                    if !isHighest { backoffs[number] = Float(bitPattern: backoff) }
                }
                return true
            }
            guard isSound else { throw .damaged(name, "the \(order)-grams are inconsistent") }
        }
        return GramColumns(parents: parents, words: words, probabilities: probabilities, backoffs: backoffs)
    }

    private func values(_ values: GramIndexHeader.Values, _ name: String) throws(NgramError) -> [Float] {
        guard let view = bytes.part(from: values.offset, count: values.count * 4) else {
            throw .damaged(name, "a list of values lies outside the file")
        }
        return (0..<values.count).map { view.float(at: $0 * 4) }
    }
}
