import EDICNgram
import SystemPackage
import Testing
import _EDICTestSupport

/// ARPA text in the shapes that programs and people give it.
@Suite struct ARPAFormTests {
    private static let plain = """

        \\data\\
        ngram 1=6
        ngram 2=3
        ngram 3=1

        \\1-grams:
        -2.5\t<unk>
        -99\t<s>\t-0.5
        -0.7\t</s>
        -0.8\ta\t-0.25
        -0.9\tb\t-0.125
        -1\tc

        \\2-grams:
        -0.3\ta b\t-0.0625
        -0.4\t<s> b\t-0.03125
        -0.45\tb c

        \\3-grams:
        -0.1\t<s> b c

        \\end\\

        """
    private static let text = "a b c\nb c\na c d\n\nb a b c\n"

    /// What to replace in the plain text, and by what.
    static let forms: [(String, String, String)] = [
        ("ends of lines as on Windows", "\n", "\r\n"), ("spaces in place of tabs", "\t", " "),
        ("a preface", "\n\\data\\", "made by ngram-count\n-1\tnot\ta\tgram\n\\data\\"),
        ("a byte order mark", "\n\\data\\", "\u{FEFF}\\data\\"), ("an indented heading", "\\data\\", " \\data\\"),
        ("a space behind a heading", "\\2-grams:", "\\2-grams: "), ("spaces in a count", "1=6", "1 = 6"),
        ("no line between sections", "\n\n\\2", "\n\\2"), ("more lines between", "\n\n\\2", "\n\n \n\\2"),
        ("an empty line in a section", "-0.8\ta", "\n-0.8\ta"), ("an exponent", "-0.8\ta", "-8.0e-1\ta"),
        ("a backoff weight at the top", "<s> b c", "<s> b c\t0"), ("a zero weight", "-0.7\t</s>", "-0.7\t</s>\t0"),
        ("a capital unknown word", "<unk>", "<UNK>"), ("text behind the end", "\\end\\\n", "\\end\\\nbye\n"),
        ("many digits", "-0.45\t", "-0.450000000000000000000000\t"), ("a plus sign", "-0.5\n", "-5.0E-1\n"),
    ]

    private func scores(of text: String, _ folder: FilePath) throws -> [Float] {
        let path = folder.appending("m.arpa")
        try write(Array(text.utf8), to: path)
        return try NgramModel(contentsOf: path).sentences(of: Array(Self.text.utf8).span)
            .flatMap { $0.words.map(\.score.logProbability) }
    }

    @Test(arguments: forms.indices)
    func otherFormsMeanTheSame(index: Int) throws {
        let (name, old, new) = Self.forms[index]
        try withTemporaryFolder { folder in
            let changed = Self.plain.replacing(old, with: new)
            #expect(changed != Self.plain, "\(name)")
            let expected = try scores(of: Self.plain, folder)
            #expect(try scores(of: changed, folder) == expected, "\(name)")
        }
    }

    /// What to replace, by what, and the line that the message must name.
    static let faults: [(String, String, Int)] = [
        ("2=3", "2=4", 20), ("2=3", "2=2", 18), ("-0.8\ta", "0.1\ta", 11), ("-0.8\ta", "x\ta", 11),
        ("-0.8\ta", "nan\ta", 11), ("-1\tc\n", "-1\tb\n", 13), ("b c\n\n\\3", "b d\n\n\\3", 18),
        ("-0.3\ta b\t", "-0.3\ta\t", 16), ("<s> b c", "<s> b c d e", 21), ("\\3-grams:", "\\4-grams:", 20),
        ("ngram 3=1", "ngram 3=99999999999999999999", 5), ("ngram 1=6", "ngram 11=6", 3),
        ("\\end\\", "\\data\\", 23), ("<s> b c\n\n\\end\\", "<s> b c\n-0.1\t<s> b c\n\n\\end\\", 22),
    ]

