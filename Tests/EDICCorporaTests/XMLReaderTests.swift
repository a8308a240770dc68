import EDICCorpora
import Testing

@Suite struct TMXReading {
    static let sound = """
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE tmx SYSTEM "tmx14.dtd">
        <tmx version="1.4"><header creationtool="x" srclang="de" segtype="sentence"><prop type="p">head</prop></header>
        <body>
          <tu tuid="1"><note>checked</note><prop type="x-domain">port</prop>
            <tuv xml:lang="DE-de"><seg>Das <bpt i="1">&lt;b></bpt>Schiff<ept i="1">&lt;/b></ept> &amp; der <hi>Hafen</hi></seg></tuv>
            <tuv xml:lang="en"><prop type="y">z</prop><seg>The <ph>{0}<sub>alt</sub></ph>ship &#x26; the <![CDATA[<port>]]></seg></tuv>
            <tuv lang="fr"><seg></seg></tuv>
          </tu>
          <tu><tuv xml:lang="de"><seg>allein</seg></tuv></tu>
          <tu><tuv xml:lang="de"><seg>Wald</seg></tuv><tuv xml:lang="xx"><seg>?</seg></tuv></tu>
          <tu><tuv xml:lang="de"><seg>Wald</seg></tuv><tuv xml:lang="en"><seg>forest</seg></tuv></tu>
        </body></tmx>
        """

    @Test func units() throws {
        let result = try read(Self.sound, .tmx, languages: ["de", "en", "fr"])
        #expect(
            result.sides == [
                ["de=Das Schiff & der Hafen", "en=The ship & the <port>"], ["de=Wald", "en=forest"],
            ])
        #expect(
            result.rows[0].metadata == [
                MetadataField("tuid", "1"), MetadataField("note", "checked"), MetadataField("x-domain", "port"),
                MetadataField("y", "z"),
            ])
        #expect(result.rows.map(\.id) == ["test/file#u1", "test/file#u4"])
        #expect(result.reasons == [.brokenRecord, .undeclaredLanguage])
        #expect(result.reading.ledger.isBalanced && result.reading.ledger.rowsIn == 4)
    }

    /// A text that is left out of its unit is in the account.
    @Test func textsLeftOut() throws {
        let text = """
            <tmx><body><tu><tuv xml:lang="de"><seg>Wald</seg></tuv><tuv xml:lang="de-AT"><seg>Holz</seg></tuv>
            <tuv><seg>metsä</seg></tuv><tuv xml:lang="en"><seg>forest</seg></tuv><tuv xml:lang="en"><seg> </seg></tuv>
            <tuv xml:lang="fr"><seg>forêt</seg></tuv></tu>
            <tu><tuv xml:lang="de"><seg>a</seg></tuv><tuv xml:lang="de"><seg>b</seg></tuv></tu>
            <tuv xml:lang="de"><seg>draußen</seg></tuv></body></tmx>
            """
        let result = try read(text, .tmx, languages: ["de", "en"])
        #expect(result.sides == [["de=Wald", "en=forest"]])
        #expect(
            result.reasons == [
                .repeatedLanguage, .undeclaredLanguage, .undeclaredLanguage, .brokenRecord, .brokenRecord,
            ])
        #expect(result.rejections.map(\.excerpt) == ["Holz", "metsä", "forêt", "a", "draußen"])
        #expect(result.rejections.map(\.provenance.position) == [.unit(1), .unit(1), .unit(1), .unit(2), .unit(3)])
        #expect(result.rejections[0].message == "the unit has another text in de, which is taken")
        #expect(result.rejections[1].message.hasPrefix("the text has no language"))
        #expect(result.reading.ledger.isBalanced && result.reading.ledger.rowsIn == 6)
    }

    @Test func encodings() throws {
        let text = Self.sound.replacing("UTF-8", with: "UTF-16").replacing("Hafen", with: "Häfen")
        for bytes in [utf16(text), utf16(text, bigEndian: true), Array(utf16(text).dropFirst(2))] {
            let result = try read(bytes, .tmx, languages: ["de", "en"])
            #expect(result.texts.first == "Das Schiff & der Häfen")
        }
        let latin = Self.sound.replacing("UTF-8", with: "iso-8859-1").utf8.map { $0 == UInt8(ascii: "f") ? 0xE4 : $0 }
        let result = try read(latin, .tmx, languages: ["de", "en"])
        #expect(result.texts.first == "Das Schiää & der Haäen" && result.reading.charset == "ISO-8859-1")
    }

    @Test func brokenInTheMiddle() throws {
        let cut = String(Self.sound.prefix(Self.sound.count - 60))
        let result = try read(cut, .tmx, languages: ["de", "en"])
        #expect(result.rows.count == 1)
        #expect(result.reasons.last == .brokenXML)
        #expect(result.reading.ledger.isBalanced)
        let mismatch = try read("<tmx>\n<body>\n<tu></body></tmx>", .tmx)
        #expect(mismatch.rejections.map(\.provenance.position) == [.line(3)])
        #expect(mismatch.rejections[0].message.hasSuffix(" (the rest of the file is not taken)"))
    }

    @Test func otherXMLIsRefused() throws {
        #expect(try read("<html><body/></html>", .tmx).reasons == [.wrongFormat])
        #expect(try read("", .tmx).reasons == [.brokenXML])
        #expect(try read("no xml at all", .tmx).reasons == [.brokenXML])
    }
}

