internal import Glibc

/// Which n-grams of a model can go, after Andreas Stolcke, "Entropy-based pruning of backoff language models" (1998).
///
/// An n-gram goes when leaving it out raises the model's perplexity by less than a share of `threshold`, judged for each
/// alone with the whole model's probabilities. N-grams that a longer one that stays begins with or ends in stay too.
struct GramPruning {
    private let table: GramTable
    private let contexts: [Lane<Int32>]

    init(_ index: GramIndex, name: String) throws(NgramError) {
        table = try GramTable(index, name: name)
        contexts = table.contexts(in: index)
    }

    func pruned(threshold: Double) -> GramTable {
        var kept = table.levels.map { Lane<Bool>(zeros: $0.count) }
        let histories = histories()
        for order in stride(from: table.order, through: 2, by: -1) {
            choose(order, threshold, histories[order - 2], &kept)
        }
        return table.keeping(kept, contexts: contexts)
    }

    /// The log probability of each n-gram, below the highest order, as a whole. A sentence begins as often as one ends.
    private func histories() -> [Lane<Float>] {
        let unigrams = table.unigramProbabilities.copyFirst(table.vocabulary.count)
        unigrams[1] = unigrams[2]
        var histories = [unigrams]
        for order in stride(from: 2, to: table.order, by: 1) {
            let level = table.levels[order - 2]
            let joint = Lane<Float>(uninitialized: level.count)
            for place in 0..<level.count {
                let context = contexts[order - 2][place]
                // Without its context an n-gram is never used.
                joint[place] =
                    context < 0 ? -.infinity : histories[order - 2][Int(context)] + level.probabilities[place]
            }
            histories.append(joint)
        }
        return histories
    }

    private func choose(_ order: Int, _ threshold: Double, _ histories: Lane<Float>, _ kept: inout [Lane<Bool>]) {
        let level = table.levels[order - 2]
        let masses = table.freeMasses(order: order, contexts: contexts[order - 2]) { _ in true }
        for place in 0..<level.count {
            let context = Int(contexts[order - 2][place])
            if !kept[order - 2][place] {
                guard context >= 0 else { continue }
                let probability = pow(10, Double(level.probabilities[place]))
                let lower = table.probability(order: order - 1, Int(level.parents[place]))
                let (own, shorter) = (masses.own[context], masses.shorter[context])
                // The backoff weight with this n-gram gone.
                let weight = log10((own + probability) / (shorter + pow(10, Double(lower))))
                let change =
                    probability * (Double(lower) + weight - Double(level.probabilities[place]))
                    + max(0, own) * (weight - Double(table.backoff(order: order - 1, context)))
                let loss = pow(10, -pow(10, Double(histories[context])) * change) - 1
                if loss < threshold { continue }
                kept[order - 2][place] = true
            }
            guard order > 2 else { continue }
            kept[order - 3][Int(level.parents[place])] = true
            if context >= 0 { kept[order - 3][context] = true }
        }
    }
}

extension GramTable {
    func probability(order: Int, _ place: Int) -> Float {
        order == 1 ? unigramProbabilities[place] : levels[order - 2].probabilities[place]
    }

    func backoff(order: Int, _ place: Int) -> Float {
        order == 1 ? unigramBackoffs[place] : levels[order - 2].backoffs[place]
    }

    /// What is left of 1 in each context of the n-grams of an order, in their own probabilities and in those of the
    /// n-grams without the first word.
    func freeMasses(
        order: Int, contexts: Lane<Int32>, where isCounted: (Int) -> Bool
    ) -> (own: Lane<Double>, shorter: Lane<Double>) {
        let level = levels[order - 2]
        let own = Lane<Double>(uninitialized: counts[order - 2])
        let shorter = Lane<Double>(uninitialized: counts[order - 2])
        own.fill(1)
        shorter.fill(1)
        for place in 0..<level.count where contexts[place] >= 0 && isCounted(place) {
            let context = Int(contexts[place])
            own[context] -= pow(10, Double(level.probabilities[place]))
            shorter[context] -= pow(10, Double(probability(order: order - 1, Int(level.parents[place]))))
        }
        return (own, shorter)
    }

