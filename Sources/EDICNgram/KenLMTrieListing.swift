extension KenLMTrie {
    /// All n-grams, spelled out, with ids of this module's own: `<unk>`, `<s>`, `</s>`, then the words as the file has
    /// them.
    func table(name: String) throws(NgramError) -> GramTable {
        func damaged(_ order: Int) -> NgramError { .damaged(name, "the \(order)-grams are inconsistent") }
        var words = WordTable(capacity: counts[0])
        for word in VocabularyList.reserved { _ = words.intern(Array(word.utf8).span) }
        let ids = Lane<UInt32>(zeros: counts[0])
        for id in 0..<counts[0] {
            let word = vocabulary.bytes(of: UInt32(id))
            guard !word.isEmpty else {
                throw NgramError(.unsupported, "\(name): does not hold its words; build it with KenLM's build_binary")
            }
            let (number, isNew) = words.intern(word.span)
            guard isNew || number < 3 else { throw .damaged(name, "a word appears twice") }
            ids[id] = UInt32(number)
        }
        let vocabulary = VocabularyList(words: words, order: (3..<UInt32(max(3, words.count))).map(\.self))
        let probabilities = Lane<Float>(zeros: vocabulary.count)
        let backoffs = Lane<Float>(zeros: vocabulary.count)
        for id in 0..<vocabulary.count { probabilities[id] = -100 }
        var ranges: [GramNode] = []
        for id in 0..<counts[0] {
            let found = unigram(UInt32(id))
            probabilities[Int(ids[id])] = found.probability
            backoffs[Int(ids[id])] = found.backoff
            ranges.append(found.node)
        }
        var levels: [GramColumns] = []
        for order in 2...order {
            let count = counts[order - 1]
            let columns = GramColumns(
                parents: Lane(uninitialized: count), words: Lane(uninitialized: count),
                probabilities: Lane(uninitialized: count),
                backoffs: Lane(uninitialized: order == self.order ? 0 : count))
            // The n-grams of one parent after another fill the list without a gap.
            var next = 0
            var longer: [GramNode] = []
            longer.reserveCapacity(order == self.order ? 0 : count)
            for (parent, range) in ranges.enumerated() {
                guard range.first <= range.second, range.second <= UInt64(count),
                    range.first == range.second || range.first == UInt64(next)
                else { throw damaged(order) }
                for _ in range.first..<range.second {
                    let (word, found) = entry(order: order, next)
                    guard Int(word) < counts[0] else { throw damaged(order) }
                    columns.parents[next] = order == 2 ? ids[parent] : UInt32(parent)
                    columns.words[next] = ids[Int(word)]
                    columns.probabilities[next] = found.probability
                    if order < self.order {
                        columns.backoffs[next] = found.backoff
                        longer.append(found.node)
                    }
                    next += 1
                }
            }
            guard next == count else { throw damaged(order) }
            levels.append(columns)
            ranges = longer
        }
        return GramTable(
            vocabulary: vocabulary, unigramProbabilities: probabilities, unigramBackoffs: backoffs, levels: levels)
    }
}
