import EDICCorpora
import EDICLanguageID
import EDICNumerics
import EDICStore
import EDICText
import EDICTokenizers
import SystemPackage

/// The stages of a build one after the other, and what each left for the next.
struct Pipeline {
    let recipe: Recipe
    let base: FilePath
    let executor: LocalExecutor

    var plan = BuildPlan()
    private(set) var batches: [ReadBatchResult] = []
    private(set) var deduplication = DeduplicationStage.Outcome()
    private(set) var shards: [ShardReference] = []
    private(set) var shardFacts: [(bucket: RowBucket, contribution: String, facts: ShardStage.Facts)] = []
    private(set) var tokenizer = TokenizerStage.Facts()
    private(set) var tokenizerDigest = ""
    private(set) var dictionaries: [BuildReport.DictionaryTrialResult] = []
    private(set) var tokenFacts: [(shard: ShardReference, size: Int, facts: TokenStage.Facts)] = []
    private(set) var ngrams: [(language: String, size: Int, facts: NgramStage.Facts)] = []
    private(set) var models: [BuildReport.ModelSample] = []
    private(set) var release = Release()

    init(recipe: Recipe, base: FilePath, executor: LocalExecutor) {
        self.recipe = recipe
        self.base = base
        self.executor = executor
    }

    mutating func run() throws {
        tellAboutPlan()
        try read()
        deduplication = try DeduplicationStage(recipe: recipe, executor: executor).run(batches)
        try pack()
        guard !shards.isEmpty else {
            throw BuildError(.missingInput, "no row is left to build from; see what was rejected above")
        }
        try tokenize()
        try estimateNgrams()
        try tryModels()
    }

    private func tellAboutPlan() {
        for rejected in plan.rejected { executor.observer(.notice(rejected.message)) }
        for contribution in plan.contributions {
            for finding in contribution.findings { executor.observer(.notice(finding)) }
        }
    }

    private mutating func read() throws {
        let identifier = recipe.filter.verifyLanguage ? try BuildLanguageIdentifier() : nil
        let stage = ReadStage(recipe: recipe, identify: identifier?.identify, identifierDigest: identifier?.name ?? "")
        let all = plan.batches
        let results = try executor.run(all.map { stage.task($0) }, stage: ReadStage.name)
        batches = try zip(all, results).map { batch, result in
            ReadBatchResult(
                batch: batch, facts: try result.facts(ReadStage.Facts.self, of: batch.label), outputs: result.outputs)
        }
        for batch in batches {
            for notice in batch.facts.notices { executor.observer(.notice(notice)) }
        }
    }

    private mutating func pack() throws {
        let stage = ShardStage(recipe: recipe, objects: executor.objects)
        var inputs: [String: [ShardStage.Input]] = [:]
        var order: [(contribution: String, bucket: RowBucket)] = []
        for (batch, dropped) in zip(batches, deduplication.dropped) {
            for (bucket, dropped) in zip(batch.facts.buckets, dropped) {
                guard let place = RowBucket(name: bucket.name) else {
                    throw BuildError(.storage, "\(batch.batch.label): \(bucket.name) is no name of a bucket of rows")
                }
                let key = "\(batch.batch.contribution)\n\(bucket.name)"
                if inputs[key] == nil { order.append((batch.batch.contribution, place)) }
                inputs[key, default: []].append(.init(rows: try batch.rows(of: bucket.name), dropped: dropped))
            }
        }
        order.sort { ($0.bucket, $0.contribution) < ($1.bucket, $1.contribution) }
        let tasks = order.map { contribution, bucket in
            stage.task(
                contribution: contribution, bucket: bucket, inputs: inputs["\(contribution)\n\(bucket.name)"] ?? [])
        }
        let results = try executor.run(tasks, stage: ShardStage.name)
        for ((contribution, bucket), result) in zip(order, results) {
            shardFacts.append((bucket, contribution, try result.facts(ShardStage.Facts.self, of: contribution)))
            for (name, object) in result.sortedOutputs {
                let shard = ShardReference(bucket: bucket, contribution: contribution, name: name, object: object)
                shards.append(shard)
                release.add(shard.path, object)
            }
        }
    }

    // MARK: Tokens and models

    private func texts(_ shards: [ShardReference]) -> ShardTexts {
        ShardTexts(shards: shards, objects: executor.objects, shouldStop: executor.shouldStop)
    }

    /// Bytes of text of each language in the shards.
    private var languageBytes: [String: Int] {
        var bytes: [String: Int] = [:]
        for entry in shardFacts { for text in entry.facts.languages { bytes[text.tag, default: 0] += text.bytes } }
        return bytes
    }

    /// The shards that hold texts of a language: its documents, and the units that one of its rows is in.
    private func shards(with language: String) -> [ShardReference] {
        let places = Set(
            shardFacts.filter { entry in entry.facts.languages.contains { $0.tag == language } }
                .map { "\($0.bucket.name)/\($0.contribution)" })
        return shards.filter { places.contains("\($0.bucket.name)/\($0.contribution)") }
    }

