import EDICJSON
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
        return (golden, try Marian(golden.configuration(), golden.tensors(), .asPublished))
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
