import EDICJSON
import EDICLanguageID
import EDICNumerics
import EDICStore
import EDICText
import EDICYAML
import SystemPackage
import Testing
import _EDICTestSupport

/// The examples of floors 1 and 2 that need no model.
@Suite struct FoundationExamples {
    @Test func json() throws {
        // Example: EDICJSON
        let value = try JSONValue(parsing: #"{"id": "a-1", "words": [1, 2]}"#)
        print(value["words"]?[1]?.int ?? 0)  // 2
        print(String(decoding: value.serialized(sortsKeys: true), as: UTF8.self))
        // End of example
        #expect(value["words"]?[1] == 2)
    }

    @Test func yaml() throws {
        // Example: EDICYAML
        let text = """
            id: harbour-minutes
            languages: [et, lv]
            """
        guard let manifest = try YAMLNode(parsing: text) else { return }
        let languages = manifest["languages"]?.elements?.compactMap(\.text) ?? []
        print(languages, "from line", manifest["languages"]?.line ?? 0)
        // End of example
        #expect(languages == ["et", "lv"])
        #expect(manifest["languages"]?.line == 2)
    }

    @Test func text() throws {
        // "Łódź, rękopis: żółta łąka" in ISO 8859-2.
        let bytes: [UInt8] =
            [0xA3, 0xF3, 0x64, 0xBC] + Array(", r".utf8) + [0xEA] + Array("kopis: ".utf8)
            + [0xBF, 0xF3, 0xB3, 0x74, 0x61, 0x20, 0xB3, 0xB1, 0x6B, 0x61]
        // Example: EDICText
        let detector = CharsetDetector(declared: Charset(named: "latin-2"), languages: [try LanguageTag("pl")])
        let guess = detector.guess(bytes.span)
        let (text, report) = try TextDecoder.decode(bytes.span, as: guess.charset)
        var clean: [UInt8] = []
        let counts = try TextNormalizer.corpus.normalize(text.span, into: &clean)
        print(report.invalidCount, counts, String(decoding: clean, as: UTF8.self))
        // End of example
        #expect(String(decoding: clean, as: UTF8.self) == "Łódź, rękopis: żółta łąka")
        #expect(report.invalidCount == 0)
    }

    @Test func languages() throws {
        // Example: EDICLanguageID
        let identifier = try LanguageIdentifier.builtIn()
        let languages = identifier.identify("La biblioteca è aperta oggi fino alle sei di sera.")
        for candidate in languages { print(candidate.language, candidate.probability) }  // it, and how surely
        // End of example
        #expect(languages.first?.language.description == "it")
    }

    @Test func store() throws {
        let folder = try TemporaryFolder()
        let contribution = FilePath(folder.path).appending("rows.jsonl")
        let shardPath = FilePath(folder.path).appending("rows.docs.zst")
        _ = try writeAtomically("{\"id\":\"line-1\"}\r\n{\"id\":\"line-2\",\"text\":\"Brücke\"}\n", to: contribution)
        // Example: EDICStore
        var lines = try LineReader(contribution)
        var writer = try DocumentShardWriter(shardPath)
        while try lines.advance() {
            try lines.withLine { row in try writer.append(row, id: "line-\(lines.number)") }
        }
        let summary = try writer.finish()
        print(summary.itemCount, summary.contentDigest)

        let shard = try DocumentShard(shardPath)
        if let row = try shard.row(id: "line-2") { print(String(decoding: row, as: UTF8.self)) }

        let verification = try ShardVerification(of: shardPath)
        for problem in verification.problems { print(problem.message) }
        // End of example
        #expect(summary.itemCount == 2 && verification.problems.isEmpty)
        let found = try shard.row(id: "line-2").map { String(decoding: $0, as: UTF8.self) }
        #expect(found == #"{"id":"line-2","text":"Brücke"}"#)
    }

    @Test func numerics() throws {
        // Example: EDICNumerics
        let values: [Float] = [1, 2, 3, 4, 5, 6]
        let layer = try WeightMatrix(rows: 2, columns: 3, quantizing: values.span)
        var input = ProductInput()
        let x: [Float] = [1, 0, -1]
        input.load(x.span, rows: 1, for: [layer])
        var y = AlignedBuffer<Float>(count: 2)
        var out = y.mutableSpan
        layer.multiply(input, into: &out, bias: [10, 20].span)
        // y is about [8, 18]
        // End of example
        #expect(abs(y[0] - 8) < 0.05 && abs(y[1] - 18) < 0.05)
    }
}
