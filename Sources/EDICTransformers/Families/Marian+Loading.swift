internal import EDICJSON
internal import EDICNumerics

extension Marian {
    /// From a Hugging Face folder (MarianMTModel): its names, its positions, ε = 10⁻⁵.
    ///
    /// - Parameter generation: the file that says how its texts begin: `generation_config.json`, or else the same.
    init(
        _ configuration: ModelConfiguration, generation: ModelConfiguration, _ tensors: TensorCollection,
        _ precision: Precision
    ) throws(ModelError) {
        let source = configuration.source
        let width = try configuration.count("d_model")
        func heads(_ key: String) throws(ModelError) -> Attention {
            let heads = try configuration.count(key)
            return Attention(
                heads: heads, keyValueHeads: heads,
                headDimension: try ModelConfiguration.headDimension(width: width, heads: heads, source: source))
        }
        encoderAttention = try heads("encoder_attention_heads")
        decoderAttention =
            configuration.has("decoder_attention_heads") ? try heads("decoder_attention_heads") : encoderAttention
        storage = precision.storage
        for (key, expected) in [("normalize_before", false), ("normalize_embedding", false)]
        where configuration.bool(key, default: expected) != expected {
            throw ModelError(.unsupported, "\(source): \(key) is not supported in a Marian model")
        }
        let activation = try Activation(
            named: configuration.string("activation_function") ?? "swish", source: source)
        let loader = LayerLoader(tensors: tensors, precision: precision)
        func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError) -> Linear {
            try loader.linear(name + ".weight", bias: name + ".bias", outputs: outputs, inputs: inputs)
        }
        func norm(_ name: String) throws(ModelError) -> LayerNorm {
            try loader.layerNorm(name + ".weight", name + ".bias", width, epsilon: 1e-5)
        }
        func attention(_ name: String) throws(ModelError) -> CrossAttention {
            CrossAttention(
                query: try linear(name + ".q_proj", width, width), key: try linear(name + ".k_proj", width, width),
                value: try linear(name + ".v_proj", width, width),
                output: try linear(name + ".out_proj", width, width), norm: try norm(name + "_layer_norm"))
        }
        func feedForward(_ layer: String, _ inner: Int) throws(ModelError) -> FeedForward {
            FeedForward(
                expand: try linear(layer + "fc1", inner, width), project: try linear(layer + "fc2", width, inner),
                activation: activation, norm: try norm(layer + "final_layer_norm"))
        }
        let words = try configuration.count("vocab_size")
        let targetWords = try configuration.count("decoder_vocab_size", default: words)
        let (shared, ownSource) = ("model.shared.weight", "model.encoder.embed_tokens.weight")
        let isTied = configuration.bool("tie_word_embeddings", default: true)
        let hasOwn = tensors.contains(ownSource) && (!isTied || !tensors.contains(shared))
        sourceEmbedding = try loader.vocabulary(hasOwn ? ownSource : shared, words: words, width: width)
        let ownTarget = "model.decoder.embed_tokens.weight"
        let hasOwnTarget = tensors.contains(ownTarget)
        targetEmbedding =
            hasOwnTarget ? try loader.vocabulary(ownTarget, words: targetWords, width: width) : sourceEmbedding
        let targetName = hasOwnTarget ? ownTarget : hasOwn ? ownSource : shared
        output =
            try loader.isTied(targetName, "lm_head.weight", says: isTied)
            ? targetEmbedding : try loader.vocabulary("lm_head.weight", words: targetWords, width: width)
        outputBias = tensors.contains("final_logits_bias") ? try loader.vector("final_logits_bias", targetWords) : nil
        var encoder: [EncoderLayer] = []
        let encoderInner = try configuration.count("encoder_ffn_dim")
        for index in 0..<(try configuration.count("encoder_layers")) {
            let layer = "model.encoder.layers.\(index)."
            encoder.append(
                EncoderLayer(
                    attention: try attention(layer + "self_attn"), feedForward: try feedForward(layer, encoderInner)))
        }
        var decoder: [DecoderLayer] = []
        let decoderInner = try configuration.count("decoder_ffn_dim")
        for index in 0..<(try configuration.count("decoder_layers")) {
            let layer = "model.decoder.layers.\(index)."
            decoder.append(
                DecoderLayer(
                    past: .attention(try attention(layer + "self_attn")),
                    context: try attention(layer + "encoder_attn"), feedForward: try feedForward(layer, decoderInner)))
        }
        self.encoder = encoder
        self.decoder = decoder
        self.width = width
        positions = SinusoidalPositions(dimension: width, marian: false)
        embeddingScale = configuration.bool("scale_embedding", default: false) ? Float(width).squareRoot() : 1
        endOfSentence = configuration["eos_token_id"]?.int ?? 0
        padding = configuration["pad_token_id"]?.int
        start = (generation["decoder_start_token_id"] ?? configuration["decoder_start_token_id"])?.int ?? padding
        context = try configuration.count("max_position_embeddings", default: 512)
        alignment = (decoder.count - 1, nil)
        try check(source)
    }

    /// From Marian's own files, with the options the model carries: its names, its positions, no padding word.
    ///
    /// - Parameter hasShortlist: whether sentences need few of the words' scores.
    init(
        _ settings: MarianSettings, _ tensors: TensorCollection, _ precision: Precision, hasShortlist: Bool = false
    ) throws(ModelError) {
        let source = settings.source
        try Self.refuseUnsupported(settings)
        let width = try settings.required("dim-emb")
        let heads = try settings.required("transformer-heads")
        let inner = try settings.required("transformer-dim-ffn")
        let decoderInner = settings.int("transformer-decoder-dim-ffn").flatMap { $0 > 0 ? $0 : nil } ?? inner
        let named = settings.string("transformer-ffn-activation") ?? "swish"
        let activation = named == "gelu" ? .geluSigmoid : try Activation(named: named, source: source)
        let loader = LayerLoader(
            tensors: tensors, precision: precision, transposed: true, vocabularyStaysInFile: hasShortlist)
        func linear(_ name: String, _ kind: String, _ outputs: Int, _ inputs: Int) throws(ModelError) -> Linear {
            try loader.linear("\(name)_W\(kind)", bias: "\(name)_b\(kind)", outputs: outputs, inputs: inputs)
        }
        func norm(_ name: String) throws(ModelError) -> LayerNorm {
            try loader.layerNorm(name + "_ln_scale", name + "_ln_bias", width, epsilon: 1e-9)
        }
        func attention(_ name: String) throws(ModelError) -> CrossAttention {
            CrossAttention(
                query: try linear(name, "q", width, width), key: try linear(name, "k", width, width),
                value: try linear(name, "v", width, width), output: try linear(name, "o", width, width),
                norm: try norm(name + "_Wo"))
        }
        func feedForward(_ name: String, _ inner: Int) throws(ModelError) -> FeedForward {
            FeedForward(
                expand: try linear(name, "1", inner, width), project: try linear(name, "2", width, inner),
                activation: activation, norm: try norm(name + "_ffn"))
        }
        func wordCount(_ name: String) throws(ModelError) -> Int {
            guard let shape = tensors[name]?.shape, shape.count == 2 else {
                throw ModelError(.mismatch, "\(tensors.source): has no matrix \(name), which the model's family needs")
            }
            return shape[0]
        }
        let shared = tensors.contains("Wemb")
        let sourceName = shared ? "Wemb" : "encoder_Wemb"
        let targetName = shared ? "Wemb" : "decoder_Wemb"
        sourceEmbedding = try loader.vocabulary(sourceName, words: try wordCount(sourceName), width: width)
        targetEmbedding =
            shared ? sourceEmbedding : try loader.vocabulary(targetName, words: try wordCount(targetName), width: width)
        let head = "decoder_ff_logit_out_"
        let words = targetEmbedding.outputs
        if tensors.contains(head + "Wt") {
            output = try loader.vocabulary(head + "Wt", words: words, width: width)
        } else if tensors.contains(head + "W") {
            // As older versions wrote it, with a column for each word.
            output = try loader.vocabulary(head + "W", words: words, width: width, transposed: loader.transposed)
        } else if settings.bool("tied-embeddings") == false, settings.bool("tied-embeddings-all") == false {
            throw ModelError(
                .mismatch, "\(tensors.source): has no matrix \(head)Wt, and \(source) does not tie it to the words'")
        } else {
            output = targetEmbedding
        }
        outputBias = tensors.contains(head + "b") ? try loader.vector(head + "b", targetEmbedding.outputs) : nil
        var encoder: [EncoderLayer] = []
        for index in 1...(try Self.depth(settings, "enc-depth")) {
            encoder.append(
                EncoderLayer(
                    attention: try attention("encoder_l\(index)_self"),
                    feedForward: try feedForward("encoder_l\(index)_ffn", inner)))
        }
        let isRecurrent = settings.string("transformer-decoder-autoreg") == "rnn"
        var decoder: [DecoderLayer] = []
        for index in 1...(try Self.depth(settings, "dec-depth")) {
            let layer = "decoder_l\(index)_"
            let past: Past
            if isRecurrent {
                past = .recurrent(
                    SimpleRecurrentUnit(
                        input: try loader.linear(layer + "rnn_W", bias: nil, outputs: width, inputs: width),
                        forget: try loader.linear(
                            layer + "rnn_Wf", bias: layer + "rnn_bf", outputs: width, inputs: width),
                        norm: try norm(layer + "rnn_ffn")))
            } else {
                past = .attention(try attention(layer + "self"))
            }
            decoder.append(
                DecoderLayer(
                    past: past, context: try attention(layer + "context"),
                    feedForward: try feedForward(layer + "ffn", decoderInner)))
        }
        self.encoder = encoder
        self.decoder = decoder
        self.width = width
        encoderAttention = Attention(
            heads: heads, keyValueHeads: heads,
            headDimension: try ModelConfiguration.headDimension(width: width, heads: heads, source: source))
        decoderAttention = encoderAttention
        storage = precision.storage
        positions = SinusoidalPositions(dimension: width, marian: true)
        embeddingScale = Float(width).squareRoot()
        endOfSentence = 0
        padding = nil
        start = nil
        context = .max
        alignment = try Self.guidedHead(settings, layers: decoder.count)
        try check(source)
    }

    /// How many words the target vocabulary of Marian's own files has.
    static func targetWords(_ tensors: TensorCollection) throws(ModelError) -> Int {
        let shape = (tensors["Wemb"] ?? tensors["decoder_Wemb"])?.shape ?? []
        guard shape.count == 2 else {
            throw ModelError(.mismatch, "\(tensors.source): has no matrix Wemb or decoder_Wemb")
        }
        return shape[0]
    }

    /// The head that guided alignment trains: the first of the layer that is named, counted from 1.
    private static func guidedHead(
        _ settings: MarianSettings, layers: Int
    ) throws(ModelError) -> (layer: Int, head: Int?) {
        let key = "transformer-guided-alignment-layer"
        let named = settings.string(key) ?? "last"
        guard let layer = named == "last" ? layers : Int(named), (1...layers).contains(layer) else {
            throw ModelError(
                .malformed, "\(settings.source): \(key) is \(named), but should be last or one of 1 to \(layers)")
        }
        return (layer - 1, 0)
    }

    private static func depth(_ settings: MarianSettings, _ key: String) throws(ModelError) -> Int {
        let depth = try settings.required(key)
        guard depth <= 1024 else { throw ModelError(.malformed, "\(settings.source): \(key) is \(depth)") }
        return depth
    }

    /// Names the first option that would change the arithmetic in a way this file does not follow.
    private static func refuseUnsupported(_ settings: MarianSettings) throws(ModelError) {
        let source = settings.source
        func expect(_ key: String, _ allowed: Set<String>) throws(ModelError) {
            guard let value = settings.string(key), !allowed.contains(value) else { return }
            throw ModelError(
                .unsupported,
                "\(source): \(key) is \(value); supported: \(allowed.filter { !$0.isEmpty }.sorted().joined(separator: ", "))"
            )
        }
        try expect("type", ["transformer"])
        try expect("transformer-decoder-autoreg", ["self-attention", "rnn"])
        if settings.string("transformer-decoder-autoreg") == "rnn" { try expect("dec-cell", ["ssru"]) }
        try expect("transformer-preprocess", [""])
        try expect("transformer-postprocess", ["dan", "an"])
        try expect("transformer-postprocess-emb", ["d", ""])
        try expect("transformer-postprocess-top", [""])
        try expect("transformer-ffn-depth", ["2"])
        try expect("transformer-decoder-ffn-depth", ["0", "2"])
        for key in [
            "transformer-train-position-embeddings", "transformer-depth-scaling", "transformer-no-projection",
            "transformer-pool", "ulr", "right-left", "output-omit-bias",
        ] {
            try expect(key, ["false"])
        }
        try expect("lemma-dim-emb", ["0"])
        if let tied = settings.strings("transformer-tied-layers"), !tied.isEmpty {
            throw ModelError(.unsupported, "\(source): transformer-tied-layers is not supported")
        }
    }

    private func check(_ source: String) throws(ModelError) {
        guard width % 2 == 0, width > 2 else {
            throw ModelError(.malformed, "\(source): the width \(width) should be an even number above two")
        }
        guard start.map({ (0..<targetEmbedding.outputs).contains($0) }) ?? true else {
            throw ModelError(.mismatch, "\(source): decoder_start_token_id is not in the vocabulary")
        }
        guard (0..<min(sourceVocabulary, targetVocabulary)).contains(endOfSentence) else {
            throw ModelError(.mismatch, "\(source): the end of sentence \(endOfSentence) is not in the vocabulary")
        }
    }
}
