import EDICJSON
import EDICStore
import EDICTokenizers
import SystemPackage

/// From document shards to token shards, one for one: the same rows in the same order, each text as ids.
///
/// A document keeps its id; the sides of a translation unit are `ID/LANGUAGE`.
struct TokenStage: Sendable {
    static let name = "tokens"
    private static let version = 3
    static let output = "tokens"

    let recipe: Recipe
    let objects: ObjectStore
    let tokenizer: Tokenizer
    let digest: Digest

    struct Facts: Sendable, Equatable, JSONRecord {
        var ledger = StageLedger()
        var languages: [LanguageTokens] = []
        var contentBytes = 0

        static var fields: [JSONField<Self>] {
            [
                JSONField("ledger", \.ledger), JSONField("languages", \.languages),
                JSONField("content_bytes", \.contentBytes),
            ]
        }
    }

    struct LanguageTokens: Sendable, Equatable, JSONRecord {
        var tag = ""
        var tokens = 0

        static var fields: [JSONField<Self>] { [JSONField("tag", \.tag), JSONField("tokens", \.tokens)] }
    }

    func task(_ shard: ShardReference, dictionary: ObjectReference?) -> BuildTask {
        let parts =
            recipe.values(under: "tokens")
            + [shard.object.digest.description, digest.description, dictionary?.digest.description ?? ""]
        return BuildTask(
            stage: Self.name, label: shard.path, key: TaskKey(stage: Self.name, version: Self.version, parts: parts),
            weight: shard.object.size
        ) { scratch in
            try encode(shard, dictionary, scratch).json
        }
    }

    private func encode(
        _ shard: ShardReference, _ dictionary: ObjectReference?, _ scratch: TaskScratch
    ) throws -> Facts {
        var facts = Facts()
        var counts: [String: Int] = [:]
        var writer = try TokenShardWriter(
            scratch.output(Self.output), vocabularySize: tokenizer.vocabularySize, tokenizer: digest,
            frameSize: recipe.tokens.frame, level: recipe.tokens.level,
            dictionary: try dictionary.map { try Self.dictionary(in: objects.path(of: $0)) }, isDurable: false)
        let isParallel = if case .parallel = shard.bucket { true } else { false }
        let texts = ShardTexts(shards: [shard], objects: objects, shouldStop: scratch.shouldStop)
        try texts.forEachText { id, language, text in
            facts.ledger.rowsIn += 1
            let ids = tokenizer.encode(text)
            try writer.append(ids.span, id: isParallel ? "\(id)/\(language)" : id)
            counts[language, default: 0] += ids.count
            facts.ledger.rowsOut += 1
        }
        let summary = try writer.finish()
        scratch.note(summary.fileDigest, size: summary.fileSize, as: Self.output)
        facts.contentBytes = summary.contentSize
        facts.languages = counts.sorted { $0.key < $1.key }.map { LanguageTokens(tag: $0.key, tokens: $0.value) }
        return facts
    }

    static func dictionary(in path: FilePath) throws -> ZstdDictionary {
        var reader = try ByteReader(path)
        let bytes = try reader.readAll(atMost: 16 << 20)
        return try ZstdDictionary(bytes: bytes)
    }
}

/// Tries what a dictionary would save on a language's token frames, on a sample. The decision depends on sizes only.
struct DictionaryStage: Sendable {
    static let name = "dictionary"
    private static let version = 3
    static let output = "dictionary"
    /// Bytes of ids that the trial looks at.
    private static let sampleBytes = 4 << 20

    let tokens: TokenStage

    struct Facts: Sendable, Equatable, JSONRecord {
        var trial = BuildReport.DictionaryTrialResult()

        static var fields: [JSONField<Self>] { [JSONField("trial", \.trial)] }
    }

    /// - Parameter contentBytes: bytes of text of the language, to choose the sample.
    func task(language: String, _ texts: ShardTexts, contentBytes: Int) -> BuildTask {
        let parts = tokens.recipe.values(under: "tokens") + [language, tokens.digest.description] + texts.identity
        return BuildTask(
            stage: Self.name, label: language, key: TaskKey(stage: Self.name, version: Self.version, parts: parts),
            weight: texts.bytes
        ) { scratch in
            try measure(language, texts, contentBytes, scratch).json
        }
    }

    private func measure(
        _ language: String, _ texts: ShardTexts, _ contentBytes: Int, _ scratch: TaskScratch
    ) throws -> Facts {
        let share = min(1, Double(Self.sampleBytes) / Double(max(1, contentBytes)))
        let sample = RowSample(share: share)
        let isWide = tokens.tokenizer.vocabularySize > 1 << 16
        var samples: [[UInt8]] = []
        try texts.forEachText { id, _, text in
            guard sample.contains(id) else { return }
            samples.append(Self.packed(tokens.tokenizer.encode(text), isWide: isWide))
        }
        let settings = tokens.recipe.tokens
        let trial = try DictionaryTrial.measure(
            samples: samples, separator: [], frameSize: settings.frame, level: settings.level)
        let allBytes = Double(samples.reduce(0) { $0 + $1.count }) / share
        let perShard = Int(allBytes / Double(max(1, texts.shards.count)))
        let gain = trial.helpedSize.map { 1 - Double($0) / Double(max(1, trial.plainSize)) } ?? 0
        let isUsed =
            switch settings.dictionary {
            case .never: false
            case .always: trial.dictionary != nil
            case .auto: trial.helps(totalContentSize: perShard) && gain >= settings.dictionaryGain
            }
        if isUsed, let dictionary = trial.dictionary {
            _ = try writeAtomically(dictionary.bytes.span, to: scratch.output(Self.output), isDurable: false)
        }
        var facts = Facts()
        facts.trial = .init(
            language: language, plainBytes: trial.plainSize, dictionaryBytes: trial.helpedSize ?? trial.plainSize,
            isUsed: isUsed, plainSpeed: trial.plainSpeed / 1e6, dictionarySpeed: (trial.helpedSpeed ?? 0) / 1e6)
        return facts
    }

    /// Ids as a token shard keeps them.
    private static func packed(_ ids: [UInt32], isWide: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ids.count * (isWide ? 4 : 2))
        for id in ids {
            bytes.append(UInt8(truncatingIfNeeded: id))
            bytes.append(UInt8(truncatingIfNeeded: id >> 8))
            guard isWide else { continue }
            bytes.append(UInt8(truncatingIfNeeded: id >> 16))
            bytes.append(UInt8(truncatingIfNeeded: id >> 24))
        }
        return bytes
    }
}
