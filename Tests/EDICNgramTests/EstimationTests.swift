import EDICNgram
import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct EstimationTests {
    private func model(
        _ text: String, _ options: NgramEstimator.Options
    ) throws -> (model: NgramModel, summary: NgramEstimator.Summary) {
        var estimator = try NgramEstimator(options)
        try estimator.add(text: Array(text.utf8).span)
        return try estimator.finish()
    }

    /// After any context, the probabilities of all words but `<s>` add up to 1.
    @Test(arguments: [1, 2, 3, 5, 10], [[], [0, 1], [0, 0, 2]] as [[UInt64]])
    func distributionsAddUpToOne(order: Int, pruning: [UInt64]) throws {
        let text = sampleText(lines: 120, seed: UInt64(order))
        let model = try model(text, .init(order: order, pruning: Array(pruning.prefix(order)), workers: 2)).model
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<6 {
            var state = model.beginSentenceState
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                _ = model.score(
                    id: UInt32.random(in: 3..<UInt32(model.vocabularyCount), using: &generator), after: &state)
            }
            var sum = 0.0
            for word in 0..<UInt32(model.vocabularyCount) where word != model.beginID {
                sum += pow(10, Double(model.score(id: word, in: state).score.logProbability))
            }
            #expect(abs(sum - 1) < 1e-4)
        }
    }

    /// A worked example, its numbers from KenLM 0.3.0 (`lmplz -o 2 --discount_fallback`).
    @Test func matchesKenLMOnThreeLines() throws {
        let text = "a <s> b <unk> c </s> d\n"
        let reserved = try model(text, .init(order: 2, workers: 1))
        #expect(reserved.summary.reservedWordsSkipped == 3)
        #expect(reserved.summary.grams == [7, 5])
        var state = reserved.model.emptyState
        #expect(abs(reserved.model.score("a", after: &state).logProbability + 0.7367586) < 1e-6)
        #expect(abs(reserved.model.score("b", after: &state).logProbability + 0.22792287) < 1e-6)
        state = reserved.model.emptyState
        #expect(abs(reserved.model.score("never", after: &state).logProbability + 1.0791812) < 1e-6)
    }

    @Test func saysWhyTextIsUnusable() throws {
        #expect(throws: NgramError.self) { try model("", .init(order: 3)) }
        #expect(throws: NgramError.self) { _ = try NgramEstimator(.init(order: 0)) }
        #expect(throws: NgramError.self) { _ = try NgramEstimator(.init(order: 11)) }
        #expect(throws: NgramError.self) { _ = try NgramEstimator(.init(order: 2, pruning: [1])) }
        #expect(throws: NgramError.self) { _ = try NgramEstimator(.init(order: 3, pruning: [0, 2, 1])) }
        #expect(throws: NgramError.self) {
            try model("a <s> b\n", .init(order: 2, rejectsReservedWords: true))
        }
    }

    @Test(arguments: ["\n", "a\n", "a b c", "a b c\n", "\n\n\n"])
    func tinyTextsWork(text: String) throws {
        for order in [1, 3, 10] {
            let (model, summary) = try model(text, .init(order: order))
            #expect(summary.grams.count == order)
            #expect(summary.discounts[0].fallbackReason != nil)
            var state = model.beginSentenceState
            let score = model.score("</s>", after: &state).logProbability
            #expect(score < 0 && score > -3)
        }
    }

    @Test func workersDoNotMatter() throws {
        try withTemporaryFolder { folder in
            let text = sampleText(lines: 3000, seed: 3, words: 400)
            var files: [[UInt8]] = []
            for workers in [1, 2, 5] {
                var estimator = try NgramEstimator(.init(order: 4, pruning: [0, 0, 1], workers: workers))
                try estimator.add(text: Array(text.utf8).span)
                let path = folder.appending("m\(workers).arpa")
                let binary = folder.appending("m\(workers).edlm")
                _ = try estimator.finish(writing: binary, quantisation: .init(), alsoARPA: path)
                files.append(try bytes(of: path) + bytes(of: binary))
            }
            #expect(files[0] == files[1])
            #expect(files[0] == files[2])
        }
    }

    @Test func tokenIDsGiveTheSameModelAsTheirWords() throws {
        let vocabulary = ["the", "cat", "sat", "▁on", "unused"]
        let sentences: [[UInt32]] = [[0, 1, 2], [0, 1, 2, 3, 0, 1], [3, 3], []]
        var byID = try NgramEstimator(.init(order: 3))
        try byID.setTokenVocabulary(vocabulary)
        var byText = try NgramEstimator(.init(order: 3))
        for sentence in sentences {
            try byID.add(tokenIDs: sentence.span)
            try byText.addSentence(sentence.map { vocabulary[Int($0)] }.joined(separator: " "))
        }
        #expect(throws: NgramError.self) { try byID.add(tokenIDs: ([5] as [UInt32]).span) }
        let ids = try byID.finish()
        let words = try byText.finish()
        #expect(ids.summary.grams == words.summary.grams)
        let text = "the cat ▁on the cat sat\n"
        #expect(ids.model.perplexity(of: text) == words.model.perplexity(of: text))
        #expect(ids.model.id(of: "unused") == 0)
    }

    /// Discounts as KenLM's lmplz prints them. It takes the last n-gram of an order for as frequent as it is, not for as
    /// many words as come before it: here those that end in the last new word, as long as words come before it.
    @Test(
        arguments: [
            (
                ["w1 w2 z w3", "w1 w2 z w3", "z"],
                [[0.333333, 1.5, 0.333333], [0.5, 1.42308, 2.2], [0.68, 1.70857, 2.32]]
            ),
            (
                ["w2 w1 z", "w5 w2 w1 z w1", "w3 w1 z", "w3 w1 z"],
                [[0.5, 1, 1.5], [0.50495, 1.27287, 2.15842], [0.687151, 1.77913, 1.1676]]
            ),
            (["z", "z", "z"], [[0.333333, 1.5, 0.333333], [0.5, 1.28, 2.33333], [0.704142, 1.66201, 2.29586]]),
            (["q w1", "z q", "q z q"], [[0.5, 1, 1.5], [0.495327, 1.3946, 2.27952], [0.704545, 1.75612, 2.06061]]),
        ] as [([String], [[Double]])])
    func theLastNGramCountsAsForKenLM(_ tail: [String], _ expected: [[Double]]) throws {
        let lines = (0..<60).map { i in
            (0..<i % 8).map { "w\((i * 7 + $0 * $0 * 3 + i * $0) % (4 + i % 13))" }.joined(separator: " ")
        }
        let text = (lines + tail).joined(separator: "\n") + "\n"
        for workers in [1, 3] {
            let discounts = try model(text, .init(order: 3, workers: workers)).summary.discounts
            for (found, expected) in zip(discounts, expected) {
                for (one, other) in zip([found.one, found.two, found.threeOrMore], expected) {
                    #expect(abs(one - other) < 1e-5 * max(1, other), "\(found) \(expected)")
                }
            }
        }
    }

    /// Words of one look but of other code points are different words.
    @Test func vocabularyLimitTellsWordsApart() throws {
        let text = "\u{E9} e\u{301} a\n"
        let (model, _) = try model(text, .init(order: 2, vocabularyLimit: ["\u{E9}", "e\u{301}"], workers: 1))
        #expect(model.id(of: "\u{E9}") != model.unknownID && model.id(of: "e\u{301}") != model.unknownID)
        #expect(model.id(of: "a") == model.unknownID)
    }

    @Test func vocabularyLimitKeepsOnlyItsWords() throws {
        let text = "a b c a b d a b\na c d\n"
        let (model, summary) = try model(text, .init(order: 2, vocabularyLimit: ["a", "b"], workers: 1))
        #expect(summary.grams == [5, 3])
        // The words left out are unknown to the model, and their share goes to the words that stay.
        #expect(model.id(of: "c") == model.unknownID)
        var state = model.emptyState
        let unknown = model.score("c", after: &state).logProbability
        #expect(unknown < -0.5 && unknown > -0.8)
    }
}

