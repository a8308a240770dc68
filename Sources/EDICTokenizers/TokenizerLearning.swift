internal import EDICNumerics

/// The second half of training: a tokenizer from counted words.
struct TokenizerLearning {
    let configuration: TokenizerTrainer.Configuration
    let pool: WorkerPool
    let progress: (TokenizerTrainer.Progress) -> Bool

    /// Learns merges, naming results by their text; nil of `name` means that there is no such token.
    private func merges(
        _ corpus: inout SymbolCells, _ names: TokenNames, most: Int, limit: Int, longest: Int = .max
    ) throws(TokenizerError) -> [(left: UInt32, right: UInt32, result: UInt32)] {
        var isStopped = false
        var made = 0
        let symbols = names.tokens.count
        let merges = try learnMerges(
            &corpus, symbols: symbols, leastCount: UInt64(max(1, configuration.minimumCount)), most: most
        ) { [progress] left, right in
            made += 1
            if made % 256 == 0, !isStopped { isStopped = !progress(.tokens(made, of: most)) }
            return isStopped ? nil : names.join(left, right, limit: limit, longest: longest)
        }
        guard !isStopped else { throw .interrupted }
        return merges
    }

    // MARK: Byte level

    func byteLevel(_ words: WordList) throws(TokenizerError) -> Tokenizer {
        // Ids as tokenizers gives them: special tokens, the alphabet in the order of its characters, the merges.
        var tokens: [[UInt8]] = configuration.specialTokens.map { Array($0.utf8) }
        var byteIDs = [UInt32](repeating: 0, count: 256)
        for byte in (0..<256).sorted(by: { ByteAlphabet.scalars[$0].value < ByteAlphabet.scalars[$1].value }) {
            byteIDs[byte] = UInt32(tokens.count)
            tokens.append([UInt8(byte)])
        }
        let special = configuration.specialTokens.count
        let names = TokenNames(tokens, from: special)
        var corpus = SymbolCells(words, bytes: byteIDs)
        let merges = try merges(
            &corpus, names, most: max(0, configuration.vocabularySize - tokens.count),
            limit: configuration.vocabularySize)
        let vocabulary = Vocabulary(names.tokens.enumerated().map { $0 < special ? nil : $1 })
        let model = try BytePairModel(
            vocabulary: vocabulary, index: vocabulary.index(), merges: merges.map { ($0.left, $0.right) },
            results: merges.map(\.result), isByteLevel: true, options: .init())
        var parts = TokenizerParts(model: .bytePair(model))
        parts.preTokenizer = .byteLevel(addsPrefixSpace: false, usesPattern: true, mapsBytes: false)
        parts.decoder = .byteLevel
        for (id, token) in configuration.specialTokens.enumerated() {
            parts.addedTokens.append(AddedToken(id: UInt32(id), content: token, isSpecial: true))
        }
        return try Tokenizer(parts)
    }

    // MARK: SentencePiece

    /// BPE: characters merge.
    func mergedPieces(_ words: WordList, byteFallback: Bool) throws(TokenizerError) -> Tokenizer {
        var file = emptyFile(.bpe, byteFallback: byteFallback)
        let alphabet = PieceAlphabet(words.characters(), coverage: configuration.characterCoverage)
        let most = try room(in: file, for: alphabet)
        let names = TokenNames(alphabet.texts, from: 0)
        var corpus = SymbolCells(words, characters: alphabet.ids)
        let merges = try merges(&corpus, names, most: most, limit: .max, longest: configuration.longestPiece)
        let base = file.pieces.count
        for merge in merges where Int(merge.result) - alphabet.count == file.pieces.count - base {
            file.pieces.append(
                SentencePiece(
                    bytes: names.tokens[Int(merge.result)], score: -Double(file.pieces.count - base), kind: .normal))
        }
        for text in alphabet.texts {
            file.pieces.append(SentencePiece(bytes: text, score: -Double(file.pieces.count - base), kind: .normal))
        }
        return try Tokenizer(file.parts())
    }

