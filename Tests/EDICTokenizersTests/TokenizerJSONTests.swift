import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// What a `tokenizer.json` may say in unusual ways (goldens of tokenizers 0.23.3).
@Suite struct TokenizerJSONTests {
    static let byteLevel = #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#

    /// Byte-level BPE: all bytes by their values, `ab` and ` a`.
    static func json(_ components: [String: String] = [:], without missing: Set<UInt8> = [], options: String = "")
        -> [UInt8]
    {
        let letters = UnknownTextTests.letters.enumerated().filter { !missing.contains(UInt8($0.offset)) }
        let vocabulary = letters.map { #""\#($0.element)": \#($0.offset)"# } + [#""ab": 256, "Ġa": 257"#]
        let all = ["pre_tokenizer": byteLevel, "decoder": byteLevel].merging(components) { $1 }
        return Array(
            #"""
            {\#(all.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")), "model": {"type": "BPE"\#(options),
             "vocab": {\#(vocabulary.joined(separator: ", "))}, "merges": [["a", "b"], ["Ġ", "a"]]}}
            """#.utf8)
    }

    @Test(arguments: [
        ("null", "ab Ġ Ã © a"), (#"{"type": "WordPiece", "prefix": "", "cleanup": false}"#, "abĠÃ©a"),
        (#"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"#, "abĠÃ©a"),
        (#"{"type": "BPEDecoder", "suffix": "Ġ"}"#, "ab Ã©a"), (#"{"type": "Fuse"}"#, "abĠÃ©a"),
        (#"{"type": "ByteFallback"}"#, "abĠÃ©a"), (byteLevel, "ab éa"),
        (###"{"type": "WordPiece", "prefix": "##", "cleanup": true}"###, "ab Ġ Ã © a"),
        (#"{"type": "Replace", "pattern": {"String": "Ġ"}, "content": "_"}"#, "ab_Ã©a"),
        (#"{"type": "Sequence", "decoders": [\#(byteLevel), {"type": "Fuse"}]}"#, "ab éa"),
        (#"{"type": "Sequence", "decoders": [\#(byteLevel)]}"#, "ab éa"),
        (
            #"{"type": "Sequence", "decoders": [\#(byteLevel), {"type": "Strip", "content": "a", "start": 1, "stop": 0}]}"#,
            "b éa"
        ),
    ])
    func bytesAreDecodedAsTheDecoderSays(_ decoder: String, _ text: String) throws {
        let tokenizer = try Tokenizer(parsing: Self.json(["decoder": decoder]))
        let ids: [UInt32] = [256, 32, 195, 169, 97]
        #expect(tokenizer.encode("ab éa") == ids)
        #expect(tokenizer.decode(ids) == text)
        #expect(DecodingTests.streamed(ids, tokenizer) == text)
        #expect(tokenizer.bytes(of: 257) == Array(" a".utf8) && tokenizer.token(257) == "Ġa")
    }

    /// A decoder sees no difference between an added token and one of the model.
    @Test func lettersOfAddedTokensAreBytesToo() throws {
        let added = #"[{"id": 258, "content": "éé", "special": true}, {"id": 259, "content": "xĠ ", "special": true}]"#
        let tokenizer = try Tokenizer(parsing: Self.json(["added_tokens": added]))
        #expect(tokenizer.encode("ééa") == [258, 97])
        for (ids, text) in [([258, 97], "\u{FFFD}\u{FFFD}a"), ([259, 195, 169], "xĠ é")] as [([UInt32], String)] {
            #expect(tokenizer.decode(ids, skippingSpecialTokens: false) == text)
            #expect(DecodingTests.streamed(ids, tokenizer, skipping: false) == text)
        }
    }

    static let bytes = #"{"type": "ByteLevel"}"#
    static let words = #"{"type": "WhitespaceSplit"}"#

    /// The letters of bytes are what the steps behind them see.
    @Test(
        arguments: [
            ([bytes], [], [98, 257, 195, 169], [65, 98, 257]),
            ([#"{"type": "Lowercase"}"#, bytes], [], [98, 257, 195, 169], [256, 257]),
            ([bytes, #"{"type": "Lowercase"}"#], [], [98, 127, 97, 227, 169], [256, 127, 97]),
            ([bytes], [words], [98, 257, 195, 169], [65, 98, 257]),
            ([bytes], [byteLevel], [98, 196, 160, 97, 195, 131, 194, 169], [65, 98, 196, 160, 97]),
            ([bytes, bytes], [], [98, 196, 160, 97, 195, 131, 194, 169], [65, 98, 196, 160, 97]),
            ([], [byteLevel, byteLevel], [98, 196, 160, 97, 195, 131, 194, 169], [65, 98, 196, 160, 97]),
            ([], [byteLevel, words], [98, 257, 195, 169], [65, 98, 257]),
            ([], [words, byteLevel], [98, 97, 195, 169], [65, 98, 97]),
            (
                [bytes], [#"{"type": "Split", "pattern": {"String": "Ġ"}, "behavior": "Isolated", "invert": false}"#],
                [98, 32, 97, 195, 169], [65, 98, 32, 97]
            ),
        ] as [([String], [String], [UInt32], [UInt32])])
    func bytesBecomeLettersWhereTheFileSaysSo(
        _ normalizers: [String], _ splitters: [String], _ first: [UInt32], _ second: [UInt32]
    ) throws {
        func sequence(_ key: String, _ steps: [String]) -> String {
            steps.isEmpty ? "null" : #"{"type": "Sequence", "\#(key)": [\#(steps.joined(separator: ", "))]}"#
        }
        let tokenizer = try Tokenizer(
            parsing: Self.json([
                "normalizer": sequence("normalizers", normalizers),
                "pre_tokenizer": sequence("pretokenizers", splitters),
            ]))
        for (text, ids) in [("b aé", first), ("Ab a", second)] {
            #expect(tokenizer.encode(text) == ids)
            #expect(tokenizer.encoding(of: text).ids == ids)
        }
        #expect(tokenizer.bytes(of: 257) == Array(" a".utf8))
    }

    /// To a token that is looked for in normalized text a space is the letter that it became.
    @Test(arguments: [("b <x>", [98, 32, 60, 120, 62]), ("<x>.", [258, 46])] as [(String, [UInt32])])
    func addedTokensSeeLetters(_ text: String, _ ids: [UInt32]) throws {
        let tokenizer = try Tokenizer(
            parsing: Self.json([
                "normalizer": Self.bytes, "pre_tokenizer": "null",
                "added_tokens": #"[{"id": 258, "content": "<x>", "single_word": true, "normalized": true}]"#,
            ]))
        #expect(tokenizer.encode(text) == ids)
    }

    /// Added tokens with their ids in the file and what tokenizers makes of these.
    @Test(
        arguments: [
            ([("<t0>", 300)], "<t0>a", [258, 97]),
            ([("<t0>", 260), ("<t1>", 258)], "<t0><t1>", [258, 259]),
            ([("<t0>", 97), ("<t1>", 97)], "a<t0><t1>", [97, 258, 259]),
            ([("ab", 300), ("<t0>", 301)], "ab<t0>", [256, 258]),
            ([("Ġa", 300), ("é", 301), (" ", 302)], "Ġaé ", [257, 233, 258]),
            ([("", 258), ("<t0>", 259)], "<t0>", [258]),
            ([("<t0>", 258), ("<t0>", 259), ("<t1>", 260)], "<t0><t1>", [258, 259]),
        ] as [([(String, Int)], String, [UInt32])])
    func addedTokensAreCountedOn(_ added: [(String, Int)], _ text: String, _ ids: [UInt32]) throws {
        let list = added.map { #"{"id": \#($0.1), "content": "\#($0.0)", "special": true}"# }.joined(separator: ", ")
        let tokenizer = try Tokenizer(parsing: Self.json(["added_tokens": "[\(list)]"]))
        #expect(tokenizer.encode(text) == ids)
        #expect(tokenizer.encoding(of: text).ids == ids)
    }

    /// They are counted on from how many tokens there are, though that id may be taken.
    @Test(
        arguments: [
            (["<x>", "<y>", "ab"], "<x><y>ab", [255, 60, 121, 62, 256]),
            (["ab", "<x>", "<y>"], "<x><y>ab", [255, 256, 256]),
        ] as [([String], String, [UInt32])])
    func addedTokensMayTakeTheIDOfAnother(_ added: [String], _ text: String, _ ids: [UInt32]) throws {
        let list = added.map { #"{"id": 300, "content": "\#($0)"}"# }.joined(separator: ", ")
        let bytes = Self.json(["added_tokens": "[\(list)]"], without: [0, 1, 2])
        #expect(try Tokenizer(parsing: bytes).encode(text) == ids)
    }

    /// Of equal added tokens the last one's flags count, but special is what once was.
    @Test func theLaterOfEqualAddedTokensCounts() throws {
        let tokenizer = try Tokenizer(
            parsing: Self.json([
                "added_tokens":
                    #"[{"id": 258, "content": "<x>", "special": true}, {"id": 258, "content": "<x>", "lstrip": true}]"#
            ]))
        #expect(tokenizer.encode("a <x>") == [97, 258])
        #expect(tokenizer.decode([97, 258]) == "a")
    }

    /// Of the white space that a token takes along, tokens are made as well; the last one's end is where text goes on.
    @Test(
        arguments: [
            ("<x> a", [3, 1], [0..<4, 4..<5]), ("<x>  a", [3, 4, 1], [0..<5, 3..<5, 5..<6]),
            ("<x>   a", [3, 4, 0], [0..<6, 3..<5, 5..<7]), ("<x>     a", [3, 4, 4, 0], [0..<8, 3..<5, 5..<7, 7..<9]),
            ("<x> b", [3, 5], [0..<4, 4..<5]), ("<x>   b", [3, 4, 5], [0..<6, 3..<5, 5..<7]),
            ("a<x>  ", [1, 3, 4], [0..<1, 1..<6, 4..<6]),
        ] as [(String, [UInt32], [Range<Int>])])
    func whiteSpaceTakenAlongMayBeTokens(_ text: String, _ ids: [UInt32], _ offsets: [Range<Int>]) throws {
        let json = #"""
            {"added_tokens": [{"id": 3, "content": "<x>", "rstrip": true}, {"id": 4, "content": "  "},
              {"id": 5, "content": " b", "lstrip": true}],
             "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "a": 1, " ": 2}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.encode(text) == ids)
        #expect(tokenizer.encoding(of: text).offsets == offsets)
    }

    /// White space that each token of a run takes along is read once.
    @Test(.timeLimit(.minutes(1))) func longWhiteSpaceTakenAlongIsReadOnce() throws {
        let json = #"""
            {"added_tokens": [{"id": 1, "content": "\n", "rstrip": true}],
             "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        let count = 100_000
        let ids = tokenizer.encode("a" + String(repeating: "\n", count: count) + "b")
        #expect(ids == [0] + Array(repeating: 1, count: count) + [0])
    }

    /// A file that is written gives added tokens with gaps between their ids the ids that they have.
    @Test func gapsAreWrittenSoThatReadersKeepThem() throws {
        var parts = try Tokenizer(parsing: Self.json()).core.parts
        parts.source = .constructed
        parts.addedTokens = [AddedToken(id: 260, content: "<x>"), AddedToken(id: 259, content: "<y>")]
        let tokenizer = try Tokenizer(parsing: try Tokenizer(parts).encoded(as: .tokenizerJSON))
        #expect(tokenizer.encode("<y>ab<x>") == [259, 256, 260])
    }

    static let texts = (
        first: #"{"Sequence": {"id": "A", "type_id": 0}}"#, second: #"{"Sequence": {"id": "B", "type_id": 1}}"#,
        special: #"{"SpecialToken": {"id": "<s>", "type_id": 0}}"#
    )

    static func template(_ single: [String], _ pair: [String]) throws -> Tokenizer {
        let template = #"""
            {"type": "TemplateProcessing", "single": [\#(single.joined(separator: ", "))],
             "pair": [\#(pair.joined(separator: ", "))], "special_tokens": {"<s>": {"id": "<s>", "ids": [5]}}}
            """#
        return try Tokenizer(parsing: json(["post_processor": template]))
    }

    @Test(
        arguments: [
            ([texts.first, texts.special, texts.first], [256, 5, 256], [256, 256]),
            ([texts.first, texts.first], [256, 256], [256, 256]), ([], [], []), ([texts.first], [256], [256]),
            ([texts.special], [5], []),
        ] as [([String], [UInt32], [UInt32])])
    func templatesMayHaveATextTwiceOrNever(_ single: [String], _ ids: [UInt32], _ plain: [UInt32]) throws {
        let tokenizer = try Self.template(single, [Self.texts.first, Self.texts.second])
        for (adds, ids) in [(true, ids), (false, plain)] {
            #expect(tokenizer.encode("ab", addingSpecialTokens: adds) == ids)
            #expect(tokenizer.encoding(of: "ab", addingSpecialTokens: adds).ids == ids)
            #expect(tokenizer.encode(batch: ["ab", "ab"], addingSpecialTokens: adds) == [ids, ids])
        }
        #expect(tokenizer.encoding(of: "ab", pair: "cd").ids == [256, 99, 100])
    }

    @Test func aSecondTextThatIsNotThereIsRefused() {
        expectRefusal(.malformed, "sequence B") { try Self.template([Self.texts.first, Self.texts.second], []) }
    }

    /// Only what stands first in the text as given is the first word.
    @Test(
        arguments: [
            (#"{"type": "Strip", "strip_left": true, "strip_right": true}"#, [[2, 3], [1, 3], [0, 1], [0]]),
            (#"{"type": "Strip", "strip_left": false, "strip_right": true}"#, [[1, 3], [1, 3], [0, 1], [0]]),
            (#"{"type": "Replace", "pattern": {"Regex": "^x+"}, "content": ""}"#, [[1, 3], [1, 3], [4, 1], [0]]),
            (#"{"type": "Prepend", "prepend": " "}"#, [[0, 1, 3], [1, 3], [0, 1], [0]]),
            ("null", [[1, 3], [1, 3], [0, 1], [0]]),
        ] as [(String, [[UInt32]])])
    func theFirstWordIsTheGivenTexts(_ normalizer: String, _ ids: [[UInt32]]) throws {
        let json = #"""
            {"normalizer": \#(normalizer),
             "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true},
             "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "▁a": 1, "a": 2, "▁b": 3, "b": 4}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect([" a b", "a b", "xb a", "xab"].map { tokenizer.encode($0) } == ids)
    }

    /// Words with bytes that are no tokens, whatever their length and whatever was met before.
    @Test(arguments: [("", false), (#", "unk_token": "?""#, false), (#", "unk_token": "?", "fuse_unk": true"#, true)])
    func missingBytesAreUnknownOrLeftOut(_ options: String, _ fuses: Bool) throws {
        let missing: Set<UInt8> = [0x63, 0xC3, 0xA9]
        let tokenizer = try Tokenizer(parsing: Self.json(without: missing, options: options))
        #expect(tokenizer.core.isByteLevel)
        var generator = SeededGenerator(seed: 7)
        for length in [1, 3, 9, 17, 60, 127, 128, 129, 300, 2000] {
            for _ in 0..<20 {
                let word = (0..<length).map { _ in "aabbcdé ".randomElement(using: &generator) ?? "a" }
                let text = String(word)
                var ids: [UInt32] = []
                var isMissing = false
                for byte in text.utf8 {
                    let wasMissing = isMissing
                    isMissing = missing.contains(byte)
                    if !isMissing {
                        ids.append(UInt32(byte))
                    } else if !options.isEmpty, !fuses || !wasMissing {
                        ids.append(0x3F)
                    }
                }
                let found = tokenizer.encode(text)
                let bytes = found.flatMap { $0 == 256 ? [97, 98] : $0 == 257 ? [32, 97] : [$0] }
                #expect(bytes == ids)
                #expect(tokenizer.encoding(of: text).ids == found)
                #expect(tokenizer.encode(text) == found)
            }
        }
    }
}
