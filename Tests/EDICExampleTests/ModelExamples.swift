import EDICNgram
import EDICStore
import EDICTokenizers
import EDICTransformers
import SystemPackage
import Testing
import _EDICTestSupport

/// The examples of tokenizers, n-gram models and transformers.
@Suite struct ModelExamples {
    @Test func tokenizers() throws {
        let english = String(repeating: "The harbour is open in winter, and the boats come in. ", count: 40)
        let maltese = String(repeating: "Il-port huwa miftuħ fix-xitwa, u l-bastimenti jidħlu. ", count: 4)
        let heldOutEnglish = "The boats are in the harbour."
        let heldOutMaltese = "Il-bastimenti huma fil-port."
        // Example: EDICTokenizers
        var configuration = TokenizerTrainer.Configuration(model: .byteLevelBPE, vocabularySize: 32_000)
        configuration.temperature = 0.5
        var trainer = try TokenizerTrainer(configuration)
        try trainer.add(english, language: "en")
        try trainer.add(maltese, language: "mt")
        let tokenizer = try trainer.finish()

        let report = FertilityReport(tokenizer, texts: ["en": heldOutEnglish, "mt": heldOutMaltese])
        for row in report.rows { print(row.language, row.tokensPerWord, row.bytesPerToken) }
        print("the dearest language costs \(report.inequality) times the cheapest")
        // End of example
        #expect(report.rows.count == 2 && report.inequality >= 1)
    }

    @Test func balancedTraining() throws {
        let english = (0..<300).map { "the ships of harbour \($0) leave for the islands\n" }.joined()
        let maltese = (0..<30).map { "il-vapuri tal-port \($0) jitilqu lejn il-gżejjer\n" }.joined()
        // Example: SmallLanguages
        var configuration = TokenizerTrainer.Configuration(model: .byteLevelBPE, vocabularySize: 300)
        configuration.isBalanced = true
        var trainer = try TokenizerTrainer(configuration)
        try trainer.add(english, language: "en")
        try trainer.add(maltese, language: "mt")
        let result = try trainer.finishBalanced()
        print(result.before.inequality, result.after.inequality)
        // End of example
        #expect(result.after.inequality <= result.before.inequality)
    }

    @Test func ngrams() throws {
        // Example: EDICNgram
        var estimator = try NgramEstimator(.init(order: 3))
        try estimator.addSentence("the cat sat on the mat")
        try estimator.addSentence("the dog sat on the cat")
        let (model, summary) = try estimator.finish()

        for (place, discounts) in summary.discounts.enumerated() {
            if let reason = discounts.fallbackReason { print("order \(place + 1) has fallback discounts: \(reason)") }
        }
        var state = model.beginSentenceState
        for word in ["the", "dog"] {
            let score = model.score(word, after: &state)
            print(word, score.logProbability, score.matchedLength)
        }
        print(model.perplexity(of: "the dog sat on the mat").perplexity)
        // End of example
        #expect(model.order == 3 && model.perplexity(of: "the dog sat on the mat").perplexity < 20)
    }

    /// Compiled only: they read and write files by names of their own.
    private func trainFilter() throws -> String {
        // Example: EDICNgram, PerplexityAsAFilter
        var estimator = try NgramEstimator(.init(order: 5, pruning: [0, 0, 1]))
        try estimator.add(contentsOf: "trusted.de.txt.zst")
        let summary = try estimator.finish(writing: "de.edlm", quantisation: .init())
        // End of example
        return "\(summary)"
    }

    private func filter(_ documents: [String]) throws -> [PerplexityTotals] {
        // Example: EDICNgram, PerplexityAsAFilter
        let model = try NgramModel(contentsOf: "de.edlm")
        let totals = model.perplexities(of: documents)
        // End of example
        return totals
    }

    @Test func filesThatAreMissingAreNamed() {
        #expect(#expect(throws: NgramError.self) { try filter([]) }?.message.contains("de.edlm") == true)
        let error = #expect(throws: (any Error).self) { try trainFilter() }
        #expect(error.map { "\($0)".contains("trusted.de.txt.zst") } == true)
    }

    @Test(.enabled(if: FetchedModels.has("en-pt")))
    func transformers() throws {
        // Example: EDICTransformers
        let model = try TranslationModel(folder: "Models/en-pt")
        for translation in try model.translate(["Good morning.", "How are you?"]) {
            print(translation.text)
        }
        // End of example
        #expect(model.hasShortlist)
        _ = alternatives
    }

    /// Compiled only: the test above opens the same model, and beams of a debug build take a minute.
    private func alternatives() throws {
        // Example: EDICTransformers, FromAPublishedModel
        let model = try TranslationModel(folder: "Models/en-pt")
        var options = model.defaultOptions
        options.beamSize = 4
        options.alternatives = 2

        let sentences = ["The committee approved the budget.", "Where is the station?"]
        for translation in try model.translate(sentences, options: options) {
            print(translation.text, translation.alternatives.map(\.score))
        }
        // End of example
    }
}
