public import EDICJSON
internal import Glibc

/// How to choose the words of a generated text.
public struct GenerationOptions: Sendable, Hashable {
    /// The most tokens to generate.
    public var maximumTokens: Int
    /// 0 always takes the likeliest token; 1 draws from the model's distribution; more flattens it.
    public var temperature: Float
    /// Draws only from this many likeliest tokens; 0 for all.
    public var topK: Int
    /// Draws only from the likeliest tokens that together have this probability.
    public var topP: Float
    /// Draws only from tokens at least this probable, as a share of the likeliest one's probability.
    public var minP: Float
    /// Divides the scores of tokens that have occurred (multiplies negative ones); 1 for none (Keskar et al. 2019), as beams
    /// want it.
    public var repetitionPenalty: Float
    /// The same seed draws the same tokens.
    public var seed: UInt64
    /// The text ends before the first of these.
    public var stopStrings: [String]
    /// Goes on after the model's end of text.
    public var ignoresEndOfText: Bool
    /// Guesses tokens from the text so far, and reads several at once where the text may repeat itself: the result is the same
    /// to the last bit, and mostly comes sooner. Beams are followed without. See ``CausalLanguageModel``.
    public var draftsTokens: Bool
    /// How many hypotheses are followed at once; above 1 nothing is drawn.
    public var beamSize: Int
    /// With beams: scores are divided by the length to this power.
    public var lengthNormalization: Float

    public init(
        maximumTokens: Int = 256, temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0,
        repetitionPenalty: Float = 1, seed: UInt64 = 0, stopStrings: [String] = [], ignoresEndOfText: Bool = false,
        draftsTokens: Bool = true, beamSize: Int = 1, lengthNormalization: Float = 1
    ) {
        self.maximumTokens = maximumTokens
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.seed = seed
        self.stopStrings = stopStrings
        self.ignoresEndOfText = ignoresEndOfText
        self.draftsTokens = draftsTokens
        self.beamSize = beamSize
        self.lengthNormalization = lengthNormalization
    }

    func check() throws(ModelError) {
        func expect(_ isRight: Bool, _ message: String) throws(ModelError) {
            guard isRight else { throw ModelError(.badRequest, message) }
        }
        try expect(maximumTokens >= 0, "the number of tokens to generate should not be negative")
        try expect(temperature >= 0 && temperature.isFinite, "the temperature should be 0 or more")
        try expect(topK >= 0, "top-k should be 0 or more")
        try expect(topP > 0 && topP <= 1, "top-p should be above 0 and at most 1")
        try expect(minP >= 0 && minP <= 1, "min-p should be 0 to 1")
        try expect(repetitionPenalty > 0 && repetitionPenalty.isFinite, "the repetition penalty should be above 0")
        try expect((1...256).contains(beamSize), "the beam size is \(beamSize); 1 to 256 are possible")
        try expect(beamSize == 1 || repetitionPenalty == 1, "beams are followed without a repetition penalty")
        try expect(!stopStrings.contains(""), "a stop string should not be empty")
        try expect(lengthNormalization.isFinite, "the length normalisation is not a number")
    }
}

/// A generated text.
public struct Generation: Sendable, Hashable {
    /// Why a text ends where it does.
    public enum End: Sendable, Hashable {
        /// The model ended its text.
        case endOfText
        /// The wanted number of tokens was reached, or the model's longest text.
        case length
        /// One of the stop strings came.
        case stopString(String)
        /// The caller wanted no more.
        case stopped
    }

    /// The text, without the prompt.
    public let text: String
    /// The tokens that were generated.
    public let tokens: [Int]
    /// For each token, the logarithm of the probability the model gave it, before any option changed it.
    public let logProbabilities: [Float]
    /// Why it ends where it does.
    public let end: End

    /// Writes `end` (with `stop` where a stop string came), `tokens` and `log_probabilities` as members of the object
    /// that is open.
    public func writeMembers(to writer: inout JSONWriter) {
        switch end {
        case .endOfText: writer.member("end", "end_of_text")
        case .length: writer.member("end", "length")
        case .stopString(let text):
            writer.member("end", "stop")
            writer.member("stop", text)
        case .stopped: writer.member("end", "stopped")
        }
        writer.key("tokens")
        writer.beginArray()
        for token in tokens { writer.value(token) }
        writer.endArray()
        writer.key("log_probabilities")
        writer.beginArray()
        // With as few digits as the float needs, not with those of its exact double.
        for value in logProbabilities { writer.value(Double(value.description) ?? Double(value)) }
        writer.endArray()
    }
}

/// How probable a text is to a model.
public struct TextScore: Sendable, Hashable {
    /// The tokens of the text.
    public let tokens: [Int]
    /// For each token but the first, the logarithm of its probability after those before it.
    public let logProbabilities: [Float]

    /// e to the mean negative log-probability of a token.
    public var perplexity: Double {
        guard !logProbabilities.isEmpty else { return .nan }
        return exp(-logProbabilities.reduce(0.0) { $0 + Double($1) } / Double(logProbabilities.count))
    }

    /// The sum over the tokens.
    public var total: Double { logProbabilities.reduce(0) { $0 + Double($1) } }
}
