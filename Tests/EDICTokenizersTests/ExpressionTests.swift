import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// Regular expressions against the library tokenizers, and what is refused.
@Suite struct ExpressionTests {
    /// A text with its matches replaced by #, as tokenizers 0.23.3 (Oniguruma) does it.
    static let replaced: [(expression: String, text: String, want: String)] = [
        ("^a", "a\nab a", "#\n#b a"), ("a$", "a\nba\r\na", "#\nba\r\n#"), ("^", "a\nb\n", "#a\n#b\n"),
        ("$", "a\nb\n", "a#\nb#\n#"), ("\\n$", "a\n\n", "a##"), ("\\n^", "a\n\nb\n", "a##b\n"),
        ("(?m)a.b", "a\nb", "#"), ("(?m:a.)b.", "a\nb\n", "a\nb\n"), ("(?-m)a.b", "a\nb", "a\nb"),
        ("a.b", "a\nb a\rb", "a\nb #"), ("a\\Z", "a\na\n", "a\n#\n"), ("a\\z", "a\na", "a\n#"),
        ("\\Aa", "aa", "#a"), ("a(?i)b|c", "aB aC C c", "# # C c"), ("(?:a(?i)b)c", "aBc aBC", "# aBC"),
        ("x|a(?i)b|c|d", "aB C aC x X aD", "# C # # X #"), ("(?i)a|b", "AB", "##"), ("(?i:a)b", "Ab AB", "# AB"),
        ("(?im)a.", "A\n", "#"), ("1{1,3}+", "12111111", "#2#"), ("a{2}+", "aaaaa", "#a"),
        ("a{2}?", "aaaab", "##b#"), ("a{2}?b", "aab ab b", "# a# #"), ("a{2}??b", "aab", "#"),
        ("a{1,2}?", "aaaa", "####"), ("a{,2}", "aaaa", "##"), ("a{2,}?b", "aaab", "#"), ("a{,}", "a{,}", "#"),
        ("a{1}{2}", "aaa", "#a"), ("a*+a", "aaa", "aaa"), ("a+?", "aa", "##"), ("a+?+", "aaa", "#"),
        ("(?=b)", "abab", "a#ba#b"), ("b*", "aba", "#a#a#"), ("(?<=a)", "aab", "a#a#b"),
        ("x*", "aé b", "#a#é# #b#"), ("()", "é", "#é#"), ("(?<!\\w|x)a", "ba xa a", "ba xa #"),
        ("(?<=^)a", "a\na", "#\n#"), ("(?<=a|ab)c", "abc", "ab#"), ("(?<!ab|c)d", "abd cd d", "abd cd #"),
        ("(?<=a{1,3})b", "aab b", "aa# b"), ("[a-z&&^b]", "abc^", "a#c^"), ("[a-z&&[^b]]", "abc", "#b#"),
        ("[]a]", "]a", "##"), ("(?i)\\p{Lu}", "aA", "a#"), ("(?i)[\\p{Lu}]", "aA", "##"),
        ("(?i)\\P{Lu}", "aA1", "#A#"), ("(?i)[^a]", "aAb", "aA#"), ("(?i)σ", "ςΣ", "##"), ("(?i)I", "iıİ", "#ıİ"),
        ("(?i)k", "\u{212A}", "#"), ("(?i)µ", "μΜ", "##"), ("(?i)ǆ", "ǅǄ", "##"), ("(?i)ά", "Ά", "#"),
        ("\\w", "²\u{200D}a_", "#\u{200D}##"), ("[\\w]", "²\u{200D}a_", "²\u{200D}##"),
        ("\\W", "²\u{200D}a_", "²#a_"), ("\\b", "²\u{200D}a", "#²#\u{200D}#a#"), ("\\s+$", "a  \n b \n", "a#\n b#"),
        ("(?:a|\\n)+$", "a\nab\n", "#\nab#"), ("(?>a|ab)c", "abc ac", "abc #"), ("(?!a)\\w+", "ab", "a#"),
    ]

    @Test(arguments: replaced.indices) func matchesAreThoseOfTheReference(_ index: Int) throws {
        let (expression, text, want) = Self.replaced[index]
        let pattern = Pattern.regularExpression(try RegularExpression(expression, .oniguruma))
        let result = Normalizer.replace(pattern, with: [0x23])
            .apply(AlignedText(Array(text.utf8), at: 0, tracking: false))
        #expect(result.bytes.decodedText == want, "\(expression.debugDescription) in \(text.debugDescription)")
    }