@Suite struct HostileXML {
    private func refused(_ text: String, _ reason: RejectionReason = .hostileXML, line: Int? = nil) throws {
        for format in [FileFormat.tmx, .tei] {
            let result = try read(text, format)
            #expect(result.rows.isEmpty && result.reasons == [reason], "\(format): \(result.rejections)")
            if let line { #expect(result.rejections.map(\.provenance.position) == [.line(line)]) }
        }
    }

    @Test func entities() throws {
        try refused("<!DOCTYPE tmx [\n<!ENTITY a SYSTEM \"file:///etc/passwd\">]><tmx>&a;</tmx>", line: 2)
        try refused("<!DOCTYPE tmx [<!ENTITY a \"b\">]><tmx>&a;</tmx>")
        try refused("<!DOCTYPE tmx [<!ENTITY % p SYSTEM \"http://127.0.0.1/x.dtd\"> %p;]><tmx/>")
        try refused("<!DOCTYPE tmx [<!ENTITY pic SYSTEM \"a.gif\" NDATA gif>]><tmx/>")
        let lol = (1...9).map { "<!ENTITY l\($0) \"" + String(repeating: "&l\($0 - 1);", count: 10) + "\">" }.joined()
        try refused("<!DOCTYPE tmx [<!ENTITY l0 \"lol\">\(lol)]><tmx>&l9;</tmx>")
        try refused("<!DOCTYPE tmx SYSTEM \"x.dtd\"><tmx>\n&unknown;</tmx>", line: 2)
        try refused("<tmx>&unknown;</tmx>")
        try refused("<!DOCTYPE tmx SYSTEM \"x.dtd\"><tmx a=\"&unknown;\"/>")
    }

    @Test func depth() throws {
        try refused(String(repeating: "<a>", count: 300))
        try refused(String(repeating: "<a>\n", count: 100_000), line: 257)
    }

    @Test func longAttributesAndNames() throws {
        let long = String(repeating: "x", count: 100_000)
        try refused("<tmx a=\"\(long)\"/>")
        try refused("<\(long)/>", .overLimit)
        let many = (0..<5_000).map { "a\($0)=\"0123456789abcdef\"" }.joined(separator: " ")
        try refused("<tmx \(many)/>")
    }

    @Test func repeatedDefaultAttributes() throws {
        let text =
            "<!DOCTYPE tmx [<!ATTLIST tuv xml:lang CDATA \"de\">]><tmx><body><tu><tuv><seg>a</seg></tuv></tu></body></tmx>"
        let result = try read(text, .tmx)
        #expect(result.rows.isEmpty && result.reading.ledger.isBalanced)
    }

    @Test func longText() throws {
        let seg = String(repeating: "lang ", count: 3_000_000)
        let text =
            "<tmx><body><tu><tuv xml:lang=\"de\"><seg>\(seg)</seg></tuv><tuv xml:lang=\"en\"><seg>b</seg></tuv></tu></body></tmx>"
        let result = try read(text, .tmx, languages: ["de", "en"])
        #expect(result.rows.count == 1 && result.rows[0].textBytes == 15_000_000)
        var limits = ReadingLimits()
        limits.documentBytes = 1 << 20
        #expect(try read(text, .tmx, languages: ["de", "en"], limits: limits).reasons == [.overLimit])
    }

    /// Many short sides, and what is said of them, are as much as one long side.
    @Test func largeUnits() throws {
        var limits = ReadingLimits()
        limits.unitBytes = 20
        let sides = ["de", "en", "fr"].map { "<tuv xml:lang=\"\($0)\"><seg>acht 123</seg></tuv>" }.joined()
        let small = "<tu><tuv xml:lang=\"de\"><seg>a</seg></tuv><tuv xml:lang=\"en\"><seg>b</seg></tuv></tu>"
        let noted = small.replacing("<tu>", with: "<tu><note>von 20 Zeichen oder mehr</note>")
        let tmx = "<tmx><body>\(small)<tu>\(sides)</tu>\(noted)\(small)</body></tmx>"
        let units = try read(tmx, .tmx, languages: ["de", "en", "fr"], limits: limits)
        #expect(units.rows.map(\.id) == ["test/file#u1", "test/file#u4"] && units.reasons == [.overLimit, .overLimit])
        #expect(units.rejections[0].excerpt == "acht 123" && units.reading.ledger.isBalanced)
        let forms = "msgid \"a\"\nmsgid_plural \"b\"\n" + (0..<3).map { "msgstr[\($0)] \"acht 123\"\n" }.joined()
        let entries = try read("\(forms)\nmsgid \"c\"\nmsgstr \"d\"\n", .po, limits: limits)
        #expect(entries.reasons == [.overLimit, .undeclaredLanguage])
    }

    /// What is over a limit is one row; reading goes on behind it.
    @Test func longRows() throws {
        var limits = ReadingLimits()
        limits.documentBytes = 10
        limits.segments = 3
        func unit(_ texts: String...) -> String {
            let sides = zip(["de", "en", "fr", "it", "es"], texts).map {
                "<tuv xml:lang=\"\($0)\"><seg>\($1)</seg></tuv>"
            }
            return "<tu>\(sides.joined())</tu>"
        }
        let long = "zu lang für das Maß"
        let tmx =
            "<tmx><body>" + unit("a", "b") + unit("ja", long) + unit("c", "d") + unit("e", "f", "g", "h", "i")
            + unit("j", "k") + "</body></tmx>"
        let units = try read(tmx, .tmx, languages: ["de", "en", "fr", "it", "es"], limits: limits)
        #expect(units.rows.map(\.id) == ["test/file#u1", "test/file#u3", "test/file#u5"])
        #expect(units.reasons == [.overLimit, .overLimit])
        #expect(units.rejections.map(\.provenance.position) == [.unit(2), .unit(4)])
        #expect(units.rejections[0].excerpt == "ja" && units.reading.ledger.isBalanced)
        let tei = "<TEI><text><body><u>eins</u><u>\(long)</u><u>drei</u></body></text></TEI>"
        let debate = try read(tei, .tei, limits: limits)
        #expect(debate.rows.map(\.id) == ["test/file#u1", "test/file#u3"] && debate.reasons == [.overLimit])
        #expect(debate.rejections[0].excerpt.hasPrefix("zu lang") && debate.reading.ledger.isBalanced)
    }
}

@Suite struct TEIReading {
    static let debate = """
        <?xml version="1.0"?>
        <TEI xmlns="http://www.tei-c.org/ns/1.0" xml:lang="sk" xml:id="d">
        <teiHeader><fileDesc><titleStmt><title>Schôdza</title><title>Other</title></titleStmt></fileDesc>
        <profileDesc><settingDesc><setting><date when="1996-06-20">20.6.</date></setting></settingDesc></profileDesc></teiHeader>
        <text><body><div type="debate"><head>Program</head><note type="speaker">Predseda:</note>
        <u xml:id="u1" who="#Novak" ana="#chair"><seg xml:id="s1">Dobrý   deň,
           vážení.</seg><note>(Potlesk)</note><seg>Druhý <vocal><desc>smiech</desc></vocal>odsek.</seg></u>
        <gap/>
        <u who="#B" xml:lang="cs"><seg><s><w>Dobrý</w> <w join="right">den</w><pc>,</pc> <w>ano</w><pc join="left">.</pc></s>
        <s><w>Ne</w></s></seg></u></div></body></text></TEI>
        """

