import EDICCorpora
import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct PlainTextReading {
    @Test func fileLineAndParagraph() throws {
        let text = "\u{FEFF}Erste Zeile.\r\nZweite Zeile.\r\n\r\n  \nDritte.\n"
        let file = try read(text, .text)
        #expect(file.texts == ["Erste Zeile.\nZweite Zeile.\n\n  \nDritte."])
        #expect(file.rows[0].id == "test/file")

        let lines = try read(text, .text) { $0.unit = .line }
        #expect(lines.texts == ["Erste Zeile.", "Zweite Zeile.", "Dritte."])
        #expect(lines.rows.map(\.id) == ["test/file#1", "test/file#2", "test/file#5"])
        #expect(lines.reasons == [.empty, .empty])
        #expect(lines.reading.ledger.isBalanced && lines.reading.ledger.rowsIn == 5)

        let paragraphs = try read(text, .text) { $0.unit = .paragraph }
        #expect(paragraphs.texts == ["Erste Zeile.\nZweite Zeile.", "Dritte."])
        #expect(paragraphs.rows.map(\.provenance.position) == [.line(1), .line(5)])
        #expect(paragraphs.rejections.isEmpty)
    }

    /// Old Macintosh systems ended lines with carriage returns alone.
    @Test func carriageReturnsAlone() throws {
        let lines = try read("eins\rzwei\r\rdrei\r", .text) { $0.unit = .line }
        #expect(lines.texts == ["eins", "zwei", "drei"] && lines.rows.last?.id == "test/file#4")
        #expect(lines.reading.endsLinesWithReturns)
        #expect(try read("eins\r", .text) { $0.unit = .line }.reading.endsLinesWithReturns)
        #expect(try read("a\rb\r\rc", .text) { $0.unit = .paragraph }.texts == ["a\nb", "c"])
        let table = try read("1\tHaus\r2\tBaum\r", .tsv) { $0.columns = [.ignored, .text("de")] }
        #expect(table.texts == ["Haus", "Baum"])
        let parts: [(name: String, language: String?, bytes: [UInt8])] = [
            ("a.de", "de", Array("Haus\rBaum\r".utf8)), ("a.en", "en", Array("house\ntree\n".utf8)),
        ]
        let pairs = try read(parts, .moses, languages: ["de", "en"])
        #expect(pairs.sides == [["de=Haus", "en=house"], ["de=Baum", "en=tree"]])
    }

    /// A line feed anywhere in reach says that carriage returns end no lines.
    @Test func carriageReturnsInLines() throws {
        let filler = String(repeating: "x", count: 200_000)
        for text in ["a\rb\nc\n", "a\r\(filler)\nc", "a\r\nc\r\n"] {
            let lines = try read(text, .text) { $0.unit = .line }
            #expect(lines.rows.map(\.id) == ["test/file#1", "test/file#2"] && !lines.reading.endsLinesWithReturns)
        }
        let record = try read("{\"text\":\r\"Guten Tag\"}\r", .jsonl)
        #expect(record.texts == ["Guten Tag"] && !record.reading.endsLinesWithReturns)
        var limits = ReadingLimits()
        limits.lineBytes = 300_000
        let long = String(repeating: "\(filler)\r", count: 5)
        let read = try read(long, .text, limits: limits) { $0.unit = .line }
        #expect(read.rows.count == 5 && read.rejections.isEmpty)
    }

    /// Lines that no feed ends for long, and then a `\r\n` whose halves come in two pieces: it ends one line.
    @Test func lineEndsThatChange() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 1000
        let piece = String(repeating: "fünfzehn Byte.\r", count: 4096)
        let result = try read("\(piece)\nEnde\r\n", .text, limits: limits) { $0.unit = .line }
        #expect(result.rows.count == 4097 && result.rows.last?.id == "test/file#4097")
        #expect(result.reading.ledger.rowsIn == 4097)
    }

    @Test func textIsNormalized() throws {
        let read = try read("Cafe\u{301}\u{1} \u{A0}au\u{AD}f\r", .text)
        #expect(read.texts == ["Café  auf"])
        #expect(read.texts.joined().utf8.elementsEqual("Café  auf".utf8))
    }

    @Test func charsets() throws {
        let text = "Žluťoučký kůň\nběží\n"
        #expect(try read(utf16(text), .text, languages: ["cs"]).texts == ["Žluťoučký kůň\nběží"])
        #expect(try read(utf16(text, bigEndian: true), .text, languages: ["cs"]).reading.charset == "UTF-16BE")
        let latin1: [UInt8] = [0x47, 0x72, 0xF6, 0xDF, 0x65]
        let declared = try read(latin1, .text, encoding: "iso8859-1")
        #expect(declared.texts == ["Größe"] && declared.reading.charset == "ISO-8859-1")
    }

    @Test func damagedBytesArePlaced() throws {
        let bytes = Array("gut\nka".utf8) + [0xFF] + Array("putt\nwieder gut\n".utf8)
        let lines = try read(bytes, .text, encoding: "utf-8") { $0.unit = .line }
        #expect(lines.texts == ["gut", "wieder gut"])
        #expect(lines.reasons == [.invalidEncoding])
        #expect(lines.rejections.map(\.provenance.position) == [.line(2)])
        #expect(lines.rejections.first?.message.contains("2 bytes into") == true)
        #expect(lines.reading.invalidSequences == 1 && lines.reading.invalidOffsets == [6])
    }

    @Test func limits() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 10
        let long = try read("kurz\nviel zu lange Zeile\nkurz\n", .text, limits: limits) { $0.unit = .line }
        #expect(long.texts == ["kurz", "kurz"] && long.rows.last?.provenance.position == .line(3))
        #expect(long.rejections.map(\.provenance.position) == [.line(2)] && long.reasons == [.overLimit])
        #expect(long.rejections[0].excerpt == "viel zu lange Zeile" && long.reading.ledger.isBalanced)
        let last = try read("kurz\nviel zu lange Zeile", .text, limits: limits) { $0.unit = .line }
        #expect(last.texts == ["kurz"] && last.reasons == [.overLimit])
        limits.documentBytes = 4
        #expect(try read("zu lang", .text, limits: limits).reasons == [.overLimit])
    }

    /// What is over a limit is one row; reading goes on behind it.
    @Test func longLinesInManyPieces() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 100_000
        let long = String(repeating: "lang ", count: 100_000)
        for text in ["eins\n\(long)\nzwei\n", "eins\r\n\(long)\r\nzwei"] {
            let result = try read(text, .text, limits: limits) { $0.unit = .line }
            #expect(result.texts == ["eins", "zwei"] && result.reading.ledger.rowsIn == 3)
            #expect(result.rejections.map(\.message) == ["line 2 is longer than 100000 bytes"])
            #expect(result.rejections[0].excerpt.hasPrefix("lang lang lang"))
        }
    }

    @Test func longParagraphs() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 10
        limits.documentBytes = 11
        let text = "a\nviel zu lange Zeile\nb\n\nkurz\n\nsieben\nsechs\n\nc\n\nsieben\nsechs\nund"
        let result = try read(text, .text, limits: limits) { $0.unit = .paragraph }
        #expect(result.texts == ["kurz", "c"] && result.reasons == [.overLimit, .overLimit, .overLimit])
        #expect(result.rejections.map(\.provenance.position) == [.line(1), .line(7), .line(12)])
        #expect(result.rejections[0].message == "line 2 is longer than 10 bytes")
        #expect(result.rejections[1].excerpt == "sieben" && result.reading.ledger.isBalanced)
    }

    @Test func languageOfTheText() throws {
        #expect(try read("a", .text, languages: ["de", "fr"]).reasons == [.undeclaredLanguage])
        #expect(try read("a", .text, languages: ["de", "fr"], own: ["fr"]).rows[0].segments[0].language == "fr")
    }

    @Test func missingAndDamagedFiles() throws {
        let file = ContributionFile(
            contribution: "c", name: "gone", parts: [.init(path: "/nonexistent/gone", name: "gone")],
            specification: FileSpecification(patterns: ["gone"], format: .text), languages: ["de"])
        var rejections: [Rejection] = []
        let reading = try CorpusReader().read(file) { _ in
        } onRejection: {
            rejections.append($0)
        }
        #expect(rejections.map(\.reason) == [.unreadableFile])
        #expect(reading.ledger.isBalanced && reading.ledger.rowsIn == 1)
        let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x4C]
        #expect(try read(gzip, .text).reasons == [.unreadableFile])
    }

    /// What is not taken of a file that breaks off is said, also where it was read ahead to find what ends its lines.
    @Test(arguments: ["\n", "\r"]) func theRestIsAccountedFor(end: String) throws {
        var generator = SeededGenerator(seed: 3)
        var lines: [UInt8] = []
        for _ in 0..<40_000 { lines += Array("Zeile \(UInt64.random(in: 0 ... .max, using: &generator))\(end)".utf8) }
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path).appending("a.gz")
        try put(lines, FilePath(folder.path).appending("a"))
        #expect(unsafe system("gzip '\(folder.path)/a'") == 0)
        let reader = try FileDescriptor.open(path, .readOnly)
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = try reader.closeAfter {
            try unsafe bytes.withUnsafeMutableBytes { try unsafe reader.read(into: $0) }
        }
        bytes.removeLast(bytes.count - count)
        for index in (count / 2)..<(count / 2 + 100) { bytes[index] = 0xFF }
        let result = try read(bytes, .text) { $0.unit = .line }
        #expect(result.rows.count > 1000)
        let last = try #require(result.rejections.last)
        let message = last.message
        #expect(message.contains("gzip data damaged near byte"), "\(message)")
        let said = message.split(separator: "the rest of the file, ").last?.split(separator: " bytes at least").first
        #expect(said.flatMap { Int($0) }.map { (1..<count).contains($0) } == true, "\(message)")
        #expect(result.reading.ledger.isBalanced && last.endsFile && last.reason == .unreadableFile)
    }

    @Test func errorsOfTheCallerStopTheReading() throws {
        struct Enough: Error {}
        let folder = try read("a\nb\n", .text) { $0.unit = .line }
        #expect(folder.rows.count == 2)
        let file = ContributionFile(
            contribution: "c", name: "x", parts: [.init(path: "/etc/hostname", name: "x")],
            specification: FileSpecification(patterns: ["x"], format: .text), languages: ["de"])
        #expect(throws: Enough.self) { try CorpusReader().read(file) { _ in throw Enough() } }
    }
}

