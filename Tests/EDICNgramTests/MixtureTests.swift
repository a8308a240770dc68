import EDICNgram
import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct MixtureTests {
    private func model(order: Int, seed: UInt64, words: Int, lines: Int = 200) throws -> NgramModel {
        var estimator = try NgramEstimator(.init(order: order))
        try estimator.add(text: Array(sampleText(lines: lines, seed: seed, words: words).utf8).span)
        return try estimator.finish().model
    }

    /// The probabilities of all words but `<s>` after some words add up to one.
    private func expectNormalised(_ model: NgramModel, seed: UInt64, within tolerance: Double = 2e-4) {
        var state = model.beginSentenceState
        for word in sampleText(lines: 12, seed: seed, words: 60).split(whereSeparator: \.isWhitespace) {
            let distribution = model.distribution(after: state)
            var sum = 0.0
            for (id, score) in distribution.enumerated() where id != Int(model.beginID) {
                sum += pow(10, Double(score))
            }
            #expect(abs(sum - 1) < tolerance)
            _ = model.score(String(word), after: &state)
        }
    }

    // MARK: Pruning

    @Test func aThresholdOfZeroChangesNoScore() throws {
        let whole = try model(order: 3, seed: 3, words: 60)
        let same = try whole.pruned(threshold: 0)
        // What the shorter n-grams say just as well may go.
        #expect(same.counts[0] == whole.counts[0])
        let text = sampleText(lines: 40, seed: 9, words: 70)
        let perplexities = (whole.perplexity(of: text).perplexity, same.perplexity(of: text).perplexity)
        #expect(abs(perplexities.1 / perplexities.0 - 1) < 1e-3)
    }

    @Test(arguments: [2, 3, 5])
    func pruningShrinksAndStaysNormalised(order: Int) throws {
        let whole = try model(order: order, seed: 3, words: 60)
        let text = sampleText(lines: 300, seed: 9, words: 60)
        var last = whole
        for threshold in [1e-6, 1e-5, 1e-4, 1e-3] {
            let pruned = try whole.pruned(threshold: threshold)
            // The gentlest threshold may find nothing to take from a small model.
            #expect(pruned.counts.dropFirst().reduce(0, +) <= last.counts.dropFirst().reduce(0, +))
            #expect(pruned.counts[0] == whole.counts[0])
            expectNormalised(pruned, seed: 13)
            last = pruned
        }
        #expect(last.counts.dropFirst().reduce(0, +) < whole.counts.dropFirst().reduce(0, +))
        // The gentlest threshold costs little.
        let cost = try whole.pruned(threshold: 1e-6).perplexity(of: text).perplexity
        #expect(cost / whole.perplexity(of: text).perplexity < 1.02)
        #expect(throws: NgramError.self) { try whole.pruned(threshold: -1) }
        #expect(throws: NgramError.self) { try whole.pruned(threshold: .nan) }
        // Everything but the words goes in the end.
        #expect(try whole.pruned(threshold: 1e9).order == 1)
    }

    @Test func aPrunedModelIsWrittenInAllFormats() throws {
        try withTemporaryFolder { folder in
            let pruned = try model(order: 4, seed: 3, words: 60).pruned(threshold: 1e-4)
            let text = sampleText(lines: 40, seed: 9, words: 70)
            for format in NgramModel.Format.allCases {
                let path = folder.appending("m")
                try pruned.write(to: path, as: format)
                let read = try NgramModel(contentsOf: path)
                #expect(read.counts == pruned.counts)
                let sums = (read.perplexity(of: text).logProbability, pruned.perplexity(of: text).logProbability)
                #expect(abs(sums.0 - sums.1) < 1e-2)
            }
        }
    }

    // MARK: Mixing

    @Test(arguments: MixtureKind.allCases)
    func mixturesAreNormalised(kind: MixtureKind) throws {
        let models = try [model(order: 3, seed: 3, words: 60), model(order: 2, seed: 4, words: 90)]
        for weights in [[0.5, 0.5], [0.9, 0.1]] {
            let mixture = try NgramModel.mixture(of: models, weights: weights, kind: kind)
            #expect(mixture.order == 3)
            for word in 0..<90 {
                let isKnown = models.contains { $0.id(of: "w\(word)") != 0 }
                #expect((mixture.id(of: "w\(word)") != 0) == isKnown)
            }
            expectNormalised(mixture, seed: 13)
        }
    }

    @Test(arguments: MixtureKind.allCases)
    func aMixtureOfOneKindIsThatOne(kind: MixtureKind) throws {
        let first = try model(order: 3, seed: 3, words: 60)
        let same = try NgramModel.mixture(of: [first, first], weights: [0.25, 0.75], kind: kind)
        #expect(same.counts == first.counts)
        var states = (first.beginSentenceState, same.beginSentenceState)
        for word in sampleText(lines: 40, seed: 9, words: 70).split(whereSeparator: \.isWhitespace) {
            let scores = (first.score(String(word), after: &states.0), same.score(String(word), after: &states.1))
            #expect(abs(scores.0.logProbability - scores.1.logProbability) < 1e-4)
            #expect(scores.0.matchedLength == scores.1.matchedLength)
        }
    }

    @Test(arguments: MixtureKind.allCases)
    func aModelWithoutWeightIsLeftOut(kind: MixtureKind) throws {
        let models = try [model(order: 3, seed: 3, words: 40), model(order: 3, seed: 4, words: 90)]
        let mixture = try NgramModel.mixture(of: models, weights: [1, 0], kind: kind)
        #expect(mixture.counts == models[0].counts)
        #expect(mixture.id(of: "w80") == 0)
        let text = sampleText(lines: 40, seed: 9, words: 90)
        let perplexities = (mixture.perplexity(of: text).perplexity, models[0].perplexity(of: text).perplexity)
        #expect(abs(perplexities.0 / perplexities.1 - 1) < 1e-4)
    }

    /// A listed n-gram has exactly the mean of the probabilities.
    @Test func linearMixturesAreMeans() throws {
        let models = try [model(order: 2, seed: 3, words: 40), model(order: 2, seed: 4, words: 40)]
        let mixture = try NgramModel.mixture(of: models, weights: [3, 1])
        var checked = 0
        for first in 0..<40 {
            for second in 0..<40 {
                func score(_ model: NgramModel) -> NgramScore {
                    var state = model.emptyState
                    _ = model.score("w\(first)", after: &state)
                    return model.score("w\(second)", after: &state)
                }
                let found = score(mixture)
                guard found.matchedLength == 2, models.allSatisfy({ $0.id(of: "w\(second)") != 0 }) else { continue }
                let mean =
                    0.75 * pow(10, Double(score(models[0]).logProbability))
                    + 0.25 * pow(10, Double(score(models[1]).logProbability))
                #expect(abs(Double(found.logProbability) - log10(mean)) < 1e-5)
                checked += 1
            }
        }
        #expect(checked > 100)
    }

    /// A linear mixture foretells the words that its best-informed model knows at least as well as each model alone does,
    /// when it is scored by its definition; written as one model it comes close.
    @Test(arguments: [(60, 200), (200, 60), (25, 90), (60, 60)])
    func aTunedMixtureIsNoWorseThanItsModels(first: Int, second: Int) throws {
        let models = try [model(order: 3, seed: 3, words: first), model(order: 2, seed: 4, words: second)]
        let heldOut = sampleText(lines: 120, seed: 5, words: 60)
        let tuned = try NgramModel.tunedWeights(of: models, heldOut: Array(heldOut.utf8).span)
        let mixture = try NgramModel.mixture(of: models, weights: tuned.weights)
        // Each token's probability by each model, 0 where it does not know it, and by the mixture.
        var tokens: [(alone: [Double], mixed: Double)] = []
        for line in heldOut.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            var states = models.map(\.beginSentenceState)
            var state = mixture.beginSentenceState
            for word in line.split(separator: " ").map(String.init) + ["</s>"] {
                var alone: [Double] = []
                for (place, model) in models.enumerated() {
                    let score = model.score(word, after: &states[place]).logProbability
                    alone.append(model.id(of: word) == 0 ? 0 : pow(10, Double(score)))
                }
                tokens.append((alone, pow(10, Double(mixture.score(word, after: &state).logProbability))))
            }
        }
        let known = models.indices.map { model in tokens.count { $0.alone[model] > 0 } }
        let main = try #require(known.indices.max { known[$0] < known[$1] })
        tokens = tokens.filter { $0.alone[main] > 0 }
        func perplexity(_ probability: ([Double], Double) -> Double) -> Double {
            pow(10, -tokens.reduce(0) { $0 + log10(probability($1.alone, $1.mixed)) } / Double(tokens.count))
        }
        let exact = perplexity { alone, _ in zip(tuned.weights, alone).reduce(0) { $0 + $1.0 * $1.1 } }
        #expect(abs(exact / tuned.perplexity - 1) < 1e-5)
        for model in models.indices { #expect(exact <= perplexity { alone, _ in alone[model] } * (1 + 1e-4)) }
        let written = perplexity { _, mixed in mixed }
        #expect(written <= perplexity { alone, _ in alone[main] } * 1.01)
        #expect(abs(written / exact - 1) < 0.05)
    }

    @Test(arguments: MixtureKind.allCases)
    func tuningPrefersTheModelOfTheText(kind: MixtureKind) throws {
        let models = try [model(order: 2, seed: 3, words: 60), model(order: 2, seed: 4, words: 20)]
        let heldOut = Array(sampleText(lines: 60, seed: 5, words: 20).utf8)
        let tuned = try NgramModel.tunedWeights(of: models, kind: kind, heldOut: heldOut.span)
        #expect(tuned.weights[1] > tuned.weights[0])
        let mixture = try NgramModel.mixture(of: models, weights: tuned.weights, kind: kind)
        let even = try NgramModel.mixture(of: models, weights: [0.5, 0.5], kind: kind)
        let reached = mixture.perplexity(of: heldOut.span).knownPerplexity
        #expect(reached <= even.perplexity(of: heldOut.span).knownPerplexity * 1.001)
        #expect(abs(reached / tuned.perplexity - 1) < 0.05)
        #expect(throws: NgramError.self) { try NgramModel.mixture(of: models, weights: [1], kind: kind) }
        #expect(throws: NgramError.self) { try NgramModel.mixture(of: models, weights: [0, 0], kind: kind) }
        let nothing: [UInt8] = []
        #expect(throws: NgramError.self) {
            _ = try NgramModel.tunedWeights(of: models, kind: kind, heldOut: nothing.span)
        }
    }
}
