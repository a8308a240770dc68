import EDICJSON
import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Real published models, where they have been fetched. A few sentences only: unoptimised kernels are slow.
@Suite struct FetchedModelTests {
    static func path(_ name: String) -> FilePath { FilePath(FetchedModels.path(name)) }
    static func has(_ name: String) -> Bool { SharedData.isPresent && FetchedModels.has(name) }

    @Test(.enabled(if: has("en-pt")))
    func studentTranslatesAsTheReference() throws {
        let model = try TranslationModel(folder: Self.path("en-pt"))
        #expect(model.hasShortlist && model.defaultOptions.beamSize == 1)
        let text = try TextFile.read(FilePath(SharedData.path("models/bergamot-enpt.golden.tsv")))
        let lines = text.split(separator: "\n").prefix(3).map { $0.split(separator: "\t").map { String($0) } }
        // The reference multiplies float activations. With 8-bit ones a near tie of the first sentence falls the other
        // way, so that it is compared in floats.
        #expect(try model.translate(lines[1...].map { $0[0] }).map(\.text) == lines[1...].map { $0[1] })
        let exact = try TranslationModel(folder: Self.path("en-pt"), precision: .float32)
        #expect(try exact.translate(lines[0][0]).text == lines[0][1])
    }

    @Test(.enabled(if: has("smollm2-135m-instruct")))
    func languageModelContinuesAsTheReference() throws {
        let model = try CausalLanguageModel(path: Self.path("smollm2-135m-instruct"))
        let golden = try JSONFile.read(FilePath(SharedData.path("models/smollm2-135m-instruct.golden.json")))
        let first = try #require(golden["cases"]?[0] as JSONValue?)
        let prompt = first["prompt"]?.string ?? ""
        #expect(try model.tokens(of: prompt) == first["ids"]?.array?.compactMap(\.int))
        let generated = try model.generate(prompt, options: .init(maximumTokens: 4, ignoresEndOfText: true))
        let greedy = (first["greedy20"]?.array ?? []).compactMap(\.int)
        #expect(generated.tokens == Array(greedy.prefix(4)))
        #expect(model.chatTemplate != nil)
    }

    @Test(.enabled(if: has("all-minilm-l6-v2")))
    func embeddingsKnowWhatIsAlike() throws {
        let embedder = try TextEmbedder(folder: Self.path("all-minilm-l6-v2"))
        #expect(embedder.dimension == 384 && embedder.normalizes && embedder.pooling == .mean)
        let vectors = try embedder.embed(["A cat sleeps.", "The kitten is asleep.", "Shares fell."])
        func cosine(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        #expect(abs(cosine(vectors[0], vectors[0]) - 1) < 1e-5)
        #expect(cosine(vectors[0], vectors[1]) > 0.6)
        #expect(cosine(vectors[0], vectors[2]) < 0.3)
    }
}