@Suite struct NextWordTests {
    @Test func theMostProbableWordsAreTheBestOfTheDistribution() throws {
        var estimator = try NgramEstimator(.init(order: 2))
        try estimator.addSentence("a b a b a c")
        try estimator.addSentence("a b")
        let model = try estimator.finish().model
        var state = model.emptyState
        _ = model.score("a", after: &state)
        let best = model.mostProbableWords(after: state, count: 2)
        let distribution = model.distribution(after: state)
        let others = distribution.indices.filter { $0 != Int(model.unknownID) && $0 != Int(model.beginID) }
        #expect(best[0].logProbability == others.map { distribution[$0] }.max())
        #expect(best[0].logProbability >= best[1].logProbability)
        #expect(model.distribution(after: state)[Int(best[0].id)] == best[0].logProbability)
        #expect(model.mostProbableWords(after: state, count: 100).count == model.vocabularyCount - 2)
    }

    @Test func bucketsCutWhereTheSampleSays() throws {
        let buckets = try PerplexityBuckets(
            sample: (1...100).map { Double($0) } + [.nan], headShare: 0.25, tailShare: 0.75)
        #expect(buckets.part(of: 10) == .head)
        #expect(buckets.part(of: 50) == .middle)
        #expect(buckets.part(of: 99) == .tail)
        #expect(buckets.part(of: .nan) == .tail)
        #expect(throws: NgramError.self) { try PerplexityBuckets(sample: []) }
        #expect(throws: NgramError.self) { try PerplexityBuckets(sample: [1], headShare: 0.8, tailShare: 0.2) }
    }
}
