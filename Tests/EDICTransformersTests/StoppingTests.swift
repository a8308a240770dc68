import EDICNumerics
import Synchronization
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Work ends soon after it is asked to: translation between words, decoders between layers, embedding between batches.
@Suite(.enabled(if: SharedData.isPresent))
struct StoppingTests {
    /// - Parameter atLeast: how often the whole work asks.
    private func endsWhereAsked(
        atLeast: Int, _ work: (@escaping @Sendable () -> Bool) throws -> Void
    ) throws {
        let patient = Asker()
        try work(patient.shouldStop)
        #expect(patient.asked >= atLeast)
        for limit in [1, patient.asked / 2, patient.asked] {
            let asker = Asker(limit)
            let error = #expect(throws: ModelError.self) { try work(asker.shouldStop) }
            #expect(error?.code == .cancelled)
            #expect(asker.asked == limit, "went on after it was stopped")
        }
    }

    private static func path(_ name: String) -> FilePath { FilePath(SharedData.path("goldens/" + name)) }

    @Test func translationsEndBetweenWords() throws {
        let model = try TranslationModel(folder: Self.path("marian-ssru"))
        let sentences = ["T1 t5 t17 t33.", "T2 t8 t9 t7."]
        // One batch of one worker.
        let words = try model.translate(sentences).map { $0.alternatives[0].tokens.count }.max() ?? 0
        #expect(words > 3)
        try endsWhereAsked(atLeast: words) {
            _ = try model.translate(sentences, pool: WorkerPool(workers: 1), shouldStop: $0)
        }
    }

    @Test(arguments: ["llama/gqa", "gpt2"], [(1, false), (1, true), (2, false)])
    func generationsEndBetweenLayers(_ name: String, _ way: (beam: Int, drafts: Bool)) throws {
        let beam = way.beam
        let model = try CausalLanguageModel(path: Self.path(name), pool: nil)
        let ids = Array(try Golden(name).tokens("long_ids").prefix(24))
        let options = GenerationOptions(
            maximumTokens: 8, ignoresEndOfText: true, draftsTokens: way.drafts, beamSize: beam)
        let layers = model.network.attentionShapes.count
        try endsWhereAsked(atLeast: 8 * layers) {
            _ = try model.generate(tokens: ids, options: options, shouldStop: $0)
        }
        // The prompt is read layer by layer, too.
        try endsWhereAsked(atLeast: 1 + layers) {
            _ = try model.generate(tokens: ids, options: .init(maximumTokens: 1), shouldStop: $0)
        }
        try endsWhereAsked(atLeast: 1 + layers) { _ = try model.score(tokens: ids, shouldStop: $0) }
        let prefix = try model.read(tokens: Array(ids.prefix(9)))
        guard beam == 1 else { return }
        try endsWhereAsked(atLeast: 8 * layers) {
            _ = try model.generate(tokens: ids, after: prefix, options: options, shouldStop: $0)
        }
    }

    @Test func embeddingsEndBetweenBatches() throws {
        let model = try TextEmbedder(folder: Self.path("bert"))
        let texts = (0..<40).map { "Text number \($0)." }
        try endsWhereAsked(atLeast: 3) {
            _ = try model.embed(texts, pool: WorkerPool(workers: 1), shouldStop: $0)
        }
    }
}

/// Asks to stop from the `limit`th question on.
final class Asker: Sendable {
    let limit: Int
    let count = Atomic(0)
    init(_ limit: Int = .max) { self.limit = limit }
    var shouldStop: @Sendable () -> Bool {
        { self.count.add(1, ordering: .relaxed).newValue >= self.limit }
    }
    var asked: Int { count.load(ordering: .relaxed) }
}
