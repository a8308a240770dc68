import EDICCorpora
import EDICJSON
import EDICStore
import SystemPackage

/// Check, decode, normalise and filter: from the files of a batch to rows by bucket, with a key for each row.
///
/// Outputs: `BUCKET.rows`, a document shard with the bucket's rows in the order of the files, and `keys`.
struct ReadStage: Sendable {
    static let name = "read"
    private static let version = 1

    let recipe: Recipe
    let identify: RowFilter.LanguageIdentifier?
    /// Names the language identifier, for task keys.
    let identifierDigest: String

    /// What a batch held; what its task remembers.
    struct Facts: Sendable, Equatable, JSONRecord {
        var read = StageLedger()
        var filter = StageLedger()
        /// Sorted by name.
        var buckets: [Bucket] = []
        /// Texts that passed the filter, by language.
        var languages: [TextCount] = []
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
                JSONField("languages", \.languages), JSONField("notices", \.notices),
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
        var sink = try RowSink(scratch.folder)
        var facts = Facts()
        for file in batch.files {
            let reading = try CorpusReader().read(file) { row in
                try scratch.checkForStop()
                filtered.recordIn()
                if let rejection = filter.rejection(of: row) {
                    filtered.record(rejection)
                } else {
                    filtered.recordOut()
                    try sink.add(row)
                }
            } onRejection: { rejection in
                if rejection.reason.concernsFile {
                    facts.notices.append("\(rejection.provenance.description): \(rejection.message)")
                }
            }
            read.merge(reading.ledger)
        }
        facts.read = StageLedger(read)
        facts.filter = StageLedger(filtered)
        facts.languages = sink.languages
        facts.buckets = try sink.finish()
        return facts
    }
}

/// Texts of a language.
struct TextCount: Sendable, Equatable, JSONRecord {
    var tag = ""
    var texts = 0
    /// Bytes of UTF-8.
    var bytes = 0

    static var fields: [JSONField<Self>] {
        [JSONField("tag", \.tag), JSONField("texts", \.texts), JSONField("bytes", \.bytes)]
    }
}

extension RejectionReason {
    /// Whether the rest of a file could not be read.
    fileprivate var concernsFile: Bool {
        [.unreadableFile, .brokenXML, .hostileXML, .brokenFile].contains(self)
    }
}

/// Takes the rows of a batch: each bucket into its own shard, all keys into one file.
///
/// A batch has few buckets, mostly one; a shard writer is open for each.
private struct RowSink: ~Copyable {
    private let folder: FilePath
    private var keyMaker = ExactKey.Maker()
    private var keys: KeyFileWriter
    private var places: [RowBucket: Int] = [:]
    private var buckets: [OpenBucket] = []
    private var json = JSONWriter()
    /// Where the last row went: the next one mostly goes there too.
    private var lastPlace = 0
    /// In the order in which the languages came. A batch has few, so looking through them beats hashing.
    private var counts: [TextCount] = []

    init(_ folder: FilePath) throws {
        self.folder = folder
        keys = try KeyFileWriter(folder.appending(ReadOutput.keys))
    }

    var languages: [TextCount] { counts.sorted { $0.tag < $1.tag } }

    mutating func add(_ row: Row) throws {
        let place = try place(of: row)
        let key = keyMaker.key(of: row)
        try keys.append(RowKey(high: key.high, low: key.low, bucket: UInt32(place), row: UInt32(buckets[place].rows)))
        json.removeAll()
        row.write(to: &json)
        try buckets[place].append(json.bytes.span, id: row.id)
        switch row {
        case .document(let document): count(document.language, document.text)
        case .unit(let unit): for segment in unit.segments { count(segment.language, segment.text) }
        }
    }

    /// The number of the row's bucket, which is opened for its first row.
    private mutating func place(of row: Row) throws -> Int {
        if lastPlace < buckets.count, buckets[lastPlace].bucket.takes(row) { return lastPlace }
        let bucket = RowBucket(row)
        lastPlace = places[bucket] ?? buckets.count
        if lastPlace == buckets.count {
            buckets.append(try OpenBucket(bucket, folder))
            places[bucket] = lastPlace
        }
        return lastPlace
    }

    private mutating func count(_ language: String, _ text: String) {
        let known = counts.firstIndex { $0.tag == language }
        if known == nil { counts.append(TextCount(tag: language)) }
        let index = known ?? counts.count - 1
        counts[index].texts += 1
        counts[index].bytes += text.utf8.count
    }

    /// The buckets in the order that keys number them.
    consuming func finish() throws -> [ReadStage.Facts.Bucket] {
        try keys.commit()
        var facts: [ReadStage.Facts.Bucket] = []
        for bucket in buckets {
            facts.append(.init(name: bucket.bucket.name, rows: bucket.rows))
            try bucket.finish()
        }
        return facts
    }

    /// A class, because a shard writer has one owner and an array must hold several.
    private final class OpenBucket {
        let bucket: RowBucket
        private(set) var rows = 0
        private var writer: DocumentShardWriter?

        init(_ bucket: RowBucket, _ folder: FilePath) throws {
            self.bucket = bucket
            // Read twice and then dropped: speed counts more than size.
            writer = try DocumentShardWriter(folder.appending(ReadOutput.rows(of: bucket)), level: 1)
        }

        func append(_ row: Span<UInt8>, id: String) throws {
            try writer?.append(row, id: id)
            rows += 1
        }

        func finish() throws { try writer.take()?.finish() }
    }
}

/// The names of a read task's outputs.
enum ReadOutput {
    static let keys = "keys"

    static func rows(of bucket: RowBucket) -> String { "\(bucket.flatName).rows" }
}