    /// Unigram: the likeliest pieces.
    func likelyPieces(_ words: WordList, byteFallback: Bool) throws(TokenizerError) -> Tokenizer {
        var file = emptyFile(.unigram, byteFallback: byteFallback)
        let alphabet = PieceAlphabet(words.characters(), coverage: configuration.characterCoverage)
        let most = try room(in: file, for: alphabet)
        let corpus = SymbolCells(words, characters: alphabet.ids)
        guard !corpus.counts.isEmpty else {
            throw TokenizerError(.invalidArgument, "there is no text to learn from")
        }
        var settings = UnigramTraining.Settings()
        settings.seeds = configuration.seedPieces
        settings.longestPiece = configuration.longestPiece
        settings.shrinkingFactor = configuration.shrinkingFactor
        let training = try UnigramTraining(corpus, characters: alphabet.counts, settings: settings, pool: pool)
        // As sentencepiece: a tenth more than is needed, of which the likeliest stay.
        let target = alphabet.count + most
        let learnt = try training.learn(target + target / 10, settings) { progress(.pieces($0)) }
        let (characters, others) = (learnt[..<alphabet.count], learnt[alphabet.count...])
        let best = others.filter { $0.score > -.infinity }.sorted { $0.score > $1.score }.prefix(most)
        // Equal scores keep the order of learning, which is that of frequency.
        for piece in (Array(characters) + best).sorted(by: { $0.score > $1.score }) {
            let text = Array(piece.symbols.map { alphabet.texts[Int($0)] }.joined())
            file.pieces.append(SentencePiece(bytes: text, score: Double(Float(piece.score)), kind: .normal))
        }
        return try Tokenizer(file.parts())
    }

    /// A file with the pieces that every model begins with.
    private func emptyFile(_ kind: SentencePieceFile.Kind, byteFallback: Bool) -> SentencePieceFile {
        var file = SentencePieceFile()
        file.kind = kind
        file.byteFallback = byteFallback
        file.normalizerName = "identity"
        for (name, kind) in [("<unk>", SentencePiece.Kind.unknown), ("<s>", .control), ("</s>", .control)] {
            file.pieces.append(SentencePiece(bytes: Array(name.utf8), score: 0, kind: kind))
        }
        for token in configuration.specialTokens where !["<unk>", "<s>", "</s>"].contains(token) {
            file.pieces.append(SentencePiece(bytes: Array(token.utf8), score: 0, kind: .control))
        }
        if byteFallback {
            for byte in 0..<256 {
                let name = BytePairModel.byteToken(UInt8(byte))
                file.pieces.append(SentencePiece(bytes: Array(name.utf8), score: 0, kind: .byte))
            }
        }
        return file
    }

    /// How many pieces there may be beside the characters.
    private func room(in file: SentencePieceFile, for alphabet: PieceAlphabet) throws(TokenizerError) -> Int {
        let most = configuration.vocabularySize - file.pieces.count - alphabet.count
        guard most >= 0 else {
            throw TokenizerError(
                .invalidArgument,
                "vocabulary size \(configuration.vocabularySize) is too small: \(file.pieces.count) special pieces and "
                    + "\(alphabet.count) characters are needed; raise it or lower the character coverage")
        }
        return most
    }
}

/// The characters that must be pieces: the most frequent ones that cover the share asked for, and ▁.
struct PieceAlphabet {
    /// The symbol of each scalar, `SymbolCells.wall` for those that are no piece.
    private(set) var ids = [UInt32](repeating: SymbolCells.wall, count: 0x110000)
    /// Of each symbol, the most frequent first.
    private(set) var texts: [[UInt8]] = []
    private(set) var counts: [UInt64] = []

    var count: Int { texts.count }

    /// - Parameter occurrences: of each scalar; those of the space are of ▁.
    init(_ occurrences: [UInt64], coverage: Double) {
        let space = 0x20
        var found = occurrences.indices.filter { occurrences[$0] > 0 || $0 == space }
        found.sort { (occurrences[$0], $1) > (occurrences[$1], $0) }
        let total = occurrences.reduce(0.0) { $0 + Double($1) }
        var covered = 0.0
        for value in found {
            if covered >= total * coverage, value != space { continue }
            guard let scalar = Unicode.Scalar(UInt32(value == space ? 0x2581 : value)) else { continue }
            ids[value] = UInt32(texts.count)
            var bytes: [UInt8] = []
            bytes.append(scalar)
            texts.append(bytes)
            counts.append(occurrences[value])
            covered += Double(occurrences[value])
        }
    }
}

/// The texts of symbols while merges are learnt.
private final class TokenNames {
    private(set) var tokens: [[UInt8]]
    private var ids: [[UInt8]: UInt32] = [:]

    init(_ tokens: [[UInt8]], from first: Int) {
        self.tokens = tokens
        for id in first..<tokens.count { ids[tokens[id]] = UInt32(id) }
    }

    /// The id of two symbols' text together, new or known; nil where it would be too long.
    func join(_ left: UInt32, _ right: UInt32, limit: Int, longest: Int = .max) -> UInt32? {
        let text = tokens[Int(left)] + tokens[Int(right)]
        if longest != .max, text.reduce(0, { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }) > longest { return nil }
        if let known = ids[text] { return known }
        guard tokens.count < limit else { return nil }
        let id = UInt32(tokens.count)
        tokens.append(text)
        ids[text] = id
        return id
    }
}
