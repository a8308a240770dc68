import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Folders whose tokenizer is a SentencePiece file alone.
@Suite(.enabled(if: SharedData.isPresent))
struct TextCodecTests {
    private static let pieces = 32000

    private static func withCodec(
        _ configuration: String, added: String? = nil, file: String = "tokenizers/llama2-tokenizer.model",
        _ body: (TextCodec) throws -> Void
    ) throws {
        let pieces = try readFile(SharedData.path(file))
        try withFolder { folder in
            try writeFile(pieces, to: folder.appending("tokenizer.model"))
            try writeFile(Array(configuration.utf8), to: folder.appending("tokenizer_config.json"))
            if let added { try writeFile(Array(added.utf8), to: folder.appending("added_tokens.json")) }
            try body(try TextCodec(folder))
        }
    }

    private static let added = """
        "added_tokens_decoder": {
          "32000": {"content": "<|im_start|>", "special": true},
          "32001": {"content": "<|im_end|>", "special": true, "lstrip": true, "rstrip": true},
          "32002": {"content": "<tool>", "special": false, "normalized": true}}
        """

    /// Numbers of transformers 5.23.
    @Test(
        arguments: [
            (
                "",
                [
                    [1, 1576, 23562, 2, 1023, 259, 2055, 5388, 267],
                    [259, 1576, 32000, 1792, 13, 1576, 32001, 15841, 657], [904, 30275, 29871, 32002, 15841, 657], [0],
                ], ["The budget two  committees", " Theuser\nThebudget", "é中 <tool>budget", ""]
            ),
            (
                #""legacy": true,"#,
                [
                    [1, 450, 23562, 2, 1023, 259, 2055, 5388, 267], [259, 1576, 32000, 1404, 13, 1576, 32001, 23562],
                    [904, 30275, 29871, 32002, 23562], [0],
                ], ["The budget two  committees", " The user\nThe budget", "é中 <tool> budget", ""]
            ),
            (
                #""add_prefix_space": false,"#,
                [
                    [1, 1576, 23562, 2, 1023, 259, 2055, 5388, 267],
                    [259, 1576, 32000, 1792, 13, 1576, 32001, 15841, 657], [29948, 30275, 29871, 32002, 15841, 657],
                    [0],
                ], ["The budget two  committees", "  Theuser\nThebudget", "é中 <tool>budget", ""]
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
            #expect(!text.contains(1) && text.last == 1576)
        }
    }

    @Test func olderFoldersListAddedTokensApart() throws {
        let added = #"{"<pad>": 32000, "<tool>": 32001}"#
        try Self.withCodec(#"{"pad_token": {"content": "<pad>"}}"#, added: added) { codec in
            #expect(codec.encode("<tool>The<pad>", addingSpecialTokens: false) == [32001, 1576, 32000])
            #expect(codec.decode([32001, 32000, 29871, 1576]) == "<tool> The")
        }
    }

    /// A file that was trained otherwise is read as sentencepiece reads it, and has no tokens beyond its pieces.
    @Test func otherFilesAreReadAsTheyAre() throws {
        let file = "goldens/marian/base-swish/source.spm"
        let own = try TextCodec(FilePath(SharedData.path(file)))
        try Self.withCodec(#"{"tokenizer_class": "LlamaTokenizer"}"#, file: file) { codec in
            for text in ["The budget two  committees", "é中 budget"] {
                #expect(codec.encode(text, addingSpecialTokens: false) == own.encode(text, addingSpecialTokens: false))
            }
        }
        let error = #expect(throws: ModelError.self) {
            try Self.withCodec(#"{"added_tokens_decoder": {"170": {"content": "<x>"}}}"#, file: file) { _ in }
        }
        #expect(error?.message.contains("<x> is none of them") == true)
    }

    @Test(arguments: [
        (#"{"tokenizer_class": "Other", "added_tokens_decoder": {"32000": {"content": "<x>"}}}"#, "such as <x>"),
        (#"{"added_tokens_decoder": {"2": {"content": "<x>"}}}"#, "is none of its pieces"),
        (#"{"added_tokens_decoder": {"32000": {"content": "<s>"}}}"#, "has the number 1"),
        (#"{"added_tokens_decoder": {"x": {"content": "<x>"}}}"#, "added_tokens_decoder.x is no token"),
    ])
    func addedTokensThatDoNotFitAreRefused(_ configuration: String, _ reason: String) throws {
        let error = #expect(throws: ModelError.self) { try Self.withCodec(configuration) { _ in } }
        #expect(error?.message.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
    }
}
