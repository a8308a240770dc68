import Testing

@testable import EDICTokenizers

/// Pieces that the user of sentencepiece asked for, in Unigram models.
@Suite struct UserPieceTests {
    static func model(_ pieces: [(String, Double, SentencePiece.Kind)]) throws -> UnigramModel {
        try UnigramModel(
            pieces: [SentencePiece(bytes: Array("<unk>".utf8), score: 0, kind: .unknown)]
                + pieces.map { SentencePiece(bytes: Array($0.0.utf8), score: $0.1, kind: $0.2) },
            unknownID: 0, fallback: [], singlePrecision: true)
    }

    static func ids(_ text: String, _ model: UnigramModel) -> [UInt32] {
        var tokens: [ModelToken] = []
        _ = model.encode(Array(text.utf8), into: &tokens)
        return tokens.map(\.id)
    }

    /// "ing" adds a tenth of its bytes less one to a path, whatever the other pieces' scores are.
    @Test func theyCostNothing() throws {
        let model = try Self.model([
            ("ing", 0, .userDefined), ("▁", -2, .normal), ("▁in", -6, .normal), ("ge", -6, .normal), ("e", -5, .normal),
        ])
        #expect(Self.ids("▁inge", model) == [2, 1, 5])
        let paths = UnigramPaths(model, Array("▁inge".utf8)).best(2)
        #expect(paths.map { $0.pieces.map(\.id) } == [[2, 1, 5], [3, 4]])
        #expect(zip(paths.map(\.score), [-6.8, -12]).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    /// The best path counts bytes, a list of paths characters, as the reference does.
    @Test func bytesAndCharactersCount() throws {
        let model = try Self.model([("éé", 0, .userDefined), ("é", 0.1, .normal)])
        #expect(Self.ids("éé", model) == [1])
        let paths = UnigramPaths(model, Array("éé".utf8)).best(2)
        #expect(paths.map { $0.pieces.map(\.id) } == [[2, 2], [1]])
    }
}
