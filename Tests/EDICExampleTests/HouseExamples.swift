import EDICBuilds
import EDICCorpora
import EDICJSON
import EDICNgram
import EDICServer
import EDICTransformers
import SystemPackage
import Testing
import _EDICTestSupport

/// The examples of corpora, builds, the server and the README.
@Suite struct HouseExamples {
    @Test func readme() throws {
        // Example: README
        let contribution = try Contribution.open("Corpora/harbour-institute-tallinn")
        var estimator = try NgramEstimator(.init(order: 3))
        for file in try contribution.listing().files {
            _ = try CorpusReader().read(file) { row in
                for segment in row.segments { try estimator.add(text: Array("\(segment.text)\n".utf8).span) }
            }
        }
        let model = try estimator.finish().model
        print(model.perplexity(of: "Sadam on talvel avatud.").perplexity)
        // End of example
        #expect(model.perplexity(of: "Sadam on talvel avatud.").perplexity > 1)
    }

    @Test func corpora() throws {
        // Example: EDICCorpora
        let contribution = try Contribution.open("Corpora/danube-archive-vienna")
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
        // End of example
        #expect(ledger.isBalanced && ledger.rowsOut > 60)
        #expect(shard.bytes.count { $0 == UInt8(ascii: "\n") } == ledger.rowsOut)
    }

    /// Compiled only: the whole nightly build belongs to `Tools/nightly`.
    private func builds() throws {
        // Example: EDICBuilds
        let build = try Build(recipe: "Corpora/nightly.yaml")
        let outcome = try build.run()
        print(outcome.rootHash, outcome.reportPage)
        // End of example
    }

    @Test func recipeOfTheBuildIsThere() throws {
        #expect(try Build(recipe: "Corpora/nightly.yaml").folders.current.string.hasSuffix("Build/nightly/current"))
        _ = builds
    }

    @Test func server() throws {
        let isAskedToStop = true
        // Example: EDICServer
        let service = try ModelService([])
        let server = try HTTPServer(port: 0) { request, isWanted in
            service.respond(to: request, isWanted: isWanted)
        }
        print("listening at \(server.address)")
        server.run(until: { isAskedToStop })
        // End of example
        let request = HTTPRequest(
            method: "POST", path: "/v1/identify", fields: [("content-type", "application/json")],
            body: Array(#"{"text": "La biblioteca è aperta."}"#.utf8))
        #expect(service.respond(to: request).status == 200)
    }
}
