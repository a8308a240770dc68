import EDICJSON
import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// The ids of real tokenizers' own libraries on sentences in 24 languages and awkward strings.
@Suite(.enabled(if: SharedData.isPresent)) struct GoldenIDs {
    struct Case: Sendable, CustomTestStringConvertible {
        let golden: String
        let file: String
        var addsSpecialTokens = false
        var testDescription: String { golden }
    }

    static let cases = [
        Case(golden: "hf.bergamot-enpt-unigram", file: "bergamot-enpt-unigram-tokenizer.json"),
        Case(golden: "hf.minilm-wordpiece", file: "minilm-wordpiece-tokenizer.json", addsSpecialTokens: true),
        Case(golden: "sp.bergamot-csen", file: "vocab.csen.spm"),
        Case(golden: "sp.bergamot-enpt", file: "vocab.enpt.spm"),
        Case(golden: "sp.llama2", file: "llama2-tokenizer.model"),
        Case(golden: "sp.sp-test_model", file: "test_model.model"),
        Case(golden: "tiktoken.cl100k", file: "cl100k_base.tiktoken"),
        Case(golden: "tiktoken.whisper-multilingual", file: "whisper-multilingual.tiktoken"),
    ]

    static func load(_ file: String) throws -> Tokenizer {
        try Tokenizer(contentsOf: FilePath(SharedData.path("tokenizers/\(file)")))
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(SharedData.path("tokenizers/\(name)")), .readOnly)
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try unsafe chunk.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    static func sentences() throws -> [String] {
        try String(decoding: bytes("sentences.tsv"), as: UTF8.self).split(separator: "\n").map { line in
            let text = line.drop { $0 != "\t" }.dropFirst()
            return try #require(try JSONValue(parsing: String(text)).string)
        }
    }

    /// Bytes that are no text, wherever they stand, neither end the program nor lose the text before them.
    @Test(arguments: cases) func brokenTextIsEncoded(_ item: Case) throws {
        let tokenizer = try Self.load(item.file)
        var generator = SeededGenerator(seed: 7)
        let sentences = try Self.sentences().enumerated().filter { $0.offset % 12 == 0 }.map(\.element)
        for sentence in sentences where !sentence.isEmpty {
            var text = Array(sentence.utf8)
            for _ in 0..<3 {
                let broken: [[UInt8]] = [
                    [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F], [0x80], [0xED, 0xA0, 0x80], [0xC0, 0xAF],
                    [0xCA, 0x09, 0xA4, 0x87, 0xA1],
                ]
                text.insert(
                    contentsOf: broken.randomElement(using: &generator) ?? [],
                    at: Int.random(in: 0...text.count, using: &generator))
            }
            let ids = tokenizer.encode(text.span, addingSpecialTokens: false)
            #expect(tokenizer.encode((text + [0x0A] + text).span).count > ids.count)
            let encoding = tokenizer.core.encoding(text, .recognized)
            #expect(encoding.ids == ids && !ids.isEmpty)
        }
    }

    /// What joins its neighbours, changes spaces or may not stand alone gives a long text the ids of encoding it step by step.
    @Test(arguments: cases) func longTextsWithJoiningCharacters(_ item: Case) throws {
        let tokenizer = try Self.load(item.file)
        var generator = SeededGenerator(seed: 11)
        let joining = "\u{200B} \u{301} \u{AD} \u{200D} \u{FEFF} \u{A0} \u{85} \u{2028} \u{E33} \u{AF} ▁ 🏽 ” « “ … ắ ἄ"
        for text in try Self.sentences().chunked(bytes: 1500).prefix(4) {
            var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            for character in joining.split(separator: " ") {
                let at = Int.random(in: words.indices, using: &generator)
                words[at] = Bool.random(using: &generator) ? words[at] + character : character + words[at]
            }
            for text in [words.joined(separator: " "), text] {
                let ids = tokenizer.encode(text, addingSpecialTokens: false)
                #expect(tokenizer.core.encoding(Array(text.utf8), .recognized).ids == ids)
            }
        }
    }

    /// Texts of one buffer have the ids that each has by itself, whatever stands in the others.
    @Test(arguments: cases) func textsTogetherAreAsOneByOne(_ item: Case) throws {
        let tokenizer = try Self.load(item.file)
        var generator = SeededGenerator(seed: 13)
        let odd = ["", " ", "  a ", "\u{200B}b", "<s> [CLS] <|endoftext|>", "ﬁ \u{A0}", "▁", "a\u{301} Ελλάδα", "\t"]
        var bytes: [UInt8] = []
        var texts: [Range<Int>] = []
        for sentence in try Self.sentences() {
            let isOdd = Int.random(in: 0..<12, using: &generator) == 0
            let begin = bytes.count
            bytes += (isOdd ? odd.randomElement(using: &generator) ?? "" : sentence).utf8
            if isOdd, Bool.random(using: &generator) { bytes += [0xE2, 0x82, 0x20, 0xFF] }
            texts.append(begin..<bytes.count)
            // What lies between is nobody's.
            if Bool.random(using: &generator) { bytes += "\r\nbetween\n".utf8 }
        }
        for addsSpecialTokens in [false, true] {
            var ids: [UInt32] = [7]
            let ends = tokenizer.encode(
                texts: texts, in: bytes.span, addingSpecialTokens: addsSpecialTokens, into: &ids)
            try #require(ends.count == texts.count && ids[0] == 7)
            var begin = 1
            for (text, end) in zip(texts, ends) {
                let alone = tokenizer.encode(bytes[text].span, addingSpecialTokens: addsSpecialTokens)
                #expect(Array(ids[begin..<end]) == alone, "\(String(decoding: bytes[text], as: UTF8.self))")
                begin = end
            }
            #expect(begin == ids.count)
        }
        let batch = texts.map { String(decoding: bytes[$0], as: UTF8.self) }
        #expect(tokenizer.encode(batch: batch) == batch.map { tokenizer.encode($0) })
    }

    /// However small the stretches of a text that are encoded side by side, whatever joins its neighbours, and with tokens
    /// between, the ids are those of the whole.
    @Test(arguments: cases) func stretchesSideBySideAreAsTheWhole(_ item: Case) throws {
        let tokenizer = try Self.load(item.file)
        let pool = WorkerPool(workers: 3)
        var generator = SeededGenerator(seed: 17)
        let odd = [
            "\u{200B}", "\u{301}", "\u{AD}", "\u{A0}", "  ", "\t", "▁", "ﬁ", "<s>", "</s>", "[SEP]", "<|endoftext|>",
            "\u{1F3FD}",
            "don't", "12345", "\r\n", "한국어", "\u{E33}", "ắ",
        ]
        // Some texts are plain, and some must be encoded as a whole.
        var shared = 0
        for (index, text) in try Self.sentences().chunked(bytes: 1500).enumerated() {
            var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            for _ in 0..<index % 3 {
                let place = Int.random(in: 0...words.count, using: &generator)
                words.insert(odd.randomElement(using: &generator) ?? "", at: place)
            }
            var text = Array(words.joined(separator: " ").utf8)
            if index % 5 == 0 { text.insert(0xC3, at: Int.random(in: 0..<text.count, using: &generator)) }
            for policy in [Tokenizer.SpecialTokenPolicy.recognized, .ordinaryText] {
                var whole: [UInt32] = [7]
                tokenizer.core.encode(text.span, policy, into: &whole)
                for size in [1, 60, text.count / 4] {
                    var ids: [UInt32] = [7]
                    let isShared = tokenizer.core.encode(
                        text.span, policy, stretches: size, pool: pool, into: &ids)
                    #expect(ids == whole, "stretches of \(size) bytes")
                    shared += isShared ? 1 : 0
                }
            }
        }
        let isSummedUp =
            if case .unigram(let model) = tokenizer.core.parts.model { model.lattice.singlePrecision } else { false }
        #expect(isSummedUp ? shared == 0 : shared > 50)
    }

    /// Every family written as a tokenizer.json encodes as the file it was read from.
    @Test(arguments: cases) func surviveTokenizerJSON(_ item: Case) throws {
        let tokenizer = try Self.load(item.file)
        let written = try Tokenizer(parsing: TokenizerJSONWriter.encode(tokenizer.core.parts))
        var wrong = 0
        for (index, sentence) in try Self.sentences().enumerated() where index % 6 == 0 || index >= 288 {
            let want = tokenizer.encode(sentence, addingSpecialTokens: item.addsSpecialTokens)
            let got = written.encode(sentence, addingSpecialTokens: item.addsSpecialTokens)
            if got != want {
                wrong += 1
                if wrong <= 2 { Issue.record("\(sentence.debugDescription): \(got), not \(want)") }
            } else if tokenizer.unknown.map({ want.contains($0) }) != true,
                tokenizer.decode(want) != written.decode(want)
            {
                // A SentencePiece file says what an unknown token looks like; a tokenizer.json cannot.
                Issue.record("\(sentence.debugDescription): decodes as \(written.decode(want).debugDescription)")
            }
        }
        #expect(wrong == 0)
    }

    @Test(arguments: cases) func areEqual(_ item: Case) throws {
        let tokenizer = try Self.load(item.file)
        let golden = try String(decoding: Self.bytes("\(item.golden).ids.jsonl"), as: UTF8.self).split(separator: "\n")
        let sentences = try Self.sentences()
        #expect(golden.count == sentences.count)
        var wrong = 0
        for (index, (sentence, line)) in zip(sentences, golden).enumerated() {
            let want = try #require(try JSONValue(parsing: String(line)).array).map { UInt32($0.int ?? -1) }
            let got = tokenizer.encode(sentence, addingSpecialTokens: item.addsSpecialTokens)
            // Step by step is slow unoptimised: one sentence of each language, and the awkward ones.
            let isSampled = index % 12 == 0 || index >= 288
            let slow =
                isSampled ? tokenizer.encoding(of: sentence, addingSpecialTokens: item.addsSpecialTokens).ids : want
            if got != want || slow != want {
                wrong += 1
                if wrong <= 2 { Issue.record("\(sentence.debugDescription): \(got) or \(slow), not \(want)") }
            }
        }
        #expect(wrong == 0)
    }
}

extension [String] {
    /// The strings joined by spaces, into texts of at least so many bytes each.
    fileprivate func chunked(bytes: Int) -> [String] {
        var texts = [""]
        for string in self {
            if let last = texts.last, last.utf8.count >= bytes { texts.append("") }
            texts[texts.count - 1] += string + " "
        }
        return texts
    }
}
