import EDICNgram
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct ModelFileTests {
    private func files(_ folder: FilePath, order: Int) throws -> (arpa: FilePath, floats: FilePath, bits: FilePath) {
        let paths = (folder.appending("m.arpa"), folder.appending("m.edlm"), folder.appending("q.edlm"))
        for (path, quantisation) in [(paths.1, nil), (paths.2, NgramQuantisation())] as [(FilePath, NgramQuantisation?)]
        {
            var estimator = try NgramEstimator(.init(order: order))
            try estimator.add(text: Array(sampleText(lines: 300, seed: 8, words: 200).utf8).span)
            _ = try estimator.finish(writing: path, quantisation: quantisation, alsoARPA: paths.0)
        }
        return paths
    }

    @Test(arguments: [1, 2, 4, 7])
    func allFormatsGiveTheSameScores(order: Int) throws {
        try withTemporaryFolder { folder in
            let paths = try files(folder, order: order)
            let models = try [paths.arpa, paths.floats, paths.bits].map { try NgramModel(contentsOf: $0) }
            #expect(models.map(\.format) == [.arpa, .edic, .edic])
            #expect(models[0].counts == models[1].counts)
            let text = sampleText(lines: 40, seed: 9, words: 210)
            let totals = models.map { $0.perplexity(of: text) }
            #expect(totals[0].unknownWords > 0)
            #expect(abs(totals[0].logProbability - totals[1].logProbability) < 1e-3)
            #expect(abs(totals[0].perplexity / totals[2].perplexity - 1) < 0.06)
        }
    }

    @Test func damagedModelsAreRefusedOrHarmless() throws {
        try withTemporaryFolder { folder in
            let sound = try bytes(of: files(folder, order: 3).bits)
            let path = folder.appending("damaged.edlm")
            for length in [0, 7, 100, 8191, 8192, sound.count / 2, sound.count - 1] {
                try write(Array(sound.prefix(length)), to: path)
                #expect(throws: NgramError.self) { try NgramModel(contentsOf: path) }
            }
            var generator = SeededGenerator(seed: 1)
            let text = sampleText(lines: 5, seed: 2)
            for _ in 0..<60 {
                var damaged = sound
                for _ in 0..<8 {
                    damaged[Int.random(in: 0..<sound.count, using: &generator)] ^=
                        1 << UInt8.random(in: 0..<8, using: &generator)
                }
                try write(damaged, to: path)
                if let model = try? NgramModel(contentsOf: path) { _ = model.perplexity(of: text) }
            }
            for offset in stride(from: 0, to: 400, by: 3) {
                var damaged = sound
                damaged[offset] ^= 0x10
                try write(damaged, to: path)
                #expect(throws: NgramError.self) { try NgramModel(contentsOf: path) }
            }
        }
    }

    @Test func damagedARPAIsRefused() throws {
        try withTemporaryFolder { folder in
            let sound = String(decoding: try bytes(of: files(folder, order: 2).arpa), as: UTF8.self)
            let path = folder.appending("damaged.arpa")
            let damages: [(String, String)] = [
                ("\\data\\", "\\date\\"), ("ngram 1=", "ngram 1=x"), ("ngram 2=", "ngram 3="),
                ("\\2-grams:", "\\3-grams:"),
                ("\\end\\", ""), ("\t<unk>", "<unk>"), ("-0", "-0x"), ("\\1-grams:\n", "\\1-grams:\n0.5\tplus\t0\n"),
            ]
            for (good, bad) in damages {
                let place = try #require(sound.firstRange(of: good))
                try write(Array(sound.replacingCharacters(place, bad).utf8), to: path)
                #expect(throws: NgramError.self, "\(bad)") { try NgramModel(contentsOf: path) }
            }
            for part in 1..<8 {
                try write(Array(sound.utf8.prefix(sound.utf8.count * part / 8)), to: path)
                #expect(throws: NgramError.self) { try NgramModel(contentsOf: path) }
            }
        }
    }

    /// SRILM writes `-99` for `<s>`, separates with spaces at times, and may prune an n-gram's suffix.
    @Test func readsARPAOfOtherPrograms() throws {
        let text = """

            \\data\\
            ngram 1=5
            ngram 2=2
            ngram 3=1

            \\1-grams:
            -99 <s> -0.5
            -0.7 </s>
            -0.8\ta\t-0.25
            -0.9\tb\t-0.125
            -1\tc

            \\2-grams:
            -0.3\ta b\t-0.0625
            -0.4 <s> b -0.03125

            \\3-grams:
            -0.1\t<s> b c

            \\end\\

            """
        try withTemporaryFolder { folder in
            let path = folder.appending("srilm.arpa")
            try write(Array(text.utf8), to: path)
            let model = try NgramModel(contentsOf: path)
            #expect(model.vocabularyCount == 6)
            var state = model.beginSentenceState
            #expect(abs(model.score("b", after: &state).logProbability + 0.4) < 1e-6)
            let found = model.score("c", after: &state)
            #expect(found.matchedLength == 3)
            #expect(found.logProbability == -0.1)
            state = model.emptyState
            _ = model.score("b", after: &state)
            // "b c" was not listed: it is worth b's backoff weight and c.
            #expect(abs(model.score("c", after: &state).logProbability - (-0.125 - 1)) < 1e-6)
        }
    }
}

extension String {
    fileprivate func firstRange(of part: String) -> Range<String.Index>? { ranges(of: part).first }

    fileprivate func replacingCharacters(_ range: Range<String.Index>, _ new: String) -> String {
        String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}