    /// The table with only the marked n-grams, and the backoff weights that make every context's probabilities sum to
    /// one again. A context that loses nothing keeps its weight to the bit.
    func keeping(_ kept: [Lane<Bool>], contexts: [Lane<Int32>]) -> GramTable {
        var places: Lane<UInt32>?
        var shorter: [GramColumns] = []
        let unigramBackoffs = unigramBackoffs.copyFirst(vocabulary.count)
        for order in stride(from: 2, through: order, by: 1) {
            let level = levels[order - 2]
            let flags = kept[order - 2]
            let found = (0..<level.count).reduce(0) { $0 + (flags[$1] ? 1 : 0) }
            let isHighest = order == self.order
            let columns = GramColumns(
                parents: Lane(uninitialized: found), words: Lane(uninitialized: found),
                probabilities: Lane(uninitialized: found), backoffs: Lane(uninitialized: isHighest ? 0 : found))
            let numbers = Lane<UInt32>(zeros: level.count)
            let (own, lower) = freeMasses(order: order, contexts: contexts[order - 2]) { flags[$0] }
            let lost = Lane<UInt8>(zeros: counts[order - 2])
            var next = 0
            for place in 0..<level.count {
                let context = contexts[order - 2][place]
                if context >= 0 { lost[Int(context)] |= flags[place] ? 2 : 1 }
                guard flags[place] else { continue }
                columns.parents[next] = places.map { $0[Int(level.parents[place])] } ?? level.parents[place]
                columns.words[next] = level.words[place]
                columns.probabilities[next] = level.probabilities[place]
                if !isHighest { columns.backoffs[next] = level.backoffs[place] }
                numbers[place] = UInt32(next)
                next += 1
            }
            for context in 0..<lost.count where lost[context] & 1 != 0 {
                let weight: Float =
                    lost[context] == 1
                    ? 0 : own[context] > 0 && lower[context] > 0 ? Float(log10(own[context] / lower[context])) : .nan
                if weight.isNaN { continue }
                if order == 2 {
                    unigramBackoffs[context] = weight
                } else if kept[order - 3][context], let places {
                    shorter[order - 3].backoffs[Int(places[context])] = weight
                }
            }
            shorter.append(columns)
            places = numbers
        }
        return GramTable(
            vocabulary: vocabulary, unigramProbabilities: unigramProbabilities, unigramBackoffs: unigramBackoffs,
            levels: shorter
        ).withoutEmptyOrders()
    }

    /// The table without highest orders that have no n-grams.
    private func withoutEmptyOrders() -> GramTable {
        guard let last = levels.last, last.count == 0 else { return self }
        var levels = levels
        levels.removeLast()
        if let top = levels.popLast() {
            levels.append(
                GramColumns(
                    parents: top.parents, words: top.words, probabilities: top.probabilities, backoffs: Lane(zeros: 0)))
        }
        return GramTable(
            vocabulary: vocabulary, unigramProbabilities: unigramProbabilities, unigramBackoffs: unigramBackoffs,
            levels: levels
        ).withoutEmptyOrders()
    }

    init(
        vocabulary: VocabularyList, unigramProbabilities: Lane<Float>, unigramBackoffs: Lane<Float>,
        levels: [GramColumns]
    ) {
        order = levels.count + 1
        self.vocabulary = vocabulary
        self.unigramProbabilities = unigramProbabilities
        self.unigramBackoffs = unigramBackoffs
        self.levels = levels
    }

    /// The same n-grams with the words in falling order of probability behind the reserved ones, in which the module's
    /// own format is smallest.
    func byFrequency() -> GramTable {
        let order =
            (0..<3).map(\.self)
            + (3..<max(3, vocabulary.count)).sorted {
                unigramProbabilities[$0] != unigramProbabilities[$1]
                    ? unigramProbabilities[$0] > unigramProbabilities[$1] : $0 < $1
            }
        let ids = Lane<UInt32>(uninitialized: vocabulary.count)
        let probabilities = Lane<Float>(uninitialized: vocabulary.count)
        let backoffs = Lane<Float>(uninitialized: vocabulary.count)
        for (id, old) in order.enumerated() {
            ids[old] = UInt32(id)
            probabilities[id] = unigramProbabilities[old]
            backoffs[id] = unigramBackoffs[old]
        }
        func renamed(_ words: Lane<UInt32>) -> Lane<UInt32> {
            let renamed = Lane<UInt32>(uninitialized: words.count)
            for place in 0..<words.count { renamed[place] = ids[Int(words[place])] }
            return renamed
        }
        let levels = levels.enumerated().map { place, level in
            GramColumns(
                parents: place == 0 ? renamed(level.parents) : level.parents, words: renamed(level.words),
                probabilities: level.probabilities, backoffs: level.backoffs)
        }
        return GramTable(
            vocabulary: vocabulary.reordered(order), unigramProbabilities: probabilities, unigramBackoffs: backoffs,
            levels: levels)
    }
}
