import EDICText
import Testing
import _EDICTestSupport

/// Encodes text in a single-byte charset by turning its decoder round; nil where a character is missing.
struct ByteEncoder {
    private var byteOf: [Unicode.Scalar: UInt8] = [:]

    init(_ charset: Charset) throws {
        for byte in UInt8.min...UInt8.max {
            let (text, report) = try TextDecoder.decode([byte].span, as: charset)
            guard report.invalidCount == 0 else { continue }
            for scalar in String(decoding: text, as: UTF8.self).unicodeScalars where byteOf[scalar] == nil {
                byteOf[scalar] = byte
            }
        }
    }

    func encode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard let byte = byteOf[scalar] else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}

private func guess(_ bytes: [UInt8], declared: String? = nil, languages: [String] = []) throws -> CharsetGuess {
    let tags = try languages.map { try LanguageTag($0) }
    return CharsetDetector(declared: declared.flatMap { Charset(named: $0) }, languages: tags).guess(bytes.span)
}

@Suite struct CharsetDetectorTests {
    @Test func marksDecide() throws {
        #expect(try guess([0xEF, 0xBB, 0xBF, 0x41]).charset == .utf8)
        #expect(try guess([0xFF, 0xFE, 0x41, 0]).charset == .utf16LittleEndian)
        #expect(try guess([0xFF, 0xFE, 0, 0, 0x41, 0, 0, 0]).charset == .utf32LittleEndian)
        #expect(try guess([0, 0, 0xFE, 0xFF]).charset == .utf32BigEndian)
    }

    @Test func utf8IsUTF8() throws {
        #expect(try guess([]).charset == .utf8)
        #expect(try guess(Array("plain".utf8)).confidence == 1)
        #expect(try guess(Array("Größe und Übung, süß".utf8), declared: "latin1").charset == .utf8)
        // Cut inside a character, and damaged in the middle.
        #expect(try guess(Array("Größe und Übung, süß".utf8.dropLast())).charset == .utf8)
        let damaged = try guess(Array(String(repeating: "Größe, Übung ", count: 10).utf8) + [0xFF] + Array("ü".utf8))
        #expect(damaged.charset == .utf8)
        #expect(damaged.evidence.first?.offset == 160)
    }

    @Test func unmarkedUTF16AndBinary() throws {
        let text = "Die Größe, мир. Ελλάδα και"
        let little = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let big = text.utf16.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        #expect(try guess(little).charset == .utf16LittleEndian)
        #expect(try guess(big).charset == .utf16BigEndian)
        let wide: [UInt8] = text.unicodeScalars.flatMap { scalar -> [UInt8] in
            [UInt8(truncatingIfNeeded: scalar.value), UInt8(truncatingIfNeeded: scalar.value >> 8), 0, 0]
        }
        #expect(try guess(wide).charset == .utf32LittleEndian)
        var random = SeededGenerator(seed: 2)
        let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(try guess(noise).looksBinary)
        #expect(try guess([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D]).looksBinary)
    }