    @Test(arguments: faults.indices)
    func faultsAreNamedWithTheirLine(index: Int) throws {
        let (old, new, line) = Self.faults[index]
        try withTemporaryFolder { folder in
            let changed = Self.plain.replacing(old, with: new)
            #expect(changed != Self.plain)
            let error = #expect(throws: NgramError.self, "\(new)") { try scores(of: changed, folder) }
            #expect(error?.code == .corrupt)
            #expect(error?.message.contains("m.arpa, line \(line):") == true, "\(error?.message ?? "")")
        }
    }

    /// An n-gram listed twice, of which no format keeps both.
    @Test func repeatedNgramsAreNamed() throws {
        try withTemporaryFolder { folder in
            for (old, new) in [
                ("ngram 2=3", "-0.3\ta b\t-0.0625\n"), ("ngram 3=1", "-0.1\t<s> b c\n"),
            ] {
                let order = old.dropFirst(6).prefix(1)
                let count = Int(old.suffix(1)) ?? 0
                let changed = Self.plain.replacing(old, with: "ngram \(order)=\(count + 40)").replacing(
                    new, with: String(repeating: new, count: 41))
                let error = #expect(throws: NgramError.self) { try scores(of: changed, folder) }
                #expect(error?.message.contains("m.arpa") == true, "\(error?.message ?? "")")
                #expect(error?.message.contains("twice") == true, "\(error?.message ?? "")")
            }
        }
    }

    /// `<unk>` that is not listed has log probability -100, as in KenLM.
    @Test func aMissingUnknownWordIsImprobable() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending("m.arpa")
            try write(
                Array(Self.plain.replacing("-2.5\t<unk>\n", with: "").replacing("1=6", with: "1=5").utf8), to: path)
            let model = try NgramModel(contentsOf: path)
            var state = model.emptyState
            #expect(model.score("d", after: &state).logProbability == -100)
        }
    }

    @Test(arguments: ["gz", "zst"])
    func compressedTextIsWrittenAndRead(suffix: String) throws {
        try withTemporaryFolder { folder in
            let plain = folder.appending("m.arpa")
            let packed = folder.appending("m.arpa.\(suffix)")
            try write(Array(Self.plain.utf8), to: plain)
            let model = try NgramModel(contentsOf: plain)
            try model.write(to: packed, as: .arpa)
            let start = try bytes(of: packed).prefix(2)
            #expect(Array(start) == (suffix == "gz" ? [0x1F, 0x8B] : [0x28, 0xB5]))
            #expect(try NgramModel(contentsOf: packed).perplexity(of: Self.text) == model.perplexity(of: Self.text))
        }
    }

    /// Numbers as KenLM's `query` prints them.
    @Test func scoresArePrintedAsKenLMPrintsThem() throws {
        let numbers = [
            ("-1e-7", "-1e-7"), ("-0.000012", "-0.000012"), ("-1e-5", "-0.00001"), ("-1.5e-6", "-0.0000015"),
            ("-9.9e-7", "-9.9e-7"), ("-1234567", "-1234567"), ("-123456789", "-123456790"), ("-1e10", "-10000000000"),
            ("-1.5e20", "-150000000000000000000"), ("-1e21", "-1e21"), ("-3.3e25", "-3.3e25"), ("-100", "-100"),
            ("0", "-0"), ("-99.5", "-99.5"), ("-16777216", "-16777216"), ("-0.1", "-0.1"),
        ]
        var text = "\\data\\\nngram 1=\(numbers.count)\n\n\\1-grams:\n"
        for (index, number) in numbers.enumerated() { text += "\(number.0)\tw\(index)\n" }
        text += "\n\\end\\\n"
        try withTemporaryFolder { folder in
            let path = folder.appending("m.arpa")
            try write(Array(text.utf8), to: path)
            let model = try NgramModel(contentsOf: path)
            for (index, number) in numbers.enumerated() {
                let output = model.query(Array("w\(index)\n".utf8).span, isWhole: false).output
                let id = model.id(of: "w\(index)")
                #expect(
                    String(decoding: output, as: UTF8.self)
                        == "w\(index)=\(id) 1 \(number.1)\tTotal: \(number.1 == "-0" ? "0" : number.1) OOV: 0\n")
            }
        }
    }
}
