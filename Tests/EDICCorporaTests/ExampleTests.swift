import EDICCorpora
import EDICJSON
import SystemPackage
import Testing

/// The example of the module's documentation.
@Suite struct DocumentationExample {
    @Test func readCleanAndWrite() throws {
        let folder = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .pushing("Corpora/danube-archive-vienna")
        let contribution = try Contribution.open(folder)
        let reader = CorpusReader()
        let filter = RowFilter()
        var keys = ExactKey.Maker()
        var seen: Set<ExactKey> = []
        var ledger = RowLedger()
        var shard = JSONWriter()

        for file in try contribution.listing().files {
            _ = try reader.read(file) { row in
                ledger.recordIn()
                if let rejection = filter.rejection(of: row) {
                    ledger.record(rejection)
                } else if !seen.insert(keys.key(of: row)).inserted {
                    ledger.record(Rejection(.duplicate, "came before", at: row.provenance))
                } else {
                    row.write(to: &shard)
                    shard.endLine()
                    ledger.recordOut()
                }
            }
        }
        #expect(ledger.isBalanced && ledger.rowsOut > 60)
        #expect(shard.bytes.count { $0 == UInt8(ascii: "\n") } == ledger.rowsOut)
    }
}
