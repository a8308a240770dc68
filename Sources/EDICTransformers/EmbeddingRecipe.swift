internal import EDICJSON
internal import EDICNumerics
internal import EDICStore
internal import SystemPackage

/// What sentence-transformers does with the states of a text's tokens, as the files beside a model say: `modules.json` lists
/// the steps, each with a folder of its own.
struct EmbeddingRecipe: Sendable {
    /// A layer between pooling and scaling to length 1.
    struct Dense: Sendable {
        let linear: Linear
        let activation: Activation
    }

    var pooling = TextEmbedder.Pooling.mean
    var dense: [Dense] = []
    var normalizes = false
    var maximumTokens: Int?
    /// What stands before every text.
    var prompt = ""
    var lowercases = false
    /// Whether a text that is too long loses its beginning, where the files say.
    var cutsBeginning: Bool?
    /// How many numbers of a vector are kept (Matryoshka representations, Kusupati et al. 2022); nil for all.
    var keptNumbers: Int?
    /// Whether the prompt's tokens are pooled with the text's.
    private var poolsPrompt = true

    /// The names that sentence-transformers has given to one file, in the order in which it looks for them.
    private static let limitNames = ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"]
        .map { "sentence_\($0)_config.json" }

    /// - Parameters:
    ///   - width: numbers in a token's state.
    init(in path: FilePath, width: Int, precision: Precision) throws(ModelError) {
        let modules = path.appending("modules.json")
        if FileTree.exists(modules) {
            guard let list = try JSONFile.read(modules).array else {
                throw ModelError(.malformed, "\(modules): should be a list of modules")
            }
            try read(list, of: modules, in: path, width: width, precision)
        } else {
            let pooling = path.appending("1_Pooling")
            if FileTree.exists(pooling.appending("config.json")) { try readPooling(pooling) }
        }
        if let limits = Self.limitNames.map({ path.appending($0) }).first(where: { FileTree.exists($0) }) {
            let configuration = try ModelConfiguration(limits)
            if configuration.has("max_seq_length") { maximumTokens = try configuration.count("max_seq_length") }
            lowercases = configuration.bool("do_lower_case", default: false)
        }
        let tokenizer = path.appending("tokenizer_config.json")
        // Where files of sentence-transformers 6 have it; a number beyond 2⁶³ stands for none.
        if maximumTokens == nil, FileTree.exists(modules), FileTree.exists(tokenizer) {
            maximumTokens = try ModelConfiguration(tokenizer)["model_max_length"]?.int
        }
        if FileTree.exists(tokenizer), let side = try ModelConfiguration(tokenizer)["truncation_side"] {
            guard side == "left" || side == "right" else {
                throw ModelError(.malformed, "\(tokenizer): truncation_side should be left or right")
            }
            cutsBeginning = side == "left"
        }
        let defaults = path.appending("config_sentence_transformers.json")
        if FileTree.exists(modules), FileTree.exists(defaults) { try readDefaults(ModelConfiguration(defaults)) }
    }

    private mutating func readDefaults(_ configuration: ModelConfiguration) throws(ModelError) {
        if configuration.has("truncate_dim") { keptNumbers = try configuration.count("truncate_dim") }
        guard let name = configuration.string("default_prompt_name") else { return }
        guard let text = configuration["prompts"]?[name]?.string else {
            throw ModelError(.malformed, "\(configuration.source): default_prompt_name \(name) is none of its prompts")
        }
        guard poolsPrompt || text.isEmpty else {
            throw ModelError(
                .unsupported,
                "\(configuration.source): a prompt that is left out of the pooling (include_prompt) is not supported")
        }
        prompt = text
    }

    private mutating func read(
        _ modules: [JSONValue], of file: FilePath, in path: FilePath, width: Int, _ precision: Precision
    ) throws(ModelError) {
        var width = width
        for module in modules {
            // Such as sentence_transformers.models.Pooling; later versions say the same at more length.
            let name = module["type"]?.string?.split(separator: ".").last.map(String.init) ?? "without a type"
            let folder = try Self.folder(module["path"]?.string ?? "", of: file, in: path)
            switch name {
            case "Transformer": break
            case "Pooling": try readPooling(folder)
            case "Normalize": normalizes = true
            case "Dense" where !normalizes:
                let layer = try Self.dense(in: folder, inputs: width, precision)
                dense.append(layer)
                width = layer.linear.weights.outputs
            default:
                throw ModelError(
                    .unsupported,
                    "\(file): a module \(name)\(name == "Dense" ? " behind Normalize" : "") is not supported; Transformer, Pooling, Dense and Normalize are"
                )
            }
        }
    }

    /// The folder of a module, which is the model's own or within it.
    private static func folder(_ name: String, of file: FilePath, in path: FilePath) throws(ModelError) -> FilePath {
        let own = FilePath(name)
        guard own.isRelative, own.components.allSatisfy({ $0.kind != .parentDirectory }) else {
            throw ModelError(.malformed, "\(file): the module's path \(name) is not within the model's folder")
        }
        return name.isEmpty ? path : path.appending(own.components)
    }

    private mutating func readPooling(_ folder: FilePath) throws(ModelError) {
        let file = folder.appending("config.json")
        let configuration = try ModelConfiguration(file)
        poolsPrompt = configuration.bool("include_prompt", default: true)
        // Of sentence-transformers 6 one word; before, a flag for each way.
        let flags = [
            "mean_tokens", "cls_token", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken",
        ]
        let chosen =
            configuration.string("pooling_mode").map { [$0] }
            ?? flags.filter { configuration.bool("pooling_mode_" + $0, default: false) }
        switch chosen {
        case ["mean"], ["mean_tokens"]: pooling = .mean
        case ["cls"], ["cls_token"]: pooling = .firstToken
        case ["max"], ["max_tokens"]: pooling = .maximum
        default:
            let modes = chosen.isEmpty ? "none" : chosen.joined(separator: " and ")
            throw ModelError(
                .unsupported, "\(file): pooling by \(modes) is not supported; by mean, by cls and by max is")
        }
    }

    private static func dense(
        in folder: FilePath, inputs: Int, _ precision: Precision
    ) throws(ModelError) -> Dense {
        let configuration = try ModelConfiguration(folder.appending("config.json"))
        guard try configuration.count("in_features") == inputs else {
            throw ModelError(.mismatch, "\(configuration.source): in_features should be \(inputs)")
        }
        let weights = folder.appending("model.safetensors")
        guard FileTree.exists(weights) else {
            throw ModelError(.unsupported, "\(folder): has no model.safetensors; other weight files are not read")
        }
        let function = configuration.string("activation_function")?.split(separator: ".").last ?? "Tanh"
        let activation: Activation
        switch function {
        case "Tanh": activation = .tanh
        case "Identity": activation = .identity
        default: activation = try Activation(named: function.lowercased(), source: configuration.source)
        }
        return Dense(
            linear: try LayerLoader(tensors: Safetensors.tensors(in: weights), precision: precision).linear(
                "linear.weight", bias: configuration.bool("bias", default: true) ? "linear.bias" : nil,
                outputs: configuration.count("out_features"), inputs: inputs),
            activation: activation)
    }
}
