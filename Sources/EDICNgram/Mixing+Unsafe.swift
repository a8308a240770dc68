internal import Glibc

/// How several models become one.
public enum MixtureKind: String, Sendable, Hashable, CaseIterable {
    /// The weighted mean of the models' probabilities. Words that a model does not know get nothing from it.
    case linear
    /// The product of the models' probabilities, each to the power of its weight, normalised. Words that a model does not
    /// know get its `<unk>`'s probability from it.
    case logLinear = "log-linear"
}

extension NgramModel {
    /// One model made of several, with all their words and n-grams; models of weight 0 are left out.
    ///
    /// Each n-gram listed by any model has the mixture's probability. What is not listed is backed off to with weights
    /// that make every context's probabilities sum to one: exactly the mixture's where that is log-linear, close to it
    /// where it is linear. Takes memory for all n-grams of all models, and time linear in their number.
    ///
    /// - Throws: ``NgramError`` where there is not a weight for each model, finite and not all zero, or where a model does
    ///   not hold its words.
    public static func mixture(
        of models: [NgramModel], weights: [Double], kind: MixtureKind = .linear
    ) throws(NgramError) -> NgramModel {
        guard weights.count == models.count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }),
            weights.contains(where: { $0 > 0 })
        else {
            throw NgramError(
                .invalidArgument,
                "weights \(weights): must be one for each of \(models.count) models, 0 or more, not all 0")
        }
        // A model without weight would add only words that nothing gives a probability.
        let used = models.indices.filter { weights[$0] > 0 }
        let models = used.map { models[$0] }
        let weights = used.map { weights[$0] }
        let union = try UnionTable(models, kind)
        let sum = weights.reduce(0, +)
        let table = kind == .linear ? union.linear(weights.map { $0 / sum }) : union.logLinear(weights)
        let name = models.map(\.name).joined(separator: " + ")
        let builder = try table.byFrequency().builder(quantisation: nil)
        return NgramModel(.index(try builder.index(name: name)), format: .edic, name: name)
    }

    /// The weights with which a mixture foretells a held-out text best: by expectation maximisation where it is linear,
    /// by a search along each weight in turn where it is log-linear.
    ///
    /// - Parameter heldOut: sentences, one a line, that no model was estimated from.
    /// - Returns: the weights, and the perplexity of the mixture over the words of the text that are tuned on: where it is
    ///   linear, those of the model that knows most of them, so that this is no higher than that model's own
    ///   ``PerplexityTotals/knownPerplexity``; where it is log-linear, those that some model knows. A mixture knows more words
    ///   than its models, so its own perplexity without unknown words is over more of them.
    public static func tunedWeights(
        of models: [NgramModel], kind: MixtureKind = .linear, heldOut: Span<UInt8>
    ) throws(NgramError) -> (weights: [Double], perplexity: Double) {
        guard models.count > 1 else { throw NgramError(.invalidArgument, "tuning weights takes two models or more") }
        guard heldOut.count > 0 else { throw NgramError(.unusableText, "the held-out text is empty") }
        return kind == .linear
            ? linearWeights(models, heldOut) : try UnionTable(models, kind).tunedLogLinearWeights(heldOut)
    }

    private static func linearWeights(
        _ models: [NgramModel], _ heldOut: Span<UInt8>
    ) -> (weights: [Double], perplexity: Double) {
        // The models' probabilities of each word, one word after another.
        let columns = models.map { model in
            var probabilities: [Double] = []
            model.forEachScore(of: heldOut, isWhole: true) { word, id, score in
                let isUnknown = id == 0 && word.length > 0
                probabilities.append(isUnknown ? 0 : pow(10, Double(score.logProbability)))
            }
            return probabilities
        }
        // The words of the model that knows most of them: on these no model alone may be better than the mixture. What
        // only others know would draw weight to them at the expense of all other words.
        let known = columns.map { $0.reduce(0) { $1 > 0 ? $0 + 1 : $0 } }
        let main = known.indices.max { known[$0] < known[$1] } ?? 0
        let places = columns[main].indices.filter { columns[main][$0] > 0 }
        func logProbability(_ weights: [Double]) -> Double {
            places.reduce(0) { sum, place in
                sum + log10(weights.indices.reduce(0) { $0 + weights[$1] * columns[$1][place] })
            }
        }
        var weights = [Double](repeating: 1 / Double(models.count), count: models.count)
        for _ in 0..<(places.isEmpty ? 0 : 1000) {
            var shares = [Double](repeating: 0, count: models.count)
            for place in places {
                var sum = 0.0
                for model in weights.indices { sum += weights[model] * columns[model][place] }
                for model in weights.indices { shares[model] += weights[model] * columns[model][place] / sum }
            }
            let next = shares.map { $0 / Double(places.count) }
            let change = zip(next, weights).reduce(0) { max($0, abs($1.0 - $1.1)) }
            weights = next
            if change < 1e-7 { break }
        }
        // Towards a model alone the steps get ever shorter.
        var best = logProbability(weights)
        for model in models.indices {
            let alone = models.indices.map { $0 == model ? 1.0 : 0 }
            let reached = logProbability(alone)
            if reached > best { (weights, best) = (alone, reached) }
        }
        return (weights, pow(10, -best / Double(max(1, places.count))))
    }
}

