import EDICCorpora
import EDICJSON
import EDICStore
import EDICText
import SystemPackage

/// Check, decode, normalise and filter: from the files of a batch to rows by bucket, with a key for each row.
///
/// Outputs: `BUCKET.rows`, a ``RowPack`` with the bucket's rows in the order of the files, and `keys`.
struct ReadStage: Sendable {
    static let name = "read"
    private static let version = 6

    let recipe: Recipe
    let identify: RowFilter.LanguageIdentifier?
    /// Names the language identifier, for task keys.
    let identifierDigest: String

    /// What a batch held; what its task remembers.
    struct Facts: Sendable, Equatable, JSONRecord {
        var read = StageLedger()
        var filter = StageLedger()
        /// In the order that keys number them.
        var buckets: [Bucket] = []
        /// Texts that were read, by language.
        var textsRead: [LanguageText] = []
        /// Texts that passed the filter, by language.
        var textsKept: [LanguageText] = []
        /// Faults of whole files, for people.
        var notices: [String] = []

        struct Bucket: Sendable, Equatable, JSONRecord {
            var name = ""
            var rows = 0

            static var fields: [JSONField<Self>] { [JSONField("name", \.name), JSONField("rows", \.rows)] }
        }

        static var fields: [JSONField<Self>] {
            [
                JSONField("read", \.read), JSONField("filter", \.filter), JSONField("buckets", \.buckets),
                JSONField("texts_read", \.textsRead), JSONField("texts_kept", \.textsKept),
                JSONField("notices", \.notices),
            ]
        }
    }

    func task(_ batch: ReadBatch) -> BuildTask {
        let parts = recipe.values(under: "filter") + [identifierDigest] + batch.identity
        return BuildTask(
            stage: Self.name, label: batch.label, key: TaskKey(stage: Self.name, version: Self.version, parts: parts),
            weight: batch.bytes
        ) { scratch in
            try read(batch, scratch).json
        }
    }

    private func read(_ batch: ReadBatch, _ scratch: TaskScratch) throws -> Facts {
        let filter = RowFilter(settings: recipe.filter.rows, identify: identify)
        var read = RowLedger()
        var filtered = RowLedger()
        var sink = try RowSink(scratch)
        var facts = Facts()
        if !batch.isKnown { scratch.doNotRecord() }
        for (index, file) in batch.files.enumerated() {
            let reading = try CorpusReader().readBlocks(of: file) { block in
                try scratch.checkForStop()
                for row in block.indices {
                    filtered.recordIn()
                    let rejection = filter.rejection(of: row, in: block)
                    if let rejection { filtered.record(rejection) } else { filtered.recordOut() }
                    try sink.add(row, of: block, isKept: rejection == nil)
                }
            } onRejection: { rejection in
                if rejection.isOfSystem { scratch.doNotRecord() }
                if rejection.endsFile {
                    facts.notices.append("\(rejection.provenance.description): \(rejection.message)")
                }
            }
            read.merge(reading.ledger)
            // Under the name of what it held before, the next build would take this over.
            for part in batch.changedParts(of: index) {
                scratch.doNotRecord()
                facts.notices.append(
                    "\(batch.contribution)/\(part.name): was changed while the build read it; the next build reads it again"
                )
            }
        }
        facts.read = StageLedger(read)
        facts.filter = StageLedger(filtered)
        facts.textsRead = sink.textsRead.sorted
        facts.textsKept = sink.textsKept.sorted
        facts.buckets = try sink.finish()
        return facts
    }
}

/// Takes the rows of a batch: each bucket into its own pack, all keys into one file.
///
/// A batch has few buckets, mostly one; a pack is open for each.
private struct RowSink: ~Copyable {
    private let scratch: TaskScratch
    private var keyMaker = ExactKey.Maker()
    private var keys: KeyFileWriter
    private var places: [RowBucket: Int] = [:]
    private var buckets: [OpenBucket] = []
    /// Where the last row went: the next one mostly goes there too.
    private var lastPlace = 0
    private var words: [Int] = []
    private(set) var textsRead = TextCounts()
    private(set) var textsKept = TextCounts()

    init(_ scratch: TaskScratch) throws {
        self.scratch = scratch
        keys = try KeyFileWriter(scratch.output(ReadOutput.keys))
    }

    /// Counts a row, and keeps it if the filter did.
    mutating func add(_ row: Int, of block: RowBlock, isKept: Bool) throws {
        words.removeAll(keepingCapacity: true)
        let isDocument = !block.isUnit(row)
        for segment in block.segments(of: row) {
            let count = block.withText(of: segment) { WordCounter.count($0) }
            words.append(count)
            let tag = block.language(of: segment)
            let bytes = block.byteCount(of: segment)
            textsRead.add(tag.utf8.span, isDocument: isDocument, words: count, bytes: bytes)
            if isKept { textsKept.add(tag.utf8.span, isDocument: isDocument, words: count, bytes: bytes) }
        }
        guard isKept else { return }
        let place = try place(of: row, block)
        let key = keyMaker.key(of: row, in: block)
        try keys.append(RowKey(high: key.high, low: key.low, bucket: UInt32(place), row: UInt32(buckets[place].rows)))
        try buckets[place].append(row, of: block, words: words)
    }

    /// The number of the row's bucket, which is opened for its first row.
    private mutating func place(of row: Int, _ block: RowBlock) throws -> Int {
        if lastPlace < buckets.count, buckets[lastPlace].bucket.takes(row, of: block) { return lastPlace }
        let bucket = RowBucket(row, of: block)
        lastPlace = places[bucket] ?? buckets.count
        if lastPlace == buckets.count {
            buckets.append(try OpenBucket(bucket, scratch))
            places[bucket] = lastPlace
        }
        return lastPlace
    }

    /// The buckets in the order that keys number them.
    consuming func finish() throws -> [ReadStage.Facts.Bucket] {
        scratch.note(try keys.commit(), as: ReadOutput.keys)
        var facts: [ReadStage.Facts.Bucket] = []
        for bucket in buckets {
            facts.append(.init(name: bucket.bucket.name, rows: bucket.rows))
            try bucket.finish(scratch)
        }
        return facts
    }

    /// A class, because a pack writer has one owner and an array must hold several.
    private final class OpenBucket {
        let bucket: RowBucket
        private(set) var rows = 0
        private var writer: RowPackWriter?

        init(_ bucket: RowBucket, _ scratch: TaskScratch) throws {
            self.bucket = bucket
            writer = try RowPackWriter(scratch.output(ReadOutput.rows(of: bucket)))
        }

        func append(_ row: Int, of block: RowBlock, words: [Int]) throws {
            try writer?.append(row, of: block, words: words)
            rows += 1
        }

        func finish(_ scratch: TaskScratch) throws {
            guard let written = try writer.take()?.finish() else { return }
            scratch.note(written, as: ReadOutput.rows(of: bucket))
        }
    }
}

/// The names of a read task's outputs.
enum ReadOutput {
    static let keys = "keys"

    static func rows(of bucket: RowBucket) -> String { "\(bucket.flatName).rows" }
}