    @Test func utterances() throws {
        let result = try read(Self.debate, .tei, languages: ["sk", "cs"])
        #expect(result.sides == [["sk=Dobrý deň, vážení.\nDruhý odsek."], ["cs=Dobrý den, ano. Ne"]])
        #expect(
            result.rows[0].metadata == [
                MetadataField("utterance", "u1"), MetadataField("speaker", "Novak"), MetadataField("role", "chair"),
                MetadataField("date", "1996-06-20"), MetadataField("title", "Schôdza"),
            ])
        #expect(result.rows.map(\.id) == ["test/file#u1", "test/file#u2"])
        #expect(result.rejections.isEmpty && result.reading.ledger.rowsIn == 2)
    }

    /// Parliaments speak several languages, a sitting and a speaker too; a foreign word is no change.
    @Test func blocksInOtherLanguages() throws {
        let speech = """
            <u who="#A" xml:id="u1"><seg xml:lang="nl">Goed.</seg><seg xml:lang="fr">Bien.</seg> <seg xml:lang="fr">Oui,
            <foreign xml:lang="nl">ja</foreign>.</seg><note xml:lang="de">Beifall</note><seg>Dank u.</seg></u>
            """
        let text = "<TEI xml:lang=\"nl\"><text><body>\(speech)<u>Ja.</u></body></text></TEI>"
        let result = try read(text, .tei, languages: ["nl", "fr"])
        #expect(result.sides == [["nl=Goed."], ["fr=Bien.\nOui, ja."], ["nl=Dank u."], ["nl=Ja."]])
        #expect(result.rows[0].metadata == result.rows[1].metadata && result.reading.ledger.isBalanced)
        let plain =
            "<TEI xml:lang=\"nl\"><text><body><p>Een.</p><p xml:lang=\"fr\">Deux.</p><p>Drie.</p><p>Vier.</p></body></text></TEI>"
        #expect(
            try read(plain, .tei, languages: ["nl", "fr"]).sides == [["nl=Een."], ["fr=Deux."], ["nl=Drie.\nVier."]])
    }

    /// Of two readings of one place one is text.
    @Test func readingsOfTheEditor() throws {
        let text = """
            <TEI><text><body><p>Ein <choice><sic>Hafn</sic><corr>Hafen</corr></choice>, <choice><orig>seyn</orig><reg>sein</reg></choice> \
            <choice><abbr>Dr.</abbr><expan>Doktor</expan></choice> <del>weg</del><add>da</add>, <sic>wye</sic>, Ha<lb break="no"/>fen, ein<lb/>Schiff</p></body></text></TEI>
            """
        #expect(try read(text, .tei).texts == ["Ein Hafen, sein Doktor da, wye, Hafen, ein Schiff"])
    }

    @Test func plainText() throws {
        let text =
            "<TEI><text><body><head>Titel</head><p>Ein <hi>Absatz</hi>.<lb/>Zeile</p><lg><l>Vers</l></lg></body></text></TEI>"
        #expect(try read(text, .tei).texts == ["Titel\nEin Absatz. Zeile\nVers"])
        #expect(try read("<a/>", .tei).reasons == [.wrongFormat])
    }
}

