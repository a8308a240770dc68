import EDICCorpora
import EDICText
import Testing
import _EDICTestSupport

@Suite struct Charsets {
    private static let polish = """
        Każdego ranka łodzie wracają do portu, a na nabrzeżu czekają już kupcy i dzieci. Śledzie są świeże, \
        więc wszyscy się spieszą. Później wieje wiatr od morza i gęste chmury zasłaniają słońce nad miastem.

        """

    private func encoded(_ text: String, _ name: String) throws -> [UInt8] {
        let charset = try #require(Charset(named: name))
        let table = try (0..<256).map { byte in
            let (utf8, report) = try TextDecoder.decode([UInt8(byte), 0x20].span, as: charset)
            return report.invalidCount > 0 ? "" : String(decoding: utf8.dropLast(), as: UTF8.self)
        }
        return text.map { character in UInt8(table.firstIndex(of: String(character)) ?? 0x3F) }
    }

    @Test(arguments: ["ISO-8859-2", "windows-1250", "IBM852"]) func detected(name: String) throws {
        let result = try read(try encoded(Self.polish, name), .text, languages: ["pl"])
        #expect(result.reading.charset == name)
        #expect(result.texts == [Self.polish.filter { $0 != "\n" }])
    }

    @Test func theManifestIsWrong() throws {
        let result = try read(
            try encoded(Self.polish, "windows-1250"), .text, languages: ["pl"], encoding: "iso-8859-2")
        #expect(result.reading.charset == "windows-1250")
        #expect(result.reading.charsetContradiction.hasPrefix("the manifest says ISO-8859-2, the bytes windows-1250 ("))
        #expect(result.texts == [Self.polish.filter { $0 != "\n" }])
    }

    @Test func theManifestIsRight() throws {
        let result = try read(try encoded(Self.polish, "ISO-8859-2"), .text, languages: ["pl"], encoding: "latin2")
        #expect(result.reading.charset == "ISO-8859-2" && result.reading.charsetContradiction.isEmpty)
    }

    /// Only a place that is for it names a charset, and bytes that are evidently UTF-8 are read as such.
    @Test(
        arguments: [
            (
                "<!-- <meta charset=iso-8859-1> --><meta charset=utf-8><p>Vier Häfen und drei Schiffe</p>",
                FileFormat.html, false
            ),
            ("<meta name=x content='y'><p>charset=iso-8859-1 in Häfen und auf Schiffen</p>", .html, false),
            ("<meta charset=iso-8859-1><p>Vier Häfen und drei Schiffe</p>", .html, true),
            ("\u{FEFF}<meta charset=iso-8859-1><p>Vier Häfen und drei Schiffe</p>", .html, false),
        ])
    func namesElsewhereDoNotCount(_ text: String, _ format: FileFormat, isContradicted: Bool) throws {
        let result = try read(text, format, languages: ["de"])
        #expect(result.reading.charset == "UTF-8" && result.texts.contains { $0.contains("Häfen") }, "\(result.texts)")
        #expect(result.reading.charsetContradiction.isEmpty != isContradicted)
    }

    /// What Windows' programs call ISO 8859-1.
    @Test func windowsCharactersAreKept() throws {
        let bytes =
            Array("<meta charset=iso-8859-1><p>Der ".utf8) + [0x93, 0x57, 0x94] + Array(" kostet ".utf8) + [0x80, 0xE4]
        let result = try read(bytes, .html, languages: ["de"])
        #expect(result.reading.charset == "windows-1252" && result.texts == ["Der “W” kostet €ä"])
        #expect(result.reading.charsetContradiction.hasPrefix("the file says ISO-8859-1, the bytes windows-1252 ("))
    }

    /// A page that names UTF-8, and the manifest what it is.
    @Test func theManifestHelpsAgainstAFileThatIsWrong() throws {
        let bytes = Array("<meta charset=utf-8><p>Gr".utf8) + [0xF6, 0xDF, 0x65] + Array("</p>".utf8)
        let result = try read(bytes, .html, languages: ["de"], encoding: "iso-8859-1")
        #expect(result.reading.charset == "ISO-8859-1" && result.texts == ["Größe"])
        #expect(result.reading.charsetContradiction.hasPrefix("the file says UTF-8, the bytes ISO-8859-1 ("))
    }

    @Test func bytesThatAreNoText() throws {
        var generator = SeededGenerator(seed: 3)
        let bytes = (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        #expect(try read(bytes, .text).reasons == [.wrongFormat])
    }

    @Test func aCharacterAcrossTheFirstPiece() throws {
        let text = String(repeating: "a", count: 65_535) + "é und mehr\n"
        let result = try read(text, .text)
        #expect(result.reading.charset == "UTF-8" && result.texts.first?.hasSuffix("aé und mehr") == true)
    }
}
