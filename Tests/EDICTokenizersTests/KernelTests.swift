import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// Every instruction set of the machine gives the same words and ids.
@Suite(.serialized) struct KernelTests {
    static let names = ["generic", "avx2", "avx512", "neon"]

    /// Texts longer than the windows the kernels look at, of what a corpus has and what it has not.
    static func text(_ generator: inout SeededGenerator) -> [UInt8] {
        let sentences = [
            "L'été, c'est déjà fini; don't 'twas we'll ", "Η γρήγορη αλεπού, 1234 φορές! ",
            "Быстрая лиса\n\n  прыгнула ",
            "Żółć – „gęślą” jaźń 3,5 % ", "\u{A0}\u{3000}x\u{2003}\u{2003}y ", "aaaaaaaaaaaaaaaaaaaa",
            "Ångström’s Straße\r\n\t", "中文文本 😀👩‍👧 ",
        ]
        var text: [UInt8] = []
        while text.count < 3000 {
            if Int.random(in: 0..<3, using: &generator) == 0 {
                text += Array((sentences.randomElement(using: &generator) ?? "").utf8)
            } else {
                text += SplittingTests.text(&generator)
            }
            if Int.random(in: 0..<60, using: &generator) == 0 {
                text.append(UInt8.random(in: 0...255, using: &generator))
            }
        }
        return text
    }

    @Test(arguments: names) func wordsAreThoseOfTheScalarCode(_ name: String) throws {
        guard WordPattern.useKernels(name) else { return }
        defer { for other in ["neon", "avx2"] { _ = WordPattern.useKernels(other) } }
        var generator = SeededGenerator(seed: 21)
        for pattern in SplittingTests.patterns.compactMap({ WordPattern($0, .rust) }) {
            for _ in 0..<20 {
                let text = Self.text(&generator)
                // Words one by one take another way through the code.
                var alone: [Range<Int>] = []
                while let word = pattern.words(in: text, from: alone.last?.upperBound ?? 0, most: 1).first {
                    alone.append(word)
                }
                #expect(pattern.words(in: text) == alone)
                // A batch may end early, but not with nothing and not elsewhere.
                let batch = pattern.words(in: text, from: 0, most: 100)
                #expect((1...100).contains(batch.count) && batch[...] == alone.prefix(batch.count))
            }
        }
    }

    @Test(arguments: names, [false, true]) func chunksLieBetweenSeparators(_ name: String, _ keeps: Bool) {
        guard WordPattern.useKernels(name) else { return }
        defer { for other in ["neon", "avx2"] { _ = WordPattern.useKernels(other) } }
        var generator = SeededGenerator(seed: 77)
        for length in [0, 1, 2, 63, 64, 65, 127, 1023, 1024, 1025, 3000] {
            for chance in [0, 2, 5, 60, 4000] {
                var flags = [UInt8](repeating: 0, count: 256)
                for _ in 0..<Int.random(in: 1...40, using: &generator) {
                    flags[Int(UInt8.random(in: 0...255, using: &generator))] = 1
                }
                let cutting = (0..<256).filter { flags[$0] == 1 }.map { UInt8($0) }
                let plain = (0..<256).filter { flags[$0] == 0 }.map { UInt8($0) }
                let text = (0..<length).map { _ -> UInt8 in
                    let cuts = chance > 0 && Int.random(in: 0..<chance, using: &generator) == 0
                    return (cuts ? cutting : plain).randomElement(using: &generator) ?? 0
                }
                // What the words are, one byte after the other.
                var expected: [Range<Int>] = []
                var at = 0
                while at < text.count {
                    var word = at
                    while word < text.count, flags[Int(text[word])] == 1 { word += 1 }
                    var end = word
                    while end < text.count, flags[Int(text[end])] == 0 { end += 1 }
                    if keeps || word < end { expected.append((keeps ? at : word)..<end) }
                    at = end
                }
                for most in [1, 64, 65, 66, 200, 4096] {
                    var found: [Range<Int>] = []
                    while true {
                        let more = WordPattern(family: .chunks).words(
                            in: text, from: found.last?.upperBound ?? 0, most: most, separators: flags,
                            keepsSeparators: keeps)
                        if more.isEmpty { break }
                        found += more
                    }
                    #expect(found == expected, "\(length) bytes, one in \(chance), \(most) at a time")
                }
            }
        }
    }

    @Test(arguments: names) func lettersAreLetters(_ name: String) throws {
        guard WordPattern.useKernels(name) else { return }
        defer { for other in ["neon", "avx2"] { _ = WordPattern.useKernels(other) } }
        // Every character of up to two bytes, each between digits: a word of its own if and only if it is a letter.
        for scalar in (0..<0x800).compactMap({ Unicode.Scalar($0 as UInt32) }) {
            var text = Array("7".utf8)
            text.append(scalar)
            text += Array("7".utf8) + [UInt8](repeating: 0x2E, count: 80)
            let words = WordPattern.gpt2.words(in: text)
            let expected = try RegularExpression(SplittingTests.patterns[0], .oniguruma).matches(in: text)
            #expect(words == expected, "\(scalar.value)")
        }
    }

