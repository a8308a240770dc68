internal import EDICNumerics
internal import Glibc

func exponential(_ x: Double) -> Double { exp(x) }

/// Draws tokens as ``GenerationOptions`` says. Filters are applied in this order: repetition penalty, temperature,
/// top-k, top-p, min-p.
struct Sampler {
    private let options: GenerationOptions
    private var generator: SplitMix64

    init(_ options: GenerationOptions) {
        self.options = options
        generator = SplitMix64(state: options.seed)
    }

    /// The next token.
    ///
    /// - Parameters:
    ///   - logits: the model's scores of all tokens.
    ///   - seen: the tokens so far, for the repetition penalty.
    mutating func draw(_ logits: [Float], seen: [Int]) -> Int {
        if options.temperature == 0, options.repetitionPenalty == 1 { return Self.likeliest(logits) }
        var scores = logits
        if options.repetitionPenalty != 1 {
            for token in Set(seen) where token < scores.count {
                scores[token] =
                    scores[token] < 0
                    ? scores[token] * options.repetitionPenalty : scores[token] / options.repetitionPenalty
            }
        }
        guard options.temperature > 0 else { return Self.likeliest(scores) }
        var candidates = scores.indices.map { (token: $0, score: scores[$0] / options.temperature) }
        candidates.sort { $0.score != $1.score ? $0.score > $1.score : $0.token < $1.token }
        if options.topK > 0, options.topK < candidates.count { candidates.removeSubrange(options.topK...) }
        let best = candidates[0].score
        var probabilities = candidates.map { exp(Double($0.score - best)) }
        if options.topP < 1 {
            let total = probabilities.reduce(0, +)
            var sum = 0.0
            var kept = 0
            while kept < probabilities.count, sum < Double(options.topP) * total {
                sum += probabilities[kept]
                kept += 1
            }
            probabilities.removeSubrange(max(1, kept)...)
        }
        if options.minP > 0 {
            let kept = probabilities.firstIndex { $0 < Double(options.minP) } ?? probabilities.count
            probabilities.removeSubrange(max(1, kept)...)
        }
        var left = generator.nextUnit() * probabilities.reduce(0, +)
        for (index, probability) in probabilities.enumerated() {
            left -= probability
            if left < 0 { return candidates[index].token }
        }
        return candidates[probabilities.count - 1].token
    }

    /// The lowest of the tokens with the largest score.
    static func likeliest(_ scores: [Float]) -> Int {
        Kernels.standard.argmax(scores.span)
    }
}

/// The generator of Steele, Lea and Flood (2014): the same numbers on every machine.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 up to but not 1.
    mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
