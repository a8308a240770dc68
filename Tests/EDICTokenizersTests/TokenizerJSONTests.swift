import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// What a `tokenizer.json` may say in unusual ways (goldens of tokenizers 0.23.3).
@Suite struct TokenizerJSONTests {
    static let byteLevel = #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#

    /// Byte-level BPE: all bytes by their values, `ab` and ` a`.
    static func json(_ components: [String: String] = [:], without missing: Set<UInt8> = [], options: String = "")
        -> [UInt8]
    {
        let letters = UnknownTextTests.letters.enumerated().filter { !missing.contains(UInt8($0.offset)) }
        let vocabulary = letters.map { #""\#($0.element)": \#($0.offset)"# } + [#""ab": 256, "Ġa": 257"#]
        let all = ["pre_tokenizer": byteLevel, "decoder": byteLevel].merging(components) { $1 }
        return Array(
            #"""
            {\#(all.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")), "model": {"type": "BPE"\#(options),
             "vocab": {\#(vocabulary.joined(separator: ", "))}, "merges": [["a", "b"], ["Ġ", "a"]]}}
            """#.utf8)
    }

    static let texts = (
        first: #"{"Sequence": {"id": "A", "type_id": 0}}"#, second: #"{"Sequence": {"id": "B", "type_id": 1}}"#,
        special: #"{"SpecialToken": {"id": "<s>", "type_id": 0}}"#
    )

    static func template(_ single: [String], _ pair: [String]) throws -> Tokenizer {
        let template = #"""
            {"type": "TemplateProcessing", "single": [\#(single.joined(separator: ", "))],
             "pair": [\#(pair.joined(separator: ", "))], "special_tokens": {"<s>": {"id": "<s>", "ids": [5]}}}
            """#
        return try Tokenizer(parsing: json(["post_processor": template]))
    }

    @Test(
        arguments: [
            ([texts.first, texts.special, texts.first], [256, 5, 256], [256, 256]),
            ([texts.first, texts.first], [256, 256], [256, 256]), ([], [], []), ([texts.first], [256], [256]),
            ([texts.special], [5], []),
        ] as [([String], [UInt32], [UInt32])])
    func templatesMayHaveATextTwiceOrNever(_ single: [String], _ ids: [UInt32], _ plain: [UInt32]) throws {
        let tokenizer = try Self.template(single, [Self.texts.first, Self.texts.second])
        for (adds, ids) in [(true, ids), (false, plain)] {
            #expect(tokenizer.encode("ab", addingSpecialTokens: adds) == ids)
            #expect(tokenizer.encoding(of: "ab", addingSpecialTokens: adds).ids == ids)
            #expect(tokenizer.encode(batch: ["ab", "ab"], addingSpecialTokens: adds) == [ids, ids])
        }
        #expect(tokenizer.encoding(of: "ab", pair: "cd").ids == [256, 99, 100])
    }

    @Test func aSecondTextThatIsNotThereIsRefused() {
        expectRefusal(.malformed, "sequence B") { try Self.template([Self.texts.first, Self.texts.second], []) }
    }
}
