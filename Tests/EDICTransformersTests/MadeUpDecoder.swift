import EDICJSON
import EDICNumerics
import SystemPackage

@testable import EDICTransformers

/// A small decoder whose weights follow a rule, so that its tests hold what Hugging Face's code (transformers 5.23) makes of
/// them: number i of the t-th tensor by name is ((3·i² + 7·i + 13·t) mod 101 − 50) / 64, in norms half of that and one.
struct MadeUpDecoder {
    let modelType: String
    let layers: Int
    private let tensors: [(name: String, shape: [Int], values: [Float])]

    /// Token i of the text is (7·i² + 3) mod 20.
    static let text = (0..<10).map { (7 * $0 * $0 + 3) % 20 }

    private static let (vocabulary, width, feedForward, heads, groups, headSize) = (20, 12, 16, 4, 2, 6)

    init(_ modelType: String, layers: Int, normalizesHeads: Bool = false, isTied: Bool = false) {
        self.modelType = modelType
        self.layers = layers
        let (width, feedForward, size) = (Self.width, Self.feedForward, Self.headSize)
        var shapes = ["model.embed_tokens": [Self.vocabulary, width], "model.norm": [width]]
        if !isTied { shapes["lm_head"] = [Self.vocabulary, width] }
        for layer in 0..<layers {
            var own = [
                "input_layernorm": [width], "post_attention_layernorm": [width],
                "self_attn.q_proj": [Self.heads * size, width], "self_attn.k_proj": [Self.groups * size, width],
                "self_attn.v_proj": [Self.groups * size, width], "self_attn.o_proj": [width, Self.heads * size],
                "mlp.gate_proj": [feedForward, width], "mlp.up_proj": [feedForward, width],
                "mlp.down_proj": [width, feedForward],
            ]
            if normalizesHeads { own.merge(["self_attn.q_norm": [size], "self_attn.k_norm": [size]]) { $1 } }
            for (name, shape) in own { shapes["model.layers.\(layer).\(name)"] = shape }
        }
        tensors = shapes.keys.sorted().enumerated().map { place, name in
            let shape = shapes[name] ?? []
            let values = (0..<shape.reduce(1, *)).map { (i: Int) -> Float in
                let value = Float((3 * i * i + 7 * i + 13 * place) % 101 - 50) / 64
                return name.hasSuffix("norm") ? 1 + value / 2 : value
            }
            return (name, shape, values)
        }
    }

    /// As a Hugging Face folder, with more settings, such as `"sliding_window": 4`.
    func network(_ settings: String = "") throws -> any CausalNetwork {
        let text = """
            {"vocab_size": \(Self.vocabulary), "hidden_size": \(Self.width), "intermediate_size": \(Self.feedForward),
            "num_attention_heads": \(Self.heads), "num_key_value_heads": \(Self.groups), "head_dim": \(Self.headSize),
            "num_hidden_layers": \(layers), "rms_norm_eps": 1e-6, "max_position_embeddings": 64
            \(settings.isEmpty ? "" : ", " + settings)}
            """
        guard let family = ModelFamily.all.first(where: { $0.modelTypes.contains(modelType) }),
            case .causal(let load, _) = family.load
        else { throw ModelError(.unsupported, "no family \(modelType)") }
        return try load(
            ModelConfiguration(source: "test", json: JSONValue(parsing: text)),
            TensorCollection(
                source: "test",
                tensors.map {
                    Tensor(
                        name: $0.name + ".weight", type: .float32, shape: $0.shape,
                        storage: .owned($0.values.flatMap { little($0.bitPattern) }), file: "test")
                }), .float32)
    }

    /// As a GGUF file, named as llama.cpp's converter does.
    ///
    /// - Parameters:
    ///   - rotatesNeighbours: the rows of queries and keys that rotate together are side by side.
    func ggufNetwork(rotatesNeighbours: Bool, epsilon: Float = 1e-6) throws -> any CausalNetwork {
        let names = [
            "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
            "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
            "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
            "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
            "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        ]
        func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }
        let counts = [
            "embedding_length": Self.width, "block_count": layers, "attention.head_count": Self.heads,
            "attention.head_count_kv": Self.groups, "attention.key_length": Self.headSize,
            "feed_forward_length": Self.feedForward, "context_length": 64,
        ]
        let base: Float = modelType == "smollm3" ? 2e6 : 10000
        let floats: [String: Float] = ["attention.layer_norm_rms_epsilon": epsilon, "rope.freq_base": base]
        var header = Array("GGUF".utf8) + little(UInt32(3)) + little(UInt64(tensors.count))
        header += little(UInt64(1 + counts.count + floats.count))
        header += text("general.architecture") + little(UInt32(8)) + text(modelType)
        let integers = counts.map { ($0, 4, UInt32($1)) }
        for (key, type, value) in integers + floats.map({ ($0, 6, $1.bitPattern) }) {
            header += text("\(modelType).\(key)") + little(UInt32(type)) + little(value)
        }
        var data: [UInt8] = []
        for (name, shape, values) in tensors {
            let parts = name.split(separator: ".", maxSplits: 3).map(String.init)
            let own = parts.count == 4 ? "blk.\(parts[2])." + (names[parts[3]] ?? "") : names[name] ?? ""
            header += text(own + ".weight") + little(UInt32(shape.count))
            for extent in shape.reversed() { header += little(UInt64(extent)) }
            header += little(UInt32(0)) + little(UInt64(data.count))
            let permutes = rotatesNeighbours && (own.hasSuffix("attn_q") || own.hasSuffix("attn_k"))
            for row in 0..<shape[0] {
                let (head, place, half) = (row / Self.headSize, row % Self.headSize, Self.headSize / 2)
                let from = permutes ? head * Self.headSize + place % 2 * half + place / 2 : row
                let columns = values.count / shape[0]
                data += values[from * columns..<(from + 1) * columns].flatMap { little($0.bitPattern) }
            }
            data += [UInt8](repeating: 0, count: (32 - data.count % 32) % 32)
        }
        header += [UInt8](repeating: 0, count: (32 - header.count % 32) % 32)
        var network: (any CausalNetwork)?
        try withFolder { folder in
            try writeFile(header + data, to: folder.appending("model.gguf"))
            guard let family = ModelFamily.all.first(where: { $0.ggufArchitectures.contains(modelType) }),
                case .causal(_, let load?) = family.load
            else { return }
            network = try load(GGUF(folder.appending("model.gguf")), .float32)
        }
        guard let network else { throw ModelError(.unsupported, "no architecture \(modelType)") }
        return network
    }

    private func little<I: FixedWidthInteger>(_ value: I) -> [UInt8] {
        (0..<I.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

extension CausalNetwork {
    /// The scores of the first words after ``MadeUpDecoder/text``, and the likeliest words one by one.
    func continuation() -> (scores: [Float], words: [Int]) {
        var session = Session(network: self, compute: Compute(), storage: .floats)
        var scores = session.read(MadeUpDecoder.text).values
        let first = Array(scores.prefix(10))
        let words = (0..<8).map { _ in
            let word = scores.indices.max { scores[$0] < scores[$1] } ?? -1
            scores = session.read([word]).values
            return word
        }
        return (first, words)
    }
}

/// Whether scores are those that stand in a test with four digits after the point.
func isClose(_ scores: [Float], _ expected: [Float]) -> Bool {
    scores.count == expected.count && zip(scores, expected).allSatisfy { abs($0 - $1) < 1.5e-4 }
}
