/// A family of models that share an architecture: which files name it and what its models do.
///
/// To add a family, write a type that reads like its paper in `Families/`, and list it here. <doc:AddingAFamily> shows
/// how.
public struct ModelFamily: Sendable {
    /// The family's own name.
    public let name: String
    /// What models of the family do.
    public let kind: ModelKind
    /// The values of `model_type` in `config.json` that mean this family.
    public let modelTypes: Set<String>
    /// The values of `general.architecture` in GGUF files that mean this family.
    public let ggufArchitectures: Set<String>
    /// Builds a decoder of this family.
    let load: Loader

    enum Loader: Sendable {
        case causal(
            folder: @Sendable (ModelConfiguration, TensorCollection, Precision) throws(ModelError) -> any CausalNetwork,
            file: (@Sendable (GGUF, Precision) throws(ModelError) -> any CausalNetwork)?)
        case encoder
        case translator
    }

    /// Every family this library runs.
    public static let all: [ModelFamily] = [
        ModelFamily(
            name: "llama", kind: .causalLanguageModel, modelTypes: ["llama"], ggufArchitectures: ["llama"],
            load: .causal(
                folder: { c, t, p throws(ModelError) in try Llama(c, t, p) },
                file: { file, p throws(ModelError) in try Llama(file, p) })),
        ModelFamily(
            name: "mistral", kind: .causalLanguageModel, modelTypes: ["mistral"], ggufArchitectures: [],
            load: .causal(folder: { c, t, p throws(ModelError) in try Llama(mistral: c, t, p) }, file: nil)),
        ModelFamily(
            name: "qwen2", kind: .causalLanguageModel, modelTypes: ["qwen2"], ggufArchitectures: ["qwen2"],
            load: .causal(
                folder: { c, t, p throws(ModelError) in try Llama(qwen2: c, t, p) },
                file: { file, p throws(ModelError) in try Llama(qwen2: file, p) })),
        ModelFamily(
            name: "qwen3", kind: .causalLanguageModel, modelTypes: ["qwen3"], ggufArchitectures: ["qwen3"],
            load: .causal(
                folder: { c, t, p throws(ModelError) in try Llama(qwen3: c, t, p) },
                file: { file, p throws(ModelError) in try Llama(qwen3: file, p) })),
        ModelFamily(
            name: "smollm3", kind: .causalLanguageModel, modelTypes: ["smollm3"], ggufArchitectures: ["smollm3"],
            load: .causal(
                folder: { c, t, p throws(ModelError) in try Llama(smolLM3: c, t, p) },
                file: { file, p throws(ModelError) in try Llama(smolLM3: file, p) })),
        ModelFamily(
            name: "apertus", kind: .causalLanguageModel, modelTypes: ["apertus"], ggufArchitectures: [],
            load: .causal(folder: { c, t, p throws(ModelError) in try Apertus(c, t, p) }, file: nil)),
        ModelFamily(
            name: "gpt2", kind: .causalLanguageModel, modelTypes: ["gpt2"], ggufArchitectures: [],
            load: .causal(folder: { c, t, p throws(ModelError) in try GPT2(c, t, p) }, file: nil)),
        ModelFamily(
            name: "marian", kind: .translation, modelTypes: ["marian"], ggufArchitectures: [], load: .translator),
        ModelFamily(
            name: "bert", kind: .textEmbedder, modelTypes: ["bert", "xlm-roberta", "roberta"], ggufArchitectures: [],
            load: .encoder),
    ]

    static var knownModelTypes: String { all.flatMap(\.modelTypes).sorted().joined(separator: ", ") }
    static var knownArchitectures: String { all.flatMap(\.ggufArchitectures).sorted().joined(separator: ", ") }
}
