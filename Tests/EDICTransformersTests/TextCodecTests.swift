import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Folders whose tokenizer is a SentencePiece file alone.
@Suite struct TextCodecTests {
    private static let pieces = 170

    private static func withCodec(
        _ configuration: String, added: String? = nil, _ body: (TextCodec) throws -> Void
    ) throws {
        let pieces = try readFile(SharedData.path("goldens/marian/base-swish/source.spm"))
        try withFolder { folder in
            try writeFile(pieces, to: folder.appending("tokenizer.model"))
            try writeFile(Array(configuration.utf8), to: folder.appending("tokenizer_config.json"))
            if let added { try writeFile(Array(added.utf8), to: folder.appending("added_tokens.json")) }
            try body(try TextCodec(folder))
        }
    }

    private static let added = """
        "added_tokens_decoder": {
          "170": {"content": "<|im_start|>", "special": true},
          "171": {"content": "<|im_end|>", "special": true, "lstrip": true, "rstrip": true},
          "172": {"content": "<tool>", "special": false, "normalized": true}}
        """

    /// Numbers of transformers 5.23.
    @Test(
        arguments: [
            (
                "",
                [
                    [1, 56, 29, 24, 26, 9, 25, 6, 2, 3, 6, 33, 19, 3, 134, 53, 78, 89, 46],
                    [3, 3, 56, 29, 170, 139, 18, 56, 29, 171, 44, 9, 25, 6], [3, 15, 3, 172, 44, 9, 25, 6], [0],
                ], ["The budget two  committees", " TheuserThebudget", "é <tool>budget", ""]
            ),
            (
                #""legacy": true,"#,
                [
                    [1, 3, 56, 29, 24, 26, 9, 25, 6, 2, 3, 6, 33, 19, 3, 134, 53, 78, 89, 46],
                    [3, 3, 56, 29, 170, 3, 139, 18, 56, 29, 171, 24, 26, 9, 25, 6],
                    [3, 15, 3, 172, 24, 26, 9, 25, 6], [0],
                ], ["The budget two  committees", " The userThe budget", "é <tool> budget", ""]
            ),
            (
                #""add_prefix_space": false,"#,
                [
                    [1, 56, 29, 24, 26, 9, 25, 6, 2, 3, 6, 33, 19, 3, 134, 53, 78, 89, 46],
                    [3, 3, 56, 29, 170, 139, 18, 56, 29, 171, 44, 9, 25, 6], [15, 3, 172, 44, 9, 25, 6], [0],
                ], ["The budget two  committees", "  TheuserThebudget", "é <tool>budget", ""]
            ),
        ] as [(String, [[Int]], [String])])
    func promptsHaveSpecialTokens(_ keys: String, _ tokens: [[Int]], _ decoded: [String]) throws {
        let prompts = [
            "<s>The budget</s> two  committees", "  The<|im_start|>user\nThe <|im_end|> budget",
            "é中 <tool>budget", "<unk>",
        ]
        try Self.withCodec(#"{"tokenizer_class": "LlamaTokenizer", \#(keys) \#(Self.added)}"#) { codec in
            #expect(codec.vocabularySize == Self.pieces + 3)
            for (index, prompt) in prompts.enumerated() {
                let found = codec.encode(prompt, addingSpecialTokens: false)
                #expect(found == tokens[index], "\(prompt)")
                #expect(codec.decode(found) == decoded[index])
                #expect(codec.encode(prompt) == [1] + tokens[index])
            }
            // In what is translated or embedded, they are text.
            let text = codec.encode("<s>The", addingSpecialTokens: false, recognizesSpecialTokens: false)
            #expect(!text.contains(1) && text.suffix(2) == [56, 29])
        }
    }

    @Test func olderFoldersListAddedTokensApart() throws {
        try Self.withCodec(#"{"pad_token": {"content": "<pad>"}}"#, added: #"{"<pad>": 170, "<tool>": 171}"#) { codec in
            #expect(codec.encode("<tool>The<pad>", addingSpecialTokens: false) == [171, 56, 29, 170])
            #expect(codec.decode([171, 170, 3, 56]) == "<tool> T")
        }
    }

    @Test(arguments: [
        (#"{"tokenizer_class": "Other", "added_tokens_decoder": {"170": {"content": "<x>"}}}"#, "such as <x>"),
        (#"{"added_tokens_decoder": {"2": {"content": "<x>"}}}"#, "is none of its pieces"),
        (#"{"added_tokens_decoder": {"170": {"content": "<s>"}}}"#, "has the number 1"),
        (#"{"added_tokens_decoder": {"x": {"content": "<x>"}}}"#, "added_tokens_decoder.x is no token"),
    ])
    func addedTokensThatDoNotFitAreRefused(_ configuration: String, _ reason: String) throws {
        let error = #expect(throws: ModelError.self) { try Self.withCodec(configuration) { _ in } }
        #expect(error?.message.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
    }
}
