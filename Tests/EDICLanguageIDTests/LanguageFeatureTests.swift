import Testing
import _EDICTestSupport

@testable import EDICLanguageID

/// The fast sum over a text's features against the plain one.
@Suite struct LanguageFeatureTests {
    @Test func sumIsThatOfTheFeatures() throws {
        let model = try LanguageModel.builtIn.get()
        var random = SeededGenerator(seed: 11)
        let letters = ["a", "e", "ß", "Ж", "ω", "ạ", "'", " ", " ", "\n", "7", "語", "’", "\u{301}", "É"]
        for round in 0..<300 {
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 0...120, using: &random) {
                switch Int.random(in: 0..<12, using: &random) {
                case 0: text.append(UInt8.random(in: 0...255, using: &random))
                // A word longer than what is looked at in one go.
                case 1 where round % 10 == 0: text += Array(String(repeating: "abcdé", count: 60).utf8)
                default: text += Array(letters[Int.random(in: 0..<letters.count, using: &random)].utf8)
                }
            }
            var features: [UInt32] = []
            LanguageFeatures.features(of: text.span, into: &features)
            var wanted = [Int32](repeating: 0, count: LanguageFeatures.classLimit)
            var known = 0
            for feature in features {
                let slot = LanguageFeatures.slot(of: feature, slots: model.tags.count)
                guard model.tags[slot] == LanguageFeatures.tag(of: feature) else { continue }
                known += 1
                for place in wanted.indices {
                    wanted[place] += Int32(model.weights[slot * LanguageFeatures.classLimit + place])
                }
            }
            var sums = [Int32](repeating: 0, count: LanguageFeatures.classLimit)
            let evidence = LanguageFeatures.sum(text.span, tags: model.tags, weights: model.weights, into: &sums)
            #expect(sums == wanted && evidence.features == known, "round \(round): \(text)")
        }
    }
}
