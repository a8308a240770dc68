import EDICNumerics
import Glibc
import Testing
import _EDICTestSupport

@testable import EDICTransformers

@Suite(.enabled(if: SharedData.isPresent))
struct ScoringTests {
    @Test(arguments: ["llama/gqa", "gpt2", "apertus", "mistral-window"])
    func scoresEqualTheReference(_ name: String) throws {
        let golden = try Golden(name)
        let model = try CausalLanguageModel(path: PublishedModelTests.path(name), pool: nil)
        let tokens = golden.tokenLists("prompt_ids")[0]
        let logits = try golden.matrix("logits")
        let score = try model.score(tokens: tokens)
        #expect(score.tokens == tokens && score.logProbabilities.count == tokens.count - 1)
        for (row, found) in score.logProbabilities.enumerated() {
            let scores = logits.row(row).map { Double($0) }
            let largest = scores.max() ?? 0
            let logSum = largest + log(scores.reduce(0) { $0 + exp($1 - largest) })
            #expect(abs(Double(found) - (scores[tokens[row + 1]] - logSum)) < 3e-4)
        }
    }

    @Test(arguments: ["llama/gqa", "gpt2", "mistral-window"], [Precision.asPublished, .int8])
    func neighboursThreadsAndPartsDoNotShow(_ name: String, _ precision: Precision) throws {
        let model = try CausalLanguageModel(path: PublishedModelTests.path(name), precision: precision, pool: nil)
        let ids = try Golden(name).tokens("long_ids")
        let texts = [5, 24, 1, 2, 17, 40, 3, 33].enumerated().map { place, length in
            Array(ids.dropFirst(place).prefix(length))
        }
        let alone = try texts.map { try model.score(tokens: $0) }
        for workers in [1, 2] {
            for tokens in [4, 16, 50, 1000] {
                let pool = WorkerPool(workers: workers)
                #expect(try model.score(tokens: texts, pool: pool, tokensAtATime: tokens) == alone)
                // A single text is shared out by its products, or read part by part.
                #expect(try model.score(tokens: [texts[5]], pool: pool, tokensAtATime: tokens) == [alone[5]])
            }
        }
        #expect(try model.score(tokens: [[Int]]()) == [])
        #expect(throws: ModelError.self) { try model.score(tokens: [texts[0], []]) }
        #expect(throws: ModelError.self) { try model.score(tokens: [texts[0], [1 << 20]]) }
    }
}
