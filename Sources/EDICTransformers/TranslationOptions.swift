internal import EDICText

/// How to search for a translation.
public struct TranslationOptions: Sendable, Hashable {
    /// How many hypotheses are followed at once; 1 is greedy search.
    public var beamSize: Int
    /// How many translations to return for each sentence, at most `beamSize`.
    public var alternatives: Int
    /// Scores are divided by the length to this power, so that long translations are not always worse.
    public var lengthNormalization: Float
    /// Subtracted for each word before scores are divided by the length (Marian's `word-penalty`).
    public var wordPenalty: Float
    /// Adds up raw scores instead of log-probabilities (Marian's `skip-cost`): faster over large vocabularies, and what
    /// published students are made for; the scores are then no log-probabilities.
    public var skipsCost: Bool
    /// The most words out for each word in.
    public var maximumLengthFactor: Float
    /// The most words out, whatever the length in.
    public var maximumLength: Int
    /// Uses the model's lexical shortlist, if it has one: much faster, rarely another translation.
    public var usesShortlist: Bool
    /// Records which source words each target word looked at: in Marian's files with the first head of the layer that
    /// `transformer-guided-alignment-layer` names (the last, where nothing is said), which guided alignment trains; in Hugging
    /// Face's the mean over the heads of the last layer.
    public var returnsAlignments: Bool
    /// The most sentences computed together.
    public var batchSize: Int
    /// A source text of more tokens is a paragraph: its sentences are translated one by one and put together again,
    /// since models are trained on sentences.
    public var paragraphTokens: Int
    /// The language of the source, as a BCP-47 tag, where it is known: paragraphs are cut into sentences by its rules
    /// instead of those all languages share.
    public var sourceLanguage: String?
    /// The most source tokens computed in one piece; longer sentences are cut.
    public var maximumSourceTokens: Int
    /// Of Hugging Face's models: ends the search of a sentence once there are as many translations as the beam is wide, though
    /// one that goes on may be better (`early_stopping`).
    public var stopsEarly: Bool

    public init(
        beamSize: Int = 1, alternatives: Int = 1, lengthNormalization: Float = 1, wordPenalty: Float = 0,
        skipsCost: Bool = false, maximumLengthFactor: Float = 3, maximumLength: Int = 512, usesShortlist: Bool = true,
        returnsAlignments: Bool = false, batchSize: Int = 32, paragraphTokens: Int = 128,
        sourceLanguage: String? = nil, maximumSourceTokens: Int = 256, stopsEarly: Bool = false
    ) {
        self.beamSize = beamSize
        self.alternatives = alternatives
        self.lengthNormalization = lengthNormalization
        self.wordPenalty = wordPenalty
        self.skipsCost = skipsCost
        self.maximumLengthFactor = maximumLengthFactor
        self.maximumLength = maximumLength
        self.usesShortlist = usesShortlist
        self.returnsAlignments = returnsAlignments
        self.batchSize = batchSize
        self.paragraphTokens = paragraphTokens
        self.sourceLanguage = sourceLanguage
        self.maximumSourceTokens = maximumSourceTokens
        self.stopsEarly = stopsEarly
    }

    func check() throws(ModelError) {
        func expect(_ isRight: Bool, _ message: String) throws(ModelError) {
            guard isRight else { throw ModelError(.badRequest, message) }
        }
        try expect((1...256).contains(beamSize), "the beam size is \(beamSize); 1 to 256 are possible")
        try expect(
            (1...beamSize).contains(alternatives), "\(alternatives) alternatives need a beam of at least as many")
        try expect(lengthNormalization.isFinite && wordPenalty.isFinite, "a length normalisation is not a number")
        try expect(
            maximumLengthFactor > 0 && maximumLengthFactor <= 1000, "the maximum length factor should be 0 to 1000")
        try expect(maximumLength > 0, "the maximum length should be above zero")
        try expect(batchSize > 0, "the batch size should be above zero")
        try expect(maximumSourceTokens > 1, "the maximum of source tokens should be above one")
        if let sourceLanguage {
            do {
                _ = try LanguageTag(sourceLanguage)
            } catch {
                throw ModelError(.badRequest, "the source language \(sourceLanguage) is no BCP-47 tag", cause: error)
            }
        }
    }
}

/// A sentence in another language.
public struct Translation: Sendable, Hashable {
    /// One of the translations found.
    public struct Alternative: Sendable, Hashable {
        /// The translation.
        public let text: String
        /// The words' log-probabilities, summed and normalised; 0 is certainty.
        public let score: Float
        /// The target tokens, without the end of sentence.
        public let tokens: [Int]
        /// For each target token, its attention over the source tokens, as ``TranslationOptions/returnsAlignments`` says
        /// (the end of sentence is the last; of a text translated in parts, the tokens of the parts follow each other);
        /// empty unless asked for.
        public let alignment: [[Float]]

        /// For each target token, the source token it looked at most; empty where no alignment was asked for.
        public var mostAttended: [Int] {
            alignment.map { weights in weights.indices.max { weights[$0] < weights[$1] } ?? 0 }
        }
    }

    /// The best translation.
    public var text: String { alternatives.first?.text ?? "" }
    /// The best first.
    public let alternatives: [Alternative]
}
