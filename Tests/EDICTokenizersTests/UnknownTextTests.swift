import Testing

@testable import EDICTokenizers

/// What becomes of text that a vocabulary lacks.
@Suite struct UnknownTextTests {
    static func tokenizer(_ model: String, bytes: Bool = false) throws -> Tokenizer {
        let splitter = bytes ? #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"# : "null"
        return try Tokenizer(parsing: Array(#"{"pre_tokenizer": \#(splitter), "model": \#(model)}"#.utf8))
    }

    /// A byte that is no token is the unknown token (ids of the library tokenizers).
    @Test(
        arguments: [
            (false, "xab é", [0, 4, 2, 5, 0]), (false, "日ab", [0, 0, 0, 4]), (false, "ab ab", [4, 2, 4]),
            (true, "xab é", [0, 4, 2, 5, 0]), (true, "日ab", [0, 4]),
        ] as [(Bool, String, [UInt32])])
    func bytesMayBeUnknown(_ fuses: Bool, _ text: String, _ ids: [UInt32]) throws {
        let model = #"""
            {"type": "BPE", "unk_token": "<unk>", "fuse_unk": \#(fuses), "merges": [["a", "b"]],
             "vocab": {"<unk>": 0, "a": 1, "Ġ": 2, "b": 3, "ab": 4, "Ã": 5}}
            """#
        let tokenizer = try Self.tokenizer(model, bytes: true)
        #expect(tokenizer.encode(text) == ids)
        #expect(tokenizer.encoding(of: text).ids == ids)
    }
}
