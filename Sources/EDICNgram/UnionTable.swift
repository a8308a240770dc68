internal import Glibc

/// The n-grams of several models together, with what each model says of every one.
struct UnionTable {
    let vocabulary: VocabularyList
    let words: WordTable
    /// The longest order of any model.
    let order: Int
    private(set) var levels: [Level] = []
    /// For each model and order the log probability of each n-gram, whether listed or backed off to, and the backoff
    /// weight of each, 0 where the model does not list it.
    private(set) var probabilities: [[Lane<Float>]] = []
    private(set) var backoffs: [[Lane<Float>]] = []
    /// Of each n-gram of the orders from 2 on, the place of the one without the last word; -1 where there is none.
    private(set) var contexts: [Lane<Int32>] = []

    /// N-grams of one order by the place of the one without the first word, and the first word.
    struct Level {
        private(set) var parents = GrowingLane<UInt32>()
        private(set) var words = GrowingLane<UInt32>()
        private var slots = Lane<UInt32>(zeros: 1 << 10)

        var count: Int { words.count }

        @inline(__always)
        private func slot(_ parent: UInt32, _ word: UInt32) -> Int {
            let product = (UInt64(parent) << 32 | UInt64(word)).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            var slot = Int(truncatingIfNeeded: product.high ^ product.low) & (slots.count - 1)
            while slots[slot] != 0 {
                let place = Int(slots[slot]) - 1
                if parents[place] == parent, words[place] == word { break }
                slot = (slot + 1) & (slots.count - 1)
            }
            return slot
        }

        func find(_ parent: UInt32, _ word: UInt32) -> Int? {
            let held = slots[slot(parent, word)]
            return held == 0 ? nil : Int(held) - 1
        }

        mutating func intern(_ parent: UInt32, _ word: UInt32) -> UInt32 {
            let place = slot(parent, word)
            if slots[place] != 0 { return slots[place] - 1 }
            parents.append(parent)
            words.append(word)
            slots[place] = UInt32(count)
            if count * 2 > slots.count {
                slots = Lane(zeros: slots.count * 2)
                for index in 0..<count { slots[slot(parents[index], words[index])] = UInt32(index + 1) }
            }
            return UInt32(count - 1)
        }
    }

    /// - Parameter lacksAreImpossible: whether a model that does not know a word gives it no probability at all, or that
    ///   of `<unk>`.
    init(_ tables: [GramTable], lacksAreImpossible: Bool) {
        order = tables.map(\.order).max() ?? 1
        var words = WordTable()
        for word in VocabularyList.reserved { _ = words.intern(Array(word.utf8).span) }
        var places: [[Lane<UInt32>]] = []
        for table in tables {
            let ids = Lane<UInt32>(uninitialized: table.vocabulary.count)
            for id in 0..<table.vocabulary.count {
                let bytes = table.vocabulary.range(of: id).map { table.vocabulary.bytes[$0] }
                ids[id] = UInt32(words.intern(bytes.span).number)
            }
            places.append([ids])
        }
        self.words = words
        vocabulary = VocabularyList(words: words, order: (3..<UInt32(words.count)).map(\.self))
        for order in stride(from: 2, through: order, by: 1) {
            var level = Level()
            for (model, table) in tables.enumerated() where order <= table.order {
                let columns = table.levels[order - 2]
                let own = Lane<UInt32>(uninitialized: columns.count)
                for place in 0..<columns.count {
                    own[place] = level.intern(
                        places[model][order - 2][Int(columns.parents[place])],
                        places[model][0][Int(columns.words[place])])
                }
                places[model].append(own)
            }
            levels.append(level)
        }
        findContexts()
        for (model, table) in tables.enumerated() { add(table, places[model], lacksAreImpossible) }
    }

    func count(order: Int) -> Int { order == 1 ? vocabulary.count : levels[order - 2].count }

    private mutating func findContexts() {
        for (depth, level) in levels.enumerated() {
            let contexts = Lane<Int32>(uninitialized: level.count)
            for place in 0..<level.count {
                guard depth > 0 else {
                    contexts[place] = Int32(bitPattern: level.words[place])
                    continue
                }
                let context = self.contexts[depth - 1][Int(level.parents[place])]
                let found = context < 0 ? nil : levels[depth - 1].find(UInt32(context), level.words[place])
                contexts[place] = found.map { Int32($0) } ?? -1
            }
            self.contexts.append(contexts)
        }
    }