    /// What Rust's regular expressions have otherwise.
    @Test(arguments: [
        ("^a", "a\nab a", [0..<1]), ("a$", "a\na", [2..<3]), ("(?m)^a", "a\na", [0..<1, 2..<3]),
        ("(?m)a$", "a\na\n", [0..<1, 2..<3]), ("(?m)\\n^", "a\n", [1..<2]), ("(?s)a.", "a\n", [0..<2]),
        ("(?:(?s)a.)b.", "a\nb\n", []), ("(?:(?m)^a)|^b", "b\na\nb", [0..<1, 2..<3]),
        ("a(?i)b|c", "aB C", [0..<2, 3..<4]),
        ("(?:(?i)a)b|c", "AB Ab C", [3..<5]), ("1{1,3}+1", "1111", [0..<4]), ("1{1,2}+1", "11", []),
        ("a{2}?b", "b aab", [2..<5]), ("(?i)\\p{Lu}", "aA", [0..<1, 1..<2]), ("\\w", "²a", [2..<3]),
        ("(?=b)", "ab", [1..<1]),
        // Matches of tiktoken 0.14: lazy, not a quantifier of a quantifier.
        ("a{1,3}?b", "b aab", [2..<5]), ("a{2,}?", "aaaa", [0..<2, 2..<4]), ("a{1,2}?", "aa", [0..<1, 1..<2]),
    ]) func rustHasOtherMeanings(_ expression: String, _ text: String, _ want: [Range<Int>]) throws {
        #expect(try RegularExpression(expression, .rust).matches(in: Array(text.utf8)) == want)
    }

    /// What is not followed is said.
    @Test(arguments: [
        ("(?s)a.b", "(?s"), ("(?u)a", "(?u"), ("(?x)a", "(?x"), ("\\012", "octal"), ("\\u{41}", "\\u"),
        ("\\U00000041", "\\U"), ("\\pL", "braces"), ("(?i)stra\u{DF}e", "\u{DF}"), ("(?i)ss", "ss"),
        ("(?i)fo{2}f+", "ff"),
        ("(?i)of(?:i)", "fi"), ("(?:a|)*b", "empty"), ("(?:a??)+", "empty"), ("(?<=a+)b", "look-behind"),
        ("(?<!a{1,17})b", "look-behind"), ("(?<=a?+)b", "atomic"), ("(?<!(?<!a))b", "look-around"),
        ("(?<=(?=a)a)b", "look-around"), ("[[:alpha:]]", "POSIX"), ("(a)\\1", "\\1"),
    ]) func whatIsNotFollowedIsRefused(_ source: String, _ named: String) throws {
        let error = try #require(throws: TokenizerError.self) { try RegularExpression(source, .oniguruma) }
        #expect(error.code == .unsupported && error.message.contains(named), "\(error.message)")
    }

    /// tiktoken's expressions are written so that Oniguruma has the same matches, or not at all.
    @Test func expressionsOfTiktokenAreTranslated() throws {
        let generator = SeededGenerator(seed: 41)
        for (source, want) in [
            ("^a$", #"\Aa\z"#), ("1{1,3}+a{2}?", "(?>1{1,3})a{2}"), ("(?:^a{1,2}+){2}+", #"(?>(?:\A(?>a{1,2})){2})"#),
            ("a++b?", "a++b?"),
        ] {
            #expect(try RegularExpression(source, .rust).onigurumaSource == want)
        }
        for source in [
            "(?s)a.", "(?m)^a", "a(?i)b|c", "(?i:ss)", #"\pL"#, "(?:a|)*", #"\w+|[^\w\s]+"#, #"a\b"#, #"[\W]"#,
            #"(?i:\p{Lu})"#,
        ] {
            #expect(try RegularExpression(source, .rust).onigurumaSource == nil, "\(source)")
        }
        for source in [TiktokenFile.gpt2Pattern, TiktokenFile.cl100kPattern, TiktokenFile.o200kPattern] {
            let expression = try RegularExpression(source, .rust)
            let translation = try #require(expression.onigurumaSource)
            let translated = try RegularExpression(translation, .oniguruma)
            #expect(WordPattern(translation, .oniguruma) == WordPattern(source, .rust))
            var generator = generator
            for _ in 0..<100 {
                let text = SplittingTests.text(&generator)
                #expect(translated.matches(in: text) == expression.matches(in: text))
            }
        }
    }

    /// A tokenizer from a .tiktoken file cuts the same when it is written as a tokenizer.json, or is not written.
    @Test func tokenizersOfTiktokenKeepTheirCuts() throws {
        var file = ""
        for byte in UInt8.min...UInt8.max { file += "\(Base64.encode([byte]).decodedText) \(byte)\n" }
        for (index, pair) in ["12", "34", "123", "11", "1111"].enumerated() {
            file += "\(Base64.encode(Array(pair.utf8)).decodedText) \(256 + index)\n"
        }
        let read = try Tokenizer(parsing: Array(file.utf8), name: "cl100k_base.tiktoken", specialTokens: [:])
        let written = try Tokenizer(parsing: read.encoded(as: .tokenizerJSON))
        for text in ["1234 11111", "a1234\n 12\n\n  ", "1111 111"] {
            #expect(written.encode(text) == read.encode(text))
        }
        let other = try Tokenizer(parsing: Array(file.utf8), name: "other", pattern: "(?s)a.|[^a]", specialTokens: [:])
        let error = #expect(throws: TokenizerError.self) { try other.encoded(as: .tokenizerJSON) }
        #expect(error?.code == .notRepresentable)
    }
}