@Suite struct RecordReading {
    @Test func jsonLines() throws {
        let text = """
            {"text":"Guten Tag","id":"a","url":"http://x","n":3}
            {"text":"Bonjour","lang":"fr"}

            {"text":5}
            not json
            {"texts":{"de":"Haus","fr":"maison"},"meta":{"k":"v"}}
            {"text":"Hello","lang":"en"}
            """
        let result = try read(text, .jsonl, languages: ["de", "fr"], own: ["de"]) { $0.metadataKeys = ["url", "n"] }
        #expect(result.sides == [["de=Guten Tag"], ["fr=Bonjour"], ["de=Haus", "fr=maison"]])
        #expect(
            result.rows[0].metadata == [
                MetadataField("id", "a"), MetadataField("url", "http://x"), MetadataField("n", "3"),
            ])
        #expect(result.rows[2].metadata == [MetadataField("k", "v")])
        #expect(result.reasons == [.brokenRecord, .brokenRecord, .undeclaredLanguage])
        #expect(result.rejections.map(\.provenance.position) == [.line(4), .line(5), .line(7)])
        #expect(result.reading.ledger.isBalanced)
    }

    @Test func textsLeftOutOfRecords() throws {
        let text = "{\"texts\":{\"de\":\"Haus\",\"fr\":\"maison\",\"it\":[\"casa\"],\"es\":null,\"xx\":\"?\"}}"
        let result = try read(text, .jsonl, languages: ["de", "fr", "it", "es"])
        #expect(result.sides == [["de=Haus", "fr=maison"]] && result.reasons == [.brokenRecord, .undeclaredLanguage])
        #expect(result.rejections[0].message == "the text in \"it\" is no string")
        #expect(result.rejections[0].excerpt == "[\"casa\"]" && result.reading.ledger.isBalanced)
    }

    @Test func jsonNestedAbsurdly() throws {
        let deep = "{\"text\":\"a\",\"x\":" + String(repeating: "[", count: 100_000) + "\n{\"text\":\"b\"}\n"
        let result = try read(deep, .jsonl)
        #expect(result.texts == ["b"] && result.reasons == [.brokenRecord])
    }

    @Test func tsv() throws {
        let text = "id\tde\ten\n1\tHaus\thouse\n2\tBaum\n3\tZug\ttrain\textra\n4\t\tempty\n5\tSchiff\tship"
        let result = try read(text, .tsv, languages: ["de", "en"]) {
            $0.columns = [.metadata("id"), .text("de"), .text("en")]
            $0.hasHeader = true
        }
        #expect(result.sides == [["de=Haus", "en=house"], ["de=Schiff", "en=ship"]])
        #expect(result.rows[1].metadata == [MetadataField("id", "5")])
        #expect(result.reasons == [.brokenRecord, .brokenRecord, .empty])
        #expect(result.rejections[0].message == "expected 3 columns between tabs, found 2")
        #expect(result.rows.map(\.provenance.position) == [.line(2), .line(6)])

        let one = try read("x\tHaus\ny\tBaum\n", .tsv) { $0.columns = [.ignored, .text("de")] }
        #expect(one.texts == ["Haus", "Baum"])
    }

    @Test func longRecords() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 30
        let long = String(repeating: "x", count: 40)
        let tsv = try read("id\t\(long)\n1\tHaus\n2\t\(long)\n3\tBaum", .tsv, limits: limits) {
            $0.columns = [.metadata("id"), .text("de")]
            $0.hasHeader = true
        }
        #expect(tsv.texts == ["Haus", "Baum"] && tsv.reasons == [.overLimit, .overLimit])
        let json = try read("{\"text\":\"a\"}\n{\"text\":\"\(long)\"}\n{\"text\":\"b\"}", .jsonl, limits: limits)
        #expect(json.texts == ["a", "b"] && json.reasons == [.overLimit])
        let moses = try read(
            [
                ("f.de", "de", Array("Haus\n\(long)\nBaum\nZug\n".utf8)),
                ("f.en", "en", Array("house\nx\ntree\n\(long)".utf8)),
            ], .moses, languages: ["de", "en"], limits: limits)
        #expect(moses.sides == [["de=Haus", "en=house"], ["de=Baum", "en=tree"]])
        #expect(moses.rejections.map(\.provenance.position) == [.line(2), .line(4)])
        #expect(moses.rejections[1].message == "line 4 of the en file is longer than 30 bytes")
        #expect(moses.rejections[1].excerpt == "Zug" && moses.reading.ledger.isBalanced)
    }

    @Test func moses() throws {
        let result = try read(
            [
                ("f.de", "de", Array("Haus\r\nBaum\n\nZug".utf8)),
                ("f.en", "en", Array("house\ntree\nempty\ntrain\n".utf8)),
            ],
            .moses, languages: ["de", "en"])
        #expect(result.sides == [["de=Haus", "en=house"], ["de=Baum", "en=tree"], ["de=Zug", "en=train"]])
        #expect(result.reasons == [.empty])
        #expect(result.rows[2].id == "test/file.{language}#4")
        #expect(result.reading.ledger.isBalanced)
    }

    @Test func mosesOfUnequalLength() throws {
        let result = try read(
            [("f.de", "de", Array("a\nb\nc\n".utf8)), ("f.en", "en", Array("a\nb\n".utf8))], .moses,
            languages: ["de", "en"])
        #expect(result.rows.isEmpty && result.reasons == [.brokenFile])
        #expect(result.rejections[0].message.hasPrefix("f.de has 3 lines, f.en has 2 lines: from line 3 on"))
    }

    @Test func mosesInManyPieces() throws {
        let count = 40_000
        let german = (0..<count).map { "Zeile \($0)\n" }.joined()
        let english = (0..<count).map { "a much, much longer line that says \($0)\n" }.joined()
        let result = try read(
            [("f.de", "de", Array(german.utf8)), ("f.en", "en", Array(english.utf8))], .moses, languages: ["de", "en"])
        #expect(result.rows.count == count)
        #expect(result.sides.last == ["de=Zeile \(count - 1)", "en=a much, much longer line that says \(count - 1)"])
    }
}