    private mutating func tokenize() throws {
        let stage = TokenizerStage(
            recipe: recipe, base: base, pool: executor.pool, memory: max(64 << 20, recipe.memory))
        let task = try stage.task(texts(shards), languages: languageBytes)
        let result = try executor.run([task], stage: TokenizerStage.name)[0]
        tokenizer = try result.facts(TokenizerStage.Facts.self, of: task.label)
        guard let object = result.outputs[TokenizerStage.output] else {
            throw BuildError(.stage, "\(task.label): the tokenizer task left no tokenizer")
        }
        tokenizerDigest = object.digest.description
        release.add(TokenizerStage.output, object)

        let tokens = TokenStage(
            recipe: recipe, objects: executor.objects,
            tokenizer: try Tokenizer(contentsOf: executor.objects.path(of: object)),
            digest: object.digest)
        let dictionaries = try tryDictionaries(tokens)
        let tasks = shards.map { shard in
            let language = if case .documents(let language) = shard.bucket { language } else { "" }
            return tokens.task(shard, dictionary: dictionaries[language])
        }
        for (shard, result) in zip(shards, try executor.run(tasks, stage: TokenStage.name)) {
            guard let object = result.outputs[TokenStage.output] else {
                throw BuildError(.stage, "\(shard.path): the token task left no tokens")
            }
            tokenFacts.append((shard, object.size, try result.facts(TokenStage.Facts.self, of: shard.path)))
            release.add(shard.tokenPath, object)
        }
    }

    /// A dictionary for the documents of each language where it helps.
    private mutating func tryDictionaries(_ tokens: TokenStage) throws -> [String: ObjectReference] {
        guard recipe.tokens.dictionary != .never else { return [:] }
        var languages: [(tag: String, shards: [ShardReference])] = []
        for shard in shards {
            guard case .documents(let tag) = shard.bucket else { continue }
            if languages.last?.tag == tag {
                languages[languages.count - 1].shards.append(shard)
            } else {
                languages.append((tag, [shard]))
            }
        }
        let bytes = languageBytes
        let stage = DictionaryStage(tokens: tokens)
        let tasks = languages.map { stage.task(language: $0.tag, texts($0.shards), contentBytes: bytes[$0.tag] ?? 0) }
        var used: [String: ObjectReference] = [:]
        for (language, result) in zip(languages, try executor.run(tasks, stage: DictionaryStage.name)) {
            dictionaries.append(try result.facts(DictionaryStage.Facts.self, of: language.tag).trial)
            used[language.tag] = result.outputs[DictionaryStage.output]
        }
        return used
    }

    private mutating func estimateNgrams() throws {
        guard recipe.ngram.order > 0 else { return }
        let stage = NgramStage(recipe: recipe, memory: max(64 << 20, recipe.memory / executor.pool.workers))
        let languages = languageBytes.keys.sorted()
        let tasks = languages.map { stage.task(language: $0, texts(shards(with: $0))) }
        for (language, result) in zip(languages, try executor.run(tasks, stage: NgramStage.name)) {
            let facts = try result.facts(NgramStage.Facts.self, of: language)
            let model = result.outputs[NgramStage.output]
            ngrams.append((language, model?.size ?? 0, facts))
            if let problem = facts.problem { executor.observer(.notice("no n-gram model for \(language): \(problem)")) }
            if let model { release.add("ngram/\(language).edlm", model) }
        }
    }

    private mutating func tryModels() throws {
        guard recipe.models.sample > 0 else { return }
        let stage = ModelStage(recipe: recipe, base: base)
        let found = stage.models()
        guard !found.isEmpty else { return }
        let results = try executor.run(try found.map { try stage.task($0, texts(shards)) }, stage: ModelStage.name)
        models = try results.map { try $0.facts(ModelStage.Facts.self, of: ModelStage.name).sample }
    }
}

/// The built-in language identifier as the filter asks for it.
struct BuildLanguageIdentifier: Sendable {
    let identify: RowFilter.LanguageIdentifier
    /// Names the model, for task keys: it changes with the toolkit only.
    let name = "built-in"

    init() throws {
        let identifier = try LanguageIdentifier.builtIn()
        identify = { text in
            identifier.identify(text, limit: 1).first.map { ($0.language.description, $0.probability) }
        }
    }
}

extension TaskResult {
    /// The facts as the stage that left them understands them.
    func facts<Facts: JSONRecord>(_ type: Facts.Type, of label: String) throws(BuildError) -> Facts {
        guard let facts = Facts(json: facts) else {
            throw BuildError(
                .storage, "\(label): what is known of this task is damaged; remove the state folder of the build")
        }
        return facts
    }
}

extension BuildPlan {
    /// All files of the contributions, manifests included.
    var paths: [FilePath] {
        contributions.flatMap { planned in
            [planned.contribution.directory.appending(ContributionManifest.fileName)]
                + planned.batches.flatMap { $0.files.flatMap { $0.parts.map(\.path) } }
        }
    }
}
