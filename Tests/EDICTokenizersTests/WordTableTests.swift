import EDICNumerics
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// The memory of words while it grows, is full, and is added to by the caller.
@Suite struct WordTableTests {
    static func ids(_ text: [UInt8], _ tokenizer: Tokenizer, _ table: WordTable) throws -> [UInt32] {
        var ids: [UInt32] = []
        let plan = try #require(tokenizer.core.plan)
        #expect(plan.encode(text.span, isFirst: true, core: tokenizer.core, table: table, into: &ids))
        return ids
    }

    /// Words short and long, often and seldom.
    static func text(words: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let letters = Array("thecatsonrlqa".utf8)
        var text: [UInt8] = []
        for _ in 0..<words {
            let length = Int.random(in: 0..<10, using: &generator) == 0 ? 15...60 : 3...8
            text += (0..<Int.random(in: length, using: &generator)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &generator)]
            }
            text.append(UInt8(ascii: " "))
            if Bool.random(using: &generator) { text += Array("the cats ".utf8) }
        }
        return text
    }

    /// More words than a small memory holds, so that it is emptied again and again.
    @Test func fullTablesAndWideIDsChangeNothing() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 400, workers: 1)
        let text = Self.text(words: 24_000, seed: 17)
        let expected = try Self.ids(text, tokenizer, WordTable(WordMemory(limit: 64 << 20, isWide: false)))
        #expect(tokenizer.decodeBytes(expected) == text)
        for isWide in [false, true] {
            let table = WordTable(WordMemory(limit: 0, isWide: isWide))
            for _ in 0..<2 { #expect(try Self.ids(text, tokenizer, table) == expected) }
        }
    }

    /// Callers that share a memory, which grows and is emptied meanwhile, get the ids that each gets by itself.
    @Test(arguments: [0, 8 << 20]) func callersMayShareAMemory(limit: Int) throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 400, workers: 1)
        let texts = (0..<24).map { Self.text(words: 3_000, seed: UInt64($0 % 16)) }
        let alone = try texts.map {
            try Self.ids($0, tokenizer, WordTable(WordMemory(limit: 64 << 20, isWide: false)))
        }
        let memory = WordMemory(limit: limit, isWide: false)
        let pool = WorkerPool(workers: 4)
        let tables = (0..<pool.workers).map { _ in WordTable(memory) }
        for _ in 0..<2 {
            let together = try pool.map(count: texts.count) { index, worker in
                try Self.ids(texts[index], tokenizer, tables[worker])
            }
            #expect(together == alone)
        }
    }

    /// Words of other scripts are encoded in Swift and remembered, so that the table grows in the middle of a text.
    @Test func wordsOfTheCallerMayMakeTheTableGrow() throws {
        let json = #"""
            {"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,
            "lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]",
            "continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"ሀ":1,"##ለ":2}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        var text = ""
        for word in 0..<8_000 {
            for digit in [word / 400, word / 20 % 20, word % 20] {
                text.unicodeScalars.append(Unicode.Scalar(UInt32(0x1210 + digit)) ?? "?")
            }
            text += " ሀለ "
        }
        let expected = (0..<16_000).flatMap { $0 % 2 == 0 ? [0] : [1, 2] as [UInt32] }
        #expect(tokenizer.encode(text) == expected)
        #expect(tokenizer.encode(text) == expected)
    }

    /// Words beyond the model's longest are unknown without being normalized, unless that might cut them.
    @Test func longWordsAreUnknownOrCut() throws {
        let json = #"""
            {"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":true,
            "lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]",
            "continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"a":1,"##a":2,"中":3,
            "ά":4,"##α":5,"α":6,"한":7,"=":8}}}
            """#
        let tokenizer = try Tokenizer(parsing: Array(json.utf8))
        let parts: [Unicode.Scalar] = [
            "a", "ά", "\u{301}", "中", "한", "\u{AD}", "=", "≠", "\u{1F600}", "\u{10FFFF}", "१", "Ⅷ", "\u{1FEF}",
        ]
        var texts = parts.map { String(repeating: "a", count: 280) + String($0) + String(repeating: "α", count: 280) }
        texts += parts.map { String(repeating: String($0), count: 400) }
        // As many as there may be, each with marks that go, and one more.
        texts += [100, 101].map { String(repeating: "α\u{301}\u{308}", count: $0) }
        var generator = SeededGenerator(seed: 31)
        texts += (0..<300).map { _ in
            var text = ""
            for _ in 0..<Int.random(in: 1..<12, using: &generator) {
                text.unicodeScalars.append(parts[Int.random(in: 0..<parts.count, using: &generator)])
            }
            return text
        }
        for text in texts {
            let byWord = tokenizer.encode("a \(text) a")
            #expect(byWord == tokenizer.encoding(of: "a \(text) a").ids, "\(text.unicodeScalars.prefix(282).suffix(3))")
        }
        #expect(tokenizer.encode(String(repeating: "ά", count: 100)).count == 100)
        #expect(tokenizer.encode(String(repeating: "ά", count: 101)) == [0])
    }

    /// The reference's tables of punctuation are those of Unicode 8.
    @Test func punctuationIsThatOfTheReference() throws {
        for (scalar, isPunctuation) in [
            ("!", true), ("$", true), ("—", true), ("\u{166D}", true), ("\u{2E42}", true), ("\u{2E43}", false),
            ("\u{2E4C}", false), ("\u{1E95E}", false), ("a", false), ("€", false),
        ] as [(Unicode.Scalar, Bool)] {
            #expect(scalar.isPunctuation == isPunctuation, "U+\(String(scalar.value, radix: 16))")
            let word = Array("a\(scalar)b".utf8)
            #expect(WordPattern.bert.words(in: word).count == (isPunctuation ? 3 : 1))
        }
    }
}
