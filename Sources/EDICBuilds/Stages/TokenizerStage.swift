import EDICJSON
import EDICNumerics
import EDICStore
import EDICTokenizers
import SystemPackage

/// The build's tokenizer: the one the recipe gives, or one trained on a sample of the shards.
struct TokenizerStage: Sendable {
    static let name = "tokenizer"
    static let output = "tokenizer.json"
    private static let version = 2

    let recipe: Recipe
    let base: FilePath
    let pool: WorkerPool
    /// What counting words may use, in bytes.
    let memory: Int

    struct Facts: Sendable, Equatable, JSONRecord {
        var description = ""
        var vocabularySize = 0

        static var fields: [JSONField<Self>] {
            [JSONField("description", \.description), JSONField("vocabulary_size", \.vocabularySize)]
        }
    }

    /// Files outside the contributions that the build depends on.
    static func inputFiles(_ recipe: Recipe, base: FilePath) -> [FilePath] {
        recipe.tokenizer.path.map { [base.pushing(FilePath($0)).lexicallyNormalized()] } ?? []
    }

    /// - Parameter languages: the bytes of text of each language in the shards.
    func task(_ texts: ShardTexts, languages: [String: Int]) throws -> BuildTask {
        if let path = Self.inputFiles(recipe, base: base).first { return try givenTokenizer(path) }
        let key = TaskKey(
            stage: Self.name, version: Self.version, parts: recipe.values(under: "tokenizer") + texts.identity)
        return BuildTask(stage: Self.name, label: recipe.tokenizer.family.rawValue, key: key, weight: texts.bytes) {
            scratch in
            try train(texts, languages, scratch).json
        }
    }

    private func givenTokenizer(_ path: FilePath) throws -> BuildTask {
        let digest = try Digest.ofFile(path)
        let key = TaskKey(stage: Self.name, version: Self.version, parts: ["given", digest.description])
        return BuildTask(stage: Self.name, label: path.string, key: key, weight: 0) { scratch in
            let tokenizer = try Tokenizer(contentsOf: path)
            try tokenizer.write(to: scratch.output(Self.output), format: .tokenizerJSON)
            return Facts(description: "\(tokenizer.modelKind), given", vocabularySize: tokenizer.vocabularySize).json
        }
    }

    private func train(_ texts: ShardTexts, _ languages: [String: Int], _ scratch: TaskScratch) throws -> Facts {
        let settings = recipe.tokenizer
        let plan = SamplingPlan(bytes: languages, budget: settings.sample, temperature: settings.temperature)
        let model: TokenizerTrainer.Model =
            switch settings.family {
            case .byteLevelBPE: .byteLevelBPE
            case .sentencePieceBPE: .sentencePieceBPE(byteFallback: true)
            }
        var configuration = TokenizerTrainer.Configuration(model: model, vocabularySize: settings.vocabularySize)
        configuration.temperature = plan.remainingTemperature
        // Beyond this, counted words wait on the disk; the tokenizer is the same.
        let spill = scratch.folder.appending("spill")
        try FileTree.createFolders(spill)
        defer { try? FileTree.remove(spill) }
        configuration.memoryLimit = memory
        configuration.temporaryFolder = spill
        if settings.family == .byteLevelBPE { configuration.specialTokens = ["<|endoftext|>"] }
        var trainer = try TokenizerTrainer(configuration, pool: pool)
        try texts.forEachText { id, language, text in
            if plan.samples[language]?.contains(id) ?? false { try trainer.add(text, language: language) }
        }
        let tokenizer: Tokenizer
        do {
            tokenizer = try trainer.finish { _ in !scratch.shouldStop() }
        } catch {
            throw error.code == .interrupted ? BuildError.stopped : error
        }
        try tokenizer.write(to: scratch.output(Self.output), format: .tokenizerJSON)
        return Facts(description: settings.family.rawValue, vocabularySize: tokenizer.vocabularySize)
    }
}

/// How much of each language a training reads.
///
/// With a budget below the size of the text, language `l` with `b(l)` bytes gets a part of it in proportion to
/// `b(l)^temperature`, and no more than it has.
struct SamplingPlan {
    var samples: [String: RowSample] = [:]
    /// The temperature that the trainer still has to apply: all of it where everything is read, else none.
    var remainingTemperature: Double

    init(bytes: [String: Int], budget: Int, temperature: Double) {
        let total = bytes.values.reduce(0, +)
        guard total > budget else {
            samples = bytes.mapValues { _ in RowSample(share: 1) }
            remainingTemperature = temperature
            return
        }
        remainingTemperature = 1
        // Sorted, so that the sum of doubles is the same each time.
        let weights = bytes.sorted { $0.key < $1.key }.map {
            (language: $0.key, bytes: $0.value, weight: power($0.value, temperature))
        }
        let sum = weights.reduce(0) { $0 + $1.weight }
        for entry in weights {
            let share = Double(budget) * entry.weight / sum / Double(max(1, entry.bytes))
            samples[entry.language] = RowSample(share: share)
        }
    }
}

/// `base` to the power of `exponent`, between 0 and 1, by square roots: the same bits on every machine, which `pow` of the
/// C library does not promise.
private func power(_ base: Int, _ exponent: Double) -> Double {
    var result = 1.0
    var factor = Double(base)
    var rest = exponent
    if rest >= 1 { return factor }
    for _ in 0..<40 {
        factor = factor.squareRoot()
        rest *= 2
        if rest >= 1 {
            result *= factor
            rest -= 1
        }
    }
    return result
}
