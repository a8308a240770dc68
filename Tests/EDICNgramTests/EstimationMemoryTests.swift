import EDICNgram
import EDICStore
import Glibc
import Synchronization
import SystemPackage
import Testing
import _EDICTestSupport

/// What the estimator must be whatever the means: exact, and the same in little memory.
@Suite struct EstimationMemoryTests {
    private func estimator(_ text: [UInt8], _ options: NgramEstimator.Options) throws -> NgramEstimator {
        var estimator = try NgramEstimator(options)
        try estimator.add(text: text.span)
        return estimator
    }

    @Test(arguments: [1, 2, 3, 5, 7, 10])
    func probabilitiesAreThoseOfTheBook(order: Int) throws {
        let text = sampleText(lines: 150, seed: 21, words: 25)
        let (model, summary) = try estimator(Array(text.utf8), .init(order: order, workers: 2)).finish()
        let sentences = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .map { $0.split(separator: " ").map(String.init) }
        let reference = EstimationReference(
            sentences, order: order, discounts: summary.discounts.map { [$0.one, $0.two, $0.threeOrMore] })
        for sentence in sentences.prefix(12) + [["w1", "never", "w2"], ["w3", "w3", "w3", "w3"]] {
            var state = model.beginSentenceState
            var before = ["<s>"]
            for word in sentence + ["</s>"] {
                let score = model.score(word, after: &state).logProbability
                let known = model.id(of: word) == 0 ? "<unk>" : word
                before.append(known)
                #expect(abs(Double(score) - log10(reference.probability(before))) < 1e-5)
                // After a word nobody knows, nothing is known.
                if known == "<unk>" { before = [] }
            }
        }
    }

    /// The end of a sentence is more frequent than one bucket holds, so its n-grams are split by the word before.
    @Test(arguments: [2, 3, 5], [[], [0, 0, 1]] as [[UInt64]])
    func memoryAndWorkersDoNotMatter(order: Int, pruning: [UInt64]) throws {
        let text = Array(sampleText(lines: 9000, seed: 8, words: 700).utf8)
        try withTemporaryFolder { folder in
            var models: [[UInt8]] = []
            for (memory, workers) in [(2 << 30, 1), (2 << 20, 2), (3 << 20, 3), (80 << 20, 2)] {
                let options = NgramEstimator.Options(
                    order: order, pruning: Array(pruning.prefix(order)), memoryLimit: memory, temporaryFolder: folder,
                    workers: workers)
                let arpa = folder.appending("m.arpa")
                let own = folder.appending("m.edlm")
                let summary = try estimator(text, options).finish(
                    writing: own, quantisation: .init(), alsoARPA: arpa)
                #expect((summary.spilledBytes > 0) == (memory < 32 << 20))
                models.append(try bytes(of: arpa) + bytes(of: own))
            }
            for model in models.dropFirst() { #expect(model == models[0]) }
        }
    }

    @Test func compressedTextIsTheSameText() throws {
        let text = Array(sampleText(lines: 9000, seed: 9, words: 900).utf8)
        try withTemporaryFolder { folder in
            var contents: [[UInt8]] = []
            for (name, workers) in [("m.arpa", 1), ("m.arpa.gz", 2), ("m.arpa.zst", 3)] {
                let path = folder.appending(name)
                _ = try estimator(text, .init(order: 5, workers: workers)).finish(writingARPA: path)
                var reader = try ByteReader(path)
                #expect(reader.format == (name == "m.arpa" ? .none : name == "m.arpa.gz" ? .gzip : .zstd))
                contents.append(try reader.readAll(atMost: 1 << 26))
                #expect(try NgramModel(contentsOf: path).order == 5)
            }
            #expect(contents[1] == contents[0])
            #expect(contents[2] == contents[0])
        }
    }

    @Test(arguments: [1, 4, 10])
    func hostileTextIsText(order: Int) throws {
        var text = Array("a\0b\u{0B}c \u{00}\n<s> x </s>\n\n\t \n".utf8)
        text += [0xFF, 0xFE, 0x20, 0xC3, 0x0A, 0xC3, 0x0D, 0x0A]
        text += Array(repeating: UInt8(ascii: "y"), count: 300_000) + [0x0A]
        for number in 0..<40_000 { text += Array("z\(number % 50) ".utf8) }
        text += [0x0A]
        for number in 0..<3000 { text += Array("one\(number)\n".utf8) }
        let (model, summary) = try estimator(text, .init(order: order, workers: 2)).finish()
        #expect(summary.sentences == 3008)
        #expect(summary.reservedWordsSkipped == 2)
        #expect(model.id(of: "b\u{0B}c") != 0)
        #expect(model.id(of: String(repeating: "y", count: 300_000)) != 0)
        #expect(model.id(of: "z49") != 0)
        #expect(model.id(of: "one2999") != 0)
    }

    @Test func onlyTheMostFrequentWordsStay() throws {
        let text = Array("a a a b b c\nb a a d\n".utf8)
        let (model, summary) = try estimator(text, .init(order: 2, largestVocabulary: 2)).finish()
        #expect(summary.grams[0] == 5)
        #expect(model.id(of: "a") != 0)
        #expect(model.id(of: "b") != 0)
        #expect(model.id(of: "c") == 0)
        #expect(throws: NgramError.self) { _ = try NgramEstimator(.init(largestVocabulary: 0)) }
    }

    @Test func saysWhereItCannotSpill() throws {
        let text = Array(sampleText(lines: 9000, seed: 8, words: 700).utf8)
        let options = NgramEstimator.Options(order: 3, memoryLimit: 1 << 20, temporaryFolder: "/nowhere/at-all")
        let error = #expect(throws: NgramError.self) { _ = try estimator(text, options).finish() }
        #expect(error?.code == .inputOutput)
        #expect(error?.message.hasPrefix("/nowhere/at-all: ") == true)
        #expect(throws: NgramError.self) {
            var words: [UInt8] = []
            for number in 0..<60_000 { words += Array("word\(number) ".utf8) }
            _ = try estimator(words, .init(order: 2, memoryLimit: 1 << 20)).finish()
        }
    }

