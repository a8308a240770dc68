import EDICCorpora
import EDICJSON
import EDICStore
import EDICText
import SystemPackage

/// The rows of one contribution and bucket that de-duplication left, packed into shards of bounded size.
struct ShardStage: Sendable {
    static let name = "shard"
    private static let version = 2

    let recipe: Recipe
    let objects: ObjectStore

    /// The rows of one bucket in one batch, and which of them are dropped.
    struct Input: Sendable {
        var rows: ObjectReference
        var dropped: RowBitmap
    }

    struct Facts: Sendable, Equatable, JSONRecord {
        var ledger = StageLedger()
        var languages: [LanguageText] = []
        /// Bytes of JSONL.
        var contentBytes = 0

        static var fields: [JSONField<Self>] {
            [
                JSONField("ledger", \.ledger), JSONField("languages", \.languages),
                JSONField("content_bytes", \.contentBytes),
            ]
        }
    }

    func task(contribution: String, bucket: RowBucket, inputs: [Input]) -> BuildTask {
        var parts = recipe.values(under: "shards") + [contribution, bucket.name]
        for input in inputs {
            parts += [input.rows.digest.description, input.dropped.count == 0 ? "" : input.dropped.digest]
        }
        return BuildTask(
            stage: Self.name, label: "\(bucket.name)/\(contribution)",
            key: TaskKey(stage: Self.name, version: Self.version, parts: parts),
            weight: inputs.reduce(0) { $0 + $1.rows.size }
        ) { scratch in
            try pack(inputs, bucket, scratch).json
        }
    }

    private func pack(_ inputs: [Input], _ bucket: RowBucket, _ scratch: TaskScratch) throws -> Facts {
        var facts = Facts()
        var counts = TextCounts()
        let areDocuments = if case .documents = bucket { true } else { false }
        let packer = Packer(recipe.shards, scratch)
        for input in inputs {
            var rows = try RowPackReader(objects.path(of: input.rows))
            while try rows.advance() {
                try scratch.checkForStop()
                // What was dropped is on the ledger of de-duplication, not on this one.
                if input.dropped.contains(rows.number) { continue }
                facts.ledger.rowsIn += 1
                rows.count(into: &counts, areDocuments: areDocuments)
                facts.contentBytes += try rows.withRow { json, id in
                    try packer.append(json, id: id)
                    return json.count + 1
                }
                facts.ledger.rowsOut += 1
            }
        }
        try packer.finish()
        facts.languages = counts.sorted
        return facts
    }

    /// Begins a new shard whenever the one at hand is full. A class, because a shard writer has one owner.
    private final class Packer {
        private let settings: Recipe.Shards
        private let scratch: TaskScratch
        private var writer: DocumentShardWriter?
        private var bytes = 0
        private var shards = 0

        init(_ settings: Recipe.Shards, _ scratch: TaskScratch) {
            self.settings = settings
            self.scratch = scratch
        }

        func append(_ row: Span<UInt8>, id: Span<UInt8>) throws {
            if bytes > 0 && bytes + row.count + 1 > settings.size { try finish() }
            if writer == nil {
                writer = try DocumentShardWriter(
                    scratch.output(ShardStage.fileName(shards)), frameSize: settings.frame, level: settings.level,
                    isDurable: false)
                shards += 1
            }
            try writer?.append(row, id: id)
            bytes += row.count + 1
        }

        func finish() throws {
            if let summary = try writer.take()?.finish() {
                scratch.note(summary.fileDigest, size: summary.fileSize, as: ShardStage.fileName(shards - 1))
            }
            bytes = 0
        }
    }

    static func fileName(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".jsonl.zst"
    }
}

/// A finished document shard and where it belongs.
struct ShardReference: Sendable {
    var bucket: RowBucket
    var contribution: String
    /// `00000.jsonl.zst`
    var name: String
    var object: ObjectReference

    /// The path in a release.
    var path: String { "\(bucket.name)/\(contribution)-\(name)" }

    /// The path of its tokens in a release.
    var tokenPath: String { "tokens/\(bucket.name)/\(contribution)-\(name.prefix { $0 != "." }).tokens.zst" }
}

extension JSONLineParser {
    /// The texts of the row that was parsed last, with their languages.
    mutating func forEachText(_ body: (_ language: String, _ text: Span<UInt8>) throws -> Void) throws {
        if let language = string("lang") {
            try withString("text") { text in try body(language, text) }
        } else if case .object(let texts)? = value("texts") {
            for (language, value) in texts {
                guard let text = value.string else { continue }
                try body(language, Array(text.utf8).span)
            }
        }
    }
}
