import EDICJSON
import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Decoders against numbers computed in single precision by Hugging Face's code.
@Suite(.enabled(if: SharedData.isPresent))
struct DecoderFamilyTests {
    /// The first ones are expected, the others may be there.
    static let cases =
        [
            "llama/gqa", "llama/bias-headdim", "llama/rope-linear", "llama/rope-llama3", "mistral-window", "apertus",
            "gpt2",
        ]
        + ["llama/rope-dynamic", "llama/rope-yarn", "llama/tied-mha-theta500k"].filter {
            SharedData.exists("data/goldens/\($0)/config.json")
        }

    static func network(_ golden: Golden) throws -> any CausalNetwork {
        let configuration = try golden.configuration()
        return switch configuration.string("model_type") {
        case "gpt2": try GPT2(configuration, golden.tensors(), .asPublished)
        case "mistral": try Llama(mistral: configuration, golden.tensors(), .asPublished)
        case "apertus": try Apertus(configuration, golden.tensors(), .asPublished)
        default: try Llama(configuration, golden.tensors(), .asPublished)
        }
    }

    /// What a file does not say is as in the family's own class; what only other families have means nothing.
    @Test func defaultsAreTheFamilys() throws {
        func shape(_ settings: String, _ make: (ModelConfiguration) throws -> DecoderShape) throws -> DecoderShape {
            let text = """
                {"vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
                "max_position_embeddings": 64 \(settings)}
                """
            return try make(ModelConfiguration(source: "c", json: try JSONValue(parsing: text)))
        }
        func window(_ settings: String) throws -> Int? {
            var window: Int?
            _ = try shape(settings) {
                window = try DecoderShape.window($0, default: 4096)
                return try DecoderShape($0)
            }
            return window
        }
        #expect(try shape(", \"sliding_window\": 8") { try DecoderShape($0) }.window == nil)
        #expect(try window("") == 4096 && window(", \"sliding_window\": null") == nil)
        #expect(try window(", \"sliding_window\": 8, \"use_sliding_window\": false") == 8)
        // How much longer than before, where YaRN's factor is not said, and where that is.
        for (settings, factor, original) in [
            (#""rope_scaling": {"type": "yarn", "factor": null, "original_max_position_embeddings": 16}"#, 4, 16),
            (#""original_max_position_embeddings": 32, "rope_scaling": {"type": "yarn", "factor": 8}"#, 8, 32),
            (
                #""rope_parameters": {"rope_type": "linear", "factor": 3}, "rope_scaling": {"type": "yarn", "factor": 5}"#,
                5, 64
            ),
        ] as [(String, Float, Int)] {
            let scaling = try shape(", " + settings) { try DecoderShape($0) }.rotary.scaling
            guard case .yarn(let own, let length, _, _, _, _) = scaling else {
                Issue.record("\(scaling)")
                continue
            }
            #expect(own == factor && length == original, "\(settings)")
        }
    }

    /// Where the files say that the output layer is the embedding and have another one, that is taken.
    @Test func anotherOutputLayerIsTaken() throws {
        func tensor(_ name: String, _ value: UInt8) -> Tensor {
            Tensor(
                name: name, type: .float32, shape: [1, 2], storage: .owned([value, 0, 0, 0, 0, 0, 0, 0]), file: "f")
        }
        func isTied(_ tensors: [Tensor], says: Bool?) throws -> Bool {
            try LayerLoader(tensors: TensorCollection(source: "m", tensors), precision: .float32)
                .isTied("words", "head", says: says)
        }
        let words = tensor("words", 1)
        for says in [nil, true] { #expect(try isTied([words], says: says)) }
        #expect(try !isTied([words], says: false))
        #expect(try isTied([words, tensor("head", 1)], says: true))
        for says in [nil, false] { #expect(try !isTied([words, tensor("head", 1)], says: says)) }
        for says in [nil, true, false] { #expect(try !isTied([words, tensor("head", 2)], says: says)) }
    }

    /// A bias that a damaged name hides is missed, not left out.
    @Test func biasesAreMissed() throws {
        for (name, bias) in [
            ("gpt2", "h.0.attn.c_attn.bias"), ("llama/bias-headdim", "layers.1.self_attn.k_proj.bias"),
            ("llama/bias-headdim", "layers.0.self_attn.q_proj.bias"),
        ] {
            let golden = try Golden(name)
            let configuration = try golden.configuration()
            let all = try golden.tensors().all
            let left = all.filter { !$0.name.hasSuffix(bias) }
            try #require(left.count == all.count - 1, "\(name) \(bias)")
            let tensors = TensorCollection(source: "m", left)
            let error = #expect(throws: ModelError.self) {
                if name == "gpt2" {
                    _ = try GPT2(configuration, tensors, .asPublished)
                } else {
                    _ = try Llama(configuration, tensors, .asPublished)
                }
            }
            #expect(
                error?.code == .mismatch && error?.message.contains(".bias") == true, "\(String(describing: error))")
        }
        let golden = try Golden("bert")
        let left = try golden.tensors().all.filter { !$0.name.hasSuffix("layer.0.output.dense.bias") }
        #expect(throws: ModelError.self) {
            try BERT(golden.configuration(), TensorCollection(source: "m", left), .asPublished)
        }
    }

    /// The embedding takes the place of an output layer only where the files do not speak against it.
    @Test func outputLayersThatAreToBeThereAreMissed() throws {
        let golden = try Golden("llama/gqa")
        let all = try golden.tensors().all.filter { $0.name != "lm_head.weight" }
        let tensors = TensorCollection(source: "m", all)
        var object = try #require(golden.configuration().json.object)
        object["tie_word_embeddings"] = .bool(false)
        let error = #expect(throws: ModelError.self) {
            try Llama(ModelConfiguration(source: "c", json: .object(object)), tensors, .asPublished)
        }
        #expect(error?.message.contains("lm_head.weight") == true)
        object["tie_word_embeddings"] = .null
        _ = try Llama(ModelConfiguration(source: "c", json: .object(object)), tensors, .asPublished)
    }

    @Test(arguments: cases)
    func logitsAndLayersAgree(_ name: String) throws {
        let golden = try Golden(name)
        let network = try Self.network(golden)
        let prompt = golden.tokenLists("prompt_ids")[0]
        var cache = network.emptyHistory(.floats)
        var hidden: [Matrix] = []
        let batch = TokenBatch([.init(past: [], tokens: prompt)], cache: &cache)
        let states = network.states(of: batch, cache: &cache, on: Compute()) { hidden.append($0) }
        let layers = try golden.matrix("layer_hidden")
        let stacked = Matrix(
            rows: hidden.reduce(0) { $0 + $1.rows }, columns: layers.columns, values: hidden.flatMap(\.values))
        #expect(largestDifference(stacked, layers) < 1e-4)
        #expect(largestDifference(network.logits(states, on: Compute()), try golden.matrix("logits")) < 1e-4)
    }

    @Test(arguments: cases)
    func longTextsAgree(_ name: String) throws {
        let golden = try Golden(name)
        let network = try Self.network(golden)
        var cache = network.emptyHistory(.floats)
        let batch = TokenBatch([.init(past: [], tokens: golden.tokens("long_ids"))], cache: &cache)
        let states = network.states(of: batch, cache: &cache, on: Compute(), trace: nil)
        let last = states.gathering(states.rows - 8..<states.rows)
        #expect(largestDifference(network.logits(last, on: Compute()), try golden.matrix("logits_long")) < 1e-4)
    }

    /// To the last bit: also where positions depend on how long the whole text is.
    @Test(arguments: cases)
    func longTextsInPartsAgree(_ name: String) throws {
        let golden = try Golden(name)
        let network = try Self.network(golden)
        let tokens = golden.tokens("long_ids")
        for storage in [AttentionStorage.floats, .halves, .words] {
            var whole = Session(network: network, compute: Compute(), storage: storage)
            whole.tokensAtATime = tokens.count
            let expected = whole.read(tokens).values
            for size in [1, 7, tokens.count - 1] {
                var session = Session(network: network, compute: Compute(), storage: storage)
                session.tokensAtATime = size
                #expect(session.read(tokens).values == expected, "\(size) at a time, \(storage)")
                #expect(session.past == whole.past)
            }
        }
    }

    @Test(arguments: cases)
    func greedyStepsAgree(_ name: String) throws {
        let golden = try Golden(name)
        let network = try Self.network(golden)
        var cache = network.emptyHistory(.floats)
        let expected = try golden.matrix("greedy_step_logits")
        var next = golden.tokenLists("prompt_ids")[0]
        var past: [Int32] = []
        var generated: [Int] = []
        for step in 0..<expected.rows {
            let batch = TokenBatch([.init(past: past, tokens: next)], cache: &cache)
            past = batch.tables[0]
            let states = network.states(of: batch, cache: &cache, on: Compute(), trace: nil)
            let logits = network.logits(states.gathering(batch.lastRows), on: Compute()).row(0)
            let want = expected.row(step)
            // The reference forbids the end of text by −10³⁰.
            for (value, wanted) in zip(logits, want) where wanted > -1e29 { #expect(abs(value - wanted) < 1e-4) }
            let best = logits.indices.filter { want[$0] > -1e29 }.max { logits[$0] < logits[$1] }
            next = [try #require(best)]
            generated += next
        }
        #expect(generated == golden.tokens("greedy"))
    }

    /// What is null is as if it were not there.
    @Test(arguments: [
        #""rope_scaling": null"#, #""rope_parameters": null"#, #""rms_norm_eps": null"#,
        #""partial_rotary_factor": null"#,
        #""rope_theta": null, "head_dim": 6, "sliding_window": null"#,
    ])
    func nullsAreNotThere(_ settings: String) throws {
        let model = MadeUpDecoder("llama", layers: 2)
        #expect(try model.network(settings).continuation().scores == model.network().continuation().scores)
        let stretched = #""rope_scaling": {"rope_type": "linear", "factor": 3.0}"#
        let scores = try model.network(stretched).continuation().scores
        #expect(try model.network(stretched + #", "rope_parameters": null"#).continuation().scores == scores)
        #expect(try scores != model.network().continuation().scores)
    }

    @Test(arguments: [
        #""rope_parameters": {"full_attention": {"rope_theta": 5e5}}"#, #""rms_norm_eps": -1"#, #""rms_norm_eps": 1"#,
        #""rms_norm_eps": 1e60"#, #""rope_parameters": 5"#,
        #""rope_scaling": []"#, #""partial_rotary_factor": 0.5"#, #""rope_theta": 0.5"#,
    ])
    func nonsenseIsRefused(_ settings: String) {
        let key = settings.split(separator: "\"")[0]
        #expect {
            try MadeUpDecoder("llama", layers: 1).network(settings)
        } throws: {
            "\($0)".contains(key.contains("rope_theta") || !key.contains("rope") ? String(key) : "rope scaling")
        }
    }

    @Test(arguments: [-1, 1, Float.nan]) func nonsenseInGGUFIsRefused(_ epsilon: Float) {
        #expect {
            try MadeUpDecoder("qwen3", layers: 1, normalizesHeads: true).ggufNetwork(
                rotatesNeighbours: false, epsilon: epsilon)
        } throws: { "\($0)".contains("qwen3.attention.layer_norm_rms_epsilon") }
    }

    /// An output layer of its own is used, though the words' table has the same shape.
    @Test(.enabled(if: cases.contains("gpt2"))) func anUntiedHeadOfGPT2IsUsed() throws {
        let golden = try Golden("gpt2")
        let tensors = try golden.tensors()
        let words = try #require(tensors.all.first { $0.name.hasSuffix("wte.weight") })
        // The rows of the table from the last to the first.
        let rowBytes = words.byteCount / words.shape[0]
        let reversed = try words.bytes().withBytes { bytes -> [UInt8] in
            try #require(words.type == .float32)
            return (0..<words.shape[0]).reversed().flatMap { row in
                (row * rowBytes..<(row + 1) * rowBytes).map { bytes[$0] }
            }
        }
        let head = Tensor(
            name: "lm_head.weight", type: words.type, shape: words.shape, storage: .owned(reversed), file: words.file)
        var object = try #require(golden.configuration().json.object)
        object["tie_word_embeddings"] = .bool(false)
        let network = try GPT2(
            ModelConfiguration(source: "test", json: .object(object)),
            TensorCollection(source: "test", tensors.all + [head]), .asPublished)
        var cache = network.emptyHistory(.floats)
        let batch = TokenBatch([.init(past: [], tokens: golden.tokenLists("prompt_ids")[0])], cache: &cache)
        let states: Matrix = network.states(of: batch, cache: &cache, on: Compute(), trace: nil)
        let logits: Matrix = network.logits(states, on: Compute())
        let expected = try golden.matrix("logits")
        for row in 0..<expected.rows {
            for (ours, theirs) in zip(logits.row(row), expected.row(row).reversed()) {
                #expect(abs(ours - theirs) < 1e-4)
            }
        }
    }
}
