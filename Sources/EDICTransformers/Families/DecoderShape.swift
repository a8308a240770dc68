internal import EDICJSON
internal import SystemPackage

/// The sizes that Llama and its relatives share, from `config.json` or from GGUF metadata.
struct DecoderShape: Sendable {
    let source: String
    var vocabulary: Int
    var width: Int
    var layers: Int
    var heads: Int
    var keyValueHeads: Int
    var headDimension: Int
    var feedForward: Int
    var epsilon: Float
    var context: Int?
    /// How many tokens back a token sees, itself included; nil for all.
    var window: Int?
    /// The layers that have the window; nil for all.
    var windowedLayers: Set<Int>?
    /// The files have to have biases of queries, keys and values.
    var hasInputBiases = false
    /// Each head's queries and keys are normalised before they are rotated.
    var normalizesHeads = false
    var rotary: RotaryEmbedding
    /// The layers without rotary positions.
    var unrotatedLayers: Set<Int> = []

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        source = configuration.source
        vocabulary = try configuration.count("vocab_size")
        width = try configuration.count("hidden_size")
        layers = try configuration.count("num_hidden_layers")
        heads = try configuration.count("num_attention_heads")
        keyValueHeads = try configuration.count("num_key_value_heads", default: heads)
        feedForward = try configuration.count("intermediate_size")
        epsilon = try configuration.epsilon("rms_norm_eps", default: 1e-6)
        context =
            configuration.has("max_position_embeddings") ? try configuration.count("max_position_embeddings") : nil
        headDimension =
            configuration.has("head_dim")
            ? try configuration.count("head_dim")
            : try ModelConfiguration.headDimension(width: width, heads: heads, source: source)
        try Self.check(layers, heads, keyValueHeads, headDimension, source)
        rotary = try RotaryEmbedding(configuration, headDimension: headDimension, context: context)
        if case .dynamic(let factor, let original) = rotary.scaling {
            // Here max_position_embeddings is the length before stretching.
            context = Int(min(Float(original) * max(1, factor), 0x1p30))
        }
    }

    init(_ file: GGUF, pairing: RotaryEmbedding.Pairing) throws(ModelError) {
        source = file.path.string
        let architecture = file.architecture ?? "llama"
        func count(_ key: String) throws(ModelError) -> Int {
            guard let value = file.integer("\(architecture).\(key)"), value > 0, value < 1 << 31 else {
                throw ModelError(.malformed, "\(file.path): \(architecture).\(key) should be a whole number above zero")
            }
            return value
        }
        width = try count("embedding_length")
        layers = try count("block_count")
        heads = try count("attention.head_count")
        keyValueHeads = file.integer("\(architecture).attention.head_count_kv") ?? heads
        feedForward = try count("feed_forward_length")
        let epsilonKey = "\(architecture).attention.layer_norm_rms_epsilon"
        epsilon = try ModelConfiguration.epsilon(Float(file.double(epsilonKey) ?? 1e-5), epsilonKey, source: source)
        context = file.integer("\(architecture).context_length") == nil ? nil : try count("context_length")
        if let stated = file.integer("\(architecture).attention.key_length") {
            headDimension = stated
        } else {
            headDimension = try ModelConfiguration.headDimension(width: width, heads: heads, source: source)
        }
        window = file.integer("\(architecture).attention.sliding_window").flatMap { $0 > 0 ? $0 : nil }
        guard let embedding = file.tensors["token_embd.weight"], embedding.shape.count == 2 else {
            throw ModelError(.mismatch, "\(file.path): has no matrix token_embd.weight, which the model's family needs")
        }
        vocabulary = embedding.shape[0]
        guard vocabulary > 0 else { throw ModelError(.malformed, "\(file.path): token_embd.weight has no words") }
        try Self.check(layers, heads, keyValueHeads, headDimension, source)
        rotary = try RotaryEmbedding(file, architecture: architecture, pairing: pairing, headDimension: headDimension)
    }

    /// The window of families that have one: null is none, and what the file does not say is the family's own.
    static func window(_ configuration: ModelConfiguration, default size: Int) throws(ModelError) -> Int? {
        guard configuration.json["sliding_window"] != nil else { return size }
        return configuration.has("sliding_window") ? try configuration.count("sliding_window") : nil
    }

    /// Windows in the layers that `layer_types` names, or else in those that have one by default.
    mutating func setWindows(
        _ configuration: ModelConfiguration, default windowed: some Sequence<Int>
    ) throws(ModelError) {
        guard configuration.has("layer_types") else {
            windowedLayers = Set(windowed)
            return
        }
        let types = configuration["layer_types"]?.array?.map(\.string) ?? []
        guard types.count == layers, types.allSatisfy({ $0 == "full_attention" || $0 == "sliding_attention" }) else {
            throw ModelError(
                .unsupported,
                "\(source): layer_types should be full_attention or sliding_attention for each of \(layers) layers")
        }
        windowedLayers = Set(types.indices.filter { types[$0] == "sliding_attention" })
    }

    /// Before anything is made in these sizes.
    private static func check(
        _ layers: Int, _ heads: Int, _ keyValueHeads: Int, _ headDimension: Int, _ source: String
    ) throws(ModelError) {
        guard keyValueHeads > 0, heads % keyValueHeads == 0 else {
            throw ModelError(.malformed, "\(source): \(keyValueHeads) key-value heads do not divide \(heads) heads")
        }
        guard layers <= 4096, (2...1 << 16).contains(headDimension),
            heads <= 1 << 16, headDimension % 2 == 0
        else {
            throw ModelError(
                .malformed, "\(source): \(layers) layers of \(heads) heads of \(headDimension) are not a real model")
        }
    }
}

