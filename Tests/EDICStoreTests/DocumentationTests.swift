import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

struct DocumentationTests {
    /// The example of the module's documentation page.
    @Test func theExampleRuns() throws {
        let folder = try TemporaryFolder()
        let contribution = try folder.write(
            Array("{\"id\":\"line-1\"}\r\n{\"id\":\"line-2\",\"text\":\"Brücke\"}\n".utf8), to: "rows.jsonl")
        let shardPath = folder.file("rows.docs.zst")

        var lines = try LineReader(contribution)
        var writer = try DocumentShardWriter(shardPath)
        while try lines.advance() {
            try lines.withLine { row in try writer.append(row, id: "line-\(lines.number)") }
        }
        let summary = try writer.finish()
        #expect(summary.itemCount == 2)

        let shard = try DocumentShard(shardPath)
        #expect(
            try shard.row(id: "line-2").map { String(decoding: $0, as: UTF8.self) }
                == #"{"id":"line-2","text":"Brücke"}"#)

        let verification = try ShardVerification(of: shardPath)
        #expect(verification.problems.isEmpty)
    }
}
