import EDICNumerics
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct TrainingTests {
    static let text =
        String(
            repeating:
                "the cat sat on the mat, the cats' hat.\nL-għarusa qalet li l-qattus raqad.\nDie Straße führt weiter.\n",
            count: 3) + "a rare word: Kalimera Evropi\n"

    static func train(_ model: TokenizerTrainer.Model, size: Int, workers: Int) throws -> Tokenizer {
        var configuration = TokenizerTrainer.Configuration(model: model, vocabularySize: size)
        configuration.characterCoverage = 1
        if model == .byteLevelBPE { configuration.specialTokens = ["<|endoftext|>"] }
        var trainer = try TokenizerTrainer(configuration, pool: WorkerPool(workers: workers))
        try trainer.add(text, language: "mul")
        return try trainer.finish()
    }

    /// The naive algorithm: count all pairs, merge the most frequent, lowest ids first among equals.
    @Test func mergesAreThoseOfTheNaiveAlgorithm() throws {
        let tokenizer = try Self.train(.byteLevelBPE, size: 300, workers: 1)
        guard case .bytePair(let model) = tokenizer.core.parts.model else {
            Issue.record("not BPE")
            return
        }
        var words: [([UInt32], Int)] = []
        for line in Self.text.split(separator: "\n") {
            let bytes = Array(line.utf8)
            for word in WordPattern.gpt2.words(in: bytes) {
                words.append((bytes[word].map { model.byteIDs[Int($0)] }, 1))
            }
        }
        for merge in model.merges {
            var counts: [UInt64: Int] = [:]
            for (word, count) in words where word.count > 1 {
                for at in 0..<word.count - 1 {
                    counts[UInt64(word[at]) << 32 | UInt64(word[at + 1]), default: 0] += count
                }
            }
            let best = try #require(counts.max { ($0.value, $1.key) < ($1.value, $0.key) })
            #expect(best.key == UInt64(merge.left) << 32 | UInt64(merge.right))
            let result = try #require(model.table.merge(merge.left, merge.right)).result
            for index in words.indices {
                var merged: [UInt32] = []
                for symbol in words[index].0 {
                    if symbol == merge.right, merged.last == merge.left {
                        merged[merged.count - 1] = result
                    } else {
                        merged.append(symbol)
                    }
                }
                words[index].0 = merged
            }
        }
    }

    @Test func anyNumberOfWorkersLearnsTheSame() throws {
        for model in [TokenizerTrainer.Model.byteLevelBPE, .sentencePieceBPE(byteFallback: true)] {
            let one = try Self.train(model, size: 420, workers: 1).canonicalBytes()
            #expect(try Self.train(model, size: 420, workers: 3).canonicalBytes() == one)
        }
    }

    /// Words that went to disk come back the same, weighted languages too.
    @Test func memoryDoesNotChangeWhatIsLearnt() throws {
        var generator = SeededGenerator(seed: 21)
        let texts = (0..<3).map { _ in
            (0..<30_000).map { _ in String(Int.random(in: 0..<40_000, using: &generator), radix: 30) }
                .joined(separator: " ")
        }
        for temperature in [1.0, 0.4] {
            var results: [[UInt8]] = []
            for memory in [nil, 2 << 20] {
                var configuration = TokenizerTrainer.Configuration(model: .byteLevelBPE, vocabularySize: 700)
                configuration.temperature = temperature
                configuration.memoryLimit = memory
                var trainer = try TokenizerTrainer(configuration, pool: WorkerPool(workers: 2))
                for round in 0..<4 {
                    for (index, text) in texts.enumerated() where round <= index {
                        try trainer.add(text, language: "x\(index)")
                    }
                }
                #expect((trainer.spills > 0) == (memory != nil))
                results.append(try trainer.finish().canonicalBytes())
            }
            #expect(results[0] == results[1])
        }
    }

    @Test func balancingEvensOutCosts() throws {
        var configuration = TokenizerTrainer.Configuration(model: .byteLevelBPE, vocabularySize: 420)
        configuration.isBalanced = true
        var trainer = try TokenizerTrainer(configuration, pool: WorkerPool(workers: 2))
        let much = UnigramTrainingTests.text(words: 20_000, seed: 1)
        let little = (0..<1500).map { "il-qtates raqdu fuq is-saqqijiet \($0 % 50) tal-bajja\n" }.joined()
        try trainer.add(much, language: "en")
        try trainer.add(little, language: "mt")
        let result = try trainer.finishBalanced(rounds: 3)
        #expect(result.before.rows.map(\.language) == ["en", "mt"])
        #expect(result.after.inequality < result.before.inequality)
        let settings = configuration
        func balanceOneLanguage() throws {
            var single = try TokenizerTrainer(settings)
            try single.add(much, language: "en")
            _ = try single.finishBalanced()
        }
        expectRefusal(.invalidArgument, "two languages") { try balanceOneLanguage() }
    }

    @Test func stoppingIsAnError() throws {
        func stop() throws {
            var trainer = try TokenizerTrainer(.init(model: .byteLevelBPE, vocabularySize: 1000))
            try trainer.add((0..<3000).map { String($0, radix: 7) }.joined(separator: " "))
            _ = try trainer.finish { _ in false }
        }
        let error = #expect(throws: TokenizerError.self) { try stop() }
        #expect(error?.code == .interrupted)
    }

    @Test func whatIsWrittenReadsBackTheSame() throws {
        let trained = try Self.train(.byteLevelBPE, size: 320, workers: 1)
        let json = try Tokenizer(parsing: trained.encoded(as: .tokenizerJSON))
        let pieces = try Self.train(.sentencePieceBPE(byteFallback: true), size: 400, workers: 1)
        let model = try Tokenizer(parsing: pieces.encoded(as: .sentencePiece))
        for sentence in [Self.text, "Ħ 中 <|endoftext|> '", "", " ", "zzz\n\nqux 123"] {
            #expect(json.encode(sentence) == trained.encode(sentence))
            #expect(json.decode(json.encode(sentence), skippingSpecialTokens: false) == sentence)
            #expect(model.encode(sentence) == pieces.encode(sentence))
        }
        #expect(pieces.decode(pieces.encode("the cat qalet 中")) == "the cat qalet 中")
    }

    @Test func fertilitySaysWhatLanguagesCost() throws {
        let tokenizer = try Self.train(.byteLevelBPE, size: 400, workers: 1)
        let report = FertilityReport(tokenizer, texts: ["en": "the cat sat on the mat", "xx": "qzx wvk jqj"])
        #expect(report.rows.map(\.language) == ["en", "xx"])
        #expect(report.rows[0].tokensPerWord < report.rows[1].tokensPerWord)
        #expect(report.inequality > 1 && report.gini > 0)
    }

    @Test func impossibleSettingsAreErrors() {
        expectRefusal(.invalidArgument, "vocabulary size 100 is too small") {
            try Self.train(.sentencePieceBPE(byteFallback: true), size: 100, workers: 1)
        }
        expectRefusal(.invalidArgument, "vocabulary size 0 is not") {
            try Self.train(.byteLevelBPE, size: 0, workers: 1)
        }
    }
}

@Suite struct ComparisonTests {
    @Test func differencesAreFoundByLine() throws {
        let small = try TrainingTests.train(.byteLevelBPE, size: 257, workers: 1)
        let large = try TrainingTests.train(.byteLevelBPE, size: 330, workers: 1)
        let text = Array("q\nthe cat\nq\n".utf8)
        #expect(TokenizerComparison(small, small, text: text.span).areEqual)
        let comparison = TokenizerComparison(small, large, text: text.span)
        #expect(comparison.lines == 3 && comparison.differingLines == 1)
        #expect(comparison.differences.first?.line == 2)
    }

    /// The worked example of the documentation.
    @Test func documentedTrainingWorks() throws {
        var configuration = TokenizerTrainer.Configuration(model: .byteLevelBPE, vocabularySize: 300)
        configuration.temperature = 0.5
        var trainer = try TokenizerTrainer(configuration)
        try trainer.add("the cat sat on the mat and the cats sat", language: "en")
        try trainer.add("il-qattus raqad fuq il-mitraħ", language: "mt")
        let tokenizer = try trainer.finish()
        let report = FertilityReport(tokenizer, texts: ["en": "the cat", "mt": "il-qattus"])
        #expect(report.inequality >= 1)
    }
}
