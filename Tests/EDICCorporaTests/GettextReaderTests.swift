import EDICCorpora
import Testing

@Suite struct GettextReading {
    static let catalogue = """
        # A comment.
        msgid ""
        msgstr ""
        "Language: de_AT\\n"
        "Content-Type: text/plain; charset=UTF-8\\n"

        #: a.c:1
        msgctxt "menu"
        msgid "Open"
        msgstr "Öffnen"

        #, fuzzy, c-format
        msgid "Close"
        msgstr "Zu"

        msgid "%d ship"
        msgid_plural "%d ships"
        msgstr[0] "%d Schiff"
        msgstr[1] "%d Schiffe"
        #. next
        msgid "two "
        "lines\\n\\"x\\""
        msgstr "zwei "
        "Zeilen\\n\\"x\\""

        msgid "untranslated"
        msgstr ""

        #~ msgid "old"
        #~ msgstr "alt"

        msgid "bad
        msgstr "schlecht"

        msgid "last"
        msgstr "letzte"
        """

    @Test func textCatalogue() throws {
        let result = try read(Self.catalogue, .po, languages: ["de"])
        #expect(
            result.sides == [
                ["de=Öffnen", "en=Open"], ["de=%d Schiff", "en=%d ship"], ["de=%d Schiffe", "en=%d ships"],
                ["de=zwei Zeilen\n\"x\"", "en=two lines\n\"x\""], ["de=letzte", "en=last"],
            ])
        #expect(result.rows[0].metadata == [MetadataField("msgctxt", "menu")])
        #expect(result.rows.map(\.provenance.position) == [.line(9), .line(16), .line(17), .line(21), .line(35)])
        #expect(result.reasons == [.markedUnfit, .empty, .markedUnfit, .brokenRecord])
        #expect(result.rejections[3].provenance.position == .line(32))
        #expect(Set(result.rows.map(\.id)).count == result.rows.count)
        #expect(result.reading.ledger.isBalanced)

