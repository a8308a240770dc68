internal import EDICJSON
internal import EDICNumerics
internal import Glibc

/// Apertus (Swiss AI Initiative 2025): Llama's frame with normalised queries and keys, and one wide layer with the
/// xIELU activation instead of a gated pair.
///
///     h = h + attention(rmsNorm(h))
///     h = h + down(xielu(up(rmsNorm(h))))
struct Apertus: StackedNetwork {
    struct FeedForward: DecoderFeedForward {
        /// width → feedForward
        let up: Linear
        let activation: Activation
        /// feedForward → width
        let down: Linear

        var linears: [Linear] { [up, down] }

        func add(_ x: Matrix, to h: inout Matrix, on compute: Compute) {
            var inner = up(x, on: compute)
            inner.apply(activation, on: compute)
            down.add(inner, to: &h, on: compute)
        }
    }

    let stack: DecoderStack<FeedForward>
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
        let configuration = configuration.supposing([
            "rms_norm_eps": 1e-5, "rope_theta": 12e6,
            "rope_parameters": [
                "rope_type": "llama3", "rope_theta": 12e6, "factor": 8, "original_max_position_embeddings": 8192,
                "low_freq_factor": 1, "high_freq_factor": 4,
            ],
        ])
        var shape = try DecoderShape(configuration)
        shape.normalizesHeads = true
        let loader = LayerLoader(tensors: tensors, precision: precision)
        guard configuration.string("hidden_act") ?? "xielu" == "xielu" else {
            throw ModelError(.unsupported, "\(configuration.source): an Apertus with another activation than xielu")
        }
        @Sendable func scalar(_ name: String, default value: Float? = nil) throws(ModelError) -> Float {
            if let value, !tensors.contains(name) { return value }
            return try loader.vector(name, 1)[0]
        }
        let names = DecoderNames(attentionNorm: "attention_layernorm", feedForwardNorm: "feedforward_layernorm")
        stack = try DecoderStack(
            shape, loader, names, isTied: configuration["tie_word_embeddings"]?.bool
        ) { [shape] prefix throws(ModelError) in
            FeedForward(
                up: try loader.linear(prefix + "mlp.up_proj", outputs: shape.feedForward, inputs: shape.width),
                activation: .xielu(
                    alphaPositive: try scalar(prefix + "mlp.act_fn.alpha_p"),
                    alphaNegative: try scalar(prefix + "mlp.act_fn.alpha_n"),
                    beta: try scalar(prefix + "mlp.act_fn.beta", default: 0.5),
                    epsilon: try scalar(prefix + "mlp.act_fn.eps", default: -1e-6)),
                down: try loader.linear(prefix + "mlp.down_proj", outputs: shape.width, inputs: shape.feedForward))
        }
    }
}