extension UnionTable {
    fileprivate init(_ models: [NgramModel], _ kind: MixtureKind) throws(NgramError) {
        var tables: [GramTable] = []
        for model in models { tables.append(try model.table()) }
        self.init(tables, lacksAreImpossible: kind == .linear)
    }

    /// What a word's score is made of: a listed n-gram's probability, then backoff weights of contexts.
    private struct Part {
        let order: Int32
        let place: Int32
        let isBackoff: Bool
    }

    fileprivate func tunedLogLinearWeights(_ heldOut: Span<UInt8>) -> (weights: [Double], perplexity: Double) {
        let (parts, tokens) = parts(of: heldOut)
        func perplexity(_ weights: [Double]) -> Double {
            let table = logLinear(weights)
            var sum = 0.0
            for part in parts {
                let (order, place) = (Int(part.order), Int(part.place))
                sum += Double(
                    part.isBackoff ? table.backoff(order: order, place) : table.probability(order: order, place))
            }
            return pow(10, -sum / Double(max(1, tokens)))
        }
        var weights = [Double](repeating: 1 / Double(probabilities.count), count: probabilities.count)
        var best = perplexity(weights)
        let ratio = (5.0.squareRoot() - 1) / 2
        for round in 0..<3 {
            let before = best
            for model in weights.indices {
                // Golden section, in a narrower stretch each round.
                let reach = pow(0.4, Double(round))
                var (low, high) = (max(0, weights[model] - reach), weights[model] + reach)
                func value(_ weight: Double) -> Double {
                    var tried = weights
                    tried[model] = weight
                    return perplexity(tried)
                }
                var (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
                var (atLeft, atRight) = (value(left), value(right))
                for _ in 0..<8 {
                    if atLeft < atRight {
                        (high, right, atRight) = (right, left, atLeft)
                        left = high - ratio * (high - low)
                        atLeft = value(left)
                    } else {
                        (low, left, atLeft) = (left, right, atRight)
                        right = low + ratio * (high - low)
                        atRight = value(right)
                    }
                }
                let (weight, reached) = atLeft < atRight ? (left, atLeft) : (right, atRight)
                if reached < best {
                    weights[model] = weight
                    best = reached
                }
            }
            if before - best < 1e-4 * before { break }
        }
        return (weights, best)
    }

    /// The parts of the scores of all words of a text that the union knows, and of the ends of its sentences.
    private func parts(of text: Span<UInt8>) -> (parts: [Part], tokens: Int) {
        var parts: [Part] = []
        var tokens = 0
        // The latest word first, and the places of the n-grams that end in it.
        var words: [UInt32] = [1]
        var chain: [UInt32] = [1]
        func score(_ word: UInt32) {
            var found = [word]
            while found.count < order, found.count <= chain.count, let last = found.last,
                let longer = levels[found.count - 1].find(last, words[found.count - 1])
            {
                found.append(UInt32(longer))
            }
            if word != 0, let last = found.last {
                tokens += 1
                parts.append(Part(order: Int32(found.count), place: Int32(last), isBackoff: false))
                for length in stride(from: found.count, through: min(chain.count, order - 1), by: 1) {
                    parts.append(Part(order: Int32(length), place: Int32(chain[length - 1]), isBackoff: true))
                }
            }
            chain = found
            words = [word] + words.prefix(order)
        }
        let size = text.count
        let copy = Lane<UInt8>(uninitialized: size + TextSplitter.padding)
        for place in 0..<size { copy[place] = text[place] }
        for place in size..<size + TextSplitter.padding { copy[place] = 0x0A }
        unsafe TextSplitter.forEachWord(copy.pointer, size) { word, length in
            score(UInt32(unsafe self.words.find(word, length) ?? 0))
        } line: {
            score(2)
            (words, chain) = ([1], [1])
        }
        return (parts, tokens)
    }
}
