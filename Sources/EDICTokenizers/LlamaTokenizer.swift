public import SystemPackage

/// A SentencePiece file as transformers' `LlamaTokenizer` takes it: its pieces as byte-pair encoding, spaces as ▁, and
/// nothing of the file's own normalization.
public struct LlamaTokenizerRules: Sendable {
    /// Which parts of a text between added tokens get a ▁ in front, where they do not begin with a space.
    public enum SpacePrefix: Sendable {
        /// None of them (`add_prefix_space: false`).
        case never
        /// Each of them (`legacy: true`).
        case always
        /// The text itself, not what follows a token.
        case first
    }

    /// Which of them here; the class's own is ``SpacePrefix/first``.
    public var spacePrefix = SpacePrefix.first
    /// Tokens that are looked for in the text beside those that the file calls control pieces or the user's.
    public var addedTokens: [AddedToken] = []

    public init() {}
}

extension Tokenizer {
    /// Reads a SentencePiece file by the rules of transformers' `LlamaTokenizer`.
    ///
    /// Those are for files such as Llama's: byte pairs with all bytes, in the order of their scores, without a
    /// normalization. Any other file is read as sentencepiece reads it.
    ///
    /// - Throws: where an added token is none of the file's pieces and has the number of one, or none that follows; in a
    ///   file that is not such as Llama's, where it is none of its pieces.
    public init(llama path: FilePath, rules: LlamaTokenizerRules) throws(TokenizerError) {
        do throws(TokenizerError) {
            let file = try SentencePieceFile(try readFile(path))
            try self.init(file.isSuchAsLlamas ? file.llamaParts(rules) : file.ownParts(rules))
        } catch {
            throw error.message.hasPrefix(path.string) ? error : error.inFile(path.string)
        }
    }
}

extension SentencePieceFile {
    /// Whether merging by the pieces' numbers is what the file was trained for.
    var isSuchAsLlamas: Bool {
        guard kind == .bpe, byteFallback, characterMap.isEmpty else { return false }
        // Llama 2's runs of spaces have a score of -10⁹.
        let space = Array("▁".utf8)
        let scores = pieces.kinds.indices.filter { id in
            let bytes = pieces[id].bytes
            return pieces.kinds[id] == .normal && bytes.indices.contains { bytes[$0] != space[$0 % space.count] }
        }.map { pieces.scores[$0] }
        return zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 }
    }

    /// As sentencepiece reads the file, which knows of no tokens beyond its pieces.
    func ownParts(_ rules: LlamaTokenizerRules) throws(TokenizerError) -> TokenizerParts {
        let index = try pieces.spellings.index()
        if let token = rules.addedTokens.first(where: { index.id(of: Array($0.content.utf8).span) != $0.id }) {
            throw TokenizerError(
                .unsupported,
                "its pieces are not such as Llama's, and \(token.content) is none of them; save the tokenizer as tokenizer.json"
            )
        }
        return try parts()
    }

    func llamaParts(_ rules: LlamaTokenizerRules) throws(TokenizerError) -> TokenizerParts {
        let vocabulary = pieces.spellings
        let index = try vocabulary.index()
        guard index.count == pieces.count else { throw .malformed("the SentencePiece model has a piece twice") }
        var merges: [(left: UInt32, right: UInt32)] = []
        var results: [UInt32] = []
        for id in 0..<UInt32(pieces.count) {
            guard let range = vocabulary.range(of: id) else { continue }
            let piece = vocabulary.bytes.span.extracting(range)
            // Each cut looks up both sides.
            guard piece.count <= 512 else {
                throw .malformed("the SentencePiece model has a piece of \(piece.count) bytes; 512 are possible")
            }
            // Whole characters only.
            for cut in piece.indices.dropFirst() where piece[cut] & 0xC0 != 0x80 {
                guard let left = index.id(of: piece.extracting(..<cut)),
                    let right = index.id(of: piece.extracting(cut...))
                else { continue }
                merges.append((left, right))
                results.append(id)
            }
        }
        var options = BytePairModel.Options()
        options.byteFallback = true
        options.fusesUnknown = true
        let model = try BytePairModel(
            vocabulary: vocabulary, index: index, merges: merges, results: results, isByteLevel: false,
            options: options)
        var parts = TokenizerParts(model: .bytePair(model))
        let space = SentencePieceNormalizer.space
        let scheme: PreTokenizer.PrependScheme =
            switch rules.spacePrefix {
            case .never: .never
            case .first: .first
            case .always: .always
            }
        parts.preTokenizer = .metaspace(space, scheme, splits: false)
        let joining: [Decoder] = [.replace(.literal(space), with: [0x20]), .byteFallback, .fuse]
        parts.decoder = .sequence(scheme == .never ? joining : joining + [.strip([0x20], start: 1, stop: 0)])
        parts.special = special
        parts.addedTokens = try added(rules.addedTokens, index)
        return parts
    }

    /// The tokens that are looked for in a text: pieces that are no text of their own, and what is added to the pieces.
    func added(_ others: [AddedToken], _ index: TokenIndex) throws(TokenizerError) -> [AddedToken] {
        var tokens: [UInt32: AddedToken] = [:]
        for (id, kind) in pieces.kinds.enumerated() where [.control, .unknown, .userDefined].contains(kind) {
            let id = UInt32(id)
            tokens[id] = AddedToken(
                id: id, content: pieces[Int(id)].bytes.decodedText, isSpecial: kind != .userDefined,
                isNormalized: false)
        }
        for token in others {
            let piece = index.id(of: Array(token.content.utf8).span)
            guard piece == token.id || piece == nil && token.id >= UInt32(pieces.count) else {
                let own = piece.map { "has the number \($0)" } ?? "is none of its pieces"
                throw .malformed(
                    "the added token \(token.content) with the number \(token.id) \(own) here; save the tokenizer as"
                        + " tokenizer.json")
            }
            tokens[token.id] = token
        }
        return tokens.values.sorted { $0.id < $1.id }
    }
}
