import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// How tokenizers 0.23.3 cuts one text by the expressions that llama.cpp lists for each name.
@Suite struct GGUFPreTokenizerTests {
    static let wanted: [(names: String, words: String)] = [
        (
            "default",
            "The· cats·'·ll· İŞ· don·'·T· ·123·456·7· łąka·,·ünder·<·3· ·\u{A0}·x·\n\n · a·+·b·=·c·…·"
                + "`·—·\u{301}· 中文かな· ·٣٤5· ǅungla· iPhone·'·s·\t·!?·\r\n·/· żółw· ·½·\u{1680}·km·²·."
        ),
        (
            "minicpm5 llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano jais-2 "
                + "dbrx smaug-bpe chatglm-bpe glm4 glm5",
            "The· cats·'ll· İŞ· don·'T· ·123·456·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣٤5· ǅungla· iPhone·'s·\t·!?\r\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "deepseek-llm",
            "The· cats·'·ll· İŞ· don·'·T· ·1234567· łą·ka·,·ü·nder·<·3· ·\u{A0}x·\n·\n· · a·+·b·=·c·"
                + "…·`·—·\u{301} ·中文かな· ·٣٤5· ǅ·ungla· iPhone·'·s·\t!?·\r·\n·/· żół·w· ·½·\u{1680}·km·²·."
        ),
        (
            "deepseek-coder",
            "The· cats·'·ll· İŞ· don·'·T· ·1·2·3·4·5·6·7· łąka·,·ünder·<·3· ·\u{A0}x·\n·\n· · a·+·b·"
                + "=·c·…·`·—·\u{301}· ·中文かな· ·٣·٤·5· ǅungla· iPhone·'·s·\t!?·\r·\n·/· żółw· ·½·\u{1680}·km·"
                + "²·."
        ),
        (
            "deepseek-v3 hunyuan-dense hy_v4 joyai-llm",
            "The· cats·'ll· İŞ· don·'T· ·123·456·7· łąka·,·ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·…`—·"
                + "\u{301}· ·中文かな· ·٣٤5· ǅungla· iPhone·'s·\t·!?\r\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "spark2_5",
            "The· cats·'ll· İŞ· don·'T· ·1·2·3·4·5·6·7· łąka·,·ünder·<·3· ·\u{A0}x·\n·\n· · a·+b·=c·"
                + "…`—·\u{301}· ·中文かな· ·٣·٤·5· ǅungla· iPhone·'s·\t·!?·\r·\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "youtu",
            "The· cats'll· İŞ· don'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·…·`·"
                + "—·\u{301}· ·中文かな· ·٣·٤·5· ǅungla· i·Phone's·\t·!?\r\n/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "falcon",
            "The· cats·'·ll· İŞ· don·'·T· ·123·456·7· łąka·,·ünder·<·3· ·\u{A0}·x·\n\n · a·+·b·=·c·"
                + "…`—·\u{301}· 中文かな· ٣٤5· ǅungla· iPhone·'·s·\t·!?·\r\n·/· żółw· ½·\u{1680}·km·²·."
        ),
        (
            "mpt gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert "
                + "jina-v1-en jina-v2-code roberta-bpe olmo jais exaone4 trillion granite-docling",
            "The· cats·'ll· İŞ· don·'·T· 1234567· łąka·,·ünder·<·3· ·\u{A0}·x·\n\n · a·+·b·=·c·"
                + "…`—\u{301}· 中文かな· ٣٤5· ǅungla· iPhone·'s·\t·!?·\r·\n·/· żółw· ½·\u{1680}·km·²·."
        ),
        (
            "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
            "The· cats·'ll· İŞ· don·'·T· ·1·2·3·4·5·6·7· łąka·,·ünder·<·3· ·\u{A0}·x·\n\n · a·+·b·=·"
                + "c·…`—\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone·'s·\t·!?·\r·\n·/· żółw· ·½·\u{1680}·km·²·."
        ),
        (
            "qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 megrez bailingmoe bailingmoe2 llada-moe hunyuan "
                + "ufakzeka grok-2 solar-open",
            "The· cats·'ll· İŞ· don·'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone·'s·\t·!?\r\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "qwen35",
            "The· cats·'ll· İŞ· don·'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—·\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone·'s·\t·!?\r\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "poro-chat bloom gpt3-finnish",
            "The· cats'll· İŞ· don'T· 1234567· łąka·,·ünder<3· \u{A0}·x·\n\n · a+b=c·…·`—\u{301}·"
                + " 中文かな· ٣٤5· ǅungla· iPhone's·\t!?\r\n·/· żółw· ½·\u{1680}·km²·."
        ),
        (
            "viking",
            "The· cats'll· İŞ· don'T· ·1·2·3·4·5·6·7· łąka·,·ünder<·3· \u{A0}·x·\n\n · a+b=c·…·"
                + "`—\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone's·\t!?\r\n·/· żółw· ·½·\u{1680}·km·²·."
        ),
        (
            "tekken",
            "The· cats·'ll· İŞ· don·'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣·٤·5· ǅungla· i·Phone·'s·\t·!?\r\n/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "exaone-moe",
            "The cats·'ll· İŞ don·'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣·٤·5· ǅungla iPhone·'s·\t·!?\r·\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "chameleon",
            "The· cats·'·ll· İŞ· don·'·T· ·1·2·3·4·5·6·7· łąka·,·ünder·<·3· ·\u{A0}·x·\n·\n·  ·a·+·b·"
                + "=·c·…·`·—·\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone·'·s·\t·!·?·\r·\n·/· żółw· ·½·\u{1680}·"
                + "km·²·."
        ),
        (
            "gpt-4o llama4 kanana2 talkie granite-embed-multi-97m minimax-m2",
            "The· cats'll· İŞ· don'T· ·123·456·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣٤5· ǅungla· i·Phone's·\t·!?\r\n/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "tiny_aya cohere2moe",
            "The· cats'll· İŞ· don'T· ·1·234·567· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣٤5· ǅungla· i·Phone's·\t·!?\r\n/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "superbpe",
            "The cats'll İŞ don'T ·1·234·567· łąka,ünder<·3· \u{A0}x\n\n  a+b=c…`—\u{301} 中文かな ·٣٤5·"
                + " ǅungla iPhone's\t!?\r\n/ żółw ·½·\u{1680}km·²·."
        ),
        (
            "seed-coder",
            "The· cats·'ll· İŞ· don·'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone·'s·\t·!?·\r\n·/· żółw· ·½·\u{1680}km·²·."
        ),
        (
            "laguna",
            "The· cats·'ll· İŞ· don·'T· ·1·2·3·4·5·6·7· łąka·,ünder·<·3· ·\u{A0}x·\n\n· · a·+b·=c·"
                + "…`—\u{301}· 中文かな· ·٣·٤·5· ǅungla· iPhone·'s·\t·!?\r·\n·/· żółw· ·½·\u{1680}km·²·."
        ),
    ]

