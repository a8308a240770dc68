import EDICJSON
import EDICNgram
import EDICStore
import SystemPackage

/// One n-gram model a language, and its perplexity on rows that it has not seen.
///
/// Words are what white space separates and each line is a sentence, as other tools of the field take text: a model can
/// be compared with theirs on the same shards.
struct NgramStage: Sendable {
    static let name = "ngram"
    private static let version = 1
    static let output = "model.edlm"

    let recipe: Recipe
    /// What one task may use, in bytes.
    let memory: Int

    struct Facts: Sendable, Equatable, JSONRecord {
        var ledger = StageLedger()
        var ngrams = 0
        var perplexity: Double?
        var outOfVocabulary: Double?
        var heldOutWords = 0
        /// Why there is no model.
        var problem: String?

        static var fields: [JSONField<Self>] {
            [
                JSONField("ledger", \.ledger), JSONField("ngrams", \.ngrams), JSONField("perplexity", \.perplexity),
                JSONField("out_of_vocabulary", \.outOfVocabulary), JSONField("held_out_words", \.heldOutWords),
                JSONField("problem", \.problem),
            ]
        }
    }

    func task(language: String, _ texts: ShardTexts) -> BuildTask {
        let parts = recipe.values(under: "ngram") + [language] + texts.identity
        return BuildTask(
            stage: Self.name, label: language, key: TaskKey(stage: Self.name, version: Self.version, parts: parts),
            weight: texts.bytes
        ) { scratch in
            try estimate(language, texts, scratch).json
        }
    }

    private func estimate(_ language: String, _ texts: ShardTexts, _ scratch: TaskScratch) throws -> Facts {
        var facts = Facts()
        let heldOut = RowSample(share: recipe.ngram.heldOut)
        let spill = scratch.folder.appending("spill")
        try FileTree.createFolders(spill)
        defer { try? FileTree.remove(spill) }
        var estimator = try NgramEstimator(
            .init(order: recipe.ngram.order, memoryLimit: memory, temporaryFolder: spill, workers: 1))
        estimator.progress = { _ in try scratch.checkForStop() }
        // Held-out texts wait on disk until there is a model.
        let waiting = spill.appending("held-out.txt")
        var aside = try AtomicFile(waiting, isDurable: false)
        var trained = 0
        let newline: [UInt8] = [0x0A]
        try texts.forEachText { _, own, text in
            guard own == language else { return }
            facts.ledger.rowsIn += 1
            facts.ledger.rowsOut += 1
            // By what it says, not by its row: a sentence that occurs twice is never on both sides.
            if heldOut.contains(text) {
                try aside.write(text)
                try aside.write(newline.span)
            } else {
                trained += 1
                try estimator.add(text: text)
                // The end of a text ends its sentence.
                try estimator.add(text: newline.span)
            }
        }
        _ = try aside.commit()
        let path = scratch.output(Self.output)
        do {
            let summary = try estimator.finish(writing: path, quantisation: NgramQuantisation())
            facts.ngrams = summary.grams.reduce(0, +)
        } catch {
            guard !scratch.shouldStop() else { throw BuildError.stopped }
            facts.problem = "\(trained) texts: \(error)"
            return facts
        }
        try measure(path, waiting, &facts)
        return facts
    }

    private func measure(_ model: FilePath, _ heldOut: FilePath, _ facts: inout Facts) throws {
        let model = try NgramModel(contentsOf: model)
        var totals = PerplexityTotals()
        var lines = LineReader(try ByteReader(heldOut))
        while try lines.advance() { lines.withLine { if !$0.isEmpty { totals += model.perplexity(of: $0) } } }
        let known = totals.tokens - totals.unknownWords
        guard known > 0 else { return }
        facts.heldOutWords = totals.tokens - totals.sentences
        facts.perplexity = totals.knownPerplexity
        facts.outOfVocabulary = Double(totals.unknownWords) / Double(max(1, facts.heldOutWords))
    }
}
