import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct SamplingTests {
    @Test func dropoutVariesAndDecodesTheSame() throws {
        for model in [TokenizerTrainer.Model.byteLevelBPE, .sentencePieceBPE(byteFallback: true)] {
            let tokenizer = try TrainingTests.train(model, size: 380, workers: 1)
            let text = "the cat sat on the mat, the qattus raqad 中"
            let usual = tokenizer.encode(text)
            #expect(try tokenizer.sampleEncode(text, .dropout(0), seed: 1) == usual)
            var seen: Set<[UInt32]> = []
            for seed in 0..<20 as Range<UInt64> {
                let ids = try tokenizer.sampleEncode(text, .dropout(0.3), seed: seed)
                #expect(tokenizer.decode(ids) == tokenizer.decode(usual))
                #expect(try tokenizer.sampleEncode(text, .dropout(0.3), seed: seed) == ids)
                seen.insert(ids)
            }
            #expect(seen.count > 10)
            // With every merge passed over only single symbols are left.
            #expect(try tokenizer.sampleEncode(text, .dropout(1), seed: 3).count > usual.count)
        }
    }

    @Test func theBestOfNBestIsTheEncoding() throws {
        let tokenizer = try UnigramTrainingTests.train(UnigramTrainingTests.text(words: 2000, seed: 5), size: 120)
        for text in ["harbours in winter", "laevile", "ships, sea"] {
            let best = try tokenizer.nBest(text, 30)
            #expect(best[0].ids == tokenizer.encode(text))
            #expect(best.map(\.score) == best.map(\.score).sorted(by: >))
            #expect(Set(best.map(\.ids)).count == best.count)
            for path in best { #expect(tokenizer.decode(path.ids) == text) }
        }
        expectRefusal(.invalidArgument, "0 best") { try tokenizer.nBest("a", 0) }
        expectRefusal(.invalidArgument, "no such sampling") { try tokenizer.sampleEncode("a", .dropout(0.1), seed: 1) }
    }

    /// Samples come as often as their probabilities say.
    @Test func samplesFollowTheLattice() throws {
        let tokenizer = try UnigramTrainingTests.train(UnigramTrainingTests.text(words: 2000, seed: 5), size: 120)
        let text = "ships"
        let smoothing = 0.5
        let all = try tokenizer.nBest(text, 1024)
        let weights = all.map { exponential($0.score * smoothing) }
        let total = weights.reduce(0, +)
        for sampling in [Tokenizer.Sampling.segmentation(smoothing: smoothing), .nBest(1024, smoothing: smoothing)] {
            var counts: [[UInt32]: Int] = [:]
            let trials = 4000
            for seed in 0..<UInt64(trials) {
                counts[try tokenizer.sampleEncode(text, sampling, seed: seed &* 77_777), default: 0] += 1
            }
            for (path, weight) in zip(all, weights) where weight / total > 0.05 {
                let share = Double(counts[path.ids] ?? 0) / Double(trials)
                #expect(abs(share - weight / total) < 0.04)
            }
        }
    }

    private func exponential(_ value: Double) -> Double {
        // e^x by its series, which is enough for a test's tolerance.
        if value < -1 { return exponential(value / 2) * exponential(value / 2) }
        var (sum, term) = (1.0, 1.0)
        for step in 1...20 {
            term *= value / Double(step)
            sum += term
        }
        return sum
    }
}

@Suite struct TextSplittingTests {
    @Test func partsHaveAtMostAsManyTokens() throws {
        let tokenizers = [
            try TrainingTests.train(.byteLevelBPE, size: 360, workers: 1),
            try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 400, workers: 1),
        ]
        var generator = SeededGenerator(seed: 8)
        for tokenizer in tokenizers {
            for _ in 0..<30 {
                let text = String(decoding: SplittingTests.text(&generator), as: UTF8.self)
                let bytes = Array(text.utf8)
                for limit in [4, 7, 50] {
                    for prefersSpaces in [true, false] {
                        let parts = try tokenizer.split(text, atMost: limit, prefersSpaces: prefersSpaces)
                        #expect(parts.flatMap { bytes[$0] } == bytes)
                        for part in parts {
                            let alone = String(decoding: bytes[part], as: UTF8.self)
                            #expect(Array(alone.utf8) == Array(bytes[part]))
                            let isOneCharacter = alone.unicodeScalars.count == 1
                            #expect(isOneCharacter || tokenizer.countTokens(alone) <= limit)
                        }
                    }
                }
            }
        }
    }

    @Test func noRoomIsAnError() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 300, workers: 1)
        expectRefusal(.invalidArgument, "no room") { try tokenizer.split("the cat", atMost: 0) }
        #expect(try tokenizer.split("", atMost: 1).isEmpty)
    }
}