    @Test(arguments: names) func mergesAreThoseOfTheHeap(_ name: String) throws {
        guard WordPattern.useKernels(name) else { return }
        defer { for other in ["neon", "avx2"] { _ = WordPattern.useKernels(other) } }
        for kind in [TokenizerTrainer.Model.byteLevelBPE, .sentencePieceBPE(byteFallback: true)] {
            let tokenizer = try TrainingTests.train(kind, size: 420, workers: 1)
            var generator = SeededGenerator(seed: 4)
            for _ in 0..<20 {
                let text = Self.text(&generator)
                let ids = tokenizer.encode(text.span)
                #expect(ids == tokenizer.core.encoding(text, .recognized).ids)
                #expect(tokenizer.encode(text.span) == ids)
            }
        }
    }

    /// Arbitrary merges over bytes, sparse and dense, of symbols that fit 16 bits and of too many for that: whatever length
    /// a word has, and however many are merged side by side, it is what merging it alone and slowly gives.
    @Test(arguments: names, [40, 3000, 70_000]) func wordsMergeAsSlowly(_ name: String, _ merges: Int) throws {
        guard WordPattern.useKernels(name) else { return }
        defer { for other in ["neon", "avx2"] { _ = WordPattern.useKernels(other) } }
        var generator = SeededGenerator(seed: UInt64(merges))
        let bytes = (0..<256).map { [UInt8($0)] }
        var pairs: [(left: UInt32, right: UInt32)] = []
        var taken: Set<UInt64> = []
        while pairs.count < merges {
            // Of few letters, and of what came before, so that many merges meet.
            func symbol() -> UInt32 {
                Bool.random(using: &generator)
                    ? UInt32.random(in: 97...104, using: &generator)
                    : UInt32.random(in: 0..<UInt32(256 + pairs.count), using: &generator)
            }
            let (left, right) = (symbol(), symbol())
            if taken.insert(UInt64(left) << 32 | UInt64(right)).inserted { pairs.append((left, right)) }
        }
        let vocabulary = Vocabulary(bytes + [[UInt8]?](repeating: nil, count: merges))
        let model = try BytePairModel(
            vocabulary: vocabulary, index: vocabulary.index(), merges: pairs,
            results: (0..<UInt32(merges)).map { 256 + $0 }, isByteLevel: true, options: .init())
        let words = NativeWords(kind: .bytes(model))
        let table = WordTable(WordMemory(limit: 1 << 22, isWide: merges > 65_000))
        for _ in 0..<200 {
            var text: [UInt8] = []
            var expected: [UInt32] = []
            for _ in 0..<Int.random(in: 1...90, using: &generator) {
                let length = Int.random(in: 0..<4, using: &generator) == 0 ? 1...60 : 1...20
                let word = (0..<Int.random(in: length, using: &generator)).map { _ in
                    UInt8.random(in: 97...106, using: &generator)
                }
                text += word + [0x0A]
                var symbols = word.map(UInt32.init)
                model.table.apply(to: &symbols)
                expected += symbols + [0x0A]
            }
            var found: [UInt32] = []
            let isDone = table.encode(
                text.span, WordTable.Rules(pattern: .gpt2, words: words), into: &found
            ) { _, _ in .giveUp }
            #expect(isDone)
            #expect(found == expected)
        }
    }

    /// Words of many windows, by merges of which some make what an earlier one takes, as the files of some models have:
    /// each result is what merging slowly gives.
    @Test(arguments: names, [false, true]) func windowsMergeAsSlowly(_ name: String, _ isShuffled: Bool) throws {
        guard WordPattern.useKernels(name) else { return }
        defer { for other in ["neon", "avx2"] { _ = WordPattern.useKernels(other) } }
        var generator = SeededGenerator(seed: 99)
        for merges in [12, 60, 400] {
            // Shuffled, many a whole comes before its parts.
            var order = (0..<merges).map { UInt32($0) }
            if isShuffled { order.shuffle(using: &generator) }
            var rankAndResult: [UInt64: (rank: UInt32, result: UInt32)] = [:]
            let table = try MergeTable(expecting: merges)
            for made in 0..<merges {
                let known = UInt32(8 + made)
                let left = UInt32.random(in: 0..<known, using: &generator)
                let right = UInt32.random(in: 0..<known, using: &generator)
                let pair = UInt64(left) << 32 | UInt64(right)
                if rankAndResult[pair] != nil { continue }
                rankAndResult[pair] = (order[made], known)
                try table.add(left, right, rank: order[made], result: known)
            }
            table.finish()
            for length in [257, 300, 999] {
                let word = (0..<length).map { _ in UInt32.random(in: 0..<8, using: &generator) }
                var found = word
                table.apply(to: &found)
                var expected = word
                while let next = expected.indices.dropLast().compactMap({ at in
                    rankAndResult[UInt64(expected[at]) << 32 | UInt64(expected[at + 1])].map { (merge: $0, at: at) }
                }).min(by: { ($0.merge.rank, $0.at) < ($1.merge.rank, $1.at) }) {
                    expected.replaceSubrange(next.at...next.at + 1, with: [next.merge.result])
                }
                #expect(found == expected, "\(merges) merges, \(length) symbols")
            }
        }
    }
}