    @Test(arguments: [
        ("windows-1250", "Zażółć gęślą jaźń, ale nie wiemy, czy się uda. Książka leży na półce."),
        ("ISO-8859-2", "Zażółć gęślą jaźń, ale nie wiemy, czy się uda. Książka leży na półce."),
        ("windows-1250", "Žluťoučký kůň úpěl ďábelské ódy, šťastně však přežil."),
        ("ISO-8859-2", "Žluťoučký kůň úpěl ďábelské ódy, šťastně však přežil."),
        ("IBM852", "Žluťoučký kůň úpěl ďábelské ódy, šťastně však přežil."),
        ("x-mac-ce", "Žluťoučký kůň úpěl ďábelské ódy, šťastně však přežil."),
        ("windows-1252", "Die Prüfung „schöner“ Wörter fällt häufig größer aus – weiß man."),
        ("IBM850", "Die Prüfung schöner Wörter fällt häufig größer aus, weiß man."),
        ("macintosh", "Die Prüfung „schöner“ Wörter fällt häufig größer aus – weiß man."),
        ("ISO-8859-7", "Η γλώσσα είναι ο καθρέφτης της ψυχής και της ιστορίας."),
        ("windows-1253", "Ά, η γλώσσα είναι ο καθρέφτης της ψυχής – και της ιστορίας."),
        ("windows-1251", "Българският език е южнославянски език."),
        ("KOI8-U", "Українська мова є державною мовою України, її вивчають у школі."),
        ("IBM866", "Русский язык является одним из восточнославянских языков."),
        ("ISO-8859-5", "Русский язык является одним из восточнославянских языков."),
        ("windows-1257", "Latviešu valodā ir garumzīmes: ā, ē, ī, ū un mīkstinājumi ģ, ķ, ļ, ņ."),
        ("IBM775", "Lietuvių kalboje yra ėriukų, žąsų ir įvairių kitų gyvūnų, šuo."),
        ("ISO-8859-3", "Il-lingwa Maltija għandha ċ, ġ, ħ u ż; għalhekk hija waħda mill-aħjar."),
        ("ISO-8859-9", "Türkçe öğrenmek için ışık ve güneş gibi sözcükler çalışılır."),
        ("windows-1250", "Toate fiinţele umane se nasc libere şi egale în demnitate şi în drepturi."),
    ])
    func tellsLegacyCharsetsApart(name: String, text: String) throws {
        let charset = try #require(Charset(named: name))
        let bytes = try #require(try ByteEncoder(charset).encode(text))
        let verdict = try guess(bytes)
        let decoded = String(decoding: try TextDecoder.decode(bytes.span, as: verdict.charset).text, as: UTF8.self)
        #expect(decoded == text, "\(verdict.charset) \(verdict.evidence)")
        #expect(verdict.confidence > 0.5, "\(verdict)")
    }

    @Test func aWrongDeclarationIsNamedWithItsByte() throws {
        let text = "Zażółć gęślą jaźń, książka leży na półce."
        let charset = try #require(Charset(named: "windows-1250"))
        let bytes = try #require(try ByteEncoder(charset).encode(text))
        let verdict = try guess(bytes, declared: "ISO-8859-2", languages: ["pl"])
        #expect(verdict.charset.name == "windows-1250")
        let declared = try #require(verdict.evidence.last)
        #expect(declared.note.contains("ISO-8859-2"))
        #expect(declared.offset.map { 0x80..<0xA0 ~= bytes[$0] } == true)
    }

    @Test func declarationDecidesWhereBytesDoNot() throws {
        let bytes: [UInt8] = Array("caf".utf8) + [0xE9] + Array(" cr".utf8) + [0xE8] + Array("me".utf8)
        #expect(try guess(bytes).charset == .windows1252)
        #expect(try guess(bytes, declared: "ISO-8859-15").charset.name == "ISO-8859-15")
    }

    @Test func eastAsianTextGoesToICU() throws {
        let shiftJIS: [UInt8] = Array(
            repeating: [
                0x93, 0xFA, 0x96, 0x7B, 0x8C, 0xEA, 0x82, 0xCC, 0x83, 0x65, 0x83, 0x4C, 0x83, 0x58, 0x83, 0x67, 0x82,
                0xC5, 0x82, 0xB7, 0x81, 0x42,
            ],
            count: 20
        ).flatMap { $0 }
        let verdict = try guess(shiftJIS)
        #expect(verdict.charset.name == "Shift_JIS", "\(verdict)")
    }
}

