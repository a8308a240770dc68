import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// CLIP's tokenizers: letters of bytes, of which a word's last one has a mark (ids of the library tokenizers).
@Test(arguments: [("aΣ a", [7, 1]), ("Σa Σ", [5, 1, 6]), ("ΣΣ aa", [5, 6, 0, 1])])
func lettersOfBytesMayHaveAMark(_ text: String, _ ids: [UInt32]) throws {
    let json = #"""
        {"added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
          {"type": "WhitespaceSplit"},
          {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
         "post_processor": null, "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "unk_token": null,
          "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false,
          "vocab": {"a": 0, "a</w>": 1, "Î": 2, "£": 3, "£</w>": 4, "Î£": 5, "Î£</w>": 6, "aÎ£</w>": 7},
          "merges": [["Î", "£</w>"], ["Î", "£"], ["a", "Î£</w>"]]}}
        """#
    #expect(try Tokenizer(parsing: Array(json.utf8)).encode(text) == ids)
}

@Suite struct EncodingTests {
    /// A long word merged window by window is the word merged whole.
    @Test func windowsAndTheHeapAgree() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 360, workers: 1)
        guard case .bytePair(let model) = tokenizer.core.parts.model else { return }
        let whole = try MergeTable(expecting: model.merges.count)
        for (rank, merge) in model.merges.enumerated() {
            let result = try #require(model.table.merge(merge.left, merge.right)).result
            try whole.add(merge.left, merge.right, rank: UInt32(rank), result: result)
        }
        var generator = SeededGenerator(seed: 3)
        let letters = Array("thecatsonrlqa".utf8)
        for length in [1, 2, 127, 128, 129, 449, 500, 3000] {
            for distinct in [1, 2, letters.count] {
                let word = (0..<length).map { _ in letters[Int.random(in: 0..<distinct, using: &generator)] }
                var symbols = word.map { model.byteIDs[Int($0)] }
                var sizes = [UInt32](repeating: 1, count: length)
                whole.apply(to: &symbols, sizes: &sizes)
                var tokens: [ModelToken] = []
                model.encode(word, into: &tokens)
                #expect(tokens.map(\.id) == symbols)
                #expect(tokens.last?.end == length)
            }
        }
    }

    /// Words remembered, words met first and words encoded step by step have the same ids.
    @Test func rememberedWordsKeepTheirIDs() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 380, workers: 1)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let text = SplittingTests.text(&generator)
            let first = tokenizer.encode(text.span)
            #expect(tokenizer.encode(text.span) == first)
            #expect(tokenizer.core.encoding(text, .recognized).ids == first)
            #expect(tokenizer.decodeBytes(first) == text)
        }
    }

    @Test func bytesThatAreNotTextSurvive() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 300, workers: 1)
        let bytes: [UInt8] = [0xFF, 0xC3, 0x28, 0xED, 0xA0, 0x80, 0x00, 0xF4, 0x90, 0x80, 0x80, 0xE2, 0x82]
        #expect(tokenizer.decodeBytes(tokenizer.encode(bytes.span)) == bytes)
    }

    @Test func streamingGivesWholeCharacters() throws {
        for model in [TokenizerTrainer.Model.byteLevelBPE, .sentencePieceBPE(byteFallback: true)] {
            let tokenizer = try TrainingTests.train(model, size: 360, workers: 1)
            let text = "the 中文 😀 cat Ħ"
            var decoder = tokenizer.streamingDecoder()
            var result = ""
            for id in tokenizer.encode(text) {
                let part = decoder.append(id)
                #expect(!part.contains("\u{FFFD}"))
                result += part
            }
            #expect(result + decoder.finish() == text)
        }
    }

    @Test func offsetsCoverTheText() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 400, workers: 1)
        let text = "the cat, Straße <|endoftext|> għarusa"
        let encoding = tokenizer.encoding(of: text)
        #expect(encoding.ids == tokenizer.encode(text))
        let bytes = Array(text.utf8)
        #expect(encoding.offsets.flatMap { bytes[$0] } == bytes)
        #expect(encoding.characterOffsets(in: text).last?.upperBound == text.unicodeScalars.count)
    }

    @Test func truncationAndPaddingFillTheLength() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 300, workers: 1)
        let cut = tokenizer.encoding(
            of: "the cat sat", pair: "on the mat today", truncation: Truncation(maximumLength: 6),
            padding: PaddingRule(length: 8))
        #expect(cut.count == 8 && cut.attentionMask == [true, true, true, true, true, true, false, false])
    }

    /// Numbers beyond any text mean its length, not a trap.
    @Test func extremeNumbersAreTaken() throws {
        let tokenizer = try TrainingTests.train(.byteLevelBPE, size: 300, workers: 1)
        let text = "the cat"
        let whole = tokenizer.encoding(of: text)
        #expect(try tokenizer.split(text, atMost: .max) == [0..<7])
        expectRefusal(.invalidArgument, "no room") { try tokenizer.split(text, atMost: .min) }
        #expect(tokenizer.encoding(of: text, truncation: Truncation(maximumLength: .min)).count == 0)
        #expect(tokenizer.encoding(of: text, truncation: Truncation(maximumLength: .max)).ids == whole.ids)
        for rule in [PaddingRule(multiple: .min), PaddingRule(length: .min)] {
            #expect(tokenizer.encoding(of: text, padding: rule).ids == whole.ids)
        }
        #expect(PaddingRule(multiple: .max).filled(3, to: 3) == 1 << 24)
        #expect(PaddingRule(length: .max).filled(3, to: .max) == 1 << 24)
        #expect(PaddingRule(multiple: 4).filled(3, to: 5) == 8)
        #expect(whole.characterOffsets(in: "").allSatisfy { $0.isEmpty })
        #expect(tokenizer.token(.max) == nil && tokenizer.decode([.max]) == "")
    }

    @Test func damagedFilesAreErrorsNotCrashes() throws {
        var generator = SeededGenerator(seed: 5)
        let files = [
            try TrainingTests.train(.byteLevelBPE, size: 270, workers: 1).encoded(as: .tokenizerJSON),
            try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 330, workers: 1).encoded(
                as: .sentencePiece),
        ]
        for file in files {
            for _ in 0..<12 {
                let cut = Array(file.prefix(Int.random(in: 0..<file.count, using: &generator)))
                if let read = try? Tokenizer(parsing: cut) { _ = read.encode("the cat 中") }
                var flipped = file
                for _ in 0..<3 {
                    flipped[Int.random(in: 0..<file.count, using: &generator)] ^=
                        1 << UInt8.random(in: 0...7, using: &generator)
                }
                do {
                    _ = try Tokenizer(parsing: flipped).encode("the cat 中")
                } catch {
                    #expect(!error.message.isEmpty && !error.message.contains("\n"))
                }
            }
        }
        expectRefusal(.malformed, "the file is empty") { try Tokenizer(parsing: []) }
        expectRefusal(.unknownFormat, "") { try Tokenizer(parsing: Array("nonsense".utf8)) }
    }

    /// A .json that is neither kind of tokenizer is not called a missing merges.txt.
    @Test func otherFilesOfJSONSayWhatTheyLack() throws {
        let folder = try TemporaryFolder()
        for (content, wanted) in [("", "empty"), (#"{"a":1}"#, "no tokenizer.json")] {
            let path = FilePath("\(folder.path)/other.json")
            try GGUFTests.write(Array(content.utf8), to: path)
            let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: path) }
            #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
        }
    }

    @Test func unknownComponentsAreNamed() throws {
        let json = #"{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":{"type":"Sparkle"}}"#
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(parsing: Array(json.utf8)) }
        #expect(error?.code == .unknownComponent)
        #expect(error?.message.contains("Sparkle") == true)
    }

    /// A .tiktoken vocabulary: whatever two neighbours are a token together merge, the lowest rank first. Here parts may
    /// come after their wholes, and tokens may be out of reach.
    @Test func ranksAloneDecide() throws {
        var generator = SeededGenerator(seed: 23)
        func word(_ length: ClosedRange<Int>) -> [UInt8] {
            let count = Int.random(in: length, using: &generator)
            return (0..<count).map { _ in UInt8.random(in: 97...100, using: &generator) }
        }
        for round in 0..<20 {
            var ranks: [[UInt8]: UInt32] = [:]
            var file = ""
            let tokens = (0..<256).map { [UInt8($0)] } + (0..<60).map { _ in word(2...(round < 10 ? 3 : 6)) }
            for token in tokens where ranks[token] == nil {
                ranks[token] = UInt32(ranks.count)
                file += "\(Base64.encode(token).decodedText) \(ranks.count - 1)\n"
            }
            let tokenizer = try Tokenizer(parsing: Array(file.utf8), name: "cl100k_base.tiktoken", specialTokens: [:])
            for text in tokens.suffix(60) + (0..<100).map({ _ in word(1...20) }) {
                var parts = text.map { [$0] }
                while let (rank, place) = parts.indices.dropLast().compactMap({ place in
                    ranks[parts[place] + parts[place + 1]].map { ($0, place) }
                }).min(by: { $0 < $1 }), rank < UInt32.max {
                    parts[place] += parts.remove(at: place + 1)
                }
                // A word that is a token is that token.
                let expected = ranks[text].map { [$0] } ?? parts.compactMap { ranks[$0] }
                #expect(tokenizer.encode(text.span) == expected, "\(text.decodedText)")
            }
        }
    }
}
