import EDICCorpora
import EDICStore
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
    }

    private func tellAboutPlan() {
        for rejected in plan.rejected { executor.observer(.notice(rejected.message)) }
        for contribution in plan.contributions {
            for finding in contribution.findings { executor.observer(.notice(finding)) }
        }
    }

    private mutating func read() throws {
        let stage = ReadStage(recipe: recipe, identify: nil, identifierDigest: "")
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
                guard let place = RowBucket(name: bucket.name) else { continue }
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
