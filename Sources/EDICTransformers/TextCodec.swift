internal import EDICJSON
internal import EDICStore
internal import EDICTokenizers
internal import EDICYAML
internal import SystemPackage

/// Text to tokens and back, as a model's files say.
struct TextCodec: Sendable {
    private let tokenizer: Tokenizer
    /// For Hugging Face's Marian folders: the words of `vocab.json` by piece, whose numbers are not the pieces' own.
    private let renumbering: Renumbering?
    /// Tokens around a text that the tokenizer's own file does not know of.
    private let around: (before: [UInt32], after: [UInt32])

    private struct Renumbering: Sendable {
        /// Pieces' numbers to words'.
        let words: [UInt32: Int]
        /// How words are spelt, with ▁ for a space.
        let spellings: [Int: String]
        /// Words of the vocabulary that are no pieces of this file: those of the other language.
        let others: [String: Int]
        let unknown: Int
        /// One more than the greatest number.
        let count: Int
    }

    /// How many tokens there are.
    var vocabularySize: Int { renumbering?.count ?? tokenizer.vocabularySize }

    /// What a text is cut into that has no piece; nil where there is no such token.
    var unknown: Int? { renumbering?.unknown ?? tokenizer.unknown.map { Int($0) } }

    /// Reads `tokenizer.json`, a `.spm` or a GGUF file, or finds one of them in a folder.
    init(_ path: FilePath) throws(ModelError) {
        let folder = try SentencePieceFolder(path)
        tokenizer = if let folder { try folder.tokenizer() } else { try Self.tokenizer(path) }
        renumbering = nil
        around = folder?.around(tokenizer) ?? ([], [])
    }

    /// A SentencePiece file whose pieces have the numbers of a list of words, in JSON (Hugging Face) or in YAML (Marian).
    init(sentencePiece: FilePath, vocabulary: FilePath) throws(ModelError) {
        tokenizer = try Self.tokenizer(sentencePiece)
        var words: [UInt32: Int] = [:]
        var spellings: [Int: String] = [:]
        var others: [String: Int] = [:]
        var unknown = 1
        var count = 0
        for (piece, word) in try Self.words(in: vocabulary) {
            count = max(count, word + 1)
            if piece == "<unk>" { unknown = word }
            if !["<unk>", "<pad>", "</s>"].contains(piece) { spellings[word] = piece }
            if let id = tokenizer.id(of: piece) {
                words[id] = word
            } else {
                others[piece] = word
            }
        }
        count = max(count, unknown + 1)
        renumbering = Renumbering(words: words, spellings: spellings, others: others, unknown: unknown, count: count)
        around = ([], [])
    }

    private static func words(in file: FilePath) throws(ModelError) -> [(piece: String, number: Int)] {
        var words: [(piece: String, number: Int?)]
        if file.extension == "json" {
            guard let object = try JSONFile.read(file).object else {
                throw ModelError(.malformed, "\(file): is not a JSON object of words and numbers")
            }
            words = object.map { ($0.key, $0.value.int) }
        } else {
            let text = try TextFile.read(file)
            let members: [YAMLNode.Member]
            do throws(YAMLError) {
                members = try YAMLNode(parsing: text, sizeLimit: listLimit)?.members ?? []
            } catch {
                throw ModelError(.malformed, "\(file): \(error)", cause: error)
            }
            words = members.map { ($0.key.text ?? "", $0.value.text.flatMap { Int($0) }) }
        }
        var numbered: [(piece: String, number: Int)] = []
        numbered.reserveCapacity(words.count)
        for (piece, number) in words {
            guard let number, number >= 0, number < 1 << 24 else {
                throw ModelError(.malformed, "\(file): the number of \(piece) is no token number")
            }
            numbered.append((piece, number))
        }
        guard !numbered.isEmpty else { throw ModelError(.malformed, "\(file): lists no words") }
        return numbered
    }

    /// The largest list of words in YAML, in bytes.
    private static let listLimit = 64 << 20

    static func tokenizer(_ path: FilePath) throws(ModelError) -> Tokenizer {
        try reading(path) { () throws(TokenizerError) in try Tokenizer(contentsOf: path) }
    }

    static func reading(
        _ path: FilePath, _ read: () throws(TokenizerError) -> Tokenizer
    ) throws(ModelError) -> Tokenizer {
        do {
            return try read()
        } catch {
            let reason = "the tokenizer cannot be used: \(error)"
            // Most reasons name the file themselves.
            let message = error.message.hasPrefix(path.string) ? reason : "\(path): \(reason)"
            throw ModelError(error.code == .fileUnreadable ? .unreadable : .malformed, message, cause: error)
        }
    }

    /// - Parameters:
    ///   - addingSpecialTokens: with the tokens that the files put around a text.
    ///   - recognizesSpecialTokens: whether the text of a special token in `text` is that token.
    func encode(_ text: String, addingSpecialTokens: Bool = true, recognizesSpecialTokens: Bool = true) -> [Int] {
        var ids = tokenizer.encode(
            text, addingSpecialTokens: addingSpecialTokens,
            specialTokens: recognizesSpecialTokens ? .recognized : .ordinaryText)
        if addingSpecialTokens, !(around.before.isEmpty && around.after.isEmpty) {
            ids = around.before + ids + around.after
        }
        guard let renumbering else { return ids.map { Int($0) } }
        guard let unknown = tokenizer.unknown, ids.contains(unknown) else {
            return ids.map { renumbering.words[$0] ?? renumbering.unknown }
        }
        // What this language's pieces lack may be a word of the other's.
        let encoding = tokenizer.encoding(
            of: text, addingSpecialTokens: addingSpecialTokens,
            specialTokens: recognizesSpecialTokens ? .recognized : .ordinaryText)
        let bytes = Array(text.utf8)
        return zip(encoding.ids, encoding.offsets).map { id, range in
            guard id == unknown else { return renumbering.words[id] ?? renumbering.unknown }
            let surface = String(decoding: bytes[range], as: UTF8.self).filter { !$0.isWhitespace }
            return renumbering.others[surface] ?? renumbering.unknown
        }
    }

    /// The token that begins a text and says its target language, such as `>>por<<`, with what follows it: models into several
    /// languages have words for them that are no pieces (OPUS-MT).
    func languageToken(of text: String) -> (token: Int, rest: String)? {
        guard let renumbering, text.hasPrefix(">>"), let end = text.firstRange(of: "<<")?.upperBound else { return nil }
        let word = String(text[..<end])
        // What is no word of the vocabulary is text like any other.
        guard let token = renumbering.others[word] ?? tokenizer.id(of: word).flatMap({ renumbering.words[$0] }) else {
            return nil
        }
        return (token, String(text[end...]))
    }

    /// The text of a token, as a template writes it; nil where there is none with the number.
    func spelling(of token: Int) -> String? {
        if let renumbering { return renumbering.spellings[token] }
        return UInt32(exactly: token).flatMap { tokenizer.token($0) }
    }

    func decode(_ tokens: [Int]) -> String {
        guard let renumbering else { return tokenizer.decode(tokens.map { UInt32($0) }) }
        let spelt = tokens.map { renumbering.spellings[$0] ?? "" }.joined()
        let spaced = String(String.UnicodeScalarView(spelt.unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 }))
        return spaced.hasPrefix(" ") ? String(spaced.dropFirst()) : spaced
    }

    /// A decoder for tokens that come one by one.
    func streamingDecoder() -> StreamingDecoder { tokenizer.streamingDecoder() }
}
