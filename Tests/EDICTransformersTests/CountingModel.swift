import EDICStore
import SystemPackage
import _EDICTestSupport

@testable import EDICTransformers

/// A Llama whose next token is known: it goes round and round each seven tokens that follow one another, whatever it is
/// asked. Its layer adds nothing, and its output layer has a token's embedding where the next one's is expected.
enum CountingModel {
    static let vocabulary = 800
    private static let width = 64

    /// Twice around one seven, so that what comes next is guessed right from the first token on.
    static let prompt = Array(35..<42) + Array(35..<42)

    static func next(_ token: Int) -> Int {
        let first = token - token % 7
        return first + (token - first + 1) % min(7, vocabulary - first)
    }

    /// Opens it from a folder that it writes, with the tokenizer of a golden model.
    static func open(
        in folder: FilePath, ends: [Int], context: Int = 64, precision: Precision = .asPublished
    ) throws -> CausalLanguageModel {
        let width = Self.width
        var random = SeededGenerator(seed: 5)
        let words = (0..<vocabulary * width).map { _ in Float(random.next() & 1) * 2 - 1 }
        var heads = words
        for word in 0..<vocabulary {
            for column in 0..<width { heads[next(word) * width + column] = words[word * width + column] }
        }
        let layer = "model.layers.0."
        let shapes: [(name: String, shape: [Int])] = [
            ("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [width, width]),
            ("self_attn.v_proj", [width, width]), ("self_attn.o_proj", [width, width]),
            ("mlp.gate_proj", [32, width]), ("mlp.up_proj", [32, width]), ("mlp.down_proj", [width, 32]),
        ]
        let ones = [Float](repeating: 1, count: width)
        var tensors = shapes.map {
            (layer + $0.name, $0.shape, [Float](repeating: 0, count: $0.shape[0] * $0.shape[1]))
        }
        tensors += [
            (layer + "input_layernorm", [width], ones), (layer + "post_attention_layernorm", [width], ones),
            ("model.norm", [width], ones), ("model.embed_tokens", [vocabulary, width], words),
            ("lm_head", [vocabulary, width], heads),
        ]
        var entries: [String] = []
        var data: [UInt8] = []
        for (name, shape, values) in tensors {
            let start = data.count
            for value in values {
                for shift in stride(from: 0, to: 32, by: 8) {
                    data.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
                }
            }
            entries.append(
                #""\#(name).weight": {"dtype": "F32", "shape": \#(shape), "data_offsets": [\#(start), \#(data.count)]}"#
            )
        }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        try writeFile(length + header + data, to: folder.appending("model.safetensors"))
        let configuration = """
            {"model_type": "llama", "vocab_size": \(vocabulary), "hidden_size": \(width), "intermediate_size": 32,
            "num_attention_heads": 4, "num_hidden_layers": 1, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
            "max_position_embeddings": \(context), "eos_token_id": \(ends)}
            """
        try writeFile(Array(configuration.utf8), to: folder.appending("config.json"))
        let tokenizer = folder.appending("tokenizer.json")
        if !FileTree.exists(tokenizer) {
            try FileTree.linkOrCopy(FilePath(SharedData.path("goldens/llama/gqa/tokenizer.json")), to: tokenizer)
        }
        return try CausalLanguageModel(path: folder, precision: precision, pool: nil)
    }
}
