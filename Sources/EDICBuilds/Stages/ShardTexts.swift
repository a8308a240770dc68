import EDICJSON
import EDICStore
import SystemPackage

/// Finished document shards as a source of texts, for the stages that learn from them.
struct ShardTexts: Sendable {
    let shards: [ShardReference]
    let objects: ObjectStore
    let shouldStop: @Sendable () -> Bool

    /// The digests of the shards, for task keys.
    var identity: [String] { shards.map { "\($0.path) \($0.object.digest)" } }

    var bytes: Int { shards.reduce(0) { $0 + $1.object.size } }

    /// Calls `body` with every text of every row, in the order of the shards.
    func forEachText(_ body: (_ id: String, _ language: String, _ text: Span<UInt8>) throws -> Void) throws {
        var parser = try JSONLineParser()
        for shard in shards {
            var rows = try DocumentShard(objects.path(of: shard.object)).rows()
            while try rows.advance() {
                if shouldStop() { throw BuildError.stopped }
                try rows.withRow { line in
                    try parser.parse(line)
                    guard let id = parser.string("id") else {
                        throw BuildError(.stage, "\(shard.path): row \(rows.number) has no id")
                    }
                    try parser.forEachText { language, text in try body(id, language, text) }
                }
            }
        }
    }
}

/// Chooses a share of all rows by their ids or texts alone, so that one is in or out whatever else the build holds.
struct RowSample: Sendable {
    private let threshold: UInt64

    /// - Parameter share: how much to choose, 0 to 1.
    init(share: Double) {
        threshold = share >= 1 ? .max : UInt64(max(0, share) * 0x1p64)
    }

    func contains(_ id: String) -> Bool { threshold == .max || Digest(of: id).prefix64 < threshold }

    func contains(_ text: Span<UInt8>) -> Bool { threshold == .max || Digest(of: text).prefix64 < threshold }
}
