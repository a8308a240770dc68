import EDICJSON
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

@Suite(.enabled(if: SharedData.isPresent))
struct BeamSearchTests {
    /// The sentences of the Hugging Face fixture without their padding.
    static func sentences(_ golden: Golden) -> [[Int]] {
        zip(golden.tokenLists("batch_ids"), golden.tokenLists("batch_mask")).map { ids, mask in
            zip(ids, mask).filter { $0.1 == 1 }.map(\.0)
        }
    }

    static func search(
        _ marian: Marian, beam: Int, normalization: Float, policy: BeamSearch.Policy, skipsCost: Bool? = nil
    ) -> TranslationSearch {
        var options = TranslationOptions(beamSize: beam, alternatives: beam, lengthNormalization: normalization)
        options.maximumLengthFactor = policy == .huggingFace ? 1000 : 3
        // The fixture was made with skip-cost, as students are run.
        options.skipsCost = skipsCost ?? (policy == .marian)
        options.maximumLength = policy == .huggingFace ? 23 : 512
        let isMarian = policy == .marian
        let rules = TranslationRules(
            options: options, policy: policy, endWords: [marian.endOfSentence],
            forcedEnd: isMarian ? nil : marian.endOfSentence,
            // The fixture's unknown word, which Marian suppresses, or the padding.
            forbidden: isMarian ? 1 : marian.padding)
        return TranslationSearch(
            marian: marian, shortlist: nil, sharesVocabulary: true, rules: rules, options: options, compute: Compute())
    }

    @Test(arguments: [("beam4_lp1.0", 4, Float(1)), ("beam6_lp0.6", 6, 0.6)])
    func beamsEqualHuggingFace(_ key: String, beam: Int, normalization: Float) throws {
        let (golden, marian) = try MarianFamilyTests.base()
        let sentences = Self.sentences(golden)
        let found = try Self.search(marian, beam: beam, normalization: normalization, policy: .huggingFace)
            .run(sentences, prefixes: sentences.map { _ in [] })
        let wanted = golden.tokenLists(key)
        let scores = (golden.json[key + "_scores"]?.array ?? []).compactMap(\.double)
        for (index, finished) in found.joined().enumerated() {
            // The reference begins with the padding word.
            #expect([marian.padding ?? -1] + finished.hypothesis.words == wanted[index])
            #expect(abs(Double(finished.score) - scores[index]) < 1e-4)
        }
        #expect(found.joined().count == wanted.count)
    }

    /// The reference adds up log-probabilities; greedy search finds the same words without.
    @Test(arguments: [false, true]) func greedyEqualsHuggingFace(skipsCost: Bool) throws {
        let (golden, marian) = try MarianFamilyTests.base()
        let sentences = Self.sentences(golden)
        let found = try Self.search(
            marian, beam: 1, normalization: 1, policy: .huggingFace, skipsCost: skipsCost
        )
        .run(sentences, prefixes: sentences.map { _ in [] })
        #expect(found.map { [marian.padding ?? -1] + $0[0].hypothesis.words } == golden.tokenLists("greedy"))
    }

    @Test(arguments: [("float32", 1), ("float32_beam2", 2), ("float32_beam4", 4)])
    func beamsEqualMarian(_ key: String, beam: Int) throws {
        let (golden, marian) = try MarianFamilyTests.student()
        let outputs = try JSONFile.read(golden.folder.appending("marian_outputs.json"))
        let wanted = (outputs[key]?.array ?? []).compactMap(\.string)
        let cases = golden.json["cases"]?.array ?? []
        let sentences = cases.map { ($0["ids"]?.array ?? []).compactMap(\.int) }
        let found = try Self.search(marian, beam: beam, normalization: 1, policy: .marian)
            .run(sentences, prefixes: sentences.map { _ in [] })
        #expect(found.map { Self.text($0[0].hypothesis.words) } == wanted)
    }

    /// The first pieces of the fixture's vocabulary; then come ▁t0, ▁t1 and so on.
    private static let pieces = [
        "", "<unk>", "▁t", "▁x", "2", "1", "3", "4", "5", "6", "7", "9", "8", "0", "10", "20", "13", "14", "15", "16",
        "17", "18", "19", "23", "24", "25", "26", "x", "t", "▁",
    ]

    private static func text(_ words: [Int]) -> String {
        let joined = words.map { $0 < pieces.count ? pieces[$0] : "▁t\($0 - pieces.count)" }.joined()
        let spaced = String(joined.map { $0 == "▁" ? " " : $0 })
        return spaced.hasPrefix(" ") ? String(spaced.dropFirst()) : spaced
    }
}
