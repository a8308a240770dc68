import EDICJSON
import EDICNumerics
import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// What a model's files say of the search for its translations.
@Suite(.enabled(if: SharedData.isPresent))
struct TranslationRuleTests {
    /// The student with some tensors more, or in the place of others.
    private static func student(_ tensors: [Tensor], _ changed: [String: String] = [:]) throws -> Marian {
        let golden = try Golden("marian-ssru")
        let own = try NumPyArchive.tensors(in: golden.folder.appending("model.npz"))
        var yaml = try own.required(MarianBinary.optionsItem).bytes().withBytes { $0.text(in: 0..<$0.count) }
        yaml = String(yaml.prefix { $0 != "\0" })
        for (key, value) in changed {
            yaml = yaml.split(separator: "\n").filter { !$0.hasPrefix("\(key):") }.joined(separator: "\n")
            yaml += "\n\(key): \(value)\n"
        }
        return try Marian(
            MarianSettings(yaml: yaml, source: "test"), TensorCollection(source: "test", own.all + tensors), .float32)
    }

    private static func tensor(_ name: String, _ shape: [Int], _ values: [Float]) -> Tensor {
        let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        return Tensor(name: name, type: .float32, shape: shape, storage: .owned(bytes), file: "test")
    }

    private static func sentences() throws -> [[Int]] {
        (try Golden("marian-ssru").json["cases"]?.array ?? []).map { ($0["ids"]?.array ?? []).compactMap(\.int) }
    }

    private static func found(_ search: TranslationSearch, prefix: [Int] = []) throws -> [[BeamSearch.Finished]] {
        let sentences = try sentences()
        return try search.run(sentences, prefixes: sentences.map { _ in prefix })
    }

    private static func words(_ search: TranslationSearch) throws -> [[Int]] {
        try found(search).map { $0[0].hypothesis.words }
    }