        let fuzzy = try read(Self.catalogue, .po, languages: ["de"]) { $0.includesFuzzy = true }
        #expect(fuzzy.texts.contains("Zu"))
        let source = try read(Self.catalogue, .po, languages: ["de", "fr"]) { $0.sourceLanguage = "fr" }
        #expect(source.sides[0] == ["de=Öffnen", "fr=Open"])
    }

    @Test func charsetOfTheHeader() throws {
        let bytes = Self.catalogue.replacing("UTF-8", with: "iso-8859-1").unicodeScalars.map {
            UInt8(truncatingIfNeeded: $0.value)
        }
        let result = try read(bytes, .po, languages: ["de"])
        #expect(result.texts[0] == "Öffnen" && result.reading.charset == "ISO-8859-1")
    }

    /// `msgcat --escape` writes so what is not ASCII.
    @Test(arguments: [
        ("UTF-8", #"\303\226l"#), ("UTF-8", #"\xC3\x96l"#), ("ISO-8859-1", #"\326l"#), ("ISO-8859-1", #"\xD6\154"#),
    ])
    func bytesAsEscapes(charset: String, text: String) throws {
        let catalogue = """
            msgid ""
            msgstr "Content-Type: text/plain; charset=\(charset)\\n"
            msgid "oil \\101\\60\\x42 \\\\101 \\8 \\xg"
            msgstr "\(text) \\0409"
            msgid "c"
            msgstr "\\303\\50"
            msgid "d"
            msgstr "e\\"
            msgid "f"
            msgstr "\\""
            """
        let result = try read(catalogue, .po, languages: ["de", "en"], own: ["de"])
        #expect(result.sides.first == ["de=Öl  9", #"en=oil A0B \101 \8 \xg"#])
        // Half a letter of UTF-8 is no text.
        let half: [RejectionReason] = charset == "UTF-8" ? [.invalidEncoding] : []
        #expect(result.reasons == half + [.brokenRecord] && result.sides.last == ["de=\"", "en=f"])
    }

    /// A remark is no header.
    @Test func charsetOfARemark() throws {
        let result = try read("# charset=iso-8859-1\n" + Self.catalogue, .po, languages: ["de"])
        #expect(result.texts[0] == "Öffnen" && result.reading.charset == "UTF-8")
        #expect(result.reading.charsetContradiction.isEmpty)
    }

    @Test func unknownLanguage() throws {
        let result = try read("msgid \"a\"\nmsgstr \"b\"\n", .po, languages: ["de", "fr"])
        #expect(result.reasons == [.undeclaredLanguage])
        #expect(try read("msgid \"a\"\nmsgstr \"b\"\n", .po, languages: ["de", "en"], own: ["de"]).rows.count == 1)
    }

    @Test func nonsense() throws {
        let result = try read("msgstr \"a\"\n\"b\"\nmsgid\nmsgid \"c\" d\nmsgstr[9 \"x\"\nhello\n", .po)
        #expect(result.rows.isEmpty && !result.rejections.isEmpty && result.reading.ledger.isBalanced)
    }

    @Test func longMessages() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 40
        limits.documentBytes = 50
        let long = String(repeating: "x", count: 25)
        let forms = (0..<70).map { "msgstr[\($0)] \"f\"\n" }.joined()
        let text = """
            msgid "a"
            msgstr "b"
            msgid "\(long)\(long)"
            msgstr "c"
            # \(long)\(long)
            msgid "d"
            msgstr "e"
            msgid "f"
            msgstr "\(long)"
            "\(long)"
            "\(long)"

            msgid "g"
            msgid_plural "h"
            \(forms)
            msgid "i"
            msgstr "j"
            """
        let result = try read(text, .po, languages: ["de", "en"], own: ["de"], limits: limits)
        #expect(result.sides == [["de=b", "en=a"], ["de=e", "en=d"], ["de=j", "en=i"]])
        #expect(result.reasons == [.overLimit, .overLimit, .brokenRecord])
        #expect(result.rejections.map(\.provenance.position) == [.line(3), .line(8), .line(13)])
        #expect(result.reading.ledger.isBalanced)
    }

    /// A compiled catalogue of these messages.
    static func compiled(_ messages: [(String, String)], bigEndian: Bool = false) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] {
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            return bigEndian ? bytes.reversed() : bytes
        }
        let count = messages.count
        var tables: [[UInt8]] = [[], []]
        var strings: [UInt8] = []
        let base = 28 + 16 * count
        for (table, texts) in [messages.map(\.0), messages.map(\.1)].enumerated() {
            for text in texts {
                tables[table] += number(text.utf8.count) + number(base + strings.count)
                strings += Array(text.utf8) + [0]
            }
        }
        return number(0x9504_12DE) + number(0) + number(count) + number(28) + number(28 + 8 * count) + number(0)
            + number(0) + tables[0] + tables[1] + strings
    }

    static let messages = [
        ("", "Language: de\nContent-Type: text/plain; charset=UTF-8\n"), ("menu\u{4}Open", "Öffnen"),
        ("%d ship\0%d ships", "%d Schiff\0%d Schiffe"), ("forest", "Wald"),
    ]

    @Test(arguments: [false, true]) func compiledCatalogue(bigEndian: Bool) throws {
        let result = try read(Self.compiled(Self.messages, bigEndian: bigEndian), .mo, languages: ["de", "en"])
        #expect(
            result.sides == [
                ["de=Öffnen", "en=Open"], ["de=%d Schiff", "en=%d ship"], ["de=%d Schiffe", "en=%d ships"],
                ["de=Wald", "en=forest"],
            ])
        #expect(Set(result.rows.map(\.id)).count == 4)
        #expect(result.rows[0].metadata == [MetadataField("msgctxt", "menu")])
    }

    @Test func truncatedCatalogue() throws {
        let whole = Self.compiled(Self.messages)
        for length in 0..<whole.count {
            let result = try read(Array(whole.prefix(length)), .mo, languages: ["de", "en"])
            #expect(result.reading.ledger.isBalanced)
            if length < whole.count - 1 { #expect(result.reasons.last == .brokenFile, "\(length)") }
        }
    }

    @Test func claimsBeyondTheFile() throws {
        var bytes = Self.compiled(Self.messages)
        bytes.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(try read(bytes, .mo).reasons == [.brokenFile])
        // A thousand entries that all point at the same long string.
        let long = String(repeating: "x", count: 10_000)
        var shared = Self.compiled(Array(repeating: ("a", "b"), count: 1_000) + [("long", long)])
        let place = shared.count - 10_001
        for index in 0..<1_000 {
            let at = 28 + 8 * 1_001 + 8 * index
            for (offset, value) in [(0, 10_000), (4, place)] {
                for byte in 0..<4 { shared[at + offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
            }
        }
        let result = try read(shared, .mo, languages: ["de", "en"], own: ["de"])
        #expect(result.reasons == [.brokenFile] && result.rows.count < 20)
    }
}

@Suite struct CoNLLUReading {
    static let treebank = """
        # newdoc id = doc-1
        # sent_id = s1
        # text = Das Schiff fährt.
        1\tDas\tder\tDET\t_\t_\t2\tdet\t_\t_
        2\tSchiff\tSchiff\tNOUN\t_\t_\t3\tnsubj\t_\t_
        3\tfährt\tfahren\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No
        4\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_

        # newpar
        # sent_id = s2
        1-2\tZum\t_\t_\t_\t_\t_\t_\t_\t_
        1\tzu\tzu\tADP\t_\t_\t3\tcase\t_\t_
        2\tdem\tder\tDET\t_\t_\t3\tdet\t_\t_
        3\tHafen\tHafen\tNOUN\t_\t_\t0\troot\t_\tLang=de|SpaceAfter=No
        3.1\tgeht\tgehen\tVERB\t_\t_\t_\t_\t_\t_
        4\t!\t!\tPUNCT\t_\t_\t3\tpunct\t_\t_

        # sent_id = s3
        1\tJa\tja\tINTJ\t_\t_\t0\troot\t_\t_

        # newdoc
        # sent_id = bad
        1\tzu\twenig

        1\tEnde\tEnde\tNOUN\t_\t_\t0\troot\t_\t_
        3\tLücke\tx\tNOUN\t_\t_\t0\troot\t_\t_

        # newdoc id = doc-3
        1\tLetzter\tx\tNOUN\t_\t_\t0\troot\t_\t_
        """

    @Test func documents() throws {
        let result = try read(Self.treebank, .conllu)
        #expect(result.texts == ["Das Schiff fährt.\nZum Hafen! Ja", "Letzter"])
        #expect(result.rows[0].metadata == [MetadataField("newdoc", "doc-1")])
        #expect(result.rows[1].metadata == [MetadataField("newdoc", "doc-3")])
        #expect(result.reasons == [.brokenRecord, .brokenRecord])
        #expect(result.rejections[0].message == "expected 10 columns between tabs, found 3 (sent_id bad)")
        #expect(result.rejections[1].message == "expected word 2, found word 3")
        #expect(result.reading.ledger.isBalanced)
    }

    @Test func longSentencesAndDocuments() throws {
        var limits = ReadingLimits()
        limits.lineBytes = 60
        limits.documentBytes = 20
        let long = String(repeating: "x", count: 50)
        func word(_ number: Int, _ form: String) -> String { "\(number)\t\(form)\tx\tX\t_\t_\t0\troot\t_\t_\n" }
        let text =
            "# newdoc id = a\n" + word(1, "eins") + "\n" + word(1, long) + word(2, "b") + "\n" + word(1, "zwei") + "\n"
            + "# newdoc id = b\n" + word(1, "zehnzehner") + "\n" + word(1, "zehnzehner") + "\n" + word(1, "x") + "\n"
            + "# newdoc id = c\n" + word(1, "zehnzehner") + word(2, "zehnzehner") + word(3, "y") + "\n"
            + "# newdoc id = d\n" + word(1, "Ende") + "\n"
        let result = try read(text, .conllu, limits: limits)
        #expect(result.texts == ["eins zwei", "Ende"])
        #expect(result.reasons == [.overLimit, .overLimit, .overLimit])
        #expect(
            result.rejections.map(\.message) == [
                "line 4 is longer than 60 bytes", "a document of more than 20 bytes",
                "a sentence of more than 20 bytes",
            ])
        #expect(result.rejections.map(\.provenance.position) == [.line(4), .line(9), .line(18)])
        #expect(result.reading.ledger.isBalanced)
    }

    @Test func paragraphsAndSentences() throws {
        let paragraphs = try read(Self.treebank, .conllu) { $0.unit = .paragraph }
        #expect(paragraphs.texts == ["Das Schiff fährt.", "Zum Hafen! Ja", "Letzter"])
        let sentences = try read(Self.treebank, .conllu) { $0.unit = .line }
        #expect(sentences.texts == ["Das Schiff fährt.", "Zum Hafen!", "Ja", "Letzter"])
        #expect(sentences.rows[1].metadata == [MetadataField("newdoc", "doc-1"), MetadataField("sent_id", "s2")])
        #expect(sentences.rows[2].metadata == [MetadataField("newdoc", "doc-1"), MetadataField("sent_id", "s3")])
    }
}
