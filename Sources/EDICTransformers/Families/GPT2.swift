internal import EDICNumerics

/// GPT-2 (Radford et al. 2019): learnt positions, normalisation before each branch, mostly tied embeddings.
///
///     h = words + positions
///     h = h + attention(layerNorm(h))
///     h = h + project(gelu(expand(layerNorm(h))))
struct GPT2: CausalNetwork {
    struct Layer: Sendable {
        let attentionNorm: LayerNorm
        let shape: AttentionShape
        /// width → queries, keys and values, side by side
        let joint: Linear
        let output: Linear
        let feedForwardNorm: LayerNorm
        let expand: Linear
        let project: Linear
    }

    let vocabulary: Int
    let contextLength: Int?
    let width: Int
    let activation: Activation
    let words: Weights
    /// The output layer; `words` in most files.
    let head: Weights
    let positions: EmbeddingTable
    let layers: [Layer]
    let norm: LayerNorm

    var bytesPerToken: Int {
        layers.flatMap { [$0.joint, $0.output, $0.expand, $0.project] }
            .reduce(head.matrix.byteCount) { $0 + $1.weights.matrix.byteCount }
    }

    var attentionShapes: [AttentionShape] { layers.map(\.shape) }

    func states(
        of batch: TokenBatch, cache: inout some DecoderCache, on compute: Compute, trace: ((Matrix) -> Void)?
    ) -> Matrix {
        var h = words.rows(batch.tokens)
        h.add(positions.rows(batch.positions), on: compute)
        for (index, layer) in layers.enumerated() where !compute.isStopped {
            trace?(h)
            let joint = layer.joint(layer.attentionNorm(h, on: compute), on: compute)
            let mixed = cache.attend(
                queries: joint.columns(0..<width), keys: joint.columns(width..<2 * width),
                values: joint.columns(2 * width..<3 * width), in: batch, window: nil, layer: index, on: compute)
            layer.output.add(mixed, to: &h, on: compute)
            var inner = layer.expand(layer.feedForwardNorm(h, on: compute), on: compute)
            inner.apply(activation, on: compute)
            layer.project.add(inner, to: &h, on: compute)
        }
        norm.apply(to: &h, on: compute)
        trace?(h)
        return h
    }
}

extension GPT2 {
    init(_ configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision) throws(ModelError) {
        let source = configuration.source
        // The first files of GPT-2 have no prefix.
        let prefix = tensors.contains("wte.weight") ? "" : "transformer."
        let loader = LayerLoader(tensors: tensors, precision: precision, transposed: true)
        vocabulary = try configuration.count("vocab_size")
        let width = try configuration.count("n_embd")
        let context = try configuration.count("n_positions")
        let heads = try configuration.count("n_head")
        let inner = try configuration.count("n_inner", default: 4 * width)
        let epsilon = try configuration.epsilon("layer_norm_epsilon", default: 1e-5)
        let headDimension = try ModelConfiguration.headDimension(width: width, heads: heads, source: source)
        let isScaled = configuration.bool("scale_attn_weights", default: true)
        let isScaledByLayer = configuration.bool("scale_attn_by_inverse_layer_idx", default: false)
        self.width = width
        contextLength = context
        activation = try Activation(
            named: configuration.string("activation_function") ?? "gelu_new", source: source)
        func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError) -> Linear {
            try loader.linear(name + ".weight", bias: name + ".bias", outputs: outputs, inputs: inputs)
        }
        func norm(_ name: String) throws(ModelError) -> LayerNorm {
            try loader.layerNorm(name + ".weight", name + ".bias", width, epsilon: epsilon)
        }
        words = try loader.embedding(prefix + "wte.weight", words: vocabulary, width: width)
        head =
            try loader.isTied(
                prefix + "wte.weight", "lm_head.weight", says: configuration.bool("tie_word_embeddings", default: true))
            ? words : try loader.embedding("lm_head.weight", words: vocabulary, width: width)
        positions = try loader.table(prefix + "wpe.weight", words: context, width: width)
        var layers: [Layer] = []
        for index in 0..<(try configuration.count("n_layer")) {
            let block = "\(prefix)h.\(index)."
            let scale =
                (isScaled ? 1 / Float(headDimension).squareRoot() : 1) / (isScaledByLayer ? Float(index + 1) : 1)
            layers.append(
                Layer(
                    attentionNorm: try norm(block + "ln_1"),
                    shape: AttentionShape(heads: heads, keyValueHeads: heads, headSize: headDimension, scale: scale),
                    joint: try linear(block + "attn.c_attn", 3 * width, width),
                    output: try linear(block + "attn.c_proj", width, width),
                    feedForwardNorm: try norm(block + "ln_2"),
                    expand: try linear(block + "mlp.c_fc", inner, width),
                    project: try linear(block + "mlp.c_proj", width, inner)))
        }
        self.layers = layers
        self.norm = try norm(prefix + "ln_f")
    }
}