extension RotaryEmbedding {
    /// From `rope_theta` and `rope_scaling` of older files, or from `rope_parameters`.
    init(_ configuration: ModelConfiguration, headDimension: Int, context: Int?) throws(ModelError) {
        let parameters = configuration["rope_scaling"] ?? configuration["rope_parameters"]
        let source = configuration.source
        if let parameters {
            guard let object = parameters.object else {
                throw ModelError(.malformed, "\(source): the rope scaling should be a JSON object")
            }
            // Families outside this list give kinds of layers their own.
            guard object.allSatisfy({ $0.value.object == nil }) else {
                throw ModelError(.unsupported, "\(source): rope scaling that differs from layer to layer")
            }
        }
        let rope = ModelConfiguration(source: source + ": rope scaling", json: parameters ?? .object(JSONObject()))
        let base = try rope.float("rope_theta", default: try configuration.float("rope_theta", default: 10000))
        let share = try rope.float(
            "partial_rotary_factor", default: try configuration.float("partial_rotary_factor", default: 1))
        guard base > 1 else { throw ModelError(.malformed, "\(source): rope_theta \(base) is out of range") }
        // The families known here rotate whole heads, whatever the number.
        guard share == 1 else {
            throw ModelError(.unsupported, "\(source): partial_rotary_factor \(share): whole heads are rotated here")
        }
        let kind = rope.string("rope_type") ?? rope.string("type") ?? "default"
        func original() throws(ModelError) -> Int {
            if rope.has("original_max_position_embeddings") {
                return try rope.count("original_max_position_embeddings")
            }
            return try configuration.count(
                "original_max_position_embeddings", default: try configuration.count("max_position_embeddings"))
        }
        // YaRN's is how many times longer texts may be than before, where the file does not say.
        var implied: Float = 1
        if kind == "yarn", !rope.has("factor"), let context { implied = Float(context) / Float(try original()) }
        let factor = try rope.float("factor", default: implied)
        guard factor > 0 else {
            throw ModelError(.malformed, "\(source): the rope scaling factor \(factor) should be above zero")
        }
        let scaling: Scaling
        switch kind {
        case "default", "mrope": scaling = .none
        case "linear": scaling = .linear(factor: factor)
        case "dynamic": scaling = .dynamic(factor: factor, original: try configuration.count("max_position_embeddings"))
        case "llama3":
            scaling = .llama3(
                factor: factor, low: try rope.float("low_freq_factor", default: 1),
                high: try rope.float("high_freq_factor", default: 4), original: try original())
        case "yarn":
            scaling = try Self.yarn(rope, factor: factor, original: try original())
        default:
            throw ModelError(
                .unsupported,
                "\(source): the rope scaling \(kind) is not known; default, linear, dynamic, llama3 and yarn are")
        }
        self.init(pairing: .halves, dimension: headDimension, base: base, scaling: scaling)
    }

    private static func yarn(
        _ rope: ModelConfiguration, factor: Float, original: Int
    ) throws(ModelError) -> Scaling {
        let mscale = try rope.float("mscale", default: 0)
        let mscaleAll = try rope.float("mscale_all_dim", default: 0)
        let implied =
            mscale > 0 && mscaleAll > 0
            ? magnitude(stretch: factor, by: mscale) / magnitude(stretch: factor, by: mscaleAll)
            : magnitude(stretch: factor)
        return .yarn(
            factor: factor, original: original, fast: try rope.float("beta_fast", default: 32),
            slow: try rope.float("beta_slow", default: 1),
            attention: try rope.float("attention_factor", default: implied),
            truncate: rope.bool("truncate", default: true))
    }

    init(_ file: GGUF, architecture: String, pairing: Pairing, headDimension: Int) throws(ModelError) {
        let prefix = "\(architecture).rope."
        let dimension = file.integer(prefix + "dimension_count") ?? headDimension
        let base = Float(file.double(prefix + "freq_base") ?? 10000)
        guard dimension > 0, dimension <= headDimension, dimension % 2 == 0, base > 1 else {
            throw ModelError(
                .malformed, "\(file.path): rotates \(dimension) of \(headDimension) numbers with base \(base)")
        }
        let factor = Float(file.double(prefix + "scaling.factor") ?? file.double(prefix + "scale_linear") ?? 1)
        let original = file.integer(prefix + "scaling.original_context_length")
        let kind = file.string(prefix + "scaling.type") ?? (factor > 1 ? "linear" : "none")
        let scaling: Scaling
        if let tensor = file.tensors["rope_freqs.weight"] {
            scaling = .divisors(try tensor.vector(dimension / 2))
        } else {
            switch kind {
            case "none": scaling = .none
            case "linear": scaling = factor > 0 ? .linear(factor: factor) : .none
            case "yarn":
                guard let original, original > 0, factor > 0 else {
                    throw ModelError(.malformed, "\(file.path): yarn scaling without its original context length")
                }
                func number(_ key: String, default value: Float) -> Float {
                    file.double(prefix + "scaling." + key).map { Float($0) } ?? value
                }
                let attention = number("attn_factor", default: 1)
                let (fast, slow) = (number("yarn_beta_fast", default: 32), number("yarn_beta_slow", default: 1))
                guard fast > 0, slow > 0, fast.isFinite, slow.isFinite else {
                    throw ModelError(
                        .malformed,
                        "\(file.path): yarn_beta_fast \(fast) and yarn_beta_slow \(slow) should be above zero")
                }
                scaling = .yarn(
                    factor: factor, original: original, fast: fast, slow: slow,
                    attention: attention * Self.magnitude(stretch: factor), truncate: true)
            default:
                throw ModelError(.unsupported, "\(file.path): the rope scaling \(kind) is not known")
            }
        }
        self.init(pairing: pairing, dimension: dimension, base: base, scaling: scaling)
    }
}
