import EDICText
import Testing
import _EDICTestSupport

@Suite struct SentenceSegmenterTests {
    @Test(arguments: [
        ("de", ["Das gilt z. B. für Prof. Müller am 3. Oktober.", "Danach nicht.", "Oder?", "Doch!"]),
        ("cs", ["Byl to např. Karel Čapek, nar. 9. ledna 1890.", "Psal."]),
        ("en", ["Mr. Smith met J. R. Jones at 5 p.m. yesterday.", "They talked."]),
        ("pl", ["Ul. Długa 3, tel. 12 34.", "Zob. np. Kraków."]),
        ("fr", ["M. Dupont est arrivé.", "Bonjour !", "Voir p. 3."]),
        ("el", ["Ο κ. Παπαδόπουλος ήρθε.", "Πότε;", "Χθες."]),
        ("bg", ["Роден е през 1890 г. в София.", "Живее там."]),
    ])
    func keepsAbbreviationsInside(language: String, sentences: [String]) throws {
        var segmenter = try SentenceSegmenter(language: try LanguageTag(language))
        #expect(try segmenter.sentences(in: sentences.joined(separator: " ")) == sentences)
    }

    @Test func rangesTileTheTextButForSpace() throws {
        var segmenter = try SentenceSegmenter(language: try LanguageTag("de"))
        #expect(try segmenter.sentences(in: "") == [])
        #expect(try segmenter.sentences(in: " \n ") == [])
        #expect(try segmenter.sentences(in: "Eins\n\nZwei z. B.\nDrei") == ["Eins", "Zwei z. B.", "Drei"])
        var random = SeededGenerator(seed: 4)
        let pieces = ["Dr. ", "A. ", "3. ", "Ende. ", "ja? ", "\n", "„Gut.“ ", "é", "…", " "]
        for _ in 0..<200 {
            let text = (0..<12).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }.joined()
            let bytes = Array(text.utf8)
            var last = 0
            var kept = 0
            try segmenter.forEachSentence(in: bytes.span) { range in
                kept += range.lowerBound >= last ? bytes[range].count { $0 > 0x20 } : -1000
                last = range.upperBound
            }
            #expect(kept == bytes.count { $0 > 0x20 })
        }
    }
}
