import EDICJSON
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

@Suite(.enabled(if: SharedData.isPresent))
struct EncoderFamilyTests {
    static let cases = ["bert", "xlmr"].filter { SharedData.exists("data/goldens/\($0)/config.json") }

    @Test(arguments: cases)
    func statesAgree(_ name: String) throws {
        let golden = try Golden(name)
        let bert = try BERT(golden.configuration(), golden.tensors(), .asPublished)
        let texts = golden.tokenLists("single_ids")
        let states = bert.states(of: texts, on: Compute())
        let expected = try golden.matrix("last_hidden")
        let padded = expected.rows / texts.count
        var row = 0
        for (index, text) in texts.enumerated() {
            let ours = states.gathering(row..<row + text.count)
            let theirs = expected.gathering(index * padded..<index * padded + text.count)
            #expect(largestDifference(ours, theirs) < 1e-4)
            row += text.count
        }
        let firsts = texts.indices.map { texts[..<$0].reduce(0) { $0 + $1.count } }
        let pooled = try #require(bert.pooled(states.gathering(firsts), on: Compute()) as Matrix?)
        #expect(largestDifference(pooled, try golden.matrix("pooler")) < 1e-4)
    }
}
