import Glibc
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// The patterns worked out by hand against the same patterns run by the regular-expression engine.
@Suite struct SplittingTests {
    static let patterns: [String] = [
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        TiktokenFile.cl100kPattern, TiktokenFile.o200kPattern, TiktokenFile.gpt2Pattern,
    ]

    /// Short texts of characters the patterns tell apart, from all planes.
    static func text(_ generator: inout SeededGenerator) -> [UInt8] {
        let parts = [
            " ", "  ", "\n", "\r\n", "\t", "\u{A0}", "\u{3000}", "a", "B", "é", "Ж", "ß", "ʰ", "中", "ǅ", "\u{301}", "1",
            "22",
            "٣", "½", "'", "'s", "'LL", "'ſ", "’", "!", "?!", "/", "€", "\u{1F469}\u{200D}", "\u{E000}", "\u{10FFFF}",
            "\0",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 1...12, using: &generator) { text += parts.randomElement(using: &generator) ?? "" }
        return Array(text.utf8)
    }

    @Test(arguments: patterns.indices, [RegularExpression.Dialect.rust, .oniguruma])
    func handWorkedPatternsAgreeWithTheEngine(_ index: Int, _ dialect: RegularExpression.Dialect) throws {
        let pattern = try #require(WordPattern(Self.patterns[index], dialect))
        let expression = try RegularExpression(Self.patterns[index], dialect)
        var generator = SeededGenerator(seed: UInt64(index) + 1)
        for _ in 0..<400 {
            let text = Self.text(&generator)
            let words = pattern.words(in: text)
            #expect(words == expression.matches(in: text), "\(String(decoding: text, as: UTF8.self).debugDescription)")
        }
    }

    @Test func bytesThatAreNotTextAreSplitWithoutHarm() {
        var generator = SeededGenerator(seed: 7)
        for pattern in Self.patterns.compactMap({ WordPattern($0, .rust) }) + [.bert, .word, .nonspace] {
            for _ in 0..<100 {
                let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let words = pattern.words(in: text)
                #expect(words.allSatisfy { !$0.isEmpty && $0.upperBound <= text.count })
                if pattern != .bert, pattern != .word, pattern != .nonspace {
                    #expect(words.reduce(0) { $0 + $1.count } == text.count)
                }
            }
        }
    }

