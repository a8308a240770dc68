import EDICJSON
import EDICLanguageID
import SystemPackage
import Testing
import _EDICTestSupport

private let lid176 = "lid.176.ftz"

@Suite struct FastTextModelTests {
    @Test(.enabled(if: SharedData.isPresent && FetchedModels.has(lid176)))
    func givesTheProbabilitiesOfFastText() throws {
        let model = try FastTextModel(contentsOf: FilePath(FetchedModels.path(lid176)))
        #expect(model.labels.count == 176)
        let golden = try readFile(SharedData.path("langid/golden-lid176.jsonl")).split(separator: 0x0A)
        let sentences = try readFile(SharedData.path("tokenizers/sentences.tsv")).split(separator: 0x0A)
        for (expected, row) in zip(golden, sentences) {
            let fields = row.split(separator: 0x09, maxSplits: 1)
            let text = try #require(try JSONValue(parsing: Array(fields[1]).span).string)
            let found = model.predict(Array(text.utf8).span, limit: 3)
            let labels = try #require(try JSONValue(parsing: Array(expected).span)[1]?.array)
            #expect(found.count == labels.count)
            for (mine, theirs) in zip(found, labels) {
                #expect("__label__" + mine.label == theirs[0]?.string, "\(text)")
                #expect(abs(Double(mine.probability) - (theirs[1]?.double ?? -1)) < 2e-5, "\(text)")
            }
        }
    }
}
