import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct DecodingTests {
    static func streamed(_ ids: [UInt32], _ tokenizer: Tokenizer, skipping: Bool = true) -> String {
        var decoder = tokenizer.streamingDecoder(skippingSpecialTokens: skipping)
        return ids.reduce("") { $0 + decoder.append($1) } + decoder.finish()
    }

    static func json(vocabulary: String, decoder: String, added: String = "") -> [UInt8] {
        Array(
            """
            {"added_tokens": [\(added)], "decoder": \(decoder),
             "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {\(vocabulary)}}}
            """.utf8)
    }

    static func bytePieces(from id: Int) -> String {
        (0..<256).map { "\"\(BytePairModel.byteToken(UInt8($0)))\": \(id + $0)" }.joined(separator: ", ")
    }

    static let llama = #"""
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
         {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
        """#

    /// What SentencePiece makes of a run of bytes (goldens of sentencepiece 0.2.1).
    @Test(
        arguments: [
            ([0x0A, 0xF0], "\n\u{FFFD}"), ([0xE2, 0x82, 0xAC, 0xF0, 0x9F], "€\u{FFFD}\u{FFFD}"),
            ([0x41, 0xFF, 0x42], "A\u{FFFD}B"), ([0xED, 0xA0, 0x80, 0x41], "\u{FFFD}\u{FFFD}\u{FFFD}A"),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"), ([0xE2, 0x82, 0xE2, 0x82, 0xAC], "\u{FFFD}\u{FFFD}€"),
            ([0xEF, 0xBF, 0xBD], "\u{FFFD}"), ([0xF0, 0x9F, 0x98, 0x80, 0x80], "😀\u{FFFD}"),
        ] as [([UInt32], String)])
    func aBadByteOfASentencePieceSparesItsNeighbours(_ bytes: [UInt32], _ text: String) throws {
        let tokenizer = try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 340, workers: 1)
        let first = try #require(tokenizer.id(of: "<0x00>"))
        let ids = bytes.map { $0 + first }
        #expect(tokenizer.decode(ids) == text)
        #expect(Self.streamed(ids, tokenizer) == text)
        // A control piece ends a run of bytes.
        guard case .sentencePiece(let file) = tokenizer.core.parts.source else {
            Issue.record("it was not trained as a SentencePiece file")
            return
        }
        let control = try #require(file.pieces.ids(of: .control).first)
        #expect(tokenizer.decode([first + 0xC3, UInt32(control), first + 0xA9]) == "\u{FFFD}\u{FFFD}")
    }

    /// Goldens of tokenizers 0.22: the first token's replacement characters are all dropped, a real space never is.
    @Test(
        arguments: [
            ("always", ["b", "a", " x", "b", "x y   a x", " b"]),
            ("never", ["  b", "   a", " x", " b", " x  y   a x", "  b"]),
            ("first", ["b", "a", " x", "b", "x y   a x", " b"]),
        ])
    func metaspaceDropsTheFirstTokensMarks(_ scheme: String, _ texts: [String]) throws {
        let tokenizer = try Tokenizer(
            parsing: Self.json(
                vocabulary: #""<unk>": 0, "▁": 1, "▁▁": 2, "▁▁▁a": 3, " x": 4, "b": 5, "▁x▁ y": 6"#,
                decoder: #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "\#(scheme)", "split": true}"#))
        let ids: [[UInt32]] = [[2, 5], [3], [4], [1, 5], [6, 3, 4], [1, 1, 5]]
        #expect(ids.map { tokenizer.decode($0) } == texts)
        #expect(ids.map { Self.streamed($0, tokenizer) } == texts)
    }

    /// Whatever the ids, what comes bit by bit is the text of them all.
    @Test func streamedIsDecoded() throws {
        let words = #""<unk>": 0, "▁": 1, "▁▁": 2, "▁a": 3, "b": 4, "▁b▁": 5, "": 6, "</w>": 7, "a</w>": 8, "@b": 9"#
        let special = #"{"id": 10, "content": "<s>", "special": true}"#
        var tokenizers: [Tokenizer] = []
        for decoder in [
            Self.llama.replacing(#"{"type": "ByteFallback"}, "#, with: ""),
            #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}"#,
            #"{"type": "WordPiece", "prefix": "@", "cleanup": true}"#, #"{"type": "BPEDecoder", "suffix": "</w>"}"#,
            #"{"type": "Fuse"}"#, "null",
            #"{"type": "CTC", "pad_token": "", "word_delimiter_token": "▁", "cleanup": true}"#,
            #"{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, "#
                + #"{"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 2, "stop": 0}]}"#,
        ] {
            tokenizers.append(
                try Tokenizer(parsing: Self.json(vocabulary: words, decoder: decoder, added: special)))
        }
        // Letters of bytes, which a decoder makes bytes again.
        let letters = "ÃâĤ¬©aĠð".unicodeScalars.enumerated().map { #""\#($1)": \#($0)"# }.joined(separator: ", ")
        tokenizers.append(
            try Tokenizer(
                parsing: Self.json(vocabulary: letters + #", "<unk>": 9"#, decoder: #"{"type": "ByteLevel"}"#)))
        for model in [TokenizerTrainer.Model.byteLevelBPE, .sentencePieceBPE(byteFallback: true)] {
            let trained = try TrainingTests.train(model, size: 340, workers: 1)
            tokenizers.append(trained)
            guard case .sentencePiece(var file) = trained.core.parts.source else { continue }
            for space in ["▁▁", "▁"] where trained.id(of: space) == nil {
                file.pieces.append(SentencePiece(bytes: Array(space.utf8), score: -100, kind: .normal))
            }
            for (prefix, extra) in [(true, true), (true, false), (false, true), (false, false)] {
                file.addsDummyPrefix = prefix
                file.removesExtraWhitespace = extra
                tokenizers.append(try Tokenizer(file.parts()))
            }
        }
        var generator = SeededGenerator(seed: 29)
        for (number, tokenizer) in tokenizers.enumerated() {
            var pool = (0..<UInt32(tokenizer.vocabularySize)).map(\.self)
            // Spaces, parts of characters and what decodes to nothing, more often than by chance.
            let often = ["▁", "▁▁", "<0xE2>", "<0x82>", "<0xAC>", "<0x20>", "</s>"].compactMap { tokenizer.id(of: $0) }
            for _ in 0..<pool.count / 16 + 1 { pool += often }
            for _ in 0..<300 {
                let count = Int.random(in: 0...12, using: &generator)
                let ids = (0..<count).map { _ in pool.randomElement(using: &generator) ?? 0 }
                for skips in [true, false] {
                    let text = tokenizer.decode(ids, skippingSpecialTokens: skips)
                    #expect(Self.streamed(ids, tokenizer, skipping: skips) == text, "\(number) \(ids)")
                }
            }
        }
    }

    /// Of a run of bytes that turns out to be damaged, what was given out stays; U+FFFD is for the others.
    @Test func bytesGivenOutAreNotReplaced() throws {
        let tokenizer = try Tokenizer(
            parsing: Self.json(
                vocabulary: #""<unk>": 0, "▁": 257, "▁a": 258, "b": 259, "# + Self.bytePieces(from: 1),
                decoder: Self.llama))
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<3000 {
            let ids = (0..<Int.random(in: 0...10, using: &generator)).map { _ in
                let few: [UInt32] = [257, 258, 259, 1 + 0x20, 1 + 0x41, 1 + 0xE2, 1 + 0x82, 1 + 0xAC, 1 + 0xC3]
                return few.randomElement(using: &generator) ?? 0
            }
            var expected = ""
            var kept: [UInt32] = []
            var held: [UInt32] = []
            func settle() {
                kept += held
                held = []
            }
            var marked: [UInt32] = []
            for id in ids {
                guard (1...256).contains(id) else {
                    settle()
                    kept.append(id)
                    continue
                }
                held.append(id)
                let bytes = held.map { UInt8($0 - 1) }
                if String(validating: bytes, as: UTF8.self) != nil {
                    settle()
                    marked.append(UInt32(kept.count))
                }
            }
            settle()
            // Each stretch decodes after the one before, which parts the runs.
            var from = 0
            for end in marked.map(Int.init) + [kept.count] where end > from {
                let before = from == 0 ? [] : [259] as [UInt32]
                let text = tokenizer.decode(before + kept[from..<end])
                expected += before.isEmpty ? text : String(text.dropFirst())
                from = end
            }
            #expect(Self.streamed(ids, tokenizer) == expected, "\(ids)")
        }
    }

    /// An added token that is looked for in normalized text is decoded to what is looked for (goldens of tokenizers 0.23.3).
    @Test(
        arguments: [
            ("null", ["<ÉX>", "É", "ﬁ", "N"]), (#"{"type": "Lowercase"}"#, ["<éx>", "é", "ﬁ", "N"]),
            (#"{"type": "Prepend", "prepend": "▁"}"#, ["▁<ÉX>", "▁É", "▁ﬁ", "N"]),
            (#"{"type": "NFKC"}"#, ["<ÉX>", "É", "fi", "N"]),
            (#"{"type": "Replace", "pattern": {"String": "É"}, "content": ""}"#, ["<X>", "", "ﬁ", "N"]),
        ])
    func normalizedTokensAreDecodedAsTheyAreFound(_ normalizer: String, _ texts: [String]) throws {
        let json = #"""
            {"added_tokens": [{"id": 3, "content": "<ÉX>"}, {"id": 2, "content": "É"}, {"id": 4, "content": "ﬁ"},
              {"id": 5, "content": "N", "normalized": false}], "normalizer": \#(normalizer), "decoder": {"type": "Fuse"},
             "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "a": 1, "É": 2}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect([3, 2, 4, 5].map { tokenizer.decode([$0]) } == texts)
        let ids: [UInt32] = [1, 3, 4, 2, 5, 0]
        let whole = "a" + texts[0] + texts[2] + texts[1] + texts[3] + "u"
        #expect(tokenizer.decode(ids) == whole && Self.streamed(ids, tokenizer) == whole)
        #expect(tokenizer.token(3) == "<ÉX>" && tokenizer.id(of: "<ÉX>") == 3)
    }

    /// Special tokens are skipped by what they are; tokenizers 0.23.3 keeps those whose normalized text is another.
    @Test func renamedSpecialTokensAreSkippedToo() throws {
        let json = #"""
            {"added_tokens": [{"id": 2, "content": "<s>", "special": true, "normalized": true}],
             "normalizer": {"type": "Prepend", "prepend": "▁"}, "decoder": {"type": "Fuse"},
             "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "a": 1}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.decode([2, 1]) == "a")
        #expect(tokenizer.decode([2, 1], skippingSpecialTokens: false) == "▁<s>a")
    }
}
