internal import EDICJSON
internal import EDICNumerics

/// Llama (Touvron et al. 2023) and the models of its shape: EuroLLM, Salamandra, Teuken, Mistral, SmolLM.
///
/// Each layer reads what came before through two normalised branches and adds to it:
///
///     h = h + attention(rmsNorm(h))
///     h = h + down(silu(gate(rmsNorm(h))) · up(rmsNorm(h)))
struct Llama: StackedNetwork {
    struct FeedForward: DecoderFeedForward {
        /// Gate and up: width → feedForward.
        let gateAndUp: JointLinear
        /// feedForward → width
        let down: Linear

        var linears: [Linear] { gateAndUp.layers + [down] }

        func add(_ x: Matrix, to h: inout Matrix, on compute: Compute) {
            down.add(gateAndUp.gated(x, on: compute), to: &h, on: compute)
        }
    }

    let stack: DecoderStack<FeedForward>
}

extension Llama {
    /// From a Hugging Face folder.
    init(_ configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision) throws(ModelError) {
        try self.init(configuration, DecoderShape(configuration), tensors, precision)
    }

    /// From a Hugging Face folder of Mistral (Jiang et al. 2023): Llama's network, whose tokens see a window.
    init(
        mistral configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision
    ) throws(ModelError) {
        let configuration = configuration.supposing(["num_key_value_heads": 8])
        var shape = try DecoderShape(configuration)
        shape.window = try DecoderShape.window(configuration, default: 4096)
        try self.init(configuration, shape, tensors, precision)
    }

    init(
        _ configuration: ModelConfiguration, _ shape: DecoderShape, _ tensors: TensorCollection, _ precision: Precision
    ) throws(ModelError) {
        let activation = configuration.string("hidden_act") ?? "silu"
        guard try Activation(named: activation, source: configuration.source) == .silu else {
            throw ModelError(.unsupported, "\(configuration.source): a Llama with \(activation) instead of silu")
        }
        try self.init(
            shape, LayerLoader(tensors: tensors, precision: precision), DecoderNames(),
            gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj",
            isTied: configuration["tie_word_embeddings"]?.bool)
    }

    /// From a GGUF file, whose maker put the rows of queries and keys in another order.
    init(_ file: GGUF, _ precision: Precision) throws(ModelError) {
        try self.init(file, DecoderShape(file, pairing: .neighbours), precision)
    }

    init(_ file: GGUF, _ shape: DecoderShape, _ precision: Precision) throws(ModelError) {
        let names = DecoderNames(
            embedding: "token_embd", norm: "output_norm", head: "output", layer: { "blk.\($0)." },
            attentionNorm: "attn_norm", query: "attn_q", key: "attn_k", value: "attn_v", output: "attn_output",
            queryNorm: "attn_q_norm", keyNorm: "attn_k_norm", feedForwardNorm: "ffn_norm")
        try self.init(
            shape, LayerLoader(tensors: file.tensors, precision: precision), names, gate: "ffn_gate", up: "ffn_up",
            down: "ffn_down", isTied: nil)
    }

    private init(
        _ shape: DecoderShape, _ loader: LayerLoader, _ names: DecoderNames, gate: String, up: String, down: String,
        isTied: Bool?
    ) throws(ModelError) {
        stack = try DecoderStack(shape, loader, names, isTied: isTied) { prefix throws(ModelError) in
            FeedForward(
                gateAndUp: JointLinear([
                    try loader.linear(prefix + gate, outputs: shape.feedForward, inputs: shape.width),
                    try loader.linear(prefix + up, outputs: shape.feedForward, inputs: shape.width),
                ]),
                down: try loader.linear(prefix + down, outputs: shape.width, inputs: shape.feedForward))
        }
    }
}