    /// Marian writes an output layer of its own with a row for each word, and once did with a column.
    @Test func outputLayersMayBeUntied() throws {
        let own = try NumPyArchive.tensors(in: Golden("marian-ssru").folder.appending("model.npz"))
        let embedding = try own.required("Wemb")
        let (count, width) = (embedding.shape[0], embedding.shape[1])
        let values = try embedding.floats().map { -$0 }
        let turned = (0..<width).flatMap { column in (0..<count).map { values[$0 * width + column] } }
        func words(_ tensors: [Tensor]) throws -> [[Int]] {
            try Self.words(BeamSearchTests.search(Self.student(tensors), beam: 1, normalization: 1, policy: .marian))
        }
        let rows = try words([Self.tensor("decoder_ff_logit_out_Wt", [count, width], values)])
        let columns = try words([Self.tensor("decoder_ff_logit_out_W", [width, count], turned)])
        #expect(rows == columns)
        #expect(try rows != words([]))
        #expect(throws: ModelError.self) {
            try Self.student([], ["tied-embeddings": "false", "tied-embeddings-all": "false"])
        }
    }

    @Test func unknownWordsDoNotComeFromMarian() throws {
        let own = try NumPyArchive.tensors(in: Golden("marian-ssru").folder.appending("model.npz"))
        var bias = try own.required("decoder_ff_logit_out_b").floats()
        bias[1] = 1000
        let model = try Self.student([Self.tensor("decoder_ff_logit_out_b", [1, bias.count], bias)])
        var search = BeamSearchTests.search(model, beam: 2, normalization: 1, policy: .marian, skipsCost: true)
        #expect(try Self.words(search).allSatisfy { !$0.contains(1) })
        search = TranslationSearch(
            marian: model, shortlist: nil, sharesVocabulary: true,
            rules: TranslationRules(options: search.options, policy: .marian, endWords: [0]), options: search.options,
            compute: Compute())
        #expect(try Self.words(search).contains { $0.contains(1) })

        func forbidden(_ yaml: String) throws -> Int? {
            try TranslationRules(MarianSettings(yaml: yaml, source: "y"), endOfSentence: 0, unknown: 1).forbidden
        }
        #expect(try forbidden("beam-size: 2") == 1 && forbidden("allow-unk: true") == nil)
        #expect(try TranslationRules(nil, endOfSentence: 0, unknown: 1).forbidden == 1)
    }

    /// (total - penalty · words) / words^α, where words that are given count neither way.
    @Test(arguments: [0, 3]) func scoresAreMarians(given: Int) throws {
        let (_, marian) = try MarianFamilyTests.student()
        var search = BeamSearchTests.search(marian, beam: 3, normalization: 0.7, policy: .marian, skipsCost: false)
        let prefix = Array(try Self.words(search)[0].prefix(given))
        var options = search.options
        options.wordPenalty = 0.3
        search = TranslationSearch(
            marian: marian, shortlist: nil, sharesVocabulary: true, rules: search.rules, options: options,
            compute: Compute())
        var compared = 0
        for finished in try Self.found(search, prefix: prefix).joined() {
            let hypothesis = finished.hypothesis
            #expect(Array(hypothesis.words.prefix(given)) == prefix)
            let count = Float(hypothesis.words.count - given)
            let wanted = (hypothesis.total - 0.3 * count) / pow(count, 0.7)
            #expect(abs(finished.score - wanted) < 1e-4)
            compared += 1
        }
        #expect(compared > 3)
    }

    /// As if the forbidden word were not there: what its probability was, the others share.
    @Test func probabilitiesAddUpWithoutTheForbiddenWord() throws {
        let (golden, marian) = try MarianFamilyTests.base()
        let padding = try #require(marian.padding)
        let sentences = BeamSearchTests.sentences(golden)
        func run(bias: Float, renormalizes: Bool) throws -> [[BeamSearch.Finished]] {
            var values = [Float](repeating: 0, count: marian.targetVocabulary)
            values[padding] = bias
            let tensors = try golden.tensors().all.filter { $0.name != "final_logits_bias" }
            let model = try Marian(
                golden.configuration(), generation: golden.configuration(),
                TensorCollection(
                    source: "test", tensors + [Self.tensor("final_logits_bias", [1, values.count], values)]), .float32)
            let plain = BeamSearchTests.search(model, beam: 3, normalization: 1, policy: .huggingFace)
            var rules = plain.rules
            rules.renormalizes = renormalizes
            return try TranslationSearch(
                marian: model, shortlist: nil, sharesVocabulary: true, rules: rules, options: plain.options,
                compute: Compute()
            ).run(sentences, prefixes: sentences.map { _ in [] })
        }
        let without = try run(bias: -1000, renormalizes: false)
        for bias in [Float(30), 1000] {
            #expect(try run(bias: bias, renormalizes: true).joined().allSatisfy { $0.score.isFinite })
        }
        for (bias, renormalizes) in [(Float(3), true), (-1000, true), (0, true)] {
            for (ours, wanted) in zip(try run(bias: bias, renormalizes: renormalizes).joined(), without.joined()) {
                #expect(ours.hypothesis.words == wanted.hypothesis.words)
                #expect(abs(ours.score - wanted.score) < 1e-4)
            }
        }
        #expect(try run(bias: 3, renormalizes: false)[0][0].score < without[0][0].score - 1e-3)
    }

    @Test func generationConfigurationsAreFollowed() throws {
        let (_, marian) = try MarianFamilyTests.base()
        func rules(_ json: String, isOwnFile: Bool = true) throws -> TranslationRules {
            try TranslationRules(
                ModelConfiguration(source: "g", json: try JSONValue(parsing: json)), isOwnFile: isOwnFile,
                marian: marian)
        }
        let padding = try #require(marian.padding)
        let ends = try rules(#"{"eos_token_id": [0, 7], "forced_eos_token_id": 7}"#)
        #expect(ends.endWords == [0, 7] && ends.forcedEnd == 7 && ends.forbidden == nil)
        let plain = try rules("{}")
        #expect(plain.endWords == [marian.endOfSentence] && plain.forcedEnd == nil)
        #expect(try rules("{}", isOwnFile: false).forcedEnd == marian.endOfSentence)
        #expect(try rules(#"{"forced_eos_token_id": null}"#, isOwnFile: false).forcedEnd == nil)
        #expect(try rules(#"{"forced_eos_token_id": [7]}"#).forcedEnd == 7)
        #expect(throws: ModelError.self) { try rules(#"{"forced_eos_token_id": [7, 8]}"#) }
        #expect(try rules(#"{"bad_words_ids": []}"#).forbidden == nil)
        let banned = try rules("{\"bad_words_ids\": [[\(padding)]], \"renormalize_logits\": true}")
        #expect(banned.forbidden == padding && banned.renormalizes)
        #expect(try !rules(#"{"renormalize_logits": true}"#).renormalizes)
        #expect(throws: ModelError.self) { try rules(#"{"eos_token_id": 100000}"#) }
        #expect(throws: ModelError.self) { try rules(#"{"forced_eos_token_id": -1}"#) }
    }

    @Test(arguments: ["beam-size: 300", "beam-size: 0", "beam-size: abc", "normalize: true", "max-length-factor: 0"])
    func settingsThatAreNoNumbersAreErrors(_ yaml: String) throws {
        let settings = try MarianSettings(yaml: yaml, source: "y.yml")
        let error = #expect(throws: ModelError.self) {
            try TranslationRules(settings, endOfSentence: 0, unknown: nil)
        }
        #expect(error?.message.hasPrefix("y.yml: ") == true, "\(yaml)")
    }
}
