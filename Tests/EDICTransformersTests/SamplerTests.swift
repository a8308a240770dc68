import EDICNumerics
import Glibc
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Drawing tokens, beside what Hugging Face's processors of logits say in so many words.
struct SamplerTests {
    /// The probabilities of all tokens after all filters, by sorting everything.
    static func distribution(_ logits: [Float], _ options: GenerationOptions, seen: [Int] = []) -> [Double] {
        var scores = logits.map { Double($0) }
        let penalty = Double(options.repetitionPenalty)
        for token in Set(seen) { scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty }
        scores = scores.map { $0 / Double(options.temperature) }
        let order = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        var kept = options.topK > 0 ? Array(order.prefix(options.topK)) : order
        func shares() -> [Double] {
            let all = kept.map { exp(scores[$0] - scores[order[0]]) }
            let sum = all.reduce(0, +)
            return all.map { $0 / sum }
        }
        if options.topP < 1 {
            // The fewest whose probabilities add up to it.
            var before = 0.0
            kept = zip(kept, shares()).filter { _, share in
                defer { before += share }
                return before < Double(options.topP)
            }.map(\.0)
        }
        let largest = shares()[0]
        kept = zip(kept, shares()).filter { $1 >= Double(options.minP) * largest }.map(\.0)
        var result = [Double](repeating: 0, count: logits.count)
        for (token, share) in zip(kept, shares()) { result[token] = share }
        return result
    }

    static func logits(_ count: Int, spread: Float, _ random: inout SeededGenerator) -> [Float] {
        (0..<count).map { _ in
            spread * (0..<4).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &random) }
        }
    }

    @Test(arguments: [
        GenerationOptions(temperature: 1), .init(temperature: 0.5), .init(temperature: 3),
        .init(temperature: 0.8, topK: 5), .init(temperature: 1, topK: 1000), .init(temperature: 1, topP: 0.6),
        .init(temperature: 1.5, topP: 0.95), .init(temperature: 1, minP: 0.2), .init(temperature: 1, minP: 1),
        .init(temperature: 0.9, topK: 12, topP: 0.8, minP: 0.05), .init(temperature: 1, repetitionPenalty: 1.7),
    ])
    func drawsFollowTheFilteredDistribution(_ options: GenerationOptions) {
        var random = SeededGenerator(seed: 5)
        for spread in [Float(0.5), 3] {
            let logits = Self.logits(40, spread: spread, &random)
            let seen = [3, 7, 7, 39]
            let wanted = Self.distribution(logits, options, seen: options.repetitionPenalty == 1 ? [] : seen)
            let draws = 8000
            var counts = [Int](repeating: 0, count: logits.count)
            var options = options
            for seed in 0..<draws {
                // Each with a generator of its own, and nothing drawn before it.
                options.seed = UInt64(seed)
                var sampler = Sampler(options, prompt: seen)
                counts[sampler.draw(logits)] += 1
            }
            for (token, share) in wanted.enumerated() {
                let expected = share * Double(draws)
                #expect(share > 0 || counts[token] == 0, "token \(token) is filtered out")
                // Five standard deviations.
                #expect(abs(Double(counts[token]) - expected) <= 5 * expected.squareRoot() + 1)
            }
        }
    }

    @Test func likelyTokensComeInTheOrderOfAFullSort() {
        var random = SeededGenerator(seed: 9)
        for (count, spread) in [(1, Float(1)), (7, 0), (300, 0.1), (300, 20), (3000, 4)] {
            // Rounded, so that there are equal ones.
            var scores = Self.logits(count, spread: spread, &random).map { ($0 * 8).rounded() / 8 }
            if count == 300 { scores[17] = -.infinity }
            let sorted = scores.indices.sorted {
                scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
            }
            var lazily = LikeliestFirst(scores)
            #expect((0..<count).map { lazily[$0] }.elementsEqual(sorted))
            var atOnce = LikeliestFirst(scores)
            #expect(atOnce[count - 1] == sorted[count - 1])
        }
    }

    @Test func seenTokensAreRememberedFromDrawToDraw() {
        // Halved once it has occurred, the first is no longer the likeliest, then neither is the second.
        let logits: [Float] = [4, 3, 2.5, -1]
        var sampler = Sampler(.init(repetitionPenalty: 2), prompt: [])
        #expect((0..<3).map { _ in sampler.draw(logits) } == [0, 1, 2])
        // A negative score is multiplied: away from the others as well.
        var negative = Sampler(.init(repetitionPenalty: 2), prompt: [0])
        #expect(negative.draw([-1, -1.5]) == 1)
    }

    /// What a damaged model may score.
    @Test(arguments: [
        [Float.nan, .nan, .nan], [.infinity, 1, .infinity], [-.infinity, -.infinity], [1, .nan, 2],
        [0, -.infinity, .nan],
        [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0],
    ])
    func oddScoresStillGiveAToken(_ logits: [Float]) {
        for options in [
            GenerationOptions(temperature: 1), .init(temperature: 1e-30), .init(temperature: 1, topK: 2),
            .init(temperature: 2, topP: 0.5, minP: 0.1), .init(temperature: 0),
        ] {
            var sampler = Sampler(options)
            for _ in 0..<20 { #expect(logits.indices.contains(sampler.draw(logits))) }
        }
    }
}
