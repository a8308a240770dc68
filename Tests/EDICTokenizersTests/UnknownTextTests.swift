import Testing

@testable import EDICTokenizers

/// What becomes of text that a vocabulary lacks.
@Suite struct UnknownTextTests {
    static func tokenizer(_ model: String, bytes: Bool = false) throws -> Tokenizer {
        let splitter = bytes ? #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"# : "null"
        return try Tokenizer(parsing: Array(#"{"pre_tokenizer": \#(splitter), "model": \#(model)}"#.utf8))
    }

    static let letters = ByteAlphabet.scalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }

    /// A byte that is no token is the unknown token (ids of the library tokenizers).
    @Test(
        arguments: [
            (false, "xab é", [0, 4, 2, 5, 0]), (false, "日ab", [0, 0, 0, 4]), (false, "ab ab", [4, 2, 4]),
            (true, "xab é", [0, 4, 2, 5, 0]), (true, "日ab", [0, 4]),
        ] as [(Bool, String, [UInt32])])
    func bytesMayBeUnknown(_ fuses: Bool, _ text: String, _ ids: [UInt32]) throws {
        let model = #"""
            {"type": "BPE", "unk_token": "<unk>", "fuse_unk": \#(fuses), "merges": [["a", "b"]],
             "vocab": {"<unk>": 0, "a": 1, "Ġ": 2, "b": 3, "ab": 4, "Ã": 5}}
            """#
        let tokenizer = try Self.tokenizer(model, bytes: true)
        #expect(tokenizer.encode(text) == ids)
        #expect(tokenizer.encoding(of: text).ids == ids)
    }

    /// tokenizers encodes nothing unknown without a token for it, which is an error there; here such a file is.
    @Test(arguments: [
        #"{"type": "Unigram", "unk_id": null, "vocab": [["hello", -1.0], ["a", -1.0], ["b", -2.0]]}"#,
        #"{"type": "Unigram", "byte_fallback": true, "vocab": [["a", -1.0]]}"#,
        #"{"type": "WordLevel", "unk_token": "<unk>", "vocab": {"a": 0}}"#,
        #"{"type": "WordLevel", "vocab": {"a": 0}}"#,
        #"{"type": "WordPiece", "unk_token": "<unk>", "vocab": {"a": 0}}"#,
        #"{"type": "BPE", "unk_token": "<unk>", "vocab": {"a": 0}, "merges": []}"#,
        #"{"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": {"a": 0}, "merges": []}"#,
    ])
    func unknownTextWithoutATokenIsRefused(_ model: String) {
        let error = #expect(throws: TokenizerError.self) { try Self.tokenizer(model) }
        #expect(error?.code == .malformed && error?.message.contains("unk") == true, "\(error?.message ?? "")")
    }

    @Test func whereAllIsKnownNoTokenIsNeeded() throws {
        let dropping = try Self.tokenizer(#"{"type": "BPE", "unk_token": null, "vocab": {"a": 0}, "merges": []}"#)
        #expect(dropping.encode("aba") == [0, 0])
        let bytes = (["a"] + (0..<256).map { BytePairModel.byteToken(UInt8($0)) }).enumerated()
            .map { #""\#($1)": \#($0)"# }.joined(separator: ", ")
        let falling = try Self.tokenizer(
            #"{"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": {\#(bytes)}, "merges": []}"#)
        #expect(falling.encode("abc") == [0, 99, 100])
        // Text never has the bytes 0xF5 and up.
        let ids = Self.letters.prefix(0xF5).enumerated().map { #""\#($1)": \#($0)"# }.joined(separator: ", ")
        let byteLevel = try Self.tokenizer(
            #"{"type": "BPE", "unk_token": "<unk>", "vocab": {\#(ids)}, "merges": []}"#, bytes: true)
        #expect(byteLevel.encode("é") == [0xC3, 0xA9])
        let pieces = Self.letters.map { #"["\#($0)", -2.0]"# }.joined(separator: ", ")
        let unigram = try Self.tokenizer(#"{"type": "Unigram", "vocab": [\#(pieces)]}"#, bytes: true)
        #expect(unigram.unknown == nil)
        #expect(unigram.encode("\0\0é") == [0, 0, 0xC3, 0xA9])
    }

    /// Of a piece that is there twice tokenizers uses the later one, with its score.
    @Test(
        arguments: [
            (-9.0, -1.0, [4], [5], [4, 5]), (-1.0, -9.0, [4], [5], [4, 5]), (-1.0, -30.0, [1, 5], [5], [1, 5, 5]),
        ] as [(Double, Double, [UInt32], [UInt32], [UInt32])])
    func theLaterOfEqualPiecesCounts(
        _ first: Double, _ second: Double, _ ab: [UInt32], _ b: [UInt32], _ abb: [UInt32]
    ) throws {
        let tokenizer = try Self.tokenizer(
            #"""
            {"type": "Unigram", "unk_id": 0,
             "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -1.5], ["ab", \#(first)], ["ab", \#(second)], ["b", -20.0]]}
            """#)
        #expect(tokenizer.encode("ab") == ab)
        #expect(tokenizer.encode("b") == b)
        #expect(tokenizer.encode("abb") == abb)
        #expect(tokenizer.encode("ac") == [1, 0])
    }

    /// What a character carries by its place in a word is bytes, too, and only bytes that all are tokens stand for it (ids of
    /// tokenizers 0.23.3).
    @Test(
        arguments: [
            (
                256, ###""continuing_subword_prefix": "##""###, [1, 40, 40, 200, 174, 2, 200, 174, 2],
                [1, 40, 40, 233, 189, 178, 40, 40, 103]
            ),
            (
                256, #""end_of_word_suffix": "</w>""#,
                [1, 200, 174, 102, 65, 52, 124, 67, 200, 174, 102, 65, 52, 124, 67], [1, 233, 189, 178, 3]
            ),
            (
                256, ###""continuing_subword_prefix": "##", "end_of_word_suffix": "</w>""###,
                [1, 40, 40, 200, 174, 40, 40, 102, 65, 52, 124, 67, 200, 174, 40, 40, 102, 65, 52, 124, 67],
                [1, 40, 40, 233, 189, 178, 4]
            ),
            (
                3, ###""continuing_subword_prefix": "##", "unk_token": null"###, [1, 40, 40, 200, 174, 2, 200, 174, 2],
                [1]
            ),
            (
                3, ###""continuing_subword_prefix": "##", "unk_token": "<unk>""###,
                [1, 40, 40, 200, 174, 2, 200, 174, 2], [1, 0, 0]
            ),
            (3, #""end_of_word_suffix": "</w>", "unk_token": "<unk>""#, [1, 200, 174, 0, 200, 174, 0], [1, 0, 3]),
            (3, #""unk_token": "<unk>""#, [1, 200, 174, 1, 200, 174, 1], [1, 0, 0]),
            (3, #""unk_token": null"#, [1, 200, 174, 1, 200, 174, 1], [1]),
        ] as [(Int, String, [UInt32], [UInt32])])
    func bytesOfMarkedCharactersAreTokens(_ count: Int, _ options: String, _ first: [UInt32], _ second: [UInt32]) throws
    {
        let values = count == 256 ? Array(0..<256) : [0x23, 0xA9, 0xC3]
        let bytes = values.map { #", "\#(BytePairModel.byteToken(UInt8($0)))": \#($0 + 5)"# }.joined()
        let json = #"""
            {"pre_tokenizer": {"type": "WhitespaceSplit"},
             "model": {"type": "BPE", "byte_fallback": true, \#(options), "merges": [],
              "vocab": {"<unk>": 0, "a": 1, "##a": 2, "b</w>": 3, "##b</w>": 4\#(bytes)}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        for (text, ids) in [("a\u{E9}a \u{E9}a", first), ("a中b", second)] {
            #expect(tokenizer.encode(text) == ids)
            #expect(tokenizer.encoding(of: text).ids == ids)
        }
    }

    /// The bytes of marks stand for no text: what is behind them stays in its place, as it does not in tokenizers 0.23.3.
    @Test func bytesOfMarksHaveNoOffsets() throws {
        let bytes = (0..<256).map { #", "\#(BytePairModel.byteToken(UInt8($0)))": \#($0 + 1)"# }.joined()
        let json = #"""
            {"model": {"type": "BPE", "byte_fallback": true, "continuing_subword_prefix": "##", "merges": [],
              "vocab": {"a": 0\#(bytes)}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(OffsetTests.offsets(tokenizer, "a\u{E9}b") == "0-1 1-1 1-1 1-2 1-2 2-2 2-2 2-3")
    }
}
