internal import EDICNumerics

/// How fast a language model reads a prompt and generates.
///
/// ```swift
/// let model = try CausalLanguageModel(path: "smollm2.gguf")
/// let speed = try model.benchmark(promptTokens: 512, generatedTokens: 128)
/// print(speed.promptTokensPerSecond, speed.generatedTokensPerSecond)
/// ```
public struct GenerationBenchmark: Sendable {
    /// Tokens read in one go.
    public let promptTokens: Int
    /// The shortest time of all rounds for reading them.
    public let promptSeconds: Double
    /// Tokens generated one after the other, each likeliest, after one token; none is guessed.
    public let generatedTokens: Int
    /// The shortest time of all rounds for generating them.
    public let generatedSeconds: Double
    /// Bytes of weights that generating a token reads.
    public let bytesPerToken: Int

    /// Tokens of the prompt read in a second.
    public var promptTokensPerSecond: Double { Double(promptTokens) / promptSeconds }
    /// Tokens generated in a second.
    public var generatedTokensPerSecond: Double { Double(generatedTokens) / generatedSeconds }
    /// Bytes of weights read in a second of generating: to be held against ``MachineLimits/bandwidth``.
    public var bytesPerSecond: Double { generatedTokensPerSecond * Double(bytesPerToken) }
}

extension CausalLanguageModel {
    /// Times reading a prompt of arbitrary tokens, and generating from an empty text.
    ///
    /// - Parameter rounds: each part is done so often and the shortest time is taken, after one round that does not
    ///   count.
    /// - Throws: `badRequest` where a count is below 1 or beyond the model's context.
    public func benchmark(
        promptTokens: Int = 512, generatedTokens: Int = 128, rounds: Int = 3
    ) throws(ModelError) -> GenerationBenchmark {
        let longest = contextLength ?? .max
        guard promptTokens > 0, generatedTokens > 0, rounds > 0, promptTokens <= longest, generatedTokens < longest
        else {
            throw ModelError(
                .badRequest,
                "\(promptTokens) and \(generatedTokens) tokens in \(rounds) rounds: expected 1 or more of each, and no "
                    + "more tokens than the model's context of \(longest)")
        }
        let clock = ContinuousClock()
        // Neighbours differ, and no token is out of the vocabulary.
        let prompt = (0..<promptTokens).map { $0 * 7919 % vocabularySize }
        // A model after one token soon repeats itself, which would flatter it: nothing is guessed here.
        let options = GenerationOptions(
            maximumTokens: generatedTokens, ignoresEndOfText: true, draftsTokens: false)
        var (reading, generating) = (Double.infinity, Double.infinity)
        for round in 0...rounds {
            var start = clock.now
            _ = try read(tokens: prompt)
            let read = (clock.now - start) / .seconds(1)
            start = clock.now
            _ = try generate(tokens: [prompt[0]], options: options)
            let generated = (clock.now - start) / .seconds(1)
            if Task.isCancelled { throw ModelError(.cancelled, "the measurement was cancelled") }
            guard round > 0 else { continue }
            reading = min(reading, read)
            generating = min(generating, generated)
        }
        return GenerationBenchmark(
            promptTokens: promptTokens, promptSeconds: reading, generatedTokens: generatedTokens,
            generatedSeconds: generating, bytesPerToken: network.bytesPerToken)
    }
}
