import EDICJSON
import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Marian's encoder and decoder against Hugging Face's code and against a reference checked with Marian itself.
@Suite(.enabled(if: SharedData.isPresent))
struct MarianFamilyTests {
    static func student() throws -> (Golden, Marian) {
        let golden = try Golden("marian-ssru")
        let tensors = try NumPyArchive.tensors(in: golden.folder.appending("model.npz"))
        let settings = try MarianSettings(modelItem: tensors.required(MarianBinary.optionsItem))
        return (golden, try Marian(settings, tensors, .asPublished))
    }

    static func base() throws -> (Golden, Marian) {
        let golden = try Golden("marian/base-swish")
        return (
            golden,
            try Marian(golden.configuration(), generation: golden.configuration(), golden.tensors(), .asPublished)
        )
    }

    @Test func studentAgreesWithMarian() throws {
        let (golden, marian) = try Self.student()
        for (index, testCase) in (golden.json["cases"]?.array ?? []).enumerated() {
            let ids = (testCase["ids"]?.array ?? []).compactMap(\.int)
            let encoded = marian.encode([ids], on: Compute())
            #expect(largestDifference(encoded, try golden.matrix("encoder_\(index)")) < 1e-4)
            let expected = try golden.matrix("logits_\(index)")
            let greedy = (testCase["greedy"]?.array ?? []).compactMap(\.int)
            let memory = marian.memory(of: encoded, [ids], on: Compute())
            var target = marian.emptyTarget(hypotheses: 1)
            var words: [Int]?
            for position in greedy.indices {
                let states = marian.step(
                    words: words, position: position, sentences: [0], source: memory, target: &target, on: Compute())
                let scores = marian.logits(states, on: Compute()).row(0)
                for (score, wanted) in zip(scores, expected.row(position)) { #expect(abs(score - wanted) < 1e-4) }
                words = [scores.indices.max { scores[$0] < scores[$1] } ?? 0]
                #expect(words == [greedy[position]])
            }
        }
    }

    /// Guided alignment trains the first head of a layer; of other models all heads of the last layer count.
    @Test func alignmentsComeFromTheHeadThatWasTrained() throws {
        let (golden, marian) = try Self.student()
        let layers = marian.decoder.count
        #expect(layers > 1 && marian.alignment == (layers - 1, 0))
        #expect(try Self.base().1.alignment.head == nil)
        let tensors = try NumPyArchive.tensors(in: golden.folder.appending("model.npz"))
        let key = "transformer-guided-alignment-layer"
        let options = try MarianSettings(modelItem: tensors.required(MarianBinary.optionsItem)).scalars
            .filter { $0.name != key }.map { "\($0.name): \($0.value)\n" }.joined()
        func named(_ layer: String) throws -> Marian {
            try Marian(MarianSettings(yaml: options + "\(key): \(layer)\n", source: "test"), tensors, .asPublished)
        }
        let first = try named("1")
        #expect(first.alignment == (0, 0))
        for layer in ["0", "\(layers + 1)", "x"] {
            #expect(throws: ModelError.self) { try named(layer) }
        }
        let ids = (golden.json["cases"]?[0]?["ids"]?.array ?? []).compactMap(\.int)
        let found = [marian, first].map { model in
            let memory = model.memory(of: model.encode([ids], on: Compute()), [ids], on: Compute())
            var target = model.emptyTarget(hypotheses: 1)
            var weights: [Float] = []
            _ = model.step(
                words: nil, position: 0, sentences: [0], source: memory, target: &target, on: Compute(),
                alignment: { weights = $1 })
            return weights
        }
        #expect(found[0].count == ids.count && found[1].count == ids.count && found[0] != found[1])
        #expect(found.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-4 })
    }

    @Test func huggingFaceFolderAgrees() throws {
        let (golden, marian) = try Self.base()
        let masks = golden.tokenLists("batch_mask")
        let padded = golden.tokenLists("batch_ids")
        let sentences = zip(padded, masks).map { ids, mask in zip(ids, mask).filter { $0.1 == 1 }.map(\.0) }
        var hidden: [Matrix] = []
        let encoded = marian.encodeTogether([sentences[0]], on: Compute()) { hidden.append($0) }
        let expected = try golden.matrix("enc_layer_hidden_0")
        let length = padded[0].count
        for (index, layer) in hidden.enumerated() {
            let rows = expected.gathering(index * length..<index * length + sentences[0].count)
            #expect(largestDifference(layer, rows) < 1e-4)
        }
        #expect(encoded.rows == sentences[0].count)

        let together = marian.encode(sentences, on: Compute())
        let memory = marian.memory(of: together, sentences, on: Compute())
        var target = marian.emptyTarget(hypotheses: sentences.count)
        let teacher = golden.tokenLists("teacher_ids")
        let logits = try golden.matrix("teacher_logits")
        for position in teacher[0].indices {
            let states = marian.step(
                words: teacher.map { $0[position] }, position: position, sentences: Array(sentences.indices),
                source: memory, target: &target, on: Compute())
            let scores = marian.logits(states, on: Compute())
            for sentence in sentences.indices {
                let wanted = logits.row(sentence * teacher[0].count + position)
                for (score, want) in zip(scores.row(sentence), wanted) { #expect(abs(score - want) < 1e-4) }
            }
        }
    }

    /// The base model's folder with some files changed.
    private static func changed(
        _ files: [String: (String) -> String], _ body: (FilePath) throws -> Void
    ) throws {
        let golden = FilePath(SharedData.path("goldens/marian/base-swish"))
        try withFolder { folder in
            for name in [
                "config.json", "generation_config.json", "model.safetensors", "source.spm", "target.spm", "vocab.json",
            ] {
                let path = golden.appending(name)
                guard let change = files[name] else {
                    try FileTree.linkOrCopy(path, to: folder.appending(name))
                    continue
                }
                let text = String(decoding: try readFile(path.string), as: UTF8.self)
                try writeFile(Array(change(text).utf8), to: folder.appending(name))
            }
            try body(folder)
        }
    }

    /// Models into several languages are told which one by a word that is no piece; every part of a text is.
    @Test func languageTokensAreWords() throws {
        let vocabulary = { (text: String) in
            // The last word before the padding.
            text.replacing(/"[^"]+": 447/, with: #"">>por<<": 447"#)
        }
        try Self.changed(["vocab.json": vocabulary]) { folder in
            let model = try TranslationModel(folder: folder)
            let plain = model.sourceTokens(of: "The committee approved.")
            #expect(!plain.contains(447))
            #expect(model.sourceTokens(of: ">>por<< The committee approved.") == [447] + plain)
            let words = try TextCodec.words(in: folder.appending("vocab.json"))
            let codec = try TextCodec(sentencePiece: folder.appending("target.spm"), words: words)
            #expect(
                codec.decode([447] + plain + [448]) == ">>por<<" + " The committee approved."
                    && codec.vocabularySize == 449)
            // Neither in the middle of a text nor a word that is not there.
            for text in ["The >>por<< budget", ">>xyz<< The budget", ">> a << b"] {
                #expect(!model.sourceTokens(of: text).contains(447))
            }
            var options = model.defaultOptions
            options.paragraphTokens = 4
            options.maximumLength = 8
            let sentences = ["The budget was open.", "The committee approved it."]
            let parts = try model.translate(sentences.map { ">>por<< " + $0 }, options: options).map(\.text)
            let whole = try model.translate([">>por<< " + sentences.joined(separator: " ")], options: options)[0].text
            #expect(whole == parts.joined(separator: " "))
        }
    }

    @Test(
        arguments: [
            ("\"no_repeat_ngram_size\": 3", false), ("\"no_repeat_ngram_size\": 0", true), ("\"min_length\": 2", false),
            ("\"repetition_penalty\": 1.0", true), ("\"suppress_tokens\": [3]", false),
            ("\"suppress_tokens\": []", true),
            ("\"forced_bos_token_id\": 5", false), ("\"forced_bos_token_id\": null", true),
            ("\"bad_words_ids\": [[448]], \"pad_token_id\": null", true),
            ("\"early_stopping\": true", true), ("\"early_stopping\": \"never\"", false),
            ("\"do_sample\": true", false), ("\"do_sample\": false", true),
            ("\"bad_words_ids\": [[448]]", true), ("\"bad_words_ids\": [[448], [7, 8]]", false),
            ("\"guidance_scale\": 1.5", false), ("\"guidance_scale\": 1", true), ("\"guidance_scale\": null", true),
            ("\"sequence_bias\": [[[5], -1.5]]", false), ("\"sequence_bias\": {}", true),
            ("\"force_words_ids\": [[5]]", false), ("\"force_words_ids\": []", true),
            ("\"constraints\": [{}]", false), ("\"constraints\": null", true),
            ("\"stop_strings\": \".\"", false), ("\"stop_strings\": null", true),
            ("\"watermarking_config\": {}", false), ("\"watermarking_config\": null", true),
            ("\"dola_layers\": \"low\"", false), ("\"dola_layers\": null", true),
            ("\"penalty_alpha\": 0.6", false), ("\"penalty_alpha\": 0", true),
        ])
    func rulesThatAreNotFollowedAreRefused(_ rule: String, isTaken: Bool) throws {
        try Self.changed(["generation_config.json": { "{\(rule)," + $0.drop { $0 != "{" }.dropFirst() }]) { folder in
            do {
                _ = try TranslationModel(folder: folder)
                #expect(isTaken)
            } catch let error as ModelError {
                #expect(!isTaken && error.code == .unsupported && error.message.contains("generation_config.json"))
                #expect(error.message.contains(rule.split(separator: "\"")[0]))
            }
        }
    }

    @Test(arguments: [("0", false), ("3", true), ("256", true), ("257", false), ("\"4\"", false)])
    func beamsThatAreNotPossibleAreRefused(_ beams: String, isTaken: Bool) throws {
        let changed = { (text: String) in text.replacing(/"num_beams": \d+,/, with: "") }
        try Self.changed([
            "generation_config.json": { "{\"num_beams\": \(beams)," + changed($0).drop { $0 != "{" }.dropFirst() }
        ]) {
            folder in
            do {
                let model = try TranslationModel(folder: folder)
                #expect(isTaken && model.defaultOptions.beamSize == Int(beams))
            } catch let error as ModelError {
                #expect(!isTaken && error.code == .malformed && error.message.contains("generation_config.json"))
            }
        }
    }

    /// More tokens than one thread encodes at a time, beside one sentence alone and all of them together.
    @Test func parcelsOfSentencesDoNotShow() throws {
        let (golden, marian) = try Self.base()
        let some = BeamSearchTests.sentences(golden)
        let sentences = (0..<80).map { some[$0 % some.count] }
        #expect(sentences.joined().count > 400)
        let states = marian.encode(sentences, on: Compute())
        #expect(states.values == marian.encodeTogether(sentences, on: Compute()).values)
        #expect(states.values == sentences.flatMap { marian.encode([$0], on: Compute()).values })
    }
}

extension Marian {
    /// The scores of all words as the next one.
    fileprivate func logits(_ states: Matrix, on compute: Compute) -> Matrix {
        output.weights(states, bias: outputBias, on: compute)
    }
}
