import EDICNgram
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct KenLMBinaryTests {
    private func model(order: Int, pruning: [UInt64] = []) throws -> NgramModel {
        var estimator = try NgramEstimator(.init(order: order, pruning: pruning))
        try estimator.add(text: Array(sampleText(lines: 200, seed: 4, words: 150).utf8).span)
        return try estimator.finish().model
    }

    @Test(arguments: [2, 3, 5], [NgramModel.Format.kenLMProbing, .kenLMTrie])
    func writtenBinariesScoreTheSame(order: Int, format: NgramModel.Format) throws {
        try withTemporaryFolder { folder in
            let original = try model(order: order, pruning: [0, 0, 1].prefix(order).map { $0 })
            let path = folder.appending("m.binary")
            try original.write(to: path, as: format)
            let written = try NgramModel(contentsOf: path)
            #expect(written.format == format)
            #expect(written.order == order)
            #expect(written.counts == original.counts)
            var states = (original.beginSentenceState, written.beginSentenceState)
            for word in sampleText(lines: 60, seed: 6, words: 160).split(separator: " ") {
                let scores = (
                    original.score(String(word), after: &states.0), written.score(String(word), after: &states.1)
                )
                #expect(scores.0.logProbability == scores.1.logProbability)
                #expect(scores.0.matchedLength == scores.1.matchedLength)
            }
            #expect(written.word(of: written.id(of: "w3")) == "w3")
        }
    }

    @Test(arguments: [NgramModel.Format.kenLMProbing, .kenLMTrie])
    func damagedBinariesAreRefusedOrHarmless(format: NgramModel.Format) throws {
        try withTemporaryFolder { folder in
            let path = folder.appending("m.binary")
            try model(order: 3).write(to: path, as: format)
            let sound = try bytes(of: path)
            for length in [40, 107, 120, 150, 1000, sound.count / 2] {
                try write(Array(sound.prefix(length)), to: path)
                #expect(throws: NgramError.self) { try NgramModel(contentsOf: path) }
            }
            var generator = SeededGenerator(seed: 7)
            let text = sampleText(lines: 5, seed: 2, words: 150)
            for _ in 0..<40 {
                var damaged = sound
                for _ in 0..<20 {
                    let place = Int.random(in: 88..<sound.count, using: &generator)
                    damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
                try write(damaged, to: path)
                if let model = try? NgramModel(contentsOf: path) { _ = model.perplexity(of: text) }
            }
        }
    }

    @Test func convertingThereAndBackChangesNothing() throws {
        try withTemporaryFolder { folder in
            let original = try model(order: 3)
            let arpa = folder.appending("m.arpa")
            let own = folder.appending("m.edlm")
            try original.write(to: arpa, as: .arpa)
            try NgramModel(contentsOf: arpa).write(to: own, as: .edic)
            let text = sampleText(lines: 30, seed: 11, words: 160)
            #expect(try NgramModel(contentsOf: own).perplexity(of: text) == original.perplexity(of: text))
        }
    }

    /// The layout of KenLM's `query`.
    @Test func queryLinesLookLikeKenLMs() throws {
        let model = try model(order: 2)
        let text = Array("w3 never\n \n".utf8)
        let (output, totals) = model.query(text.span)
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("w3=\(model.id(of: "w3")) "))
        #expect(lines[0].contains("\tnever=0 1 -"))
        #expect(lines[0].contains("\t</s>=2 "))
        #expect(lines[0].hasSuffix(" OOV: 1"))
        #expect(lines[1].hasPrefix("</s>=2 "))
        #expect(totals.tokens == 4)
        #expect(totals.sentences == 2)
        #expect(NgramModel.querySummary(totals).hasSuffix("OOVs:\t1\nTokens:\t4"))
        let open = model.query(text.span, detail: .sentence, isWhole: false)
        #expect(open.totals.tokens == 2)
        #expect(String(decoding: open.output, as: UTF8.self).hasSuffix("Total: 0 OOV: 0\n"))
        #expect(model.query(text.span, detail: .summary).output.isEmpty)
    }
}
