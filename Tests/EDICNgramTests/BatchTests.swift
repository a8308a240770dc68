import EDICNgram
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct BatchTests {
    private func model(order: Int, seed: UInt64 = 5) throws -> NgramModel {
        var estimator = try NgramEstimator(.init(order: order))
        try estimator.add(text: Array(sampleText(lines: 300, seed: seed, words: 120).utf8).span)
        return try estimator.finish().model
    }

    @Test(arguments: [1, 2, 3, 5, 8, 10], [0, 1, 2, 127, 128, 129, 400])
    func aBatchScoresAsOneWordAfterAnother(order: Int, count: Int) throws {
        let model = try model(order: order)
        var generator = SeededGenerator(seed: UInt64(order * 1000 + count))
        // Known words in their usual sequences, unknown ones, and ids outside the vocabulary.
        var ids = sampleText(lines: 80, seed: 21, words: 140).split(whereSeparator: \.isWhitespace).map {
            model.id(of: String($0))
        }
        ids = Array(ids.prefix(count))
        for place in ids.indices where Int.random(in: 0..<20, using: &generator) == 0 {
            ids[place] = .random(in: 0 ... .max, using: &generator)
        }
        var together = model.beginSentenceState
        let scores = model.scores(ids: ids.span, after: &together)
        var alone = model.beginSentenceState
        let expected = ids.map { model.score(id: $0, after: &alone) }
        #expect(scores == expected)
        #expect(together == alone)
        // Going on in the middle gives the same.
        var state = model.beginSentenceState
        let half = ids.count / 3
        let first = model.scores(ids: ids.span.extracting(..<half), after: &state)
        #expect(first + model.scores(ids: ids.span.extracting(half...), after: &state) == expected)
    }

    @Test(arguments: [1, 3, 5])
    func idsAndWordsHaveOnePerplexity(order: Int) throws {
        let model = try model(order: order)
        let text = sampleText(lines: 100, seed: 22, words: 130)
        var ids: [UInt32] = []
        var expected = PerplexityTotals()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            var state = model.beginSentenceState
            for word in line.split(separator: " ").map(String.init) + ["</s>"] {
                ids.append(model.id(of: word))
                let score = model.score(word, after: &state)
                expected.tokens += 1
                expected.logProbability += Double(score.logProbability)
                guard model.id(of: word) == 0 else { continue }
                expected.unknownWords += 1
                expected.unknownLogProbability += Double(score.logProbability)
            }
            expected.sentences += 1
        }
        #expect(model.perplexity(ids: ids.span) == expected)
        #expect(model.perplexity(of: text) == expected)
        #expect(expected.unknownWords > 0)
    }

    @Test(arguments: [1, 2, 4])
    func aDistributionHoldsTheScoreOfEveryWord(order: Int) throws {
        let model = try model(order: order)
        var states = [model.emptyState, model.beginSentenceState]
        for word in sampleText(lines: 10, seed: 23, words: 130).split(whereSeparator: \.isWhitespace) {
            _ = model.score(String(word), after: &states[1])
        }
        for state in states {
            let expected = (0..<UInt32(model.vocabularyCount)).map {
                model.score(id: $0, in: state).score.logProbability
            }
            #expect(model.distribution(after: state) == expected)
        }
    }

    @Test func aTextMayEndAnywhere() throws {
        let model = try model(order: 3)
        let whole = model.perplexity(of: "w1 w2\n\nw3 nothing\n")
        #expect(whole.sentences == 3)
        #expect(whole.tokens == 7)
        #expect(model.perplexity(of: "w1 w2\r\n\nw3\t nothing") == whole)
        #expect(model.perplexity(of: "") == PerplexityTotals())
        #expect(model.perplexity(of: "\n").tokens == 1)
        // A word over the end of a batch, and one longer than any.
        let long = String(repeating: "w1 ", count: 126) + String(repeating: "x", count: 1000) + " w2\n"
        #expect(model.perplexity(of: long).tokens == 129)
        #expect(model.perplexity(of: long).unknownWords == 1)
    }

    @Test(arguments: ["", "one line without an end", "\n\n", "long"])
    func aFileHasThePerplexityOfItsText(text: String) throws {
        let model = try model(order: 3)
        let text = text == "long" ? sampleText(lines: 9000, seed: 31, words: 130) : text
        try withTemporaryFolder { folder in
            let path = folder.appending("text")
            try write(Array(text.utf8), to: path)
            let expected = model.perplexity(of: text)
            for workers in [1, 2, 5] {
                let found = try model.perplexity(contentsOf: path, workers: workers)
                #expect(found.tokens == expected.tokens && found.sentences == expected.sentences)
                #expect(found.unknownWords == expected.unknownWords)
                #expect(abs(found.logProbability - expected.logProbability) < 1e-6)
                #expect(found == (try model.perplexity(contentsOf: path, workers: 1)))
            }
            let error = #expect(throws: NgramError.self) { try model.perplexity(contentsOf: folder.appending("none")) }
            #expect(error?.code == .inputOutput && error?.message.contains("none") == true)
        }
    }

    /// Also the ids that stand for something else within a batch.
    @Test func idsOutsideTheVocabularyAreUnknownWords() throws {
        let model = try model(order: 3)
        let ids: [UInt32] = [3, .max, 4, .max - 1, 5, UInt32(model.vocabularyCount), model.endID]
        let expected = ids.map { Int($0) < model.vocabularyCount ? $0 : model.unknownID }
        var states = (model.beginSentenceState, model.beginSentenceState)
        #expect(model.scores(ids: ids.span, after: &states.0) == model.scores(ids: expected.span, after: &states.1))
        #expect(states.0 == states.1)
        #expect(model.perplexity(ids: ids.span) == model.perplexity(ids: expected.span))
        #expect(model.perplexity(ids: ids.span).unknownWords == 3)
    }

    @Test func sentencesHoldTheirWords() throws {
        let model = try model(order: 3)
        let text = Array("w1 zebra\n\nw2".utf8)
        let sentences = model.sentences(of: text.span)
        #expect(sentences.map { $0.words.map(\.range) } == [[0..<2, 3..<8, 8..<8], [9..<9], [10..<12, 12..<12]])
        #expect(sentences[0].words[1].id == model.unknownID)
        let totals = sentences.reduce(into: PerplexityTotals()) { $0 += $1.totals }
        #expect(totals == model.perplexity(of: "w1 zebra\n\nw2"))
        #expect(model.sentences(of: text.span, isWhole: false).map(\.words.count) == [2, 0, 1])
    }
}
