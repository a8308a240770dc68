import EDICJSON
import EDICNumerics
import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Qwen 2 is Llama with biases on queries, keys and values and windows of its own: Llama's and Mistral's expected numbers are
/// its, too, once the files are called so. `Tools/compare-models` compares it with its own reference.
@Suite(.enabled(if: SharedData.isPresent))
struct Qwen2Tests {
    /// The golden model as a Qwen 2 with more settings.
    private static func network(
        _ golden: Golden, _ settings: String = "", hasBiases: Bool = true
    ) throws -> Llama {
        let path = golden.folder.appending("config.json")
        let text = String(decoding: try readFile(path.string), as: UTF8.self)
        let own = text.replacing(/"model_type": "\w+"/, with: "\"model_type\": \"qwen2\"\(settings)")
        let configuration = ModelConfiguration(source: "test", json: try JSONValue(parsing: Array(own.utf8).span))
        guard hasBiases else {
            return try Llama(configuration, DecoderShape(qwen: configuration), golden.tensors(), .float32)
        }
        return try Llama(qwen2: configuration, golden.tensors(), .float32)
    }

    /// The scores at the end of a text longer than the window, and what each layer began with.
    private static func read(_ network: Llama, _ golden: Golden) throws -> (logits: Matrix, layers: [Matrix]) {
        var cache = network.emptyHistory(.floats)
        var layers: [Matrix] = []
        let batch = TokenBatch([.init(past: [], tokens: golden.tokens("long_ids"))], cache: &cache)
        let states = network.states(of: batch, cache: &cache, on: Compute()) { layers.append($0) }
        return (network.logits(states.gathering(states.rows - 8..<states.rows), on: Compute()), layers)
    }

    @Test func biasesAreAdded() throws {
        let golden = try Golden("llama/bias-headdim")
        let logits = try Self.read(Self.network(golden), golden).logits
        #expect(largestDifference(logits, try golden.matrix("logits_long")) < 1e-4)
    }

    @Test func biasesAreRequired() throws {
        let golden = try Golden("mistral-window")
        #expect(throws: ModelError.self) { try Self.network(golden) }
    }

    @Test func windowsBeginWhereTheFileSays() throws {
        let golden = try Golden("mistral-window")
        let expected = try golden.matrix("logits_long")
        func read(_ settings: String) throws -> (logits: Matrix, layers: [Matrix]) {
            try Self.read(Self.network(golden, settings, hasBiases: false), golden)
        }
        let used = #", "use_sliding_window": true"#
        let all = try read(used + #", "max_window_layers": 0"#)
        #expect(largestDifference(all.logits, expected) < 1e-4)
        let none = try read("")
        for settings in [used, #", "use_sliding_window": false, "max_window_layers": 0"#] {
            #expect(try read(settings).logits.values == none.logits.values)
        }
        #expect(largestDifference(none.logits, expected) > 1e-2)
        // The first of two layers sees everything, the second does not.
        let second = try read(used + #", "max_window_layers": 1"#)
        #expect(second.layers[1].values == none.layers[1].values)
        #expect(second.layers[1].values != all.layers[1].values)
        #expect(second.logits.values != none.logits.values)
        let types = used + #", "layer_types": ["full_attention", "sliding_attention"]"#
        #expect(try read(types).logits.values == second.logits.values)
        // The other way round.
        let first = try read(used + #", "layer_types": ["sliding_attention", "full_attention"]"#)
        #expect(first.layers[1].values == all.layers[1].values)
        #expect(first.logits.values != all.logits.values && first.logits.values != second.logits.values)
        for types in [#"["full_attention"]"#, #"["full_attention", "chunked_attention"]"#] {
            let error = #expect(throws: ModelError.self) { try read(used + #", "layer_types": "# + types) }
            #expect(error?.code == .unsupported && error?.message.contains("layer_types") == true)
        }
    }

    @Test func foldersAreRecognised() throws {
        try withFolder { folder in
            let golden = try Golden("llama/bias-headdim").folder
            for name in ["model.safetensors", "tokenizer.json"] {
                try FileTree.linkOrCopy(golden.appending(name), to: folder.appending(name))
            }
            let text = String(decoding: try readFile(golden.appending("config.json").string), as: UTF8.self)
            let own = text.replacing("\"llama\"", with: "\"qwen2\"")
            try writeFile(Array(own.utf8), to: folder.appending("config.json"))
            let model = try CausalLanguageModel(path: folder)
            #expect(model.folder.family == "qwen2" && model.tokens(of: "a").count > 0)
        }
    }

    /// The golden file under Qwen's name, with the rows of queries and keys as Qwen's converter leaves them: Llama's puts
    /// those that rotate together side by side.
    @Test func ggufFilesAgree() throws {
        let golden = try Golden("gguf")
        let path = golden.folder.appending("tiny-BF16.gguf")
        var bytes = try readFile(path.string)
        for tensor in try GGUF(path).tensors.all
        where tensor.name.hasSuffix("q.weight") || tensor.name.hasSuffix("k.weight") {
            let rows = try tensor.bytes().withBytes { $0.copied() }
            let (size, stride) = (64, rows.count / tensor.shape[0])
            let start = try #require(bytes.firstRange(of: rows)).lowerBound
            for row in 0..<tensor.shape[0] {
                let (head, place) = (row / size * size, row % size)
                let from = head + (place < size / 2 ? 2 * place : 2 * place - size + 1)
                bytes.replaceSubrange(
                    start + row * stride..<start + (row + 1) * stride,
                    with: rows[from * stride..<(from + 1) * stride])
            }
        }
        bytes.replace(Array("llama.".utf8), with: Array("qwen2.".utf8))
        let name = try #require(bytes.firstRange(of: Array("general.architecture".utf8))).upperBound + 12
        bytes.replaceSubrange(name..<name + 5, with: Array("qwen2".utf8))
        try withFolder { folder in
            try writeFile(bytes, to: folder.appending("qwen.gguf"))
            let model = try CausalLanguageModel(path: folder, precision: .float32)
            #expect(model.folder.family == "qwen2")
            var cache = model.network.emptyHistory(.floats)
            let batch = TokenBatch([.init(past: [], tokens: golden.tokens("ids"))], cache: &cache)
            let states = model.network.states(of: batch, cache: &cache, on: Compute(), trace: nil)
            let logits = model.network.logits(states.rows(states.rows - 4..<states.rows), on: Compute())
            #expect(largestDifference(logits, try golden.matrix("logits_BF16")) < 1e-4)
        }
    }
}