@Suite struct RealLegacyFileTests {
    @Test(
        .enabled(if: SharedData.isPresent),
        arguments: [
            ("Bulgarian_Balgarski-Cyrillic", "windows-1251", "човек"),
            ("Croatian_Hrvatski-Latin2", "windows-1250", "dostojanstva"),
            ("Czech-Latin2-err", "windows-1250", "důstojnost"), ("French_Francais-Latin1", "windows-1252", "égalité"),
            ("German_Deutsch-Latin1", "windows-1252", "für"), ("Greek_Ellinika-Greek", "windows-1253", "δικαιώματα"),
            ("Hungarian_Magyar-Unicode", "UTF-16LE", "emberi"),
            ("Maltese-UTF8", "UTF-8", "għarfien"), ("Polish_Polski-Latin2", "windows-1250", "człowiek"),
            ("Romanian-Latin2", "windows-1250", "demnităţii"),
        ])
    func readsRealFiles(name: String, expected: String, word: String) throws {
        let bytes = try readFile(SharedData.path("legacy-encodings/\(name)"))
        let verdict = try guess(bytes, declared: "ISO-8859-2")
        let (text, report) = try TextDecoder.decode(bytes.span, as: verdict.charset)
        let string = String(decoding: text, as: UTF8.self)
        #expect(string.contains(word), "\(name): \(verdict)")
        #expect(verdict.charset.name == expected || verdict.charset.name == "ISO-8859-2", "\(name): \(verdict)")
        if name.hasPrefix("Polish") { #expect(verdict.charset.name == "windows-1250") }
        #expect(report.endsInsideCharacter == name.hasPrefix("Hungarian"))
        #expect(verdict.confidence > 0.6)
    }

    /// 23 languages, each in the charsets in which it was written before Unicode.
    @Test(.enabled(if: SharedData.isPresent))
    func readsEveryLanguageInItsCharsets() throws {
        let west = ["windows-1252", "ISO-8859-15", "IBM850", "macintosh"]
        let middle = ["windows-1250", "ISO-8859-2", "IBM852", "x-mac-ce"]
        let baltic = ["windows-1257", "ISO-8859-13", "IBM775"]
        let charsets: [String: [String]] = [
            "bg": ["windows-1251", "ISO-8859-5", "IBM866", "x-mac-cyrillic", "IBM855"], "cs": middle, "da": west,
            "de": west,
            "el": ["windows-1253", "ISO-8859-7", "IBM737", "x-mac-greek", "IBM869"], "en": west, "es": west,
            "et": baltic, "fi": west, "fr": west, "hr": middle, "hu": middle, "it": west, "lt": baltic,
            "lv": baltic + ["ISO-8859-4"], "mt": ["ISO-8859-3"], "nl": west, "pl": middle, "pt": west,
            "ro": ["ISO-8859-2", "windows-1250"], "sk": middle, "sl": middle, "sv": west,
        ]
        var right = 0
        var all = 0
        var wrong: [String] = []
        for (language, names) in charsets.sorted(by: { $0.key < $1.key }) {
            let lines = String(decoding: try readFile(SharedData.path("flores/flores-dev.\(language)")), as: UTF8.self)
                .split(separator: "\n")
            for name in names {
                let charset = try #require(Charset(named: name))
                let encoder = try ByteEncoder(charset)
                var texts: [String] = []
                var text = ""
                for line in lines where texts.isEmpty {
                    var line = String(line)
                    if language == "ro" {
                        line = String(
                            String.UnicodeScalarView(
                                line.unicodeScalars.map {
                                    switch $0 {
                                    case "ș": "ş"
                                    case "ț": "ţ"
                                    case "Ș": "Ş"
                                    case "Ț": "Ţ"
                                    default: $0
                                    }
                                }))
                    }
                    guard encoder.encode(line) != nil, !line.utf8.allSatisfy({ $0 < 0x80 }) else { continue }
                    text += line + "\n"
                    if text.utf8.count > 1000 {
                        texts.append(text)
                        text = ""
                    }
                }
                for text in texts {
                    let bytes = try #require(encoder.encode(text))
                    let verdict = try guess(bytes)
                    let decoded = try TextDecoder.decode(bytes.span, as: verdict.charset).text
                    all += 1
                    if decoded == Array(text.utf8) {
                        right += 1
                    } else {
                        wrong.append("\(language)/\(name)->\(verdict.charset)")
                    }
                }
            }
        }
        #expect(Double(right) >= 0.97 * Double(all), "\(right) of \(all); wrong: \(wrong)")
        #expect(all > 70)
    }
}
