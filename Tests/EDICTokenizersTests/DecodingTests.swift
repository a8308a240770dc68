import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct DecodingTests {
    static func json(vocabulary: String, decoder: String, added: String = "") -> [UInt8] {
        Array(
            """
            {"added_tokens": [\(added)], "decoder": \(decoder),
             "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {\(vocabulary)}}}
            """.utf8)
    }

    /// What SentencePiece makes of a run of bytes (goldens of sentencepiece 0.2.1).
    @Test(
        arguments: [
            ([0x0A, 0xF0], "\n\u{FFFD}"), ([0xE2, 0x82, 0xAC, 0xF0, 0x9F], "€\u{FFFD}\u{FFFD}"),
            ([0x41, 0xFF, 0x42], "A\u{FFFD}B"), ([0xED, 0xA0, 0x80, 0x41], "\u{FFFD}\u{FFFD}\u{FFFD}A"),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"), ([0xE2, 0x82, 0xE2, 0x82, 0xAC], "\u{FFFD}\u{FFFD}€"),
            ([0xEF, 0xBF, 0xBD], "\u{FFFD}"), ([0xF0, 0x9F, 0x98, 0x80, 0x80], "😀\u{FFFD}"),
        ] as [([UInt32], String)])
    func aBadByteOfASentencePieceSparesItsNeighbours(_ bytes: [UInt32], _ text: String) throws {
        let tokenizer = try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 340, workers: 1)
        let first = try #require(tokenizer.id(of: "<0x00>"))
        let ids = bytes.map { $0 + first }
        #expect(tokenizer.decode(ids) == text)
        // A control piece ends a run of bytes.
        guard case .sentencePiece(let file) = tokenizer.core.parts.source else { return }
        let control = try #require(file.pieces.ids(of: .control).first)
        #expect(tokenizer.decode([first + 0xC3, UInt32(control), first + 0xA9]) == "\u{FFFD}\u{FFFD}")
    }

    /// Goldens of tokenizers 0.22: the first token's replacement characters are all dropped, a real space never is.
    @Test(
        arguments: [
            ("always", ["b", "a", " x", "b", "x y   a x", " b"]),
            ("never", ["  b", "   a", " x", " b", " x  y   a x", "  b"]),
            ("first", ["b", "a", " x", "b", "x y   a x", " b"]),
        ])
    func metaspaceDropsTheFirstTokensMarks(_ scheme: String, _ texts: [String]) throws {
        let tokenizer = try Tokenizer(
            parsing: Self.json(
                vocabulary: #""<unk>": 0, "▁": 1, "▁▁": 2, "▁▁▁a": 3, " x": 4, "b": 5, "▁x▁ y": 6"#,
                decoder: #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "\#(scheme)", "split": true}"#))
        let ids: [[UInt32]] = [[2, 5], [3], [4], [1, 5], [6, 3, 4], [1, 1, 5]]
        #expect(ids.map { tokenizer.decode($0) } == texts)
    }
}