@Suite struct HTMLReading {
    @Test func visibleText() throws {
        let text = """
            <!doctype html><html lang="de-AT"><head><title>Der &amp; Hafen</title><style>p{}</style></head><body>
            <nav><a href="/">Start</a></nav><script>if (a < b) document.write("<p>no</p>")</script>
            <h1>Über  uns</h1><p>Ein <b>Ab</b>satz mit&nbsp;&uuml;<br>Umbruch &unknown; &#8364;
            <p>Zweiter<!-- nichts --><ul><li>eins<li>zwei</ul><pre>a
              b</pre><table><tr><td>x</td><td>y</td></tr></table>
            """
        let result = try read(text, .html)
        #expect(
            result.texts == [
                "Über uns\nEin Absatz mit ü\nUmbruch &unknown; €\nZweiter\neins\nzwei\na\nb\nx y"
            ])
        #expect(result.rows[0].metadata == [MetadataField("title", "Der & Hafen")])
        #expect(result.rows[0].segments[0].language == "de")
    }

    @Test func charsets() throws {
        let meta = Array(
            "<html><head><meta http-equiv=Content-Type content=\"text/html; charset=iso-8859-2\"></head><p>".utf8)
        let result = try read(meta + [0xB9, 0xE6] + Array("</p>".utf8), .html, languages: ["pl"])
        #expect(result.texts == ["šć"] && result.reading.charset == "ISO-8859-2")
        #expect(try read(utf16("<p>ž</p>"), .html).texts == ["ž"])
    }

    @Test func nonsense() throws {
        #expect(try read("", .html).reasons == [.empty])
        #expect(try read("<<<>>>&&&", .html).reading.ledger.isBalanced)
        #expect(try read(String(repeating: "<div>", count: 5_000) + "x", .html).reasons == [.hostileXML])
        #expect(try read("just text", .html).texts == ["just text"])
    }
}
