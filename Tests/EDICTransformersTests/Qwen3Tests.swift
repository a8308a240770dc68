import EDICJSON
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Qwen 3 against numbers computed in double precision by Hugging Face's code.
@Suite struct Qwen3Tests {
    private static let model = MadeUpDecoder("qwen3", layers: 3, normalizesHeads: true)

    private static let plain: [Float] = [
        1.2021, 4.1724, -1.5918, -2.3795, 2.4918, 3.5714, -2.2369, -0.4542, -0.678, -1.3784,
    ]
    private static let plainWords = [1, 14, 19, 17, 5, 13, 5, 14]

    @Test func foldersAgree() throws {
        for settings in ["", #""sliding_window": 4, "max_window_layers": 0"#] {
            let (scores, words) = try Self.model.network(settings).continuation()
            #expect(isClose(scores, Self.plain) && words == Self.plainWords)
        }
    }

    @Test func windowsAgree() throws {
        let used = #""use_sliding_window": true, "sliding_window": 4, "#
        let last = try Self.model.network(used + #""max_window_layers": 2"#).continuation()
        #expect(
            isClose(last.scores, [0.4069, 3.61, -2.8284, -2.2823, 3.0898, 1.3575, -2.2026, -0.8762, 2.9924, -0.3127]))
        #expect(last.words == [1, 8, 1, 14, 12, 1, 17, 0])
        let types = #""layer_types": ["sliding_attention", "full_attention", "full_attention"]"#
        let first = try Self.model.network(used + types).continuation()
        #expect(
            isClose(first.scores, [0.5533, 2.2605, -1.6292, -2.1362, 2.723, 5.5589, -2.4489, -0.4683, -1.1279, 1.7705]))
        #expect(first.words == [5, 9, 17, 0, 11, 3, 6, 16])
    }

    @Test func ggufFilesAgree() throws {
        let (scores, words) = try Self.model.ggufNetwork(rotatesNeighbours: false).continuation()
        #expect(isClose(scores, Self.plain) && words == Self.plainWords)
    }

    @Test func valuesAreSupposedWhereFilesSayNothing() {
        let given = ModelConfiguration(source: "test", json: ["a": 1, "b": nil])
        let supposed = given.supposing(["a": 2, "b": 2, "c": 2])
        #expect(supposed.json == ["a": 1, "b": nil, "c": 2])
    }

    @Test func mixturesOfExpertsAreRefused() throws {
        try withFolder { folder in
            try writeFile(Array(#"{"model_type": "qwen3_moe"}"#.utf8), to: folder.appending("config.json"))
            let error = #expect(throws: ModelError.self) { try CausalLanguageModel(path: folder) }
            #expect(error?.code == .unsupported && error?.message.contains("qwen3_moe is not known") == true)
        }
    }
}
