internal import EDICJSON
internal import EDICStore
internal import SystemPackage

/// What a model's files hold: for `edic model inspect`.
public struct ModelInspection: Sendable {
    /// A tensor as its file describes it.
    public struct TensorSummary: Sendable, Hashable {
        /// As its file has it.
        public let name: String
        /// The type of its elements, such as `BF16`.
        public let type: String
        /// Extents, the slowest varying first.
        public let shape: [Int]
        /// Bytes that it takes in the file.
        public let byteCount: Int
    }

    /// The folder or file.
    public let path: String
    /// The name of the family, such as `llama`.
    public let family: String
    /// What the model does.
    public let kind: ModelKind
    /// Every tensor, sorted by name.
    public let tensors: [TensorSummary]
    /// Facts from the configuration, such as the number of layers, in order.
    public let facts: [(name: String, value: String)]

    /// How many numbers the model has.
    public var parameterCount: Int {
        // Of types that are not known a file may name any numbers.
        tensors.reduce(0) { sum, tensor in
            let (next, overflow) = sum.addingReportingOverflow(tensor.shape.reduce(1, *))
            return overflow ? .max : next
        }
    }
    /// About how much memory it takes to run it, in bytes, at the default precision and with one text of some hundred tokens:
    /// the weights that are packed, and what else `edic` has, which is the program, the tokenizer and the text's own numbers.
    ///
    /// Measured peaks are within a tenth of it. Tables that words are only looked up in stay in the file. Batches of many
    /// lines, long contexts and several texts at a time take more.
    public let memoryByteCount: Int
    /// How many bytes its tensors take.
    public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
    /// The types of the tensors and the bytes in each, the largest first.
    public var byteCountByType: [(type: String, byteCount: Int)] {
        Dictionary(tensors.map { ($0.type, $0.byteCount) }, uniquingKeysWith: +)
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    /// Reads the headers of a model's files, not its weights.
    public init(_ folder: ModelFolder) throws(ModelError) {
        path = folder.path.string
        family = folder.family
        kind = folder.kind
        let all = try folder.tensors().all.filter { $0.name != MarianBinary.optionsItem }
        memoryByteCount = Self.weights(all, of: folder) + Self.besidesWeights
        tensors = all.map {
            TensorSummary(name: $0.name, type: $0.type.description, shape: $0.shape, byteCount: $0.byteCount)
        }
        facts = try Self.facts(of: folder)
    }

    /// What a run of the tool takes besides weights.
    private static let besidesWeights = 18 << 20

    /// The bytes of the weights that are packed.
    private static func weights(_ tensors: [Tensor], of folder: ModelFolder) -> Int {
        let heads = tensors.contains { ["lm_head.weight", "output.weight"].contains($0.name) }
        return tensors.reduce(0) { sum, tensor in
            let isInFile: Bool =
                switch (folder.kind, folder.layout) {
                case (.textEmbedder, _): tensor.name.hasSuffix("embeddings.weight")
                case (.translation, .marian(let files)):
                    files.shortlist != nil && tensor.type == .intgemm8 && tensor.name.hasSuffix("Wemb")
                case (.translation, _): false
                case (.causalLanguageModel, _):
                    heads && ["embed_tokens.weight", "token_embd.weight"].contains { tensor.name.hasSuffix($0) }
                }
            // Doubles become floats.
            return isInFile ? sum : sum + (tensor.type == .float64 ? tensor.byteCount / 2 : tensor.byteCount)
        }
    }

    private static func facts(of folder: ModelFolder) throws(ModelError) -> [(name: String, value: String)] {
        switch folder.layout {
        case .huggingFace(let file):
            guard let object = try ModelConfiguration(file).json.object else { return [] }
            return object.compactMap { key, value in
                let text: String? =
                    switch value {
                    case .string(let text): text
                    case .integer(let number): String(number)
                    case .double(let number): String(number)
                    case .bool(let flag): String(flag)
                    default: nil
                    }
                return text.map { (key, $0) }
            }
        case .gguf(let file):
            return try GGUF(file).metadata.sorted { $0.key < $1.key }.map { key, value in
                switch value {
                case .integer(let number): (key, String(number))
                case .unsigned(let number): (key, String(number))
                case .double(let number): (key, String(number))
                case .bool(let flag): (key, String(flag))
                case .string(let text): (key, text)
                case .array(let array): (key, "\(array.count) values")
                }
            }
        case .marian(let files):
            var facts: [(name: String, value: String)] = []
            if let item = try folder.tensors()[MarianBinary.optionsItem] {
                facts += try MarianSettings(modelItem: item).scalars
            }
            facts.append(("source vocabulary", files.sourceVocabulary.lastComponent?.string ?? ""))
            facts.append(("target vocabulary", files.targetVocabulary.lastComponent?.string ?? ""))
            if let shortlist = files.shortlist { facts.append(("shortlist", shortlist.lastComponent?.string ?? "")) }
            return facts
        }
    }
}
