internal import EDICNumerics

/// The frame of Llama and its relatives: layers that read what came before through two normalised branches and add to
/// it. The families differ in their feed-forward layer, in their tensors' names and in a few options.
///
///     h = h + attention(rmsNorm(h))
///     h = h + feedForward(rmsNorm(h))
struct DecoderStack<FeedForward: DecoderFeedForward>: Sendable {
    struct Layer: Sendable {
        let attentionNorm: RMSNorm
        let attention: RotaryAttention
        let feedForwardNorm: RMSNorm
        let feedForward: FeedForward
    }

    let shape: DecoderShape
    let embedding: EmbeddingTable
    let layers: [Layer]
    let norm: RMSNorm
    let head: Weights

    var bytesPerToken: Int {
        layers.reduce(head.matrix.byteCount) { sum, layer in
            let linears = layer.attention.inputs.layers + [layer.attention.output] + layer.feedForward.linears
            return linears.reduce(sum) { $0 + $1.weights.matrix.byteCount }
        }
    }

    func states(
        of batch: TokenBatch, cache: inout some DecoderCache, on compute: Compute, trace: ((Matrix) -> Void)?
    ) -> Matrix {
        var h = embedding.rows(batch.tokens)
        let angles = shape.rotary.angles(positions: batch.positions, lengths: batch.lengths)
        for (index, layer) in layers.enumerated() where !compute.isStopped {
            trace?(h)
            layer.attention.add(
                layer.attentionNorm(h, on: compute), batch, angles, to: &h, cache: &cache, layer: index, on: compute)
            layer.feedForward.add(layer.feedForwardNorm(h, on: compute), to: &h, on: compute)
        }
        norm.apply(to: &h, on: compute)
        trace?(h)
        return h
    }
}

/// The second branch of a layer.
protocol DecoderFeedForward: Sendable {
    /// h += feedForward(x); x: tokens × width, normalised.
    func add(_ x: Matrix, to h: inout Matrix, on compute: Compute)

    /// Its matrices.
    var linears: [Linear] { get }
}

/// A family whose network is one stack.
protocol StackedNetwork: CausalNetwork {
    associatedtype FeedForward: DecoderFeedForward
    var stack: DecoderStack<FeedForward> { get }
}

extension StackedNetwork {
    var vocabulary: Int { stack.shape.vocabulary }
    var contextLength: Int? { stack.shape.context }
    var bytesPerToken: Int { stack.bytesPerToken }

    var attentionShapes: [AttentionShape] { stack.layers.map(\.attention.shape) }

    func stretchesWithLength(_ length: Int) -> Bool { stack.shape.rotary.changes(atLength: length) }

    func states(
        of batch: TokenBatch, cache: inout some DecoderCache, on compute: Compute, trace: ((Matrix) -> Void)?
    ) -> Matrix {
        stack.states(of: batch, cache: &cache, on: compute, trace: trace)
    }

    var head: Weights { stack.head }
}

// MARK: - From files

/// What the tensors of a stack are called; `.weight` and `.bias` follow.
struct DecoderNames {
    var embedding = "model.embed_tokens"
    var norm = "model.norm"
    var head = "lm_head"
    var layer: @Sendable (Int) -> String = { "model.layers.\($0)." }
    var attentionNorm = "input_layernorm"
    var query = "self_attn.q_proj"
    var key = "self_attn.k_proj"
    var value = "self_attn.v_proj"
    var output = "self_attn.o_proj"
    var queryNorm = "self_attn.q_norm"
    var keyNorm = "self_attn.k_norm"
    var feedForwardNorm = "post_attention_layernorm"
}

extension DecoderStack {
    /// - Parameters:
    ///   - isTied: whether the file says that the output layer is the embedding; nil where it does not say.
    ///   - feedForward: makes the second branch of the layer whose tensors' names begin with this.
    init(
        _ shape: DecoderShape, _ loader: LayerLoader, _ names: DecoderNames, isTied: Bool?,
        feedForward: @Sendable (String) throws(ModelError) -> FeedForward
    ) throws(ModelError) {
        self.shape = shape
        let width = shape.width
        let queryWidth = shape.heads * shape.headDimension
        let keyWidth = shape.keyValueHeads * shape.headDimension
        @Sendable func norm(_ name: String, _ count: Int) throws(ModelError) -> RMSNorm {
            try loader.rmsNorm(name + ".weight", count, epsilon: shape.epsilon)
        }
        try loader.requireAlikeBiases(layers: shape.layers, prefix: names.layer)
        if shape.hasInputBiases {
            for name in [names.query, names.key, names.value] {
                _ = try loader.tensors.required(names.layer(0) + name + ".bias")
            }
        }
        // The largest matrix first: while it is packed its numbers are there twice, and later nothing else is that large.
        let headName = names.head + ".weight"
        let embeddingName = names.embedding + ".weight"
        if try loader.isTied(embeddingName, headName, says: isTied) {
            head = try loader.weights(embeddingName, outputs: shape.vocabulary, inputs: width)
            embedding = EmbeddingTable(head)
        } else {
            head = try loader.weights(headName, outputs: shape.vocabulary, inputs: width)
            embedding = try loader.table(embeddingName, words: shape.vocabulary, width: width)
        }
        // Whole layers side by side: their matrices alone are too small to be shared out.
        layers = try (loader.tensors.pool ?? WorkerPool(workers: 1)).map(count: shape.layers) {
            index, _ throws(ModelError) in
            let prefix = names.layer(index)
            let attention = RotaryAttention(
                inputs: JointLinear([
                    try loader.linear(prefix + names.query, outputs: queryWidth, inputs: width),
                    try loader.linear(prefix + names.key, outputs: keyWidth, inputs: width),
                    try loader.linear(prefix + names.value, outputs: keyWidth, inputs: width),
                ]),
                output: try loader.linear(prefix + names.output, outputs: width, inputs: queryWidth),
                queryNorm: shape.normalizesHeads ? try norm(prefix + names.queryNorm, shape.headDimension) : nil,
                keyNorm: shape.normalizesHeads ? try norm(prefix + names.keyNorm, shape.headDimension) : nil,
                shape: AttentionShape(
                    heads: shape.heads, keyValueHeads: shape.keyValueHeads, headSize: shape.headDimension),
                rotary: shape.unrotatedLayers.contains(index) ? nil : shape.rotary,
                window: shape.windowedLayers?.contains(index) ?? true ? shape.window : nil)
            return Layer(
                attentionNorm: try norm(prefix + names.attentionNorm, width), attention: attention,
                feedForwardNorm: try norm(prefix + names.feedForwardNorm, width), feedForward: try feedForward(prefix))
        }
        self.norm = try norm(names.norm, width)
    }
}
