public import SystemPackage

/// A SentencePiece file as transformers' `LlamaTokenizer` takes it: its pieces as byte-pair encoding, spaces as ▁, and
/// nothing of the file's own normalization.
public struct LlamaTokenizerRules: Sendable {
    /// Which parts of a text between added tokens get a ▁ in front, where they do not begin with a space.
    public enum SpacePrefix: Sendable {
        case never, always
        /// The text itself, not what follows a token.
        case first
    }

    public var spacePrefix = SpacePrefix.first
    /// Tokens that are looked for in the text beside those that the file calls control pieces or the user's.
    public var addedTokens: [AddedToken] = []

    public init() {}
}

extension Tokenizer {
    /// Reads a SentencePiece file by the rules of transformers' `LlamaTokenizer`.
    ///
    /// - Throws: where an added token is none of the file's pieces and has the number of one, or none that follows.
    public init(llama path: FilePath, rules: LlamaTokenizerRules) throws(TokenizerError) {
        do throws(TokenizerError) {
            try self.init(try SentencePieceFile(try readFile(path)).llamaParts(rules))
        } catch {
            throw error.message.hasPrefix(path.string) ? error : error.inFile(path.string)
        }
    }
}

extension SentencePieceFile {
    func llamaParts(_ rules: LlamaTokenizerRules) throws(TokenizerError) -> TokenizerParts {
        let vocabulary = pieces.spellings
        let index = try vocabulary.index()
        guard index.count == pieces.count else { throw .malformed("the SentencePiece model has a piece twice") }
        var merges: [(left: UInt32, right: UInt32)] = []
        var results: [UInt32] = []
        for id in 0..<UInt32(pieces.count) {
            guard let range = vocabulary.range(of: id) else { continue }
            let piece = vocabulary.bytes.span.extracting(range)
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
