internal import EDICNumerics

/// Llama (Touvron et al. 2023) and the models of its shape: EuroLLM, Salamandra, Teuken, Mistral, SmolLM.
///
/// Each layer reads what came before through two normalised branches and adds to it:
///
///     h = h + attention(rmsNorm(h))
///     h = h + down(silu(gate(rmsNorm(h))) · up(rmsNorm(h)))
struct Llama: CausalNetwork {
    struct Layer: Sendable {
        let attentionNorm: RMSNorm
        let attention: RotaryAttention
        let feedForwardNorm: RMSNorm
        /// width → feedForward
        let gate: Linear
        /// width → feedForward
        let up: Linear
        /// feedForward → width
        let down: Linear
    }

    let shape: DecoderShape
    let embedding: Weights
    let layers: [Layer]
    let norm: RMSNorm
    let head: Weights

    var vocabulary: Int { shape.vocabulary }
    var contextLength: Int? { shape.context }

    func emptyCache() -> KeyValueCache {
        KeyValueCache(layers: layers.count, width: shape.keyValueHeads * shape.headDimension)
    }

    func states(
        of batch: TokenBatch, cache: inout KeyValueCache, on compute: Compute, trace: ((Matrix) -> Void)?
    ) -> Matrix {
        var h = embedding.rows(batch.tokens)
        for (index, layer) in layers.enumerated() {
            trace?(h)
            layer.attention.add(
                layer.attentionNorm(h, on: compute), batch, to: &h, cache: &cache, layer: index, on: compute)
            let x = layer.feedForwardNorm(h, on: compute)
            let wide = Linear.all([layer.gate, layer.up], of: x, on: compute)
            var inner = wide[0]
            inner.gate(with: wide[1], on: compute)
            layer.down.add(inner, to: &h, on: compute)
        }
        norm.apply(to: &h, on: compute)
        trace?(h)
        return h
    }

    func logits(_ states: Matrix, on compute: Compute) -> Matrix { head(states, on: compute) }
}

extension Llama {
    /// From a Hugging Face folder.
    init(_ configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision) throws(ModelError) {
        let activation = configuration.string("hidden_act") ?? "silu"
        guard try Activation(named: activation, source: configuration.source) == .silu else {
            throw ModelError(.unsupported, "\(configuration.source): a Llama with \(activation) instead of silu")
        }
        try self.init(
            DecoderShape(configuration), LayerLoader(tensors: tensors, precision: precision), .huggingFace,
            tied: configuration.bool("tie_word_embeddings", default: false))
    }

    /// From a GGUF file.
    init(_ file: GGUF, _ precision: Precision) throws(ModelError) {
        let shape = try DecoderShape(file, architecture: file.architecture ?? "llama", pairing: .neighbours)
        try self.init(shape, LayerLoader(tensors: file.tensors, precision: precision), .gguf, tied: false)
    }

    /// What the tensors are called.
    struct Names {
        let embedding, norm, head: String
        let layer: (Int) -> String
        let attentionNorm, query, key, value, output: String
        let feedForwardNorm, gate, up, down: String

        static var huggingFace: Names {
            Names(
                embedding: "model.embed_tokens", norm: "model.norm", head: "lm_head",
                layer: { "model.layers.\($0)." }, attentionNorm: "input_layernorm", query: "self_attn.q_proj",
                key: "self_attn.k_proj", value: "self_attn.v_proj", output: "self_attn.o_proj",
                feedForwardNorm: "post_attention_layernorm", gate: "mlp.gate_proj", up: "mlp.up_proj",
                down: "mlp.down_proj")
        }

        static var gguf: Names {
            Names(
                embedding: "token_embd", norm: "output_norm", head: "output", layer: { "blk.\($0)." },
                attentionNorm: "attn_norm", query: "attn_q", key: "attn_k", value: "attn_v", output: "attn_output",
                feedForwardNorm: "ffn_norm", gate: "ffn_gate", up: "ffn_up", down: "ffn_down")
        }
    }

    private init(
        _ shape: DecoderShape, _ loader: LayerLoader, _ names: Names, tied: Bool
    ) throws(ModelError) {
        self.shape = shape
        let width = shape.width
        func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError) -> Linear {
            try loader.linear(name + ".weight", bias: name + ".bias", outputs: outputs, inputs: inputs)
        }
        func norm(_ name: String, _ count: Int) throws(ModelError) -> RMSNorm {
            try loader.rmsNorm(name + ".weight", count, epsilon: shape.epsilon)
        }
        embedding = try loader.embedding(names.embedding + ".weight", words: shape.vocabulary, width: width)
        let queryWidth = shape.heads * shape.headDimension
        let keyWidth = shape.keyValueHeads * shape.headDimension
        var layers: [Layer] = []
        for index in 0..<shape.layers {
            let prefix = names.layer(index)
            let attention = RotaryAttention(
                query: try linear(prefix + names.query, queryWidth, width),
                key: try linear(prefix + names.key, keyWidth, width),
                value: try linear(prefix + names.value, keyWidth, width),
                output: try linear(prefix + names.output, width, queryWidth), queryNorm: nil, keyNorm: nil,
                attention: Attention(
                    heads: shape.heads, keyValueHeads: shape.keyValueHeads, headDimension: shape.headDimension),
                rotary: shape.rotary, window: shape.window)
            layers.append(
                Layer(
                    attentionNorm: try norm(prefix + names.attentionNorm, width), attention: attention,
                    feedForwardNorm: try norm(prefix + names.feedForwardNorm, width),
                    gate: try linear(prefix + names.gate, shape.feedForward, width),
                    up: try linear(prefix + names.up, shape.feedForward, width),
                    down: try linear(prefix + names.down, width, shape.feedForward)))
        }
        self.layers = layers
        self.norm = try norm(names.norm, width)
        let headName = names.head + ".weight"
        head =
            tied || !loader.tensors.contains(headName)
            ? embedding : try loader.weights(headName, outputs: shape.vocabulary, inputs: width)
    }
}
