internal import SystemPackage

/// The tokenizer inside a GGUF model file: its metadata keys `tokenizer.ggml.…`.
enum GGUFTokenizer {
    static func parts(of path: FilePath) throws(TokenizerError) -> TokenizerParts {
        let metadata = try GGUFMetadata(path)
        guard let model = metadata.string("tokenizer.ggml.model") else {
            throw .malformed("the GGUF file has no tokenizer (key tokenizer.ggml.model)")
        }
        guard let tokens = metadata.strings("tokenizer.ggml.tokens"), tokens.count > 0 else {
            throw .malformed("the GGUF file has no tokens (key tokenizer.ggml.tokens)")
        }
        let types = metadata.integers("tokenizer.ggml.token_type") ?? []
        guard types.isEmpty || types.count == tokens.count else {
            throw .malformed("tokenizer.ggml.token_type has \(types.count) entries for \(tokens.count) tokens")
        }
        var parts: TokenizerParts
        var addsBeginning = model == "llama"
        switch model {
        case "llama": parts = try sentencePiece(metadata, tokens, types, .bpe)
        case "t5": parts = try sentencePiece(metadata, tokens, types, .unigram)
        case "gpt2":
            let name = metadata.string("tokenizer.ggml.pre") ?? "default"
            if name == "granite-embed-multi-311m" {
                parts = try spacedBytePair(metadata, tokens, types)
            } else {
                let rule = try GGUFPreTokenizer(named: name)
                parts = try bytePair(metadata, tokens, types, rule)
                addsBeginning = rule.addsBeginning
            }
        case "gemma4": parts = try spacedBytePair(metadata, tokens, types)
        case "bert": parts = try wordPiece(tokens, types, metadata)
        default: throw TokenizerError(.unknownComponent, "tokenizer.ggml.model: the model “\(model)” is not known")
        }
        func id(_ key: String) -> UInt32? {
            metadata.integer("tokenizer.ggml.\(key)_token_id").flatMap {
                $0 >= 0 && $0 < tokens.count ? UInt32($0) : nil
            }
        }
        parts.special.beginning = id("bos") ?? id("cls") ?? parts.special.beginning
        parts.special.end = id("eos") ?? id("seperator") ?? parts.special.end
        parts.special.unknown = id("unknown") ?? parts.special.unknown
        parts.special.padding = id("padding") ?? parts.special.padding
        if model != "bert" {
            let addsBeginning = metadata.bool("tokenizer.ggml.add_bos_token") ?? addsBeginning
            let addsEnd = metadata.bool("tokenizer.ggml.add_eos_token") ?? (model == "t5")
            let begin = addsBeginning ? parts.special.beginning : nil
            let end = addsEnd ? parts.special.end : nil
            func around(_ item: PostProcessor.Item) -> [PostProcessor.Item] {
                (begin.map { [.special([$0], type: 0)] } ?? []) + [item] + (end.map { [.special([$0], type: 0)] } ?? [])
            }
            parts.postProcessor.single = around(.first(type: 0))
            parts.postProcessor.pair = around(.first(type: 0)) + around(.second(type: 1))
        }
        return parts
    }

    /// Tokens of the kinds CONTROL (3) and USER_DEFINED (4) are looked for in the text.
    private static func added(_ tokens: Vocabulary, _ types: [Int]) -> [AddedToken] {
        types.indices.compactMap { id in
            guard types[id] == 3 || types[id] == 4, let token = tokens[UInt32(id)], !token.isEmpty else { return nil }
            return AddedToken(
                id: UInt32(id), content: token.decodedText, isSpecial: types[id] == 3, isNormalized: false)
        }
    }

