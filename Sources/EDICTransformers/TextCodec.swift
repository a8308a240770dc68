internal import EDICJSON
internal import EDICStore
internal import EDICTokenizers
internal import SystemPackage

/// Text to tokens and back, as a model's files say.
struct TextCodec: Sendable {
    private let tokenizer: Tokenizer
    /// For Hugging Face's Marian folders: the words of `vocab.json` by piece, whose numbers are not the pieces' own.
    private let renumbering: Renumbering?

    private struct Renumbering: Sendable {
        /// Pieces' numbers to words' and back.
        let words: [UInt32: Int]
        let pieces: [Int: UInt32]
        let unknown: Int
    }

    /// How many tokens there are.
    var vocabularySize: Int { tokenizer.vocabularySize }

    /// Reads `tokenizer.json`, a `.spm` or a GGUF file, or finds one of them in a folder.
    init(_ path: FilePath) throws(ModelError) {
        tokenizer = try Self.tokenizer(path)
        renumbering = nil
    }

    /// A SentencePiece file whose pieces have the numbers of a `vocab.json`.
    init(sentencePiece: FilePath, vocabulary: FilePath) throws(ModelError) {
        tokenizer = try Self.tokenizer(sentencePiece)
        guard let object = try JSONFile.read(vocabulary).object else {
            throw ModelError(.malformed, "\(vocabulary): is not a JSON object of words and numbers")
        }
        var words: [UInt32: Int] = [:]
        var pieces: [Int: UInt32] = [:]
        var unknown = 1
        for (piece, number) in object {
            guard let word = number.int, word >= 0, word < 1 << 24 else {
                throw ModelError(.malformed, "\(vocabulary): the number of \(piece) is no token number")
            }
            if piece == "<unk>" { unknown = word }
            if let id = tokenizer.id(of: piece) {
                words[id] = word
                pieces[word] = id
            }
        }
        renumbering = Renumbering(words: words, pieces: pieces, unknown: unknown)
    }

    private static func tokenizer(_ path: FilePath) throws(ModelError) -> Tokenizer {
        do {
            return try Tokenizer(contentsOf: path)
        } catch {
            throw ModelError(.malformed, "\(path): the tokenizer cannot be used: \(error)", cause: error)
        }
    }

    /// - Parameters:
    ///   - addingSpecialTokens: with the tokens that the files put around a text.
    ///   - recognizesSpecialTokens: whether the text of a special token in `text` is that token.
    func encode(_ text: String, addingSpecialTokens: Bool = true, recognizesSpecialTokens: Bool = true) -> [Int] {
        let ids = tokenizer.encode(
            text, addingSpecialTokens: addingSpecialTokens,
            specialTokens: recognizesSpecialTokens ? .recognized : .ordinaryText)
        guard let renumbering else { return ids.map { Int($0) } }
        return ids.map { renumbering.words[$0] ?? renumbering.unknown }
    }

    func decode(_ tokens: [Int]) -> String {
        guard let renumbering else { return tokenizer.decode(tokens.map { UInt32($0) }) }
        return tokenizer.decode(tokens.compactMap { renumbering.pieces[$0] })
    }

    /// A decoder for tokens that come one by one.
    func streamingDecoder() -> StreamingDecoder { tokenizer.streamingDecoder() }
}
