import EDICCorpora
import SystemPackage
import Testing
import _EDICTestSupport

/// Files spoilt at random: whatever they hold, reading ends, nothing is lost, and what comes out is text.
@Suite struct Mutations {
    struct Subject: Sendable, CustomTestStringConvertible {
        var format: FileFormat
        var bytes: [UInt8]
        var unit = FileOptions.TextUnit.file
        var testDescription: String { "\(format) \(unit)" }
    }

    private static let plain = "Erste Zeile – länger\r\nZweite Zeile\n\nDritter Absatz\tmit e\u{301} und \u{1F600}\n"

    static let subjects: [Subject] = [
        Subject(format: .text, bytes: Array(plain.utf8)), Subject(format: .text, bytes: utf16(plain), unit: .line),
        Subject(format: .text, bytes: Array(plain.utf8), unit: .paragraph),
        Subject(
            format: .jsonl,
            bytes: Array("{\"id\":\"1\",\"text\":\"a\\u00e4\"}\n{\"texts\":{\"de\":\"a\",\"en\":\"b\"}}\n".utf8)),
        Subject(format: .tsv, bytes: Array("Haus\thouse\nBaum\ttree\nZug\n".utf8)),
        Subject(format: .tmx, bytes: Array(TMXReading.sound.utf8)),
        Subject(format: .tmx, bytes: utf16(TMXReading.sound)),
        Subject(format: .tei, bytes: Array(TEIReading.debate.utf8)),
        Subject(
            format: .html,
            bytes: Array("<html lang=de><title>T</title><p>Ein <b>Ab</b>satz &amp; <pre>a\nb</pre><script>x".utf8)),
        Subject(format: .conllu, bytes: Array(CoNLLUReading.treebank.utf8)),
        Subject(format: .po, bytes: Array(GettextReading.catalogue.utf8)),
        Subject(format: .mo, bytes: GettextReading.compiled(GettextReading.messages)),
    ]

    @Test(arguments: subjects) func nothingIsLost(subject: Subject) throws {
        var generator = SeededGenerator(seed: 11)
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path).appending("f")
        var options = FileOptions()
        options.unit = subject.unit
        if subject.format == .tsv { options.columns = [.text("de"), .text("en")] }
        let file = ContributionFile(
            contribution: "c", name: "f", parts: [.init(path: path, name: "f")],
            specification: FileSpecification(patterns: ["f"], format: subject.format, options: options),
            languages: ["de", "en", "sk"])
        for round in 0..<120 {
            var bytes = subject.bytes
            for _ in 0...Int.random(in: 0..<5, using: &generator) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(bytes.count, at + Int.random(in: 1...16, using: &generator))
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes.removeSubrange(at..<end)
                case 2:
                    bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0..<bytes.count, using: &generator))
                case 3: bytes.removeSubrange(at...)
                default: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            try put(bytes, path)
            var rows: [Row] = []
            let reading = try CorpusReader().read(file) { rows.append($0) }
            #expect(reading.ledger.isBalanced && reading.ledger.rowsOut == rows.count, "round \(round)")
            #expect(Set(rows.map(\.id)).count == rows.count, "round \(round)")
            for row in rows {
                #expect(row.segments.allSatisfy { !$0.text.isEmpty && !$0.text.utf8.contains(0) }, "round \(round)")
                #expect(try Row(json: row.json.span) == row, "round \(round)")
            }
        }
    }
}