    /// Whenever it is asked to stop, it does so at once and leaves nothing.
    @Test(arguments: [0, 3, 15, 40])
    func stopsWithinAPass(asked: Int) throws {
        let text = Array(sampleText(lines: 9000, seed: 8, words: 700).utf8)
        let count = Mutex(0)
        try withTemporaryFolder { folder in
            var estimator = try estimator(
                text, .init(order: 3, memoryLimit: 2 << 20, temporaryFolder: folder, workers: 2))
            estimator.shouldStop = {
                count.withLock { count in
                    count += 1
                    return count > asked
                }
            }
            do {
                _ = try estimator.finish(
                    writing: folder.appending("m.edlm"), quantisation: .init(), alsoARPA: folder.appending("m.arpa"))
                Issue.record("it did not stop")
            } catch {
                #expect((error as? NgramError)?.code == .cancelled)
            }
            #expect(try FileTree.names(in: folder).isEmpty)
        }
        // Each worker finishes at most the item it is at.
        #expect(count.withLock { $0 } <= asked + 4)
    }

    @Test func nothingIsLeftWhenStopped() throws {
        struct Stop: Error {}
        let text = Array(sampleText(lines: 9000, seed: 8, words: 700).utf8)
        try withTemporaryFolder { folder in
            var estimator = try estimator(text, .init(order: 3, memoryLimit: 2 << 20, temporaryFolder: folder))
            estimator.progress = { step in if case .estimating(order: 2) = step { throw Stop() } }
            do {
                _ = try estimator.finish(writingARPA: folder.appending("m.arpa"))
                Issue.record("it did not stop")
            } catch {
                #expect((error as? NgramError)?.code == .cancelled)
            }
            #expect(try FileTree.names(in: folder).isEmpty)
        }
    }
}
