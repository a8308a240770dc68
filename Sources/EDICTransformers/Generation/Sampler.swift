internal import EDICNumerics
internal import Glibc

/// Draws tokens as ``GenerationOptions`` says. Filters are applied in this order, which is Hugging Face's: repetition
/// penalty, temperature, top-k, top-p, min-p.
struct Sampler {
    private let options: GenerationOptions
    private let kernels: Kernels
    private var generator: SplitMix64
    /// The tokens so far, where they count.
    private var seen: Set<Int>

    /// - Parameter prompt: the tokens before the first that is drawn.
    init(_ options: GenerationOptions, prompt: [Int] = [], kernels: Kernels = .standard) {
        self.options = options
        self.kernels = kernels
        generator = SplitMix64(seed: options.seed)
        seen = options.repetitionPenalty == 1 ? [] : Set(prompt)
    }

    /// The next token.
    ///
    /// - Parameter logits: the model's scores of all tokens.
    mutating func draw(_ logits: [Float]) -> Int {
        var scores = logits
        for token in seen where token < scores.count {
            if scores[token] < 0 {
                scores[token] *= options.repetitionPenalty
            } else {
                scores[token] /= options.repetitionPenalty
            }
        }
        let token = options.temperature > 0 ? drawn(scores) : kernels.argmax(scores.span)
        if options.repetitionPenalty != 1 { seen.insert(token) }
        return token
    }

    /// A token drawn from those that the filters leave, the likeliest first.
    private mutating func drawn(_ logits: [Float]) -> Int {
        let best = logits[kernels.argmax(logits.span)]
        let scores = logits.map { ($0 - best) / options.temperature }
        var tokens = LikeliestFirst(scores)
        // As a share of the likeliest one's; what is no number has none.
        func probability(_ token: Int) -> Double { scores[token].isNaN ? 0 : exp(Double(scores[token])) }

        let most = options.topK > 0 ? min(options.topK, tokens.count) : tokens.count
        var sum =
            most < tokens.count
            ? (0..<most).reduce(0) { $0 + probability(tokens[$1]) } : exp(Double(kernels.logSumExp(scores.span)))
        var kept = most
        if options.topP < 1 || options.minP > 0 {
            let enough = options.topP < 1 ? Double(options.topP) * sum : .infinity
            (kept, sum) = (1, 1)
            while kept < most, sum < enough {
                let next = probability(tokens[kept])
                if next < Double(options.minP) { break }
                sum += next
                kept += 1
            }
        }
        var left = generator.nextUnit() * sum
        for rank in 0..<kept {
            left -= probability(tokens[rank])
            if left < 0 { return tokens[rank] }
        }
        // What rounding left over.
        return tokens[0]
    }
}
