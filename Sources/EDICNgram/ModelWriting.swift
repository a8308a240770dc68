internal import EDICNumerics
public import SystemPackage

extension NgramModel {
    /// Writes the model in another format.
    ///
    /// KenLM's probing tables do not hold the words of their n-grams, so a model opened from one cannot be written.
    ///
    /// - Parameter quantisation: for the module's own format, the bits of each weight; nil keeps floats.
    public func write(
        to path: FilePath, as format: Format, quantisation: NgramQuantisation? = nil
    ) throws(NgramError) {
        switch format {
        case .kenLMProbing: try KenLMWriter(try gramIndex(), name: name).writeProbing(to: path)
        case .kenLMTrie: try KenLMWriter(try gramIndex(), name: name).writeTrie(to: path)
        case .edic:
            let builder = try table().byFrequency().builder(quantisation: quantisation?.checked())
            try builder.write(to: path)
        case .arpa: try table().writeARPA(to: path)
        }
    }

    /// The model without the n-grams that matter least: those without which its perplexity rises by less than a share of
    /// `threshold`, 1e-8 say, each judged alone (Stolcke 1998). N-grams that a longer one that stays begins with or ends
    /// in stay too.
    ///
    /// - Throws: ``NgramError`` for a negative threshold, or a model that cannot be written.
    public func pruned(threshold: Double) throws(NgramError) -> NgramModel {
        guard threshold >= 0, threshold.isFinite else {
            throw NgramError(.invalidArgument, "threshold \(threshold): must be 0 or more, such as 1e-8")
        }
        let pruned = try GramPruning(try gramIndex(), name: name).pruned(threshold: threshold)
        return NgramModel(
            .index(try pruned.byFrequency().builder(quantisation: nil).index(name: name)), format: .edic, name: name)
    }

    /// All n-grams, spelled out.
    func table() throws(NgramError) -> GramTable {
        switch storage {
        case .index(let index): return try GramTable(index, name: name)
        case .trie(let trie): return try trie.table(name: name)
        case .probing:
            throw NgramError(
                .unsupported,
                "\(name): KenLM's probing tables hold hashes in place of words; convert the ARPA file it was made from")
        }
    }

    /// The model in the module's own format.
    func gramIndex() throws(NgramError) -> GramIndex {
        if case .index(let index) = storage { return index }
        return try table().builder(quantisation: nil).index(name: name)
    }
}

extension GramTable {
    func builder(quantisation: GramIndexBuilder.Quantisation?) throws(NgramError) -> GramIndexBuilder {
        let builder = GramIndexBuilder(
            order: order, vocabulary: vocabulary, quantisation: quantisation, pool: .shared)
        for id in 0..<vocabulary.count {
            builder.setUnigram(id, probability: unigramProbabilities[id], backoff: unigramBackoffs[id])
        }
        var numbers: Lane<UInt32>?
        for level in levels {
            let parents = Lane<UInt32>(uninitialized: level.count)
            for place in 0..<level.count {
                let parent = level.parents[place]
                parents[place] = numbers.map { $0[Int(parent)] } ?? parent
            }
            numbers = try builder.addOrder(
                GramColumns(
                    parents: parents, words: level.words, probabilities: level.probabilities,
                    backoffs: level.backoffs))
        }
        return builder
    }

    func writeARPA(to path: FilePath) throws(NgramError) {
        let file = try OrderedText(path)
        var text = "\\data\\\n"
        for (place, count) in counts.enumerated() { text += "ngram \(place + 1)=\(count)\n" }
        try file.addNext(text)
        let grain = 1 << 16
        for order in 1...order {
            try file.addNext("\n\\\(order)-grams:\n")
            let count = counts[order - 1]
            let first = file.nextNumber
            try WorkerPool.shared.forEach(count: (count + grain - 1) / grain) { chunk, _ throws(NgramError) in
                let piece = arpaLines(order: order, chunk * grain..<min(count, (chunk + 1) * grain))
                try file.add([piece], number: first + chunk)
            }
        }
        try file.addNext("\n\\end\\\n")
        try file.commit()
    }

    private func arpaLines(order: Int, _ range: Range<Int>) -> OrderedFile.Piece {
        var text = GrowingLane<UInt8>(capacity: range.count * 48 + 64)
        func add(_ value: Float) {
            text.grow(to: text.count + DecimalText.maximumLength)
            text.advance(by: DecimalText.write(value, to: text.lane, at: text.count))
        }
        for place in range {
            add(order == 1 ? unigramProbabilities[place] : levels[order - 2].probabilities[place])
            for (position, word) in words(order: order, place).enumerated() {
                text.append(position == 0 ? 0x09 : 0x20)
                for index in vocabulary.range(of: Int(word)) { text.append(vocabulary.bytes[index]) }
            }
            if order < self.order {
                text.append(0x09)
                add(order == 1 ? unigramBackoffs[place] : levels[order - 2].backoffs[place])
            }
            text.append(0x0A)
        }
        return OrderedFile.Piece(bytes: text.lane, count: text.count)
    }
}
