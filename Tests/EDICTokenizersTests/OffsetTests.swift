import Testing

@testable import EDICTokenizers

/// Where tokens come from (goldens of tokenizers 0.23.3): ranges of characters, as `begin-end`.
@Suite struct OffsetTests {
    static func text(_ offsets: [Range<Int>]) -> String {
        offsets.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: " ")
    }

    static func offsets(_ tokenizer: Tokenizer, _ text: String) -> String {
        Self.text(tokenizer.encoding(of: text).characterOffsets(in: text))
    }

    /// U+0001 → nothing, ① → 1, U+337F → four characters, ﬁ → fi, e and U+0301 → é, U+200B → a space.
    static let map = """
        uAMAAAAIAAAAAACAEwAAgAEJAAAWAACAAQAAgAMAAIAQAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAABlmAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAgQkCAIAAAgAAAAAAgRECAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIs5AgAAAAAAjTQCAAAAAAAAAAAAAA\
        AAAJFEAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAoJECAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAArLwCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAC/4QIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADM\
        MAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA4oQDAOOAAw\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAO+wAwAAMQDmoKrlvI/kvJrnpL4AZmkAw6kAIAA=
        """

    /// Each character of the normalized text is a token.
    static func characters(_ normalizer: String) throws -> Tokenizer {
        let normalizer =
            normalizer == "map" ? #"{"type": "Precompiled", "precompiled_charsmap": "\#(map)"}"# : normalizer
        return try Tokenizer(
            parsing: Array(
                #"""
                {"normalizer": \#(normalizer), "pre_tokenizer": {"type": "FixedLength", "length": 1},
                 "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0}}}
                """#.utf8))
    }

    @Test(
        arguments: [
            (#"{"type": "NFC"}"#, "e\u{301}x", "0-1 2-3"),
            (#"{"type": "NFC"}"#, "a\u{300}\u{316}x", "0-1 2-3 3-4"),
            (#"{"type": "NFC"}"#, "s\u{307}\u{323}x", "0-1 3-4"),
            (#"{"type": "NFC"}"#, "\u{958}x", "0-1 0-1 1-2"),
            (#"{"type": "NFC"}"#, "\u{1100}\u{1161}\u{11A8}x", "0-1 3-4"),
            (#"{"type": "NFD"}"#, "\u{E9}x", "0-1 0-1 1-2"),
            (#"{"type": "NFD"}"#, "\u{E0}\u{316}x", "0-1 1-2 1-2 2-3"),
            (#"{"type": "NFD"}"#, "\u{AC01}x", "0-1 0-1 0-1 1-2"),
            (#"{"type": "NFKC"}"#, "\u{FB01}\u{301}x", "0-1 1-2 2-3"),
            (#"{"type": "NFKC"}"#, "\u{3000}①\u{FF76}\u{FF9E}", "0-1 1-2 2-3"),
            (#"{"type": "NFKD"}"#, "\u{1E9B}\u{323}x", "0-1 1-2 1-2 2-3"),
            (
                #"{"type": "Replace", "pattern": {"String": "``"}, "content": "xyz"}"#, "\u{E9}``b",
                "0-1 2-3 2-3 2-3 3-4"
            ),
            (#"{"type": "Replace", "pattern": {"Regex": "^|b"}, "content": "xy"}"#, "\u{E9}b", "0-0 0-0 0-1 1-2 1-2"),
            (
                #"""
                {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": "a+"}, "content": " b"},
                 {"type": "Strip", "strip_left": true, "strip_right": true}, {"type": "Prepend", "prepend": "▁▁"}]}
                """#, "aac", "1-2 1-2 1-2 2-3"
            ),
            (
                #"""
                {"type": "Sequence", "normalizers": [{"type": "Strip", "strip_left": true, "strip_right": true},
                 {"type": "Lowercase"}]}
                """#, "  \u{130}Σ ", "2-3 2-3 3-4"
            ),
            (
                #"""
                {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                 "lowercase": true}
                """#, "\u{1}\u{C9}中\u{301}b", "1-2 2-3 2-3 2-3 4-5"
            ),
            ("map", "①b", "0-1 1-2"), ("map", "a\u{1}\u{1}b", "0-1 3-4"),
            ("map", "\u{337F}\u{1}b", "0-1 0-1 0-1 1-2 2-3"), ("map", "\u{FB01}x", "0-1 0-1 1-2"),
            ("map", "e\u{301}x", "0-1 2-3"), ("map", "\r\na\u{200B}b", "0-1 1-2 2-3 3-4 4-5"), ("map", "\u{1}", ""),
        ])
    func normalizedCharactersKeepTheirOrigins(_ normalizer: String, _ text: String, _ offsets: String) throws {
        #expect(try Self.offsets(Self.characters(normalizer), text) == offsets)
    }

    /// Not as in tokenizers, whose offsets are amiss from here on: what a map takes away at the beginning (0-1 1-2 2-3 there), and
    /// characters that are left out (0-1 1-2 2-4).
    @Test func offsetsStayRightBehindWhatIsTakenAway() throws {
        #expect(try Self.offsets(Self.characters("map"), "\u{1}\u{1}ab\u{E9}") == "0-3 3-4 4-5")
        let json = #"""
            {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "bc": 3}, "merges": [["b", "c"]]}}
            """#
        #expect(try Self.offsets(Tokenizer(parsing: Array(json.utf8)), "a\u{E9}abc") == "0-1 1-3 3-5")
        let bytes = #"""
            {"model": {"type": "BPE", "vocab": {"a": 0, "<0xC3>": 1, "<0xA9>": 2}, "merges": [], "byte_fallback": true}}
            """#
        #expect(try Self.offsets(Tokenizer(parsing: Array(bytes.utf8)), "\u{4E2D}\u{E9}a") == "0-2 1-2 2-3")
    }

    static func trimming(_ steps: String...) -> String {
        #"{"type": "Sequence", "processors": [\#(steps.joined(separator: ", "))]}"#
    }

    static func bytes(_ trims: Bool, prefix: Bool) -> String {
        #"{"type": "ByteLevel", "trim_offsets": \#(trims), "add_prefix_space": \#(prefix)}"#
    }

    static func roberta(_ trims: Bool) -> String {
        #"{"type": "RobertaProcessing", "sep": ["!", 33], "cls": ["?", 63], "trim_offsets": \#(trims), "add_prefix_space": true}"#
    }

    @Test(
        arguments: [
            ("null", " a  a\u{3000}b", "0-2 2-3 3-5 5-6 5-6 5-6 6-7"),
            (bytes(true, prefix: false), " a  a\u{3000}b", "1-2 3-3 4-5 5-6 5-6 5-6 6-7"),
            (bytes(true, prefix: false), "  a", "1-1 2-3"),
            (bytes(true, prefix: false), " <m> a \u{E9}", "1-4 5-6 7-7 7-8 7-8"),
            (bytes(true, prefix: true), " a  a\u{3000}b", "0-2 3-3 4-5 5-6 5-6 5-6 6-7"),
            (bytes(true, prefix: true), "  a", "0-0 2-3"),
            (bytes(true, prefix: true), " <m> a \u{E9}", "0-4 5-6 7-7 7-8 7-8"),
            (bytes(false, prefix: true), "  a", "0-1 1-3"),
            (bytes(false, prefix: true), " <m> a \u{E9}", "0-5 5-6 6-7 7-8 7-8"),
            (roberta(true), "  a", "0-0 0-0 2-3 0-0"), (roberta(true), " <m> a \u{E9}", "0-0 0-4 5-6 7-7 7-8 7-8 0-0"),
            (roberta(false), " a  a\u{3000}b", "0-0 0-2 2-3 3-5 5-6 5-6 5-6 6-7 0-0"),
            (
                trimming(bytes(true, prefix: true), roberta(true)), " a  a\u{3000}b",
                "0-0 0-2 3-3 5-5 5-6 5-6 5-6 6-7 0-0"
            ),
            (trimming(bytes(true, prefix: true), roberta(true)), " <m> a \u{E9}", "0-0 0-3 5-6 7-7 7-8 7-8 0-0"),
        ])
    func spacesAreLeftOut(_ processor: String, _ text: String, _ offsets: String) throws {
        let mask = #"[{"id": 258, "content": "<m>", "lstrip": true, "rstrip": true, "special": true}]"#
        let tokenizer = try Tokenizer(
            parsing: TokenizerJSONTests.json(["post_processor": processor, "added_tokens": mask]))
        #expect(Self.offsets(tokenizer, text) == offsets)
    }

    /// Spaces are those of a token, not of the text that it stands for; the first token is the first of what is left of a text.
    @Test func spacesAreThoseOfTheToken() throws {
        let wide = try Tokenizer(
            parsing: TokenizerJSONTests.json([
                "normalizer": #"{"type": "NFKC"}"#, "post_processor": Self.bytes(true, prefix: false),
            ]))
        #expect(Self.offsets(wide, "\u{3000}a\u{3000}b") == "1-2 3-3 3-4")
        let tokenizer = try Tokenizer(
            parsing: TokenizerJSONTests.json(["post_processor": Self.bytes(true, prefix: true)]))
        let cut = tokenizer.encoding(of: "ab a a a a", truncation: Truncation(maximumLength: 2, side: .left))
        #expect(Self.text(cut.offsets) == "6-8 9-10")
    }

    @Test(
        arguments: [
            (true, "a \u{E9}中a b", "0-1 1-2 2-4 2-4 2-4 2-4 2-4 4-5 5-6 6-7"), (true, "\u{E9}", "0-1 0-1 0-1"),
            (true, "<0x41>\u{E9}", "0-1 0-6 6-7 6-7"), (false, "a \u{E9}中a b", "0-1 1-2 2-4 4-5 5-6 6-7"),
            (false, "<0x41>\u{E9}", "0-1 0-7"),
        ])
    func bytesOfARunStandForTheRun(_ fallsBack: Bool, _ text: String, _ offsets: String) throws {
        let bytes = fallsBack ? (0..<256).map { #", ["\#(BytePairModel.byteToken(UInt8($0)))", -9.0]"# }.joined() : ""
        let json = #"""
            {"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
             "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": \#(fallsBack),
              "vocab": [["<unk>", 0.0], ["a", -1.0], ["▁", -2.0], ["▁a", -1.5]\#(bytes)]}}
            """#
        #expect(try Self.offsets(Tokenizer(parsing: Array(json.utf8)), text) == offsets)
    }

    /// What is looked for in normalized text comes second, also where nothing is normalized; a token is none whose white space
    /// all went along with the one before it.
    @Test(
        arguments: [
            (
                #"[{"id": 3, "content": "<x>", "rstrip": true}, {"id": 4, "content": "<y>", "lstrip": true, "normalized": false}]"#,
                "<x> <y>", [3, 4], "0-3 3-7"
            ),
            (
                #"[{"id": 3, "content": "<x>", "single_word": true}, {"id": 4, "content": "<y>", "normalized": false}]"#,
                "a<y><x>a<x><y>", [1, 4, 0, 4], "0-1 1-4 4-11 11-14"
            ),
            (#"[{"id": 3, "content": "  ", "lstrip": true, "rstrip": true}]"#, "a      a", [1, 3, 1], "0-1 1-7 7-8"),
            (#"[{"id": 3, "content": "  ", "lstrip": true, "rstrip": true}]"#, "     ", [3], "0-5"),
        ] as [(String, String, [UInt32], String)])
    func addedTokensAreFoundInTheirOrder(_ added: String, _ text: String, _ ids: [UInt32], _ offsets: String) throws {
        let json = #"""
            {"added_tokens": \#(added),
             "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "a": 1, " ": 2}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.encode(text) == ids)
        #expect(Self.offsets(tokenizer, text) == offsets)
    }

    /// Each part is first that comes from the text's first character, as several do where something was put before it.
    @Test(
        arguments: [
            (".a", [1, 2, 4], "0-1 0-1 1-2"), ("b.", [5, 3], "0-1 1-2"), (". .", [1, 2, 0, 3], "0-1 0-1 1-2 2-3"),
        ]
            as [(String, [UInt32], String)])
    func whatIsPutBeforeATextIsFirstToo(_ text: String, _ ids: [UInt32], _ offsets: String) throws {
        let json = #"""
            {"normalizer": {"type": "Prepend", "prepend": "a"},
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "Isolated"},
              {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}]},
             "model": {"type": "WordLevel", "unk_token": "u",
              "vocab": {"u": 0, "▁a": 1, "▁.": 2, ".": 3, "a": 4, "▁ab": 5}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.encode(text) == ids)
        #expect(Self.offsets(tokenizer, text) == offsets)
    }

    /// A part of a text never begins with what belongs to the character before it.
    @Test func textsAreNotCutBeforeAMark() throws {
        let tokenizer = try Self.characters(#"{"type": "NFC"}"#)
        let text = "e\u{301}a\u{300}\u{316}x"
        let parts = try tokenizer.split(text, atMost: 1, addingSpecialTokens: false)
        #expect(parts == [0..<3, 3..<6, 6..<8, 8..<9])
        for (text, limit) in [("e\u{301} x e\u{301} x", 1), ("x e\u{301} x", 2), ("cafe\u{301} cafe\u{301} x", 4)] {
            for part in try tokenizer.split(text, atMost: limit, addingSpecialTokens: false) {
                #expect(Array(text.utf8)[part.lowerBound] != 0xCC, "\(text): \(part)")
            }
        }
    }
}
