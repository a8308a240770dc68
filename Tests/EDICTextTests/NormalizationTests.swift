import EDICText
import Testing
import _EDICTestSupport

private func isNFC(_ text: String) -> Bool { NormalizationForm.isNFC(Array(text.utf8).span) }

private func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

@Suite struct NormalizationTests {
    @Test func agreesWithAnotherImplementation() throws {
        for (input, nfc, nfd, nfkc) in normalizationGolden {
            #expect(same(try NormalizationForm.nfc.normalize(input), nfc), "\(input.unicodeScalars.map(\.value))")
            #expect(same(try NormalizationForm.nfd.normalize(input), nfd))
            #expect(same(try NormalizationForm.nfkc.normalize(input), nfkc))
            #expect(isNFC(input) == same(input, nfc))
        }
    }

    /// The fast path's blocks of 16 bytes must not hide anything, wherever it stands.
    @Test func atEveryOffset() throws {
        let fillers = ["a", "é", "α", "ж", "“", "a\u{300}"]
        for filler in fillers {
            for (input, nfc, _, _) in normalizationGolden.prefix(30) where !input.unicodeScalars.isEmpty {
                for lead in [0, 1, 7, 14, 15, 16, 17, 31, 33] {
                    let head = String(repeating: filler, count: lead) + "x "
                    let tail = " x" + String(repeating: filler, count: 20)
                    let composed = try NormalizationForm.nfc.normalize(head + input + tail)
                    let whole = try NormalizationForm.nfc.normalize(head) + nfc + NormalizationForm.nfc.normalize(tail)
                    // The golden's first and last characters may combine with the spaces around them.
                    guard input.unicodeScalars.first!.properties.canonicalCombiningClass == .notReordered,
                        !nfc.unicodeScalars.isEmpty
                    else { continue }
                    #expect(same(composed, whole) || input.unicodeScalars.first!.value == 0x345)
                }
            }
        }
    }

    @Test func greekAnoTeleiaIsFoundAcrossBlocks() throws {
        for lead in 0..<20 {
            let head = String(repeating: "α", count: lead) + (lead % 2 == 0 ? "" : "x")
            #expect(!isNFC(head + "\u{387}"))
            #expect(same(try NormalizationForm.nfc.normalize(head + "\u{387}β"), head + "\u{B7}β"))
        }
    }

    @Test func foldsForSearch() throws {
        #expect(try NormalizationForm.nfkcCaseFolded.normalize("Straße ﬁ\u{AD}n ΣΊΣΥΦΟΣ") == "strasse fin σίσυφοσ")
    }

    @Test func survivesBytesThatAreNotUTF8() throws {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var output: [UInt8] = []
            for form in NormalizationForm.allCases { try form.normalize(bytes.span, into: &output) }
            _ = NormalizationForm.isNFC(bytes.span)
            try TextNormalizer.corpus.normalize(bytes.span, into: &output)
            _ = WordCounter.count(bytes.span)
            _ = ScriptHistogram(of: bytes.span).dominant
        }
    }
}

@Suite struct TextNormalizerTests {
    private func normalize(_ text: String, _ normalizer: TextNormalizer = .corpus) throws -> (
        String, TextNormalizer.Counts
    ) {
        var output: [UInt8] = []
        let counts = try normalizer.normalize(Array(text.utf8).span, into: &output)
        return (String(decoding: output, as: UTF8.self), counts)
    }

    @Test func changesAndCounts() throws {
        let (text, counts) = try normalize(
            "a\u{0}b\r\nc\rd\u{85}e\u{2028}f\u{A0}g\u{3000}h\u{AD}i\u{FEFF}\t\u{9F}e\u{301}\u{C}")
        #expect(same(text, "ab\nc\nd\ne\nf g hi\t\u{E9}\n"))
        #expect(counts.controlsRemoved == 2)
        #expect(counts.lineEndingsChanged == 5)
        #expect(counts.spacesChanged == 2)
        #expect(counts.invisiblesRemoved == 2)
        #expect(counts.composed == 1)
        #expect(counts.total == 12)
    }

    @Test func leavesOrdinaryTextAlone() throws {
        for text in [
            "", "abc", "„Größe“ – “l’été” «à» £ § 100 €…", "Ελληνικά κείμενα", "zwj \u{1F468}\u{200D}\u{1F469}",
        ] {
            let (output, counts) = try normalize(text)
            #expect(same(output, text))
            #expect(counts.total == 0)
        }
    }

    @Test func keepsWhatItIsToldToKeep() throws {
        let text = "a\u{1}\r\n\u{A0}\u{200B}e\u{301}"
        let keepAll = TextNormalizer(form: nil, controls: .keep, lineEndings: .keep, spaces: .keep, invisibles: .keep)
        #expect(same(try normalize(text, keepAll).0, text))
    }

    @Test func cutsAtBoundariesDoNotMatter() throws {
        let text = Array("ab e\u{301}\r\nc \u{1100}\u{1161}x\r\n\r\n a\u{323}\u{302} \u{AD}".utf8)
        var whole: [UInt8] = []
        try TextNormalizer.corpus.normalize(text.span, into: &whole)
        for length in 1...text.count {
            let cut = TextNormalizer.lastBoundary(in: text.span.extracting(..<length))
            var parts: [UInt8] = []
            try TextNormalizer.corpus.normalize(text.span.extracting(..<cut), into: &parts)
            try TextNormalizer.corpus.normalize(text.span.extracting(cut...), into: &parts)
            #expect(parts == whole)
        }
    }
}

@Suite struct WordAndScriptTests {
    @Test(arguments: [
        ("", 0), ("one", 1), ("Hello, world!", 2), ("l’eau d'été", 2), ("3.14 and 1,000.50", 3), ("e-mail", 2),
        ("dogs' bone", 2), ("'tis 'quoted'", 2), ("a.b", 2), ("col·lecció", 1), ("日本語", 3), ("Ελλάδα 2004.", 2),
        ("e\u{301}tude", 1), ("🙂 ok", 1), ("x’’y", 2), ("1.a", 2), ("snake_case", 2),
    ])
    func countsWords(text: String, expected: Int) { #expect(WordCounter.count(text) == expected, "\(text)") }

    @Test func segmentsWords() throws {
        var segmenter = try WordSegmenter(language: try LanguageTag("fr"))
        #expect(try segmenter.words(in: "L’été, 3 œufs !") == ["L’été", "3", "œufs"])
        #expect(try segmenter.words(in: "") == [])
    }

    @Test func countsScripts() {
        let histogram = ScriptHistogram(of: Array("Привет, мир! abc 123 é ω".utf8).span)
        #expect(histogram.dominant == .cyrillic)
        #expect(histogram.counts.map(\.count) == [9, 4, 1])
        #expect(histogram.counts.map(\.script) == [.cyrillic, .latin, .greek])
        #expect(histogram.total == 14 && histogram.count(of: .latin) == 4 && histogram.count(of: .greek) == 1)
        var again = ScriptHistogram(of: Array("ω ие".utf8).span)
        again.add(Array("Првт, мр! abc é".utf8).span)
        #expect(again != histogram)
        again.add(Array("и".utf8).span)
        #expect(again == histogram)
        #expect(ScriptHistogram(of: Array("123".utf8).span).dominant == nil)
        #expect(Script(of: "ש").code == "Hebr")
        #expect(Script(of: "1") == .common)
    }
}