    private static func sentencePiece(
        _ metadata: GGUFMetadata, _ tokens: Vocabulary, _ types: [Int], _ kind: SentencePieceFile.Kind
    ) throws(TokenizerError) -> TokenizerParts {
        guard let scores = metadata.floats("tokenizer.ggml.scores"), scores.count == tokens.count else {
            throw .malformed("tokenizer.ggml.scores must have a score for each of \(tokens.count) tokens")
        }
        var file = SentencePieceFile()
        file.kind = kind
        file.pieces.reserveCapacity(tokens.count)
        let index = try tokens.index()
        for id in 0..<tokens.count {
            let type = types.isEmpty ? 1 : types[id]
            let piece = SentencePiece.Kind(rawValue: type) ?? .normal
            let token = tokens.bytes.span.extracting(tokens.range(of: UInt32(id)) ?? 0..<0)
            // Added tokens may repeat a piece: the first is the piece.
            let isNew = index.id(of: token) == UInt32(id)
            let kind: SentencePiece.Kind = piece == .userDefined || !isNew ? .control : piece
            file.pieces.append(token, score: Double(scores[id]), kind: kind)
        }
        guard scores.allSatisfy(\.isFinite) else {
            throw .malformed("tokenizer.ggml.scores has a score that is no number")
        }
        file.byteFallback = file.pieces.ids(of: .byte).count == 256
        file.addsDummyPrefix = metadata.bool("tokenizer.ggml.add_space_prefix") ?? true
        file.removesExtraWhitespace = metadata.bool("tokenizer.ggml.remove_extra_whitespaces") ?? false
        file.characterMap = metadata.bytes("tokenizer.ggml.precompiled_charsmap") ?? []
        if !file.pieces.kinds.contains(.unknown) {
            let unknown = metadata.integer("tokenizer.ggml.unknown_token_id") ?? 0
            guard file.pieces.indices.contains(unknown) else {
                throw .malformed("tokenizer.ggml.unknown_token_id: \(unknown)")
            }
            file.pieces.setKind(.unknown, of: unknown)
        }
        var parts = try file.parts(allowsRepetition: true)
        parts.addedTokens = added(tokens, types)
        return parts
    }

    private static func merges(_ metadata: GGUFMetadata) throws(TokenizerError) -> VocabularyFiles.Merges {
        guard let list = metadata.strings("tokenizer.ggml.merges") else {
            throw .malformed("the GGUF file has no merges (key tokenizer.ggml.merges)")
        }
        return try VocabularyFiles.Merges(list) { rank, line throws(TokenizerError) in
            // A token may itself begin with a space: the cut is the first space after a character.
            var space = 1
            while space < line.count, line[space] != 0x20 { space += 1 }
            guard space < line.count else {
                throw .malformed("tokenizer.ggml.merges[\(rank)]: two tokens and a space are expected")
            }
            return space
        }
    }

    private static func bytePair(
        _ metadata: GGUFMetadata, _ tokens: Vocabulary, _ types: [Int], _ rule: GGUFPreTokenizer
    ) throws(TokenizerError) -> TokenizerParts {
        let pairs = try merges(metadata)
        let added = added(tokens, types)
        var parts = try VocabularyFiles.byteLevel(
            tokens, pairs, preTokenizer: rule.preTokenizer, ignoresMerges: rule.ignoresMerges,
            keeping: Set(added.map(\.id)))
        parts.addedTokens = added
        return parts
    }

    /// BPE over characters, spaces as ▁ and nothing cut: Gemma's.
    private static func spacedBytePair(
        _ metadata: GGUFMetadata, _ tokens: Vocabulary, _ types: [Int]
    ) throws(TokenizerError) -> TokenizerParts {
        var options = BytePairModel.Options()
        options.byteFallback = true
        options.fusesUnknown = true
        options.unknown = metadata.integer("tokenizer.ggml.unknown_token_id").flatMap {
            (0..<tokens.count).contains($0) ? UInt32($0) : nil
        }
        let model = try VocabularyFiles.characterLevel(tokens, merges(metadata), options: options)
        var parts = TokenizerParts(model: .bytePair(model))
        let space = SentencePieceNormalizer.space
        parts.normalizer = .replace(.literal([0x20]), with: space)
        parts.decoder = .sequence([.replace(.literal(space), with: [0x20]), .byteFallback, .fuse])
        parts.addedTokens = added(tokens, types)
        return parts
    }

    private static func wordPiece(
        _ tokens: Vocabulary, _ types: [Int], _ metadata: GGUFMetadata
    ) throws(TokenizerError) -> TokenizerParts {
        // llama.cpp writes starting pieces with ▁ before them and continuing ones bare.
        var vocabulary = Vocabulary()
        vocabulary.reserve(tokens.count, bytes: tokens.bytes.count)
        for id in 0..<tokens.count {
            let token = tokens[UInt32(id)] ?? []
            let isSpecial = !types.isEmpty && types[id] != 1
            if token.starts(with: SentencePieceNormalizer.space) {
                vocabulary.append(token.span.extracting(3...))
            } else {
                let isBare = isSpecial || (token.first == UInt8(ascii: "[") && token.last == UInt8(ascii: "]"))
                vocabulary.append((isBare ? token : Array("##".utf8) + token).span)
            }
        }
        let unknown = metadata.integer("tokenizer.ggml.unknown_token_id") ?? 100
        guard (0..<vocabulary.count).contains(unknown) else {
            throw .malformed("tokenizer.ggml.unknown_token_id: \(unknown)")
        }
        return try VocabularyFiles.wordPieceParts(vocabulary, unknown: UInt32(unknown), isCased: false)
    }
}
