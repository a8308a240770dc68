import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// What is encoded word by word is what the parts give step by step.
@Suite struct SentenceTests {
    static func stepByStep(_ text: String, _ tokenizer: Tokenizer) -> [UInt32] {
        var ids: [UInt32] = []
        tokenizer.core.encodeSlowly(Array(text.utf8), at: 0, .ordinaryText, tracking: false) { id, _, _ in
            ids.append(id)
        }
        return ids
    }

    /// Random texts of known and unknown characters, white space, and ▁ at all places.
    static func texts(_ count: Int, seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed: seed)
        let pool = [
            "the", "cat", "sat", "mat", " ", " ", " ", "  ", "▁", "▁▁", "中", "文", "語", "é", "e\u{301}", "\u{85}",
            "\u{A0}", "\t",
            "\n", "\u{3000}", "\u{200D}\u{312}", "ﬁ", "½", "a", "zq", "\u{0}", "😀", "\u{C}",
        ]
        return (0..<count).map { _ in
            (0..<Int.random(in: 0...24, using: &generator)).map { _ in pool.randomElement(using: &generator) ?? "" }
                .joined()
        }
    }

    @Test(arguments: [false, true]) func sentencesAreTheirWords(_ byteFallback: Bool) throws {
        let models: [TokenizerTrainer.Model] = [
            .unigram(byteFallback: byteFallback), .sentencePieceBPE(byteFallback: byteFallback),
        ]
        for model in models {
            let tokenizer = try TrainingTests.train(model, size: byteFallback ? 340 : 80, workers: 1)
            #expect(tokenizer.core.plan != nil)
            for text in Self.texts(250, seed: 5) {
                let ids = tokenizer.encode(text, addingSpecialTokens: false, specialTokens: .ordinaryText)
                #expect(ids == Self.stepByStep(text, tokenizer), "\(model) \(text.debugDescription)")
            }
        }
    }

    /// With and without a space before the first word, with extra spaces kept or not, and with symbols of the user's that
    /// are within words, begin them, are white space or come to be when the text is normalized.
    @Test(arguments: [false, true], [false, true]) func symbolsAndBeginningsKeepTheirPlace(
        _ addsPrefix: Bool, _ removesSpaces: Bool
    ) throws {
        let symbols = ["<2de>", "at", "▁the", "\n", "fi", "é", "▁s▁"] + (removesSpaces ? [] : ["▁▁", "  ", "\n\n"])
        let models: [TokenizerTrainer.Model] = [
            .unigram(byteFallback: true), .sentencePieceBPE(byteFallback: true), .unigram(byteFallback: false),
        ]
        for model in models {
            let trained = try TrainingTests.train(model, size: model == models[2] ? 80 : 340, workers: 1)
            guard case .sentencePiece(var file) = trained.core.parts.source else { throw TokenizerError.outOfMemory }
            file.addsDummyPrefix = addsPrefix
            file.removesExtraWhitespace = removesSpaces
            for symbolCount in [0, 2, 3, symbols.count] {
                // One with ▁ inside would span a cut.
                for symbol in symbols.prefix(symbolCount) where symbol != "▁s▁" {
                    let bytes = Array(symbol.utf8)
                    file.pieces.removeAll { $0.bytes == bytes }
                    file.pieces.append(SentencePiece(bytes: bytes, score: 0, kind: .userDefined))
                }
                let tokenizer = try Tokenizer(file.parts())
                #expect(tokenizer.core.plan != nil)
                var generator = SeededGenerator(seed: 41)
                var texts = Self.texts(30, seed: 6)
                for _ in 0..<50 {
                    var text = ""
                    for _ in 0..<Int.random(in: 0...9, using: &generator) {
                        let pool = symbols + ["<2d", "ﬁ", " ", "  ", "the", "cat", "\u{1}", "\u{A0}", "a", "zq", "▁"]
                        text += pool.randomElement(using: &generator) ?? ""
                    }
                    texts.append(text)
                }
                texts += ["cat the hat", "the", "so the"]
                let long = String(repeating: "thecat<2de>atﬁ", count: 100)
                for text in texts + [long + " " + long] {
                    let ids = tokenizer.encode(text, addingSpecialTokens: false, specialTokens: .ordinaryText)
                    #expect(ids == Self.stepByStep(text, tokenizer), "\(symbolCount) \(text.debugDescription)")
                }
            }
        }
        // What has a space inside is found in whole sentences only.
        guard
            case .sentencePiece(var file) = try TrainingTests.train(models[1], size: 340, workers: 1).core.parts.source
        else { throw TokenizerError.outOfMemory }
        file.pieces.append(SentencePiece(bytes: Array("▁s▁".utf8), score: 0, kind: .userDefined))
        #expect(try Tokenizer(file.parts()).core.plan == nil)
    }

    /// Gemma's vocabulary has one piece with a space inside: no cut is made where it may be.
    @Test(arguments: [false, true]) func piecesMaySpanASpace(_ addsPrefix: Bool) throws {
        let trained = try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 340, workers: 1)
        guard case .sentencePiece(var file) = trained.core.parts.source else { throw TokenizerError.outOfMemory }
        file.addsDummyPrefix = addsPrefix
        file.removesExtraWhitespace = false
        file.characterMap = []
        let added = ["▁c", "t▁c", "▁▁", "e▁▁a"]
        file.pieces.removeAll { added.contains($0.bytes.decodedText) }
        file.pieces += added.map { SentencePiece(bytes: Array($0.utf8), score: 1, kind: .normal) }
        let tokenizer = try Tokenizer(file.parts())
        #expect(tokenizer.core.plan != nil)
        let spanning = UInt32(file.pieces.count - 3)
        var generator = SeededGenerator(seed: 3)
        let pool = ["cat", " cat", "t", " c", "e", "  a", " ", "  ", "e  a", "the", "▁", "é"]
        for round in 0..<150 {
            // Not in all texts a ▁ of their own.
            let most = round % 5 == 0 ? pool.count : pool.count - 2
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                pool[Int.random(in: 0..<most, using: &generator)]
            }.joined()
            let ids = tokenizer.encode(text, addingSpecialTokens: false)
            #expect(ids == Self.stepByStep(text, tokenizer), "\(text.debugDescription)")
        }
        #expect(tokenizer.encode("the cat cat", addingSpecialTokens: false).contains(spanning))
    }

    /// Pieces of one score, as Llama 2's runs of spaces, merge from the left, whatever the words around them, in short texts and
    /// in windows of long ones.
    @Test(arguments: [
        ["▁▁", "▁▁▁▁", "▁▁▁", "▁▁▁▁▁▁"], ["th", "he", "ca", "at", "▁▁", "tt"], ["cat", "at", "ta", "\n"],
    ])
    func piecesOfOneScoreMergeFromTheLeft(_ tied: [String]) throws {
        let trained = try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 340, workers: 1)
        guard case .sentencePiece(var file) = trained.core.parts.source else { throw TokenizerError.outOfMemory }
        file.removesExtraWhitespace = false
        file.characterMap = []
        file.pieces.removeAll { tied.contains($0.bytes.decodedText) }
        file.pieces += tied.map { SentencePiece(bytes: Array($0.utf8), score: -1e9, kind: .normal) }
        let tokenizer = try Tokenizer(file.parts())
        guard case .sentencePieceBPE(let model) = tokenizer.core.parts.model else { throw TokenizerError.outOfMemory }
        var generator = SeededGenerator(seed: 23)
        let pool = ["cat", "the", "at", "tt", "hat", " ", "  ", "     ", "▁", "\n", "\n\n ", "中", "a"]
        for round in 0..<300 {
            // Some texts are long, some of those without what is tied.
            let words = round % 50 == 0 ? 120 : Int.random(in: 0...12, using: &generator)
            let some = round % 100 == 0 ? ["sat", "on", "mat", "中"] : pool
            let text = (0..<words).map { _ in some.randomElement(using: &generator) ?? "" }.joined()
            var symbols = "\(text.isEmpty ? "" : " ")\(text)".unicodeScalars.map { scalar in
                model.symbols[scalar == " " ? 0x2581 : scalar.value] ?? .max - 1
            }
            while true {
                let merges = symbols.indices.dropLast().compactMap { at in
                    model.table.merge(symbols[at], symbols[at + 1]).map { (rank: $0.rank, at: at, result: $0.result) }
                }
                guard let best = merges.min(by: { ($0.rank, $0.at) < ($1.rank, $1.at) }) else { break }
                symbols.replaceSubrange(best.at...best.at + 1, with: [best.result])
            }
            let pieces = UInt32(file.pieces.count)
            let ids = tokenizer.encode(text, addingSpecialTokens: false, specialTokens: .ordinaryText)
            // Characters without a piece are several bytes each.
            let characters = symbols.filter { $0 < pieces }
            #expect(ids.filter { !model.fallback.contains($0) } == characters, "\(text.debugDescription)")
            #expect(ids == Self.stepByStep(text, tokenizer), "\(text.debugDescription)")
        }
    }

    /// tokenizer.json of Llama 2's, Gemma's and newer kinds, with merges in any order, several for one token, and not all of
    /// use: word by word as step by step, also around added tokens and for bytes that are no text.
    @Test(arguments: [
        #""normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},"#
            + #"{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"#,
        #""normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"#
            + #""pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}"#,
        #""pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}"#,
        #""pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":false}"#,
        #""pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}"#,
    ]) func mergedCharactersAreTheirWords(_ parts: String) throws {
        var generator = SeededGenerator(seed: 17)
        let letters = ["▁", "t", "h", "e", "c", "a", "é", "中"]
        for round in 0..<8 {
            var tokens = (0..<256).map { BytePairModel.byteToken(UInt8($0)) } + letters
            var merges: [String] = []
            var inside = 0
            for _ in 0..<60 {
                let left = tokens[Int.random(in: 256..<tokens.count, using: &generator)]
                let right = tokens[Int.random(in: 256..<tokens.count, using: &generator)]
                // In some rounds a space may be inside, where no cut may be.
                let whole = (left + right).drop { $0 == "▁" }
                if whole.contains("▁"), round % 2 == 0 || inside > 5 { continue }
                inside += whole.contains("▁") ? 1 : 0
                let merge = "\"\(left) \(right)\""
                if merges.contains(merge) || (left + right).count > 9 { continue }
                if !tokens.contains(left + right) { tokens.append(left + right) }
                merges.append(merge)
            }
            merges.shuffle(using: &generator)
            let vocabulary = tokens.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
            let json = """
                {"added_tokens":[{"id":900,"content":"<x>","special":true,"normalized":\(round % 3 == 0)},
                {"id":901,"content":"▁<y z>","special":false,"normalized":true}],\(parts),"model":{"type":"BPE",
                "byte_fallback":true,"fuse_unk":true,"vocab":{\(vocabulary)},"merges":[\(merges.joined(separator: ","))]}}
                """
            let tokenizer = try Tokenizer(parsing: Array(json.utf8))
            #expect(tokenizer.core.plan != nil)
            var texts = Self.texts(40, seed: UInt64(round)).map { Array($0.utf8) }
            for _ in 0..<60 {
                let pool: [[UInt8]] =
                    (letters.dropFirst() + [" ", " ", "  ", "the", "cat", "<x>", "<y z>", " <y", "z>", "ž"]).map {
                        Array($0.utf8)
                    } + [[0xFF]]
                let count = Int.random(in: 0...20, using: &generator)
                texts.append((0..<count).flatMap { _ in pool.randomElement(using: &generator) ?? [] })
            }
            texts.append(Array(String(repeating: "thecaté中", count: 200).utf8))
            for text in texts {
                let ids = tokenizer.encode(text.span, addingSpecialTokens: false, specialTokens: .recognized)
                #expect(ids == tokenizer.core.encoding(text, .recognized).ids, "\(text.decodedText.debugDescription)")
            }
        }
    }

    /// A symbol of the user's is worth 0.1 for each byte less 0.1, as in sentencepiece 0.2.3: not always the best.
    @Test(arguments: [(-1.05, [0x61, 0x62] as [UInt8]), (-1.2, Array("abc".utf8))])
    func symbolsOfUnigramHaveTheirPrice(_ score: Double, _ first: [UInt8]) throws {
        var file = SentencePieceFile()
        file.addsDummyPrefix = false
        let pieces: [(String, Double)] = [("▁", -3), ("a", -5), ("b", -5), ("c", score), ("abc", -1)]
        file.pieces = [SentencePiece(bytes: Array("<unk>".utf8), score: 0, kind: .unknown)]
        file.pieces += pieces.map { SentencePiece(bytes: Array($0.utf8), score: $1, kind: .normal) }
        file.pieces.append(SentencePiece(bytes: Array("ab".utf8), score: 0, kind: .userDefined))
        let tokenizer = try Tokenizer(file.parts())
        let ids = tokenizer.encode("abc", addingSpecialTokens: false)
        #expect(file.pieces[Int(ids[0])].bytes == first)
        #expect(ids == Self.stepByStep("abc", tokenizer))
    }

    /// Many words at once, some longer than the rounds take, some of more pieces than a character has room for.
    @Test func bestPathsOfManyWordsAreThoseOfOne() throws {
        let tokenizer = try TrainingTests.train(.unigram(byteFallback: true), size: 340, workers: 1)
        guard case .unigram(let model) = tokenizer.core.parts.model else {
            Issue.record("not Unigram")
            return
        }
        var generator = SeededGenerator(seed: 23)
        let letters = Array("thecatsonm中é".unicodeScalars)
        for _ in 0..<12 {
            let words = (0..<60).map { _ in
                var word = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 1...40, using: &generator) {
                    word.append(letters[Int.random(in: 0..<letters.count, using: &generator)])
                }
                return String(word)
            }
            var expected: [ModelToken] = []
            model.encode(Array(words.map { "▁" + $0 }.joined().utf8), into: &expected)
            #expect(tokenizer.encode(words.joined(separator: " "), addingSpecialTokens: false) == expected.map(\.id))
        }
    }

    @Test func nfcGoesBeforeTheSpace() throws {
        let json = #"""
            {"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true,"use_regex":true},
            "decoder":{"type":"ByteLevel"},"model":{"type":"BPE","merges":[],"vocab":{"Ġ":0,"a":1,"Ã":2,"¡":3}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.encode("a\u{301}") == [0, 2, 3])
        #expect(tokenizer.encode(" a\u{301}a") == [0, 2, 3, 1])
    }

    /// Without BERT's normalizer, which drops controls, a form feed is white space.
    @Test func controlsSeparateWhereNothingDropsThem() throws {
        let rest = #"""
            "pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]",
            "continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"a":1,"b":2,"ab":3}}}
            """#
        let cleaning = #"""
            {"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,
            "lowercase":true},
            """# + rest
        #expect(try Tokenizer(parsing: Array(("{" + rest).utf8)).encode("a\u{C}b\u{B}") == [1, 2])
        #expect(try Tokenizer(parsing: Array(cleaning.utf8)).encode("a\u{C}b\u{B}") == [3])
    }

    /// An added token spelled as a byte is spelled stays the byte where it stands for one.
    @Test func addedTokensLeaveTheBytes() throws {
        let json = #"""
            {"added_tokens":[{"id":0,"content":"É","special":false,"normalized":false}],
            "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"decoder":{"type":"ByteLevel"},
            "model":{"type":"BPE","merges":[],"vocab":{"É":0,"Ĥ":1,"a":2}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.encode("a\u{242}") == [2, 0, 1])
    }

    @Test func spacesOfOtherKindsStayWithTheirText() throws {
        let json = #"""
            {"normalizer":{"type":"Sequence","normalizers":[{"type":"Strip","strip_left":true,"strip_right":true},
            {"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "},{"type":"Strip","strip_left":true,"strip_right":true}]},
            "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
            "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁",-3],["a",-2],["▁a",-2.5],["b",-2]]}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        #expect(tokenizer.core.plan != nil)
        for text in Self.texts(150, seed: 9) + ["a \u{85}a", "a\u{85} a", "a \u{300}a", "a \u{E33}b", "a\u{85}b a"] {
            #expect(tokenizer.encode(text) == Self.stepByStep(text, tokenizer), "\(text.debugDescription)")
        }
    }

    /// The names of bytes and of the unknown piece may stand in the text; ids of tokenizers 0.23.
    @Test func namesOfBytesArePiecesToo() throws {
        let bytes = (0..<256).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return #"["<0x\#(byte < 16 ? "0" : "")\#(digits)>",\#(byte == 0x41 ? -2 : -3)]"#
        }
        let json = #"""
            {"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],\#(bytes.joined(separator: ",")),
            ["a",-1],["b",-2.5],["ab",-3.4],["▁",-2],["x<",-4]]}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        let expected: [(String, [UInt32])] = [
            ("ab", [259]), ("aé", [257, 196, 170]), ("<0x41>", [66]), ("x<0x41>b", [121, 66, 258]), ("<unk>", [0]),
            ("中a", [229, 185, 174, 257]), ("<0x4", [61, 49, 121, 53]), ("aXb", [257, 89, 258]),
            ("éa中<0xFF>ab", [196, 170, 257, 229, 185, 174, 256, 259]),
        ]
        for (text, ids) in expected { #expect(tokenizer.encode(text) == ids, "\(text)") }
    }

    /// Values that a reader with one rounding for the digits and one for the power of ten gets.
    @Test func scoresAreReadAsTheReferenceReadsThem() {
        for (exact, read) in [
            (-7.3363261222839355, -7.336326122283936), (-7.3578996658325195, -7.35789966583252),
            (-7.4526262283325195, -7.45262622833252), (-12.5, -12.5), (0, 0), (-1e-05, -1e-05), (3e20, 3e20),
        ] as [(Double, Double)] {
            #expect(UnigramModel.asTokenizersReads(exact) == read)
        }
    }
}
