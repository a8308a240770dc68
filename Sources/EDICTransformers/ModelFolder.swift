internal import EDICJSON
internal import EDICNumerics
internal import EDICStore
public import SystemPackage

/// What a model does.
public enum ModelKind: String, Sendable, Hashable, CaseIterable {
    /// Sentences in, sentences in another language out: ``TranslationModel``.
    case translation
    /// Text in, the text that follows out: ``CausalLanguageModel``.
    case causalLanguageModel
    /// Text in, a vector out: ``TextEmbedder``.
    case textEmbedder
}

/// A published model on disk, recognised by its files.
///
/// Four layouts are known: a Hugging Face folder (`config.json` with safetensors), a GGUF file (or a folder with one), a
/// Marian folder (`.npz` or `.bin` with `.spm` vocabularies, and a YAML configuration where there is one), as published
/// for Firefox and Bergamot, or with a vocabulary in YAML beside `source.spm` and `target.spm`, as by OPUS-MT.
public struct ModelFolder: Sendable {
    enum Layout: Sendable {
        case huggingFace(configuration: FilePath)
        case gguf(FilePath)
        case marian(MarianFiles)
    }

    /// The files of a Marian model.
    struct MarianFiles: Sendable {
        var model: FilePath
        var sourceVocabulary: FilePath
        var targetVocabulary: FilePath
        /// What cuts text into pieces, where the vocabularies are lists of words in YAML.
        var pieces: (source: FilePath, target: FilePath)?
        var shortlist: FilePath?
        /// The decoder's YAML.
        var configuration: FilePath?
    }

    /// The folder, or the single file.
    public let path: FilePath
    /// What the model does.
    public let kind: ModelKind
    /// The name of the family, such as `llama` or `marian`.
    public let family: String
    let layout: Layout

    /// Recognises the model at `path`, a folder or a GGUF file, without reading its weights.
    public static func discover(in path: FilePath) throws(ModelError) -> ModelFolder { try open(path).folder }

    /// Whether a file is a model in GGUF, by its first bytes. One that is called so is taken for a damaged one otherwise.
    public static func isGGUF(_ file: FilePath) -> Bool {
        FileTree.kind(of: file) == .file && (file.extension == "gguf" || GGUF.isPresent(at: file))
    }

    /// The same with the header of a GGUF file, which was read for it.
    static func open(_ path: FilePath) throws(ModelError) -> (folder: ModelFolder, gguf: GGUF?) {
        guard let what = FileTree.kind(of: path) else {
            throw ModelError(.unreadable, "\(path): there is no such file or folder")
        }
        if what != .folder {
            guard isGGUF(path) else {
                throw ModelError(.unsupported, "\(path): is neither a folder with a model nor a GGUF file")
            }
            return try gguf(path, at: path)
        }
        let names: [String]
        do {
            names = try FileTree.names(in: path).sorted()
        } catch {
            throw ModelError(.unreadable, "\(path): cannot be listed: \(error)", cause: error)
        }
        if names.contains("config.json") { return (try huggingFace(path), nil) }
        if let files = try marianFiles(path, names) {
            return (ModelFolder(path: path, kind: .translation, family: "marian", layout: .marian(files)), nil)
        }
        let candidates = names.filter { isGGUF(path.appending($0)) }
        if candidates.count == 1 { return try gguf(path.appending(candidates[0]), at: path) }
        guard candidates.isEmpty else {
            throw ModelError(.unsupported, "\(path): has \(candidates.count) GGUF files; name one of them")
        }
        throw ModelError(
            .unreadable,
            "\(path): has no model that is known: neither config.json, nor a GGUF file, nor a Marian model with .spm "
                + "vocabularies")
    }

    private static func gguf(
        _ file: FilePath, at path: FilePath
    ) throws(ModelError) -> (folder: ModelFolder, gguf: GGUF?) {
        let gguf = try GGUF(file)
        if let count = gguf.integer("split.count"), count > 1 {
            let part =
                gguf.integer("split.no").flatMap { (0..<count).contains($0) ? "part \($0 + 1)" : nil } ?? "a part"
            throw ModelError(
                .unsupported,
                "\(file): is \(part) of \(count) of a model; put the parts together with llama-gguf-split --merge, which is "
                    + "given the first one")
        }
        let architecture = gguf.architecture ?? "?"
        guard let family = ModelFamily.all.first(where: { $0.ggufArchitectures.contains(architecture) }) else {
            throw ModelError(
                .unsupported,
                "\(file): the architecture \(architecture) is not known; \(ModelFamily.knownArchitectures) are")
        }
        return (ModelFolder(path: path, kind: family.kind, family: family.name, layout: .gguf(file)), gguf)
    }