    /// What tokenizers 0.23.3 gives: kana are Han, spaces and what Unicode 9 did not assign join what is before them, and
    /// are in no piece where there is nothing.
    @Test(arguments: [
        ("どこで生れ。Yes", ["どこで生れ", "。", "Yes"]), ("  abв 12-x", ["ab", "в ", "12-", "x"]),
        ("a\u{301}é ー漢カ", ["a", "\u{301}", "é ", "ー漢カ"]), ("   ", []), ("", []),
        ("\u{1C90}a\u{1C90}б \u{1F600}x\u{E000}", ["a\u{1C90}", "б ", "\u{1F600}", "x\u{E000}"]),
        ("Ωмега 中文abc.d", ["Ω", "мега ", "中文", "abc", ".", "d"]),
    ]) func scriptsAreThoseOfTheReference(_ text: String, _ want: [String]) throws {
        let whole = PreTokenizer.Piece(text: AlignedText(Array(text.utf8), at: 0, tracking: true), isFirst: true)
        let pieces = PreTokenizer.scripts.apply([whole])
        #expect(pieces.map(\.text.bytes.decodedText) == want)
        // A file that is read and written has the part again, and cuts there.
        let json = #"""
            {"pre_tokenizer":{"type":"UnicodeScripts"},"model":{"type":"WordLevel","vocab":{"[?]":0,"в ":1},"unk_token":"[?]"}}
            """#
        let read = try Tokenizer(parsing: Array(json.utf8))
        let written = try TokenizerJSONWriter.encode(read.core.parts)
        for tokenizer in [read, try Tokenizer(parsing: written)] {
            #expect(tokenizer.encode(text) == want.map { $0 == "в " ? 1 : 0 })
        }
    }

    @Test(arguments: [
        ("a{2,3}", "aaaaa", [0..<3, 3..<5]), ("(?:ab|a)(?!c)", "abcab", [0..<1, 3..<5]), ("a*?b", "aab", [0..<3]),
        ("(?>a+)ab", "aaab", []), (#"\d+(?=€)"#, "12€ 3", [0..<2]), ("(?<=x)y", "xyy", [1..<2]),
        ("[\\P{L}&&[^!]]+", "?!?", [0..<1, 2..<3]), ("(?i)straße", "STRAßE", [0..<7]),
    ]) func engineMatches(_ pattern: String, _ text: String, _ want: [Range<Int>]) throws {
        #expect(try RegularExpression(pattern, .rust).matches(in: Array(text.utf8)) == want)
    }

    /// Four times the text takes four times the steps, whether a search fails, looks around or gives nothing back.
    @Test(arguments: [
        ("(?:a+)+b|(?:a|aa)+c", "a"), ("(?>a+)b", "a"), ("a++b", "ab"), ("(?=a*b)c", "a"), ("a(?=a*)", "a"),
        ("(?<!\\w|x)a", "a"), ("(?<=a{1,16}|b)c", "a"), ("(?<!x)\\b", "\u{E9}"),
    ]) func engineIsLinear(_ source: String, _ letter: String) throws {
        let expression = try RegularExpression(source, .rust)
        func steps(_ count: Int) -> Int {
            let text = Array(String(repeating: letter, count: count).utf8)
            var matcher = RegularExpressionMatcher(expression, count: text.count)
            _ = matcher.matches(in: text.span)
            return matcher.steps
        }
        let few = steps(1000)
        let many = steps(4000)
        #expect(few > 900 && many < 5 * few, "\(few) and \(many)")
    }

    /// A run of bytes that continue no character is not searched back to its beginning at each of them.
    @Test func bytesThatAreNotTextTakeLinearTime() throws {
        let expression = try RegularExpression("(?<=a)b|\\bc", .oniguruma)
        func time(_ count: Int) -> Int {
            let text = [UInt8](repeating: 0x80, count: count)
            let start = processorTime()
            #expect(expression.matches(in: text).isEmpty)
            return processorTime() - start
        }
        _ = time(100)
        #expect(time(40_000) < 10 * time(10_000) + 10_000_000)
    }

    /// Nanoseconds that this thread has run.
    private func processorTime() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Repeats of repeats are refused before they take the time or the stack that they ask for.
    @Test(arguments: [
        "(){1000}{1000}{1000}{1000}", "(?:(?:(?:){1000}){1000}){1000}", "a" + String(repeating: "{1}", count: 300_000),
        "a" + String(repeating: "*", count: 200_000), String(repeating: "(?:", count: 99) + "a{1000}{1000}",
        "\\p{" + String(repeating: "\n", count: 100_000) + "}",
    ]) func endlessExpressionsAreRefused(_ source: String) throws {
        let error = try #require(throws: TokenizerError.self) { try RegularExpression(source, .oniguruma) }
        #expect(error.code == .unsupported)
        #expect(error.message.utf8.count < 600 && !error.message.contains("\n"))
    }

    @Test func repeatsOfRepeatsAreTaken() throws {
        let source = String(repeating: "(?:", count: 50) + "a" + String(repeating: "){1}{1}", count: 50) + "+"
        #expect(try RegularExpression(source, .oniguruma).matches(in: Array("aab".utf8)) == [0..<2])
    }

    /// A length beyond the text's is the text's.
    @Test func lengthsMayBeLongerThanTheText() throws {
        let whole = PreTokenizer.Piece(text: AlignedText(Array("aéb".utf8), at: 0, tracking: true), isFirst: true)
        #expect(PreTokenizer.fixedLength(.max).apply([whole]).map(\.text.bytes.decodedText) == ["aéb"])
        #expect(PreTokenizer.fixedLength(2).apply([whole]).map(\.text.bytes.decodedText) == ["aé", "b"])
    }

    @Test(arguments: [
        ("(", "character 2: a ) is missing"), ("a)", "character 2: an unmatched )"),
        ("[a", "character 3: a ] is missing"),
        ("*", "character 2: a quantifier with nothing"), ("a{2000}", "repeat count"), (#"\p{Nope}"#, "Nope"),
        (#"\q"#, #"\q is not known"#), ("(?#x)", "(?#"), ("\\", "a backslash at the end"), ("a{3,2}", "repeat count"),
    ]) func damagedExpressionsAreErrors(_ source: String, _ named: String) throws {
        let error = try #require(throws: TokenizerError.self) { try RegularExpression(source, .oniguruma) }
        #expect(error.code == .unsupported && error.message.contains(named), "\(error.message)")
    }
}
