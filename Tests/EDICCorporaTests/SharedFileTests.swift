import EDICCorpora
import SystemPackage
import Testing
import _EDICTestSupport

/// Real files: what they hold was counted with other tools.
@Suite(.enabled(if: SharedData.isPresent)) struct RealFiles {
    private func read(
        _ path: String, _ format: FileFormat, _ languages: [String], options: (inout FileOptions) -> Void = { _ in }
    ) throws
        -> Result
    {
        var chosen = FileOptions()
        options(&chosen)
        let file = ContributionFile(
            contribution: "real", name: path, parts: [.init(path: FilePath(SharedData.path(path)), name: path)],
            specification: FileSpecification(patterns: ["*"], format: format, options: chosen), languages: languages)
        var result = Result()
        result.reading = try CorpusReader().read(file) {
            result.rows.append($0)
        } onRejection: {
            result.rejections.append($0)
        }
        #expect(result.reading.ledger.isBalanced)
        return result
    }

    @Test func debate() throws {
        let result = try read("tei/sk/ParlaMint-SK_1997-08-31-t1m--.xml", .tei, ["sk"])
        #expect(result.rejections.isEmpty && result.rows.count == 8)
        #expect(result.rows.allSatisfy { row in row.metadata.contains { $0.key == "speaker" } })
    }

    @Test func treebank() throws {
        let result = try read("conllu/de_pud-ud-test.conllu", .conllu, ["de"]) { $0.unit = .line }
        #expect(result.rows.count == 1000 && result.rejections.isEmpty)
    }

    @Test func parallelSentences() throws {
        let parts = ["de", "en"].map {
            ContributionFile.Part(path: FilePath(SharedData.path("flores/flores-dev.\($0)")), name: $0, language: $0)
        }
        let file = ContributionFile(
            contribution: "real", name: "flores", parts: parts,
            specification: FileSpecification(patterns: ["*"], format: .moses), languages: ["de", "en"])
        var count = 0
        _ = try CorpusReader().read(file) { _ in count += 1 }
        #expect(count == 997)
    }

    @Test func crawledDocuments() throws {
        let result = try read("jsonl/hplt-en_100.jsonl.zst", .jsonl, ["en"]) { $0.languageField = "none" }
        #expect(result.rows.count + result.rejections.count == 40, "\(result.rejections)")
    }

    @Test(arguments: [
        ("Polish_Polski-Latin2", "pl", "windows-1250"), ("Greek_Ellinika-Greek", "el", "windows-1253"),
        ("Maltese-UTF8", "mt", "UTF-8"), ("Bulgarian_Balgarski-Cyrillic", "bg", "windows-1251"),
    ])
    func legacyEncodings(name: String, language: String, charset: String) throws {
        let result = try read("legacy-encodings/\(name)", .text, [language]) { $0.unit = .line }
        #expect(result.reading.charset == charset && result.rows.count > 10, "\(result.reading)")
    }
}
