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
        /// By the pieces' numbers, the words' numbers; nil for a piece that is no word.
        private var words: [Int32?]
        /// By the words' numbers, the pieces that spell them.
        private(set) var pieces: [UInt32?]
        /// Words of the vocabulary that are no pieces of this file, those of the other language, with ▁ for a space.
        private(set) var others: [String: Int] = [:]
        private(set) var spellings: [Int: String] = [:]
        let unknown: Int

        /// One more than the greatest number of a word.
        var count: Int { pieces.count }

        init(_ list: [Word], piecesOf tokenizer: Tokenizer) {
            words = Array(repeating: nil, count: tokenizer.vocabularySize)
            unknown = list.last { $0.piece == "<unk>" }?.number ?? 1
            pieces = Array(repeating: nil, count: list.reduce(unknown + 1) { max($0, $1.number + 1) })
            for (piece, word) in list {
                let isSpelt = !["<unk>", "<pad>", "</s>"].contains(piece)
                let id = tokenizer.id(of: piece)
                if let id { words[Int(id)] = Int32(word) } else { others[piece] = word }
                guard isSpelt else { continue }
                pieces[word] = id
                if id == nil { spellings[word] = piece }
            }
        }

        /// The word that a piece is; nil for one that is none.
        func known(_ piece: UInt32) -> Int? { words[Int(piece)].map { Int($0) } }

        func word(_ piece: UInt32) -> Int { known(piece) ?? unknown }
    }

    /// A word of a list, and its number.
    typealias Word = (piece: String, number: Int)

    /// How many tokens there are.
    var vocabularySize: Int { renumbering?.count ?? tokenizer.vocabularySize }

    /// What a text is cut into that has no piece; nil where there is no such token.
    var unknown: Int? { renumbering?.unknown ?? tokenizer.unknown.map { Int($0) } }

    /// Whether the tokenizer's own file cuts the beginnings of texts that are too long, instead of their ends.
    var cutsBeginning: Bool { tokenizer.defaultTruncation?.side == .left }

    /// Reads `tokenizer.json`, a `.spm` or a GGUF file, or finds one of them in a folder.
    init(_ path: FilePath) throws(ModelError) {
        let folder = try SentencePieceFolder(path)
        tokenizer = if let folder { try folder.tokenizer() } else { try Self.tokenizer(path) }
        renumbering = nil
        around = folder?.around(tokenizer) ?? ([], [])
    }

    /// A SentencePiece file whose pieces have the numbers of a list of words.
    init(sentencePiece: FilePath, words: [Word]) throws(ModelError) {
        tokenizer = try Self.tokenizer(sentencePiece)
        renumbering = Renumbering(words, piecesOf: tokenizer)
        around = ([], [])
    }

    /// A list of words in JSON (Hugging Face) or in YAML (Marian).
    static func words(in file: FilePath) throws(ModelError) -> [Word] {
        var words: [(piece: String, number: Int?)]
        if file.extension == "json" {
            let root = try JSONFile.document(file).root
            guard root.kind == .object else {
                throw ModelError(.malformed, "\(file): is not a JSON object of words and numbers")
            }
            words = root.members.map { ($0.key, $0.value.int) }
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
        var numbered: [Word] = []
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
            return ids.map { renumbering.word($0) }
        }
        // What this language's pieces lack may be a word of the other's.
        let encoding = tokenizer.encoding(
            of: text, addingSpecialTokens: addingSpecialTokens,
            specialTokens: recognizesSpecialTokens ? .recognized : .ordinaryText)
        let bytes = Array(text.utf8)
        return zip(encoding.ids, encoding.offsets).map { id, range in
            guard id == unknown else { return renumbering.word(id) }
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
        guard let token = renumbering.others[word] ?? tokenizer.id(of: word).flatMap({ renumbering.known($0) }) else {
            return nil
        }
        return (token, String(text[end...]))
    }

    /// The text of a token, as a template writes it; nil where there is none with the number.
    func spelling(of token: Int) -> String? {
        if let renumbering {
            guard renumbering.pieces.indices.contains(token) else { return nil }
            return renumbering.pieces[token].flatMap { tokenizer.token($0) } ?? renumbering.spellings[token]
        }
        return UInt32(exactly: token).flatMap { tokenizer.token($0) }
    }

    func decode(_ tokens: [Int]) -> String {
        guard renumbering != nil else { return tokenizer.decode(tokens.map { UInt32($0) }) }
        let spelt = tokens.map { spelling(of: $0) ?? "" }.joined()
        let spaced = String(String.UnicodeScalarView(spelt.unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 }))
        return spaced.hasPrefix(" ") ? String(spaced.dropFirst()) : spaced
    }

    /// A decoder for tokens that come one by one.
    func streamingDecoder() -> StreamingDecoder { tokenizer.streamingDecoder() }
}
