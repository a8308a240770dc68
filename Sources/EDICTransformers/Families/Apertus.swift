internal import EDICNumerics
internal import Glibc

/// Apertus (Swiss AI Initiative 2025): Llama's frame with normalised queries and keys, and one wide layer with the
/// xIELU activation instead of a gated pair.
///
///     h = h + attention(rmsNorm(h))
///     h = h + down(xielu(up(rmsNorm(h))))
struct Apertus: CausalNetwork {
    struct Layer: Sendable {
        let attentionNorm: RMSNorm
        let attention: RotaryAttention
        let feedForwardNorm: RMSNorm
        /// width → feedForward
        let up: Linear
        let activation: Activation
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
            var inner = layer.up(layer.feedForwardNorm(h, on: compute), on: compute)
            inner.apply(layer.activation, on: compute)
            layer.down.add(inner, to: &h, on: compute)
        }
        norm.apply(to: &h, on: compute)
        trace?(h)
        return h
    }

    func logits(_ states: Matrix, on compute: Compute) -> Matrix { head(states, on: compute) }
}

extension Activation {
    /// xIELU (Huang and Schlag 2024) with learnt α.
    ///
    /// - Parameters:
    ///   - alphaPositive: the stored parameter, of which the softplus is used.
    ///   - alphaNegative: the same, to which β is added.
    static func xielu(alphaPositive: Float, alphaNegative: Float, beta: Float, epsilon: Float) -> Activation {
        func softplus(_ x: Float) -> Float { x > 20 ? x : log1pf(expf(x)) }
        return .xielu(
            positive: softplus(alphaPositive), negative: beta + softplus(alphaNegative), beta: beta, epsilon: epsilon)
    }
}

extension Apertus {
    init(_ configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision) throws(ModelError) {
        let shape = try DecoderShape(configuration)
        let loader = LayerLoader(tensors: tensors, precision: precision)
        let width = shape.width
        guard configuration.string("hidden_act") ?? "xielu" == "xielu" else {
            throw ModelError(.unsupported, "\(configuration.source): an Apertus with another activation than xielu")
        }
        self.shape = shape
        func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError) -> Linear {
            try loader.linear(name + ".weight", bias: name + ".bias", outputs: outputs, inputs: inputs)
        }
        func norm(_ name: String, _ count: Int) throws(ModelError) -> RMSNorm {
            try loader.rmsNorm(name + ".weight", count, epsilon: shape.epsilon)
        }
        func scalar(_ name: String, default value: Float? = nil) throws(ModelError) -> Float {
            if let value, !tensors.contains(name) { return value }
            return try loader.vector(name, 1)[0]
        }
        embedding = try loader.embedding("model.embed_tokens.weight", words: shape.vocabulary, width: width)
        let queryWidth = shape.heads * shape.headDimension
        let keyWidth = shape.keyValueHeads * shape.headDimension
        var layers: [Layer] = []
        for index in 0..<shape.layers {
            let prefix = "model.layers.\(index)."
            let attention = RotaryAttention(
                query: try linear(prefix + "self_attn.q_proj", queryWidth, width),
                key: try linear(prefix + "self_attn.k_proj", keyWidth, width),
                value: try linear(prefix + "self_attn.v_proj", keyWidth, width),
                output: try linear(prefix + "self_attn.o_proj", width, queryWidth),
                queryNorm: try norm(prefix + "self_attn.q_norm", shape.headDimension),
                keyNorm: try norm(prefix + "self_attn.k_norm", shape.headDimension),
                attention: Attention(
                    heads: shape.heads, keyValueHeads: shape.keyValueHeads, headDimension: shape.headDimension),
                rotary: shape.rotary, window: shape.window)
            layers.append(
                Layer(
                    attentionNorm: try norm(prefix + "attention_layernorm", width), attention: attention,
                    feedForwardNorm: try norm(prefix + "feedforward_layernorm", width),
                    up: try linear(prefix + "mlp.up_proj", shape.feedForward, width),
                    activation: .xielu(
                        alphaPositive: try scalar(prefix + "mlp.act_fn.alpha_p"),
                        alphaNegative: try scalar(prefix + "mlp.act_fn.alpha_n"),
                        beta: try scalar(prefix + "mlp.act_fn.beta", default: 0.5),
                        epsilon: try scalar(prefix + "mlp.act_fn.eps", default: -1e-6)),
                    down: try linear(prefix + "mlp.down_proj", width, shape.feedForward)))
        }
        self.layers = layers
        self.norm = try norm("model.norm", width)
        head =
            configuration.bool("tie_word_embeddings", default: false) || !tensors.contains("lm_head.weight")
            ? embedding : try loader.weights("lm_head.weight", outputs: shape.vocabulary, inputs: width)
    }
}