    private static func huggingFace(_ path: FilePath) throws(ModelError) -> ModelFolder {
        let file = path.appending("config.json")
        let configuration = try ModelConfiguration(file)
        let type = configuration.string("model_type") ?? "?"
        guard let family = ModelFamily.all.first(where: { $0.modelTypes.contains(type) }) else {
            throw ModelError(
                .unsupported, "\(file): the model type \(type) is not known; \(ModelFamily.knownModelTypes) are")
        }
        return ModelFolder(
            path: path, kind: family.kind, family: family.name, layout: .huggingFace(configuration: file))
    }

    // MARK: - Marian

    private static func marianFiles(_ path: FilePath, _ names: [String]) throws(ModelError) -> MarianFiles? {
        let lists = names.filter { $0.hasSuffix("vocab.yml") }
        let pieces =
            names.contains("source.spm") && names.contains("target.spm")
            ? (source: path.appending("source.spm"), target: path.appending("target.spm")) : nil
        for name in names where (name.hasSuffix(".yml") || name.hasSuffix(".yaml")) && !lists.contains(name) {
            let settings = try MarianSettings(path.appending(name))
            guard let models = settings.strings("models"), let model = models.first,
                let vocabularies = settings.strings("vocabs"), let first = vocabularies.first
            else { continue }
            guard models.count == 1 else {
                throw ModelError(.unsupported, "\(path.appending(name)): ensembles of \(models.count) models")
            }
            func beside(_ file: String) throws(ModelError) -> FilePath {
                guard let last = FilePath(file).lastComponent, last.kind == .regular else {
                    throw ModelError(.malformed, "\(path.appending(name)): \(file) is not the name of a file")
                }
                return path.appending(last)
            }
            guard pieces != nil || !vocabularies.contains(where: { $0.hasSuffix(".yml") }) else {
                throw ModelError(
                    .unsupported, "\(path): the vocabulary \(first) wants source.spm and target.spm beside it")
            }
            // A list's first entry is the file; the others say how the shortlist was made.
            let shortlist = try settings.strings("shortlist")?.first.map { name throws(ModelError) in try beside(name) }
            return MarianFiles(
                model: try beside(model), sourceVocabulary: try beside(first),
                targetVocabulary: try beside(vocabularies.last ?? first),
                pieces: first.hasSuffix(".yml") ? pieces : nil, shortlist: shortlist,
                configuration: path.appending(name))
        }
        let shortlists = names.filter { $0.hasPrefix("lex") && $0.hasSuffix(".bin") }
        let models = names.filter { ($0.hasSuffix(".npz") || $0.hasSuffix(".bin")) && !shortlists.contains($0) }
        let vocabularies = names.filter { $0.hasSuffix(".spm") }
        if let pieces, let list = lists.first, lists.count == 1, models.count == 1 {
            return MarianFiles(
                model: path.appending(models[0]), sourceVocabulary: path.appending(list),
                targetVocabulary: path.appending(list), pieces: pieces,
                shortlist: shortlists.first.map { path.appending($0) })
        }
        guard models.count == 1, !vocabularies.isEmpty, vocabularies.count <= 2 else { return nil }
        // Separate vocabularies are called source and target, or src and trg; alphabetical order puts the source first.
        return MarianFiles(
            model: path.appending(models[0]), sourceVocabulary: path.appending(vocabularies[0]),
            targetVocabulary: path.appending(vocabularies[vocabularies.count - 1]),
            shortlist: shortlists.first.map { path.appending($0) })
    }

    // MARK: - Tensors

    /// The tensors of the model, mapped and not read.
    ///
    /// - Parameter pool: the threads that pack them.
    func tensors(pool: WorkerPool = .shared) throws(ModelError) -> TensorCollection {
        var tensors = try mappedTensors(pool)
        tensors.pool = pool
        return tensors
    }

    private func mappedTensors(_ pool: WorkerPool) throws(ModelError) -> TensorCollection {
        switch layout {
        case .gguf(let file): return try GGUF(file).tensors
        case .marian(let files):
            return files.model.extension == "npz"
                ? try NumPyArchive.tensors(in: files.model, pool: pool) : try MarianBinary.tensors(in: files.model)
        case .huggingFace:
            let single = path.appending("model.safetensors")
            if FileTree.exists(single) { return try Safetensors.tensors(in: single) }
            let index = path.appending("model.safetensors.index.json")
            if FileTree.exists(index) { return try Safetensors.tensors(shardedBy: index) }
            throw noWeights
        }
    }

    /// Why a folder with a configuration has no weights to read.
    private var noWeights: ModelError {
        let names = (try? FileTree.names(in: path)) ?? []
        let others = names.filter {
            $0.hasPrefix("pytorch_model") || $0.hasPrefix("tf_model") || $0.hasPrefix("flax_model")
        }
        guard let other = others.min() else {
            return ModelError(.unreadable, "\(path): has neither model.safetensors nor its index")
        }
        return ModelError(
            .unsupported,
            "\(path): its weights are in \(other), which is not read; save them as model.safetensors, as save_pretrained of "
                + "the library transformers does")
    }
}
