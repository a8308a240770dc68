internal import EDICJSON
internal import EDICStore
internal import SystemPackage

/// What a model's files hold: for `edic model inspect`.
public struct ModelInspection: Sendable {
    public struct TensorSummary: Sendable, Hashable {
        public let name: String
        public let type: String
        public let shape: [Int]
        public let byteCount: Int
    }

    public let path: String
    public let family: String
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
    /// How many bytes its tensors take, which is what running it takes besides the text's own memory.
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
        tensors = try folder.tensors().all.filter { $0.name != MarianBinary.optionsItem }.map {
            TensorSummary(name: $0.name, type: $0.type.description, shape: $0.shape, byteCount: $0.byteCount)
        }
        facts = try Self.facts(of: folder)
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
