import EDICCorpora
import EDICJSON
import EDICNumerics
import EDICStore
import SystemPackage

/// Exact de-duplication over all batches.
///
/// It runs as a part of the build, not as a task: its keys are small, and what tasks after it depend on is the set of
/// rows it drops from their own input, so that a new contribution does not touch the shards of the others.
struct DeduplicationStage {
    static let name = "deduplicate"

    let recipe: Recipe
    let executor: LocalExecutor

    struct Outcome {
        var ledger = StageLedger()
        /// For each batch and each of its buckets.
        var dropped: [[RowBitmap]] = []
    }

    func run(_ batches: [ReadBatchResult]) throws -> Outcome {
        var outcome = Outcome()
        let rows = batches.map { $0.facts.buckets.map(\.rows) }
        outcome.ledger.rowsIn = rows.joined().reduce(0, +)
        guard recipe.deduplicate == .exact else {
            outcome.dropped = rows.map { $0.map { RowBitmap(rows: $0) } }
            outcome.ledger.rowsOut = outcome.ledger.rowsIn
            return outcome
        }
        let inputs = try zip(batches, rows).map { batch, rows in
            (keys: executor.objects.path(of: try batch.output(ReadOutput.keys)), rowsInBuckets: rows)
        }
        let dropped = try executor.measure(stage: Self.name, tasks: 1) {
            try Deduplication(
                batches: inputs, pool: executor.pool, samples: RowLedger.samplesPerReason,
                shouldStop: executor.shouldStop
            ).run()
        }
        outcome.dropped = dropped.bitmaps
        let count = dropped.bitmaps.joined().reduce(0) { $0 + $1.count }
        outcome.ledger.rowsOut = outcome.ledger.rowsIn - count
        outcome.ledger.reject(.duplicate, count: count)
        outcome.ledger.samples = try dropped.samples.map { try sample($0, batches) }
        return outcome
    }

    /// Looks up what a dropped row and its twin say.
    private func sample(_ sample: DroppedRows.Sample, _ batches: [ReadBatchResult]) throws -> StageLedger.Sample {
        let row = try row(at: sample.dropped, batches)
        let twin = try self.row(at: sample.kept, batches)
        let rejection = Rejection(
            .duplicate, "the same text as \(twin.provenance.description)", at: row.provenance,
            excerpt: row.segments.first?.text ?? "")
        return .init(reason: RejectionReason.duplicate.rawValue, sample: .init(rejection))
    }

    private func row(at place: DroppedRows.Place, _ batches: [ReadBatchResult]) throws -> Row {
        let batch = batches[place.batch]
        let bucket = batch.facts.buckets[place.bucket]
        var rows = try RowPackReader(executor.objects.path(of: try batch.rows(of: bucket.name)))
        while try rows.advance() {
            if rows.number == place.row { return try rows.withRow { json, _ in try Row(json: json) } }
        }
        throw BuildError(.storage, "\(batch.batch.label): row \(place.row) of \(bucket.name) is not there")
    }
}

/// A batch that was read: its facts and its files.
struct ReadBatchResult: Sendable {
    var batch: ReadBatch
    var facts: ReadStage.Facts
    var outputs: [String: ObjectReference]

    func output(_ name: String) throws(BuildError) -> ObjectReference {
        guard let object = outputs[name] else {
            throw BuildError(.stage, "\(batch.label): the task that read it left no \(name)")
        }
        return object
    }

    func rows(of bucket: String) throws(BuildError) -> ObjectReference {
        guard let bucket = RowBucket(name: bucket) else { throw BuildError(.stage, "\(bucket): is no bucket of rows") }
        return try output(ReadOutput.rows(of: bucket))
    }
}
