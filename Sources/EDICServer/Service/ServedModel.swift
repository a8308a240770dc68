public import EDICLanguageID
public import EDICNgram
public import EDICNumerics
internal import EDICStore
public import EDICTokenizers
public import EDICTransformers
public import SystemPackage

/// What a client can ask for.
public enum ServiceTask: String, Sendable, Hashable, CaseIterable {
    case translate, generate, embed, tokenize, score, identify
}

/// A model and the name that clients call it by.
public struct ServedModel: Sendable {
    /// What does the work.
    public enum Engine: Sendable {
        case translation(TranslationModel)
        case language(CausalLanguageModel)
        case embedder(TextEmbedder)
        case ngram(NgramModel)
        case tokenizer
        case identifier(LanguageIdentifier)
    }

    /// What clients call it by.
    public let name: String
    /// What does the work.
    public let engine: Engine
    /// The tokenizer beside the model, where it has one that is read on its own.
    public let tokenizer: Tokenizer?

    public init(name: String, engine: Engine, tokenizer: Tokenizer? = nil) {
        self.name = name
        self.engine = engine
        self.tokenizer = tokenizer
    }

    /// Opens whatever model lies at `path`: a folder or a GGUF file with a transformer, an n-gram model (`.edlm`, ARPA or
    /// a KenLM binary), a tokenizer in any of its files, or a language identifier (this toolkit's or fastText's).
    ///
    /// - Parameters:
    ///   - name: what clients call it; by default the last part of the path.
    ///   - precision: in which numbers transformers compute.
    ///   - pool: the threads of a language model.
    /// - Throws: the error of the reader that knows the file best.
    public init(
        contentsOf path: FilePath, name: String? = nil, precision: Precision = .asPublished,
        pool: WorkerPool = .shared
    ) throws {
        self.name = name ?? path.lexicallyNormalized().lastComponent?.string ?? path.string
        (engine, tokenizer) = try Self.parts(of: path, precision, pool)
    }

    private static func parts(
        of path: FilePath, _ precision: Precision, _ pool: WorkerPool
    ) throws -> (Engine, Tokenizer?) {
        if FileTree.isFolder(path) || ModelFolder.isGGUF(path) {
            let tokenizer = try? Tokenizer(contentsOf: path)
            let folder = Result { () throws(ModelError) in try ModelFolder.discover(in: path) }
            switch folder {
            case .failure where tokenizer != nil && Self.holdsNoModel(path): return (.tokenizer, tokenizer)
            default: return (try transformer(folder.get(), precision, pool), tokenizer)
            }
        }
        if let identifier = try identifier(at: path) { return (.identifier(identifier), nil) }
        if isTokenizerFile(path) { return (.tokenizer, try Tokenizer(contentsOf: path)) }
        return (.ngram(try NgramModel(contentsOf: path)), nil)
    }

    /// Whether a folder has nothing that a tokenizer does not need.
    private static func holdsNoModel(_ path: FilePath) -> Bool {
        guard FileTree.isFolder(path), let names = try? FileTree.names(in: path) else { return false }
        return !names.contains { name in
            name == "config.json" || [".safetensors", ".gguf", ".npz", ".bin"].contains { name.hasSuffix($0) }
        }
    }

    private static func transformer(
        _ folder: ModelFolder, _ precision: Precision, _ pool: WorkerPool
    ) throws(ModelError) -> Engine {
        switch folder.kind {
        case .translation: .translation(try TranslationModel(folder: folder.path, precision: precision, pool: pool))
        case .causalLanguageModel:
            .language(try CausalLanguageModel(path: folder.path, precision: precision, pool: pool))
        case .textEmbedder: .embedder(try TextEmbedder(folder: folder.path, precision: precision, pool: pool))
        }
    }

    private static func isTokenizerFile(_ path: FilePath) -> Bool {
        ["json", "model", "spm", "tiktoken", "txt"].contains(path.extension ?? "")
    }

    /// The language identifier at `path`, if the file's first bytes say that it is one.
    private static func identifier(at path: FilePath) throws -> LanguageIdentifier? {
        var reader = try ByteReader(path)
        var start: [UInt8] = []
        _ = try reader.read(into: &start, atMost: LanguageIdentifier.magicLength)
        return LanguageIdentifier.isModel(beginning: start) ? try LanguageIdentifier(contentsOf: path) : nil
    }

    /// What it can be asked for.
    public var tasks: [ServiceTask] {
        let own: [ServiceTask] =
            switch engine {
            case .translation: [.translate]
            case .language: [.generate, .score]
            case .embedder: [.embed]
            case .ngram: [.score]
            case .tokenizer: []
            case .identifier: [.identify]
            }
        return own + (tokenizer == nil ? [] : [.tokenize])
    }

    /// The kind in a word or two, for people.
    public var kind: String {
        switch engine {
        case .translation: "translation model"
        case .language: "language model"
        case .embedder: "text embedder"
        case .ngram(let model): "\(model.order)-gram model"
        case .tokenizer: "tokenizer"
        case .identifier: "language identifier"
        }
    }
}