    @Test(arguments: wanted.indices) func cutsAsTheReference(_ index: Int) throws {
        let (names, words) = Self.wanted[index]
        let want = words.unicodeScalars.split(separator: "·").map(String.init)
        let text = Array(want.joined().utf8)
        for name in names.split(separator: " ") {
            let whole = PreTokenizer.Piece(text: AlignedText(text, at: 0, tracking: false), isFirst: true)
            let pieces = try GGUFPreTokenizer(named: String(name)).preTokenizer.apply([whole])
            #expect(pieces.map(\.text.bytes.decodedText) == want, "\(name)")
        }
    }

    /// llama.cpp begins texts of these with the beginning token where the file does not say.
    /// Texts cut before their spaces, with what stands between remembered, have the ids of encoding them step by step, whatever
    /// was met before.
    @Test(arguments: ["deepseek-v3", "deepseek-coder", "deepseek-llm", "qwen35", "default", "falcon"])
    func textsCutBeforeSpacesAreAsTheWhole(_ name: String) throws {
        var parts = try TrainingTests.train(.byteLevelBPE, size: 257, workers: 1).core.parts
        parts.preTokenizer = try GGUFPreTokenizer(named: name).preTokenizer
        var generator = SeededGenerator(seed: 29)
        let pool = [
            "the", "cat", "łąka", "ünder", "İŞ", "я", "Ω", "ƻ", "ʔ", "ạ", "中文", "😀", "😀", "€", "+", "=", "`", "^", "…",
            "“", "”",
            "–", ".", ",", "!", "(", "'s", "'", "123", "4567", "²", "½", "٣", "\u{301}", "e\u{301}", "\u{200B}",
            "\u{0}", "\u{A0}",
            "\u{1680}", "\u{3000}", "\u{85}", "\t", "\n", "\r\n", "\n\n", "\u{FFFD}", "ꟊ",
        ]
        // Any two bytes are a token, in no order: a cut in another place would show.
        let bytes = Set((pool + ["žena", "яé"]).flatMap(\.utf8) + [0x20])
        let pairs = bytes.flatMap { first in bytes.map { [first, $0] } }.sorted { $0.lexicographicallyPrecedes($1) }
        let tokens = (0..<256).map { [UInt8($0)] } + pairs.shuffled(using: &generator)
        parts.model = .bytePair(try BytePairModel(ranked: Vocabulary(tokens)))
        parts.addedTokens = []
        if name == "qwen35" { parts.normalizer = .form(.nfc) }
        let tokenizer = try Tokenizer(parts)
        guard case .byExpressions? = tokenizer.core.plan?.kind else {
            Issue.record("\(name) is encoded step by step")
            return
        }
        for round in 0..<400 {
            var bytes: [UInt8] = []
            // Half of the texts are mostly what is cut without an expression.
            let isPlain = round % 2 == 1
            let plain = ["the", "cat", "łąka", "žena", "İŞ", "яé", ".", "?)", ",", "\n", "\n", "\n\n", "’", "(", "ʔ"]
            let pool = isPlain ? plain : pool
            for _ in 0..<Int.random(in: 0...(round % 20 < 2 ? 400 : 14), using: &generator) {
                bytes += (pool.randomElement(using: &generator) ?? "").utf8
                if Int.random(in: 0..<40, using: &generator) == 0 { bytes.append(0xC3) }
                let spaces = (isPlain ? [0, 0, 0, 1] : [0, 0, 1, 1, 1, 1, 2, 3]).randomElement(using: &generator) ?? 0
                bytes += [UInt8](repeating: 0x20, count: spaces)
            }
            var wanted: [UInt32] = []
            tokenizer.core.encodeSlowly(bytes, at: 0, .ordinaryText, tracking: false) { id, _, _ in wanted.append(id) }
            let ids = tokenizer.encode(bytes.span, addingSpecialTokens: false, specialTokens: .ordinaryText)
            #expect(ids == wanted, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
    }

    @Test func theBeginningIsAddedWhereItIsTheCustom() throws {
        let folder = try TemporaryFolder()
        for (pre, adds) in [("llama-bpe", true), ("tekken", true), ("gpt-2", false), ("viking", false)] {
            let path = FilePath("\(folder.path)/\(pre).gguf")
            try GGUFTests.write(try GGUFTests.byteLevel(pre: pre, beginning: 0).1, to: path)
            let ids = try Tokenizer(contentsOf: path).encode("the cat", addingSpecialTokens: true)
            #expect((ids.first == 0) == adds, "\(pre)")
        }
    }

    /// A file without a name, and Gemma's, against the same tokenizer as a tokenizer.json.
    @Test(arguments: ["viking", "tekken", "default", nil]) func idsAreThoseOfTheTokenizerJSON(_ pre: String?) throws {
        let folder = try TemporaryFolder()
        let path = FilePath("\(folder.path)/tokenizer.gguf")
        try GGUFTests.write(try GGUFTests.byteLevel(pre: pre).1, to: path)
        let read = try Tokenizer(contentsOf: path)
        let written = try Tokenizer(parsing: TokenizerJSONWriter.encode(read.core.parts))
        let number = read.encode("1234567").map { read.decode([$0]) }
        #expect(number == written.encode("1234567").map { written.decode([$0]) })
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<100 {
            let text = SplittingTests.text(&generator)
            #expect(read.encode(text.span) == written.encode(text.span))
            #expect(read.decodeBytes(read.encode(text.span)) == text)
        }
    }

    @Test func spacedPairsAreGemmas() throws {
        let tokens = ["<pad>", "<eos>", "<bos>", "<unk>"] + (0..<256).map { BytePairModel.byteToken(UInt8($0)) }
        let pieces = ["▁", "a", "b", "\n", "▁a", "ab", "▁▁", "\n\n", "▁ab"]
        let merges = ["\n \n", "▁ ▁", "a b", "▁ a", "▁ ab"]
        let folder = try TemporaryFolder()
        let path = FilePath("\(folder.path)/gemma.gguf")
        try GGUFTests.write(GGUFTests.spaced(tokens + pieces, merges), to: path)
        let read = try Tokenizer(contentsOf: path)
        func quoted(_ text: String) -> String { "\"" + text.replacing("\n", with: "\\n") + "\"" }
        let vocabulary = (tokens + pieces).enumerated().map { quoted($1) + ":\($0)" }.joined(separator: ",")
        let json = #"""
            {"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},
            "model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,"fuse_unk":true,"vocab":{\#(vocabulary)},
            "merges":[\#(merges.map(quoted).joined(separator: ","))]}}
            """#
        let same = try Tokenizer(parsing: Array(json.utf8))
        for text in ["ab ab", "  a\n\n\nb", "x ab", "", " ", "a  ab€"] {
            #expect(read.encode(text, addingSpecialTokens: false) == same.encode(text), "\(text.debugDescription)")
            #expect(read.decode(read.encode(text)) == text)
        }
        #expect(read.encode("ab ab", addingSpecialTokens: true) == [2, 265, 268])
    }
}
