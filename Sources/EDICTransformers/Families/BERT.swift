internal import EDICJSON
internal import EDICNumerics

/// BERT (Devlin et al. 2019) and, with other positions, XLM-RoBERTa (Conneau et al. 2020): every token sees every
/// other, and each branch is added and then normalised.
///
///     h = layerNorm(words + positions + segments)
///     h = layerNorm(h + attention(h))
///     h = layerNorm(h + project(gelu(expand(h))))
struct BERT: Sendable {
    struct Layer: Sendable {
        let query, key, value, output: Linear
        let attentionNorm: LayerNorm
        let expand, project: Linear
        let norm: LayerNorm
    }

    let vocabulary: Int
    let width: Int
    /// The most tokens a text may have.
    let contextLength: Int
    /// Where positions begin: RoBERTa's first is the number after its padding word's.
    let firstPosition: Int
    let words: EmbeddingTable
    let positions: EmbeddingTable
    let segments: EmbeddingTable
    let embeddingNorm: LayerNorm
    let layers: [Layer]
    let attention: Attention
    let activation: Activation
    /// The tanh layer over the first token, where the file has it.
    let pooler: Linear?

    /// The last state of every token; texts lie one after the other and do not see each other.
    func states(of texts: [[Int]], on compute: Compute, trace: ((Matrix) -> Void)? = nil) -> Matrix {
        var ranges: [Range<Int>] = []
        var places: [Int] = []
        for text in texts {
            let start = ranges.last?.upperBound ?? 0
            ranges += repeatElement(start..<start + text.count, count: text.count)
            places += text.indices.map { $0 + firstPosition }
        }
        var h = words.rows(texts.flatMap(\.self))
        h.add(positions.rows(places), on: compute)
        h.add(segments.rows([Int](repeating: 0, count: h.rows)), on: compute)
        embeddingNorm.apply(to: &h, on: compute)
        for layer in layers {
            trace?(h)
            let projected = Linear.all([layer.query, layer.key, layer.value], of: h, on: compute)
            let mixed = attention(
                projected[0], keys: projected[1].values, values: projected[2].values,
                visible: { .range(ranges[$0]) }, on: compute)
            layer.output.add(mixed, to: &h, on: compute)
            layer.attentionNorm.apply(to: &h, on: compute)
            var inner = layer.expand(h, on: compute)
            inner.apply(activation, on: compute)
            layer.project.add(inner, to: &h, on: compute)
            layer.norm.apply(to: &h, on: compute)
        }
        trace?(h)
        return h
    }

    /// tanh(W·h + b) of first tokens.
    func pooled(_ firsts: Matrix, on compute: Compute) -> Matrix? {
        guard let pooler else { return nil }
        var pooled = pooler(firsts, on: compute)
        pooled.apply(.tanh, on: compute)
        return pooled
    }
}

extension BERT {
    init(_ configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision) throws(ModelError) {
        let source = configuration.source
        let isRoberta = configuration.string("model_type")?.contains("roberta") ?? false
        let prefix =
            ["", "bert.", "roberta."].first { tensors.contains($0 + "embeddings.word_embeddings.weight") } ?? ""
        let loader = LayerLoader(tensors: tensors, precision: precision)
        vocabulary = try configuration.count("vocab_size")
        let width = try configuration.count("hidden_size")
        let inner = try configuration.count("intermediate_size")
        let heads = try configuration.count("num_attention_heads")
        let places = try configuration.count("max_position_embeddings")
        let epsilon = try configuration.epsilon("layer_norm_eps", default: 1e-12)
        guard configuration.string("position_embedding_type") ?? "absolute" == "absolute" else {
            throw ModelError(.unsupported, "\(source): relative positions are not supported, only absolute ones")
        }
        guard !configuration.bool("is_decoder", default: false) else {
            throw ModelError(
                .unsupported, "\(source): is_decoder: only encoders, which see all of a text, are run here")
        }
        self.width = width
        let padding = isRoberta ? configuration["pad_token_id"]?.int ?? 1 : -1
        guard (-1..<places - 1).contains(padding) else {
            throw ModelError(.malformed, "\(source): pad_token_id leaves no positions")
        }
        firstPosition = padding + 1
        contextLength = places - firstPosition
        attention = Attention(
            heads: heads, keyValueHeads: heads,
            headDimension: try ModelConfiguration.headDimension(width: width, heads: heads, source: source))
        activation = try Activation(named: configuration.string("hidden_act") ?? "gelu", source: source)
        func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError) -> Linear {
            try loader.linear(name + ".weight", bias: name + ".bias", outputs: outputs, inputs: inputs)
        }
        func norm(_ name: String) throws(ModelError) -> LayerNorm {
            // The first BERT files call the scale gamma and the bias beta.
            let old = !tensors.contains(name + ".weight")
            return try loader.layerNorm(
                name + (old ? ".gamma" : ".weight"), name + (old ? ".beta" : ".bias"), width, epsilon: epsilon)
        }
        let table = prefix + "embeddings."
        words = try loader.table(table + "word_embeddings.weight", words: vocabulary, width: width)
        positions = try loader.table(table + "position_embeddings.weight", words: places, width: width)
        segments = try loader.table(
            table + "token_type_embeddings.weight", words: try configuration.count("type_vocab_size", default: 2),
            width: width)
        embeddingNorm = try norm(table + "LayerNorm")
        var layers: [Layer] = []
        for index in 0..<(try configuration.count("num_hidden_layers")) {
            let layer = "\(prefix)encoder.layer.\(index)."
            layers.append(
                Layer(
                    query: try linear(layer + "attention.self.query", width, width),
                    key: try linear(layer + "attention.self.key", width, width),
                    value: try linear(layer + "attention.self.value", width, width),
                    output: try linear(layer + "attention.output.dense", width, width),
                    attentionNorm: try norm(layer + "attention.output.LayerNorm"),
                    expand: try linear(layer + "intermediate.dense", inner, width),
                    project: try linear(layer + "output.dense", width, inner),
                    norm: try norm(layer + "output.LayerNorm")))
        }
        self.layers = layers
        pooler =
            tensors.contains(prefix + "pooler.dense.weight")
            ? try linear(prefix + "pooler.dense", width, width) : nil
    }
}
