internal import EDICJSON
internal import EDICNumerics

/// What a model's files say of the search for its translations: the options that a caller may change, and the words that end
/// a translation or never come.
struct TranslationRules: Sendable {
    var options: TranslationOptions
    let policy: BeamSearch.Policy
    /// Words that end a translation.
    var endWords: Set<Int>
    /// Hugging Face: what stands at the last position, at no cost.
    var forcedEnd: Int?
    /// A word that never comes: the padding, or Marian's unknown word.
    var forbidden: Int?
    /// Hugging Face's `renormalize_logits`: whether the other words' probabilities add up to 1.
    var renormalizes = false
}

// MARK: - Marian

extension TranslationRules {
    /// From the YAML of Marian's decoder, if there is one.
    ///
    /// - Parameter unknown: the target vocabulary's unknown word, which Marian suppresses unless `allow-unk` is set.
    init(_ settings: MarianSettings?, endOfSentence: Int, unknown: Int?) throws(ModelError) {
        policy = .marian
        endWords = [endOfSentence]
        guard let settings else {
            options = TranslationOptions()
            forbidden = unknown
            return
        }
        forbidden = settings.bool("allow-unk") ?? false ? nil : unknown
        options = TranslationOptions(
            beamSize: try settings.int("beam-size", default: 1),
            lengthNormalization: try settings.float("normalize", default: 0),
            wordPenalty: try settings.float("word-penalty", default: 0), skipsCost: settings.bool("skip-cost") ?? false,
            maximumLengthFactor: try settings.float("max-length-factor", default: 3))
        try checkOptions(of: settings.source)
    }

    /// The options that a file names have to be such that a search can follow them.
    private func checkOptions(of source: String) throws(ModelError) {
        do {
            try options.check()
        } catch {
            throw ModelError(.malformed, "\(source): \(error.message)", cause: error)
        }
    }
}

// MARK: - Hugging Face

extension TranslationRules {
    /// From `generation_config.json`, or in its place from `config.json`.
    ///
    /// - Parameter isOwnFile: whether it is `generation_config.json`, which alone counts then.
    init(_ configuration: ModelConfiguration, isOwnFile: Bool, marian: Marian) throws(ModelError) {
        try Self.refuseOtherRules(configuration, padding: marian.padding)
        policy = .huggingFace
        let ends = configuration.tokens("eos_token_id")
        endWords = ends.isEmpty ? [marian.endOfSentence] : Set(ends)
        // A model whose only file is the older one ends at the limit with its end of sentence, if it does not say otherwise.
        let forced = configuration.json["forced_eos_token_id"]
        forcedEnd =
            forced == nil && !isOwnFile ? marian.endOfSentence : configuration.tokens("forced_eos_token_id").first
        let words = 0..<marian.targetVocabulary
        guard endWords.union(forcedEnd.map { [$0] } ?? []).allSatisfy(words.contains) else {
            throw ModelError(.mismatch, "\(configuration.source): an end of text is not in the vocabulary")
        }
        if !(configuration["bad_words_ids"]?.array ?? []).isEmpty { forbidden = marian.padding }
        renormalizes = forbidden != nil && configuration.bool("renormalize_logits", default: false)
        options = TranslationOptions(
            beamSize: try configuration.count("num_beams", default: 1),
            lengthNormalization: try configuration.float("length_penalty", default: 1),
            maximumLengthFactor: 1000, maximumLength: try Self.maximumLength(configuration),
            stopsEarly: configuration.bool("early_stopping", default: false))
        try checkOptions(of: configuration.source)
    }

    /// Refuses rules of a search that this one does not follow: without them translations would be others.
    private static func refuseOtherRules(_ configuration: ModelConfiguration, padding: Int?) throws(ModelError) {
        if let wrong = otherRule(configuration) {
            throw ModelError(
                .unsupported, "\(configuration.source): \(wrong) is not supported; take it out to go without")
        }
        let banned = configuration["bad_words_ids"]?.array?.map { $0.array?.map(\.int) ?? [] } ?? []
        guard banned.allSatisfy({ $0 == [padding] }) else {
            throw ModelError(
                .unsupported, "\(configuration.source): bad_words_ids of other words than the padding are not supported"
            )
        }
    }

    /// The key of a rule that would act.
    private static func otherRule(_ configuration: ModelConfiguration) -> String? {
        let numbers: KeyValuePairs = [
            "no_repeat_ngram_size": 0.0, "encoder_no_repeat_ngram_size": 0, "min_length": 0, "min_new_tokens": 0,
            "repetition_penalty": 1, "encoder_repetition_penalty": 1, "num_beam_groups": 1, "guidance_scale": 1,
            "penalty_alpha": 0,
        ]
        for (key, without) in numbers where (configuration[key]?.double ?? without) != without { return key }
        for key in [
            "suppress_tokens", "begin_suppress_tokens", "sequence_bias", "force_words_ids", "constraints",
            "stop_strings",
        ] {
            if let value = configuration[key], value != [], value != [:] { return key }
        }
        for key in ["forced_bos_token_id", "exponential_decay_length_penalty", "watermarking_config", "dola_layers"]
        where configuration.has(key) {
            return key
        }
        if configuration.has("early_stopping"), configuration["early_stopping"]?.bool == nil { return "early_stopping" }
        let forcedEnd = "forced_eos_token_id"
        if configuration.has(forcedEnd), configuration.tokens(forcedEnd).count != 1 { return forcedEnd }
        return configuration.bool("do_sample", default: false) ? "do_sample" : nil
    }

    /// `max_length` counts the token that decoding starts with; `max_new_tokens`, where it is there, comes first.
    private static func maximumLength(_ configuration: ModelConfiguration) throws(ModelError) -> Int {
        if configuration.has("max_new_tokens") { return try configuration.count("max_new_tokens") }
        return max(1, try configuration.count("max_length", default: 513) - 1)
    }
}