    private mutating func add(_ table: GramTable, _ places: [Lane<UInt32>], _ lacksAreImpossible: Bool) {
        var probabilities: [Lane<Float>] = []
        var backoffs: [Lane<Float>] = []
        for order in 1...order {
            let scores = Lane<Float>(uninitialized: count(order: order))
            let weights = Lane<Float>(zeros: count(order: order))
            scores.fill(.nan)
            if order <= table.order {
                for place in 0..<table.counts[order - 1] {
                    let union = Int(places[order - 1][place])
                    scores[union] = table.probability(order: order, place)
                    if order < table.order { weights[union] = table.backoff(order: order, place) }
                }
            }
            for place in 0..<scores.count where scores[place].isNaN {
                if order == 1 {
                    scores[place] = lacksAreImpossible ? -.infinity : table.unigramProbabilities[0]
                } else {
                    let context = contexts[order - 2][place]
                    let backoff = context < 0 ? 0 : backoffs[order - 2][Int(context)]
                    scores[place] = backoff + probabilities[order - 2][Int(levels[order - 2].parents[place])]
                }
            }
            probabilities.append(scores)
            backoffs.append(weights)
        }
        self.probabilities.append(probabilities)
        self.backoffs.append(backoffs)
    }

    // MARK: Mixing

    /// The model whose probabilities are the weighted means of the models'. Backoff weights make each context's
    /// probabilities sum to one.
    func linear(_ weights: [Double]) -> GramTable {
        let mixed = (1...order).map { Lane<Float>(uninitialized: count(order: $0)) }
        for order in 1...order {
            for place in 0..<mixed[order - 1].count {
                var sum = 0.0
                for model in weights.indices {
                    sum += weights[model] * pow(10, Double(probabilities[model][order - 1][place]))
                }
                // A word that no model gives a probability keeps a tiny one.
                mixed[order - 1][place] = sum > 0 ? Float(min(0, log10(sum))) : -100
            }
        }
        let backoffs = (1...order).map { Lane<Float>(zeros: count(order: $0)) }
        let mixture = table(mixed, backoffs)
        for order in stride(from: 2, through: order, by: 1) {
            let (own, shorter) = mixture.freeMasses(order: order, contexts: contexts[order - 2]) { _ in true }
            // The lanes are the table's own.
            for place in 0..<own.count where own[place] != 1 && own[place] > 0 && shorter[place] > 0 {
                backoffs[order - 2][place] = Float(log10(own[place] / shorter[place]))
            }
        }
        return mixture
    }

    /// The model whose probabilities are the normalised products of the models', each to the power of its weight. Sums
    /// over a context's words follow from those over the context without its first word, so that they are exact.
    func logLinear(_ weights: [Double]) -> GramTable {
        func sum(_ lanes: [[Lane<Float>]], _ order: Int, _ place: Int) -> Double {
            var sum = 0.0
            for model in weights.indices { sum += weights[model] * Double(lanes[model][order - 1][place]) }
            return sum
        }
        var whole = 0.0
        for id in 0..<vocabulary.count where id != 1 { whole += pow(10, sum(probabilities, 1, id)) }
        let mixed = (1...order).map { Lane<Float>(uninitialized: count(order: $0)) }
        let backoffs = (1...order).map { Lane<Float>(zeros: count(order: $0)) }
        for id in 0..<vocabulary.count { mixed[0][id] = Float(min(0, sum(probabilities, 1, id) - log10(whole))) }
        // Sums over all words of the products: after no word, and after each n-gram of the order below.
        var shorter = Lane<Double>(uninitialized: 0)
        for order in stride(from: 2, through: order, by: 1) {
            let level = levels[order - 2]
            let sums = Lane<Double>(uninitialized: count(order: order - 1))
            let factors = Lane<Double>(uninitialized: sums.count)
            func rest(_ place: Int) -> Double {
                order == 2 ? whole : shorter[Int(levels[order - 3].parents[place])]
            }
            for place in 0..<sums.count {
                factors[place] = pow(10, sum(self.backoffs, order - 1, place))
                sums[place] = factors[place] * rest(place)
            }
            for place in 0..<level.count where contexts[order - 2][place] >= 0 {
                let context = Int(contexts[order - 2][place])
                sums[context] +=
                    pow(10, sum(probabilities, order, place))
                    - factors[context] * pow(10, sum(probabilities, order - 1, Int(level.parents[place])))
            }
            for place in 0..<level.count {
                let context = Int(contexts[order - 2][place])
                let total = context >= 0 ? sums[context] : 1
                mixed[order - 1][place] = Float(min(0, sum(probabilities, order, place) - log10(max(total, 1e-300))))
            }
            for place in 0..<sums.count where sums[place] > 0 {
                backoffs[order - 2][place] = Float(log10(factors[place] * rest(place) / sums[place]))
            }
            shorter = sums
        }
        return table(mixed, backoffs)
    }

    private func table(_ probabilities: [Lane<Float>], _ backoffs: [Lane<Float>]) -> GramTable {
        GramTable(
            vocabulary: vocabulary, unigramProbabilities: probabilities[0], unigramBackoffs: backoffs[0],
            levels: levels.enumerated().map { depth, level in
                GramColumns(
                    parents: level.parents.lane.part(0..<level.count), words: level.words.lane.part(0..<level.count),
                    probabilities: probabilities[depth + 1],
                    backoffs: depth + 2 == order ? Lane(zeros: 0) : backoffs[depth + 1])
            })
    }
}
