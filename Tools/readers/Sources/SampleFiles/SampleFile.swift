public import EDICCorpora

/// A file of a format with everything the format has, in any length: to mutate and to time.
public struct SampleFile: Sendable {
    public let format: FileFormat
    public let options: FileOptions
    public let name: String
    private let begin: String
    private let record: @Sendable (Int) -> String
    private let end: String

    /// The file with this many records.
    public func text(records: Int) -> String {
        var text = begin
        for number in 0..<records { text += record(number) }
        return text + end
    }

    /// The languages that a contribution with files of this format declares.
    public static func languages(of format: FileFormat) -> [String] {
        format == .text || format == .conllu ? ["de"] : ["de", "en", "cs"]
    }

    private init(
        _ name: String, _ format: FileFormat, begin: String = "", end: String = "",
        options: FileOptions = FileOptions(), record: @escaping @Sendable (Int) -> String
    ) {
        self.name = name
        self.format = format
        self.begin = begin
        self.end = end
        self.record = record
        self.options = options
    }

    private static let german =
        "Der Lotse grüßt vom Kai, während die Möwen über dem Hafen kreisen und das Schiff ablegt"
    private static let english =
        "The pilot waves from the quay while the gulls circle above the port and the ship leaves"

    public static let all: [SampleFile] = [
        SampleFile("text-file", .text) { "\(german) (\($0)).\n" },
        SampleFile("text-line", .text, options: .with { $0.unit = .line }) { "\(german) (\($0)).\n" },
        SampleFile("text-paragraph", .text, options: .with { $0.unit = .paragraph }) {
            "\(german) (\($0)).\n\(german).\r\n\(german).\n\n"
        },
        SampleFile("jsonl", .jsonl, options: .with { $0.metadataKeys = ["url"] }) {
            #"{"id":"r\#($0)","lang":"de","url":"https://example.eu/\#($0)","text":"\#(german) \#($0).\n\u00e4\ud83d\ude00","meta":{"k":"v"}}"#
                + "\n"
        },
        SampleFile("tsv", .tsv, options: .with { $0.columns = [.metadata("id"), .text("de"), .ignored, .text("en")] }) {
            "\($0)\t\(german).\t-\t\(english).\n"
        },
        SampleFile(
            "tmx", .tmx,
            begin: """
                <?xml version="1.0" encoding="UTF-8"?>
                <!DOCTYPE tmx SYSTEM "tmx14.dtd">
                <tmx version="1.4"><header srclang="de" datatype="xml"/><body>

                """, end: "</body></tmx>\n"
        ) {
            """
            <tu tuid="\($0)"><note>n</note><prop type="domain">port</prop>
              <tuv xml:lang="de"><seg>\(german) <bpt i="1">&lt;b&gt;</bpt>\($0)<ept i="1"/> &amp; mehr.</seg></tuv>
              <tuv xml:lang="en"><seg>\(english) <hi>\($0)</hi> &#38; <![CDATA[more]]>.</seg></tuv>
            </tu>

            """
        },
        SampleFile(
            "tei", .tei,
            begin: """
                <?xml version="1.0" encoding="UTF-8"?>
                <TEI xmlns="http://www.tei-c.org/ns/1.0" xml:lang="cs"><teiHeader><fileDesc><titleStmt><title>Schůze</title>
                </titleStmt></fileDesc><profileDesc><settingDesc><setting><date when="2024-01-01"/></setting></settingDesc>
                </profileDesc></teiHeader><text><body><div>

                """, end: "</div></body></text></TEI>\n"
        ) {
            """
            <u xml:id="u\($0)" who="#A" ana="#regular"><seg>Vážené kolegyně, vážení kolegové, přístav je otevřený \($0).</seg>
            <note>(Potlesk.)</note><seg><s><w>Děkuji</w> <w join="right">vám</w><pc>.</pc></s></seg></u>

            """
        },
        SampleFile("conllu", .conllu) {
            """
            # newdoc id = d\($0)
            # sent_id = s\($0)
            # text = Der Lotse grüßt.
            1\tDer\tder\tDET\tART\tCase=Nom|Gender=Masc\t2\tdet\t_\t_
            2-3\tLotse\t_\t_\t_\t_\t_\t_\t_\t_
            2\tLot\tLot\tNOUN\tNN\tCase=Nom\t4\tnsubj\t_\t_
            3\tse\tse\tNOUN\tNN\tCase=Nom\t4\tnsubj\t_\t_
            4\tgrüßt\tgrüßen\tVERB\tVVFIN\tNumber=Sing\t0\troot\t_\tSpaceAfter=No
            5\t.\t.\tPUNCT\t$.\t_\t4\tpunct\t_\t_


            """
        },
        SampleFile(
            "po", .po,
            begin: "msgid \"\"\nmsgstr \"\"\n\"Language: de\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n"
        ) {
            """
            #: port.c:\($0)
            #, c-format
            msgctxt "c\($0)"
            msgid "\(english) %d"
            msgid_plural "\(english) \\"%d\\""
            msgstr[0] "\(german) %d"
            msgstr[1] ""
            "\(german)\\n"

            """
        },
        SampleFile(
            "html", .html,
            begin: """
                <!doctype html><html lang="de"><head><meta charset="utf-8"><title>Hafen</title><style>p { margin: 0 }</style>
                </head><body><nav><a href="/">Start</a></nav>

                """
        ) {
            """
            <h2 id="h\($0)">Abschnitt &uuml;ber <em>\($0)</em></h2><p class="x">\(german).<br>\(german) &amp; mehr</p>
            <script>var x = "<p>";</script><ul><li>eins<li>zwei</ul><table><tr><td>a</td><td>b</td></tr></table>

            """
        },
    ]
}

extension FileOptions {
    fileprivate static func with(_ change: (inout FileOptions) -> Void) -> FileOptions {
        var options = FileOptions()
        change(&options)
        return options
    }
}
