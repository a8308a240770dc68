import EDICJSON
import Testing

@testable import EDICTransformers

/// SmolLM3 against numbers computed in double precision by Hugging Face's code.
@Suite struct SmolLM3Tests {
    private static let model = MadeUpDecoder("smollm3", layers: 5, isTied: true)

    private struct Case: CustomTestStringConvertible {
        let settings: String
        let scores: [Float]
        let words: [Int]

        var testDescription: String { settings }
    }

    private static let plain = Case(
        settings: "", scores: [0.0767, -1.2888, 1.2134, 2.0098, 0.0805, 0.6697, 0.4423, 1.6588, -0.2056, 3.663],
        words: [9, 8, 5, 16, 12, 16, 16, 7])

    private static let cases = [
        plain,
        Case(
            settings: #""no_rope_layer_interval": 2"#,
            scores: [-0.5328, -0.758, -0.5157, 1.7469, -0.5509, 0.8773, -0.089, 0.8416, -0.0756, 0.7269],
            words: [16, 16, 16, 16, 16, 18, 6, 16]),
        // The layers that are not rotated have windows, if they are used.
        Case(
            settings: #""no_rope_layers": [0, 1, 1, 0, 1], "sliding_window": 4"#,
            scores: [-0.7136, 1.0708, -0.3231, 0.784, -1.7868, 1.5032, -1.8865, 0.9687, 0.5972, -0.4289],
            words: [16, 16, 16, 16, 16, 16, 16, 16]),
        Case(
            settings: #""no_rope_layers": [0, 1, 1, 0, 1, 0], "sliding_window": 4, "use_sliding_window": true"#,
            scores: [0.3246, -0.8589, 0.0278, 2.5014, -0.2946, 0.5822, 0.6744, 1.2363, -0.6523, 0.2171],
            words: [18, 16, 16, 16, 16, 16, 16, 16]),
        // Those whose types are given have them anyway.
        Case(
            settings: #""sliding_window": 4, "use_sliding_window": false, "layer_types": ["full_attention", "#
                + #""full_attention", "full_attention", "sliding_attention", "full_attention"]"#,
            scores: [0.1074, -1.1846, 0.9892, 2.0078, 0.3999, 1.078, 0.436, 1.4624, -0.387, 3.4182],
            words: [9, 13, 2, 8, 7, 10, 15, 5]),
    ]

    @Test(arguments: cases) private func foldersAgree(_ item: Case) throws {
        let (scores, words) = try Self.model.network(item.settings).continuation()
        #expect(isClose(scores, item.scores) && words == item.words)
    }

    @Test func ggufFilesAgree() throws {
        let (scores, words) = try Self.model.ggufNetwork(rotatesNeighbours: true).continuation()
        #expect(isClose(scores, Self.plain.scores) && words == Self.plain.words)
    }

    /// An output layer in the file that is another than the embedding is used, whatever is said, as transformers 5 does.
    @Test func anotherOutputLayerIsTaken() throws {
        let model = MadeUpDecoder("smollm3", layers: 1)
        let scores = try ["", #""tie_word_embeddings": true"#, #""tie_word_embeddings": false"#].map {
            try model.network($0).continuation().scores
        }
        #expect(scores[0] == scores[1] && scores[0] == scores[2])
    }

    @Test(arguments: [
        #""no_rope_layers": [0, 1, 1, 0]"#, #""no_rope_layers": [0, 1, 1, 0, 2]"#, #""no_rope_layer_interval": 0"#,
    ])
    func nonsenseIsRefused(_ settings: String) {
        let error = #expect(throws: ModelError.self) { try Self.model.network(settings) }
        #expect(error?.code == .malformed && error?.message.contains("no_rope_layer") == true)
    }
}
