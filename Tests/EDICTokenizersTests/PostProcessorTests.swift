import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// Several post-processors in a row, each of which takes the parts that the one before it made (goldens of tokenizers 0.23.3).
@Suite struct PostProcessorTests {
    static let bert = #"{"type": "BertProcessing", "sep": ["!", 33], "cls": ["?", 63]}"#
    static let roberta = #"{"type": "RobertaProcessing", "sep": ["!", 33], "cls": ["?", 63]}"#

    /// A template of items such as `A:1`, text A of type 1, or `c`, a special token.
    static func template(_ single: String, _ pair: String) -> String {
        func items(_ template: String) -> String {
            template.split(separator: " ").map { item in
                let parts = item.split(separator: ":")
                let kind = "AB".contains(parts[0]) ? "Sequence" : "SpecialToken"
                return #"{"\#(kind)": {"id": "\#(parts[0])", "type_id": \#(parts.count > 1 ? parts[1] : "0")}}"#
            }.joined(separator: ", ")
        }
        return #"""
            {"type": "TemplateProcessing", "single": [\#(items(single))], "pair": [\#(items(pair))],
             "special_tokens": {"c": {"id": "c", "ids": [5], "tokens": ["c"]},
              "s": {"id": "s", "ids": [6, 7], "tokens": ["s", "t"]}}}
            """#
    }

    static func tokenizer(_ steps: [String]) throws -> Tokenizer {
        let sequence = #"{"type": "Sequence", "processors": [\#(steps.joined(separator: ", "))]}"#
        return try Tokenizer(parsing: TokenizerJSONTests.json(["post_processor": sequence]))
    }

    /// The ids and types of `ab`, and of `ab` with `cd`, with special tokens and without.
    struct Golden: Sendable {
        var steps: [String]
        var single: ([UInt32], [UInt32])
        var plainSingle: ([UInt32], [UInt32])
        var pair: ([UInt32], [UInt32])
        var plainPair: ([UInt32], [UInt32])
    }

    static let goldens = [
        Golden(
            steps: [template("A", "A B:1"), template("c A s", "c A s B:1 s:1")],
            single: ([5, 256, 6, 7], [0, 0, 0, 0]), plainSingle: ([256], [0]),
            pair: ([5, 256, 6, 7, 99, 100, 6, 7], [0, 0, 0, 0, 1, 1, 1, 1]), plainPair: ([256, 99, 100], [0, 1, 1])),
        Golden(
            steps: [bert, template("c A", "A B:1 c")],
            single: ([5, 63, 256, 33], [0, 0, 0, 0]), plainSingle: ([256], [0]),
            pair: ([63, 256, 33, 99, 100, 33, 5], [0, 0, 0, 1, 1, 1, 0]), plainPair: ([256, 99, 100], [0, 1, 1])),
        Golden(
            steps: [template("c A s", "c A s B:1 s:1"), bert],
            single: ([63, 5, 33, 256, 33, 6, 7, 33], [0, 0, 0, 0, 1, 0, 0, 1]), plainSingle: ([256], [0]),
            pair: (
                [63, 5, 33, 256, 33, 6, 7, 33, 99, 100, 33, 6, 7, 33], [0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1]
            ),
            plainPair: ([256, 99, 100], [0, 1, 1])),
        Golden(
            steps: [template("c:1 A:1", "A:1 B:2"), roberta],
            single: ([63, 5, 33, 33, 256, 33], [0, 0, 0, 0, 0, 0]), plainSingle: ([256], [0]),
            pair: ([63, 256, 33, 33, 99, 100, 33], [0, 0, 0, 0, 0, 0, 0]), plainPair: ([256, 99, 100], [0, 0, 0])),
        Golden(
            steps: [roberta, template("c A:5", "A B:1 c")],
            single: ([5, 63, 256, 33], [0, 5, 5, 5]), plainSingle: ([256], [5]),
            pair: ([63, 256, 33, 33, 99, 100, 33, 5], [0, 0, 0, 1, 1, 1, 1, 0]),
            plainPair: ([256, 99, 100], [0, 1, 1])),
        Golden(
            steps: [template("A", "A:3"), template("c A:2", "B c A")],
            single: ([5, 256], [0, 2]), plainSingle: ([256], [2]), pair: ([5, 256], [0, 2]), plainPair: ([256], [2])),
        // What is a pair with special tokens is none without them.
        Golden(
            steps: [template("c A", "A c"), template("A", "B:1 A:2 A")],
            single: ([256, 5, 5], [1, 2, 0]), plainSingle: ([256], [0]),
            pair: ([5, 256, 256], [1, 2, 0]), plainPair: ([256], [0])),
    ]

    @Test(arguments: goldens) func eachTakesThePartsOfTheOneBefore(_ golden: Golden) throws {
        let tokenizer = try Self.tokenizer(golden.steps)
        for (adds, single, pair) in [
            (true, golden.single, golden.pair), (false, golden.plainSingle, golden.plainPair),
        ] {
            let one = tokenizer.encoding(of: "ab", addingSpecialTokens: adds)
            #expect(one.ids == single.0 && one.typeIDs == single.1)
            let two = tokenizer.encoding(of: "ab", pair: "cd", addingSpecialTokens: adds)
            #expect(two.ids == pair.0 && two.typeIDs == pair.1)
            #expect(tokenizer.encode("ab", addingSpecialTokens: adds) == single.0)
            #expect(tokenizer.encode(batch: ["ab", "ab"], addingSpecialTokens: adds) == [single.0, single.0])
        }
    }

    /// tokenizers ends there, for one text or for a pair.
    @Test(arguments: [
        [template("c A s", "A B:1"), template("c A", "A B:1")], [template("c A", "c A B:1"), template("A c", "A B c")],
        [template("", "A B"), template("A", "A B")],
    ]) func templatesOfOtherThanOneOrTwoPartsAreRefused(_ steps: [String]) {
        expectRefusal(.malformed, "post_processor: a template takes one text or two") { try Self.tokenizer(steps) }
    }

    /// Steps that multiply texts are refused before they are put together.
    @Test func endlessTemplatesAreRefused() throws {
        let many = Array(repeating: "A", count: 80).joined(separator: " ")
        _ = try Self.tokenizer([Self.template(many, many)] + Array(repeating: Self.roberta, count: 10))
        for steps in [
            Array(repeating: Self.roberta, count: 3000), Array(repeating: Self.bert, count: 3000),
            Array(repeating: Self.roberta, count: 100) + [Self.template(many, many)],
        ] {
            #expect(throws: TokenizerError.self) { try Self.tokenizer(steps) }
        }
    }
}
