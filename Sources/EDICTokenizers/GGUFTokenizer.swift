internal import EDICNumerics
internal import SystemPackage

/// The tokenizer inside a GGUF model file: its metadata keys `tokenizer.ggml.…`.
enum GGUFTokenizer {
    static func parts(of path: FilePath) throws(TokenizerError) -> TokenizerParts {
        let metadata = try GGUFMetadata(path)
        guard let model = metadata.string("tokenizer.ggml.model") else {
            throw .malformed("the GGUF file has no tokenizer (key tokenizer.ggml.model)")
        }
        guard let tokens = metadata.strings("tokenizer.ggml.tokens"), !tokens.isEmpty else {
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
    private static func added(_ tokens: [[UInt8]], _ types: [Int]) -> [AddedToken] {
        types.enumerated().compactMap { id, type in
            guard type == 3 || type == 4, !tokens[id].isEmpty else { return nil }
            return AddedToken(
                id: UInt32(id), content: tokens[id].decodedText, isSpecial: type == 3, isNormalized: false)
        }
    }

    private static func sentencePiece(
        _ metadata: GGUFMetadata, _ tokens: [[UInt8]], _ types: [Int], _ kind: SentencePieceFile.Kind
    ) throws(TokenizerError) -> TokenizerParts {
        guard let scores = metadata.floats("tokenizer.ggml.scores"), scores.count == tokens.count else {
            throw .malformed("tokenizer.ggml.scores must have a score for each of \(tokens.count) tokens")
        }
        var file = SentencePieceFile()
        file.kind = kind
        var seen: Set<[UInt8]> = []
        for (id, token) in tokens.enumerated() {
            let type = types.isEmpty ? 1 : types[id]
            let piece = SentencePiece.Kind(rawValue: type) ?? .normal
            // Added tokens may repeat a piece: the first is the piece.
            let isNew = seen.insert(token).inserted
            let kind: SentencePiece.Kind = piece == .userDefined || !isNew || token.isEmpty ? .control : piece
            file.pieces.append(SentencePiece(bytes: token, score: Double(scores[id]), kind: kind))
        }
        guard scores.allSatisfy(\.isFinite) else {
            throw .malformed("tokenizer.ggml.scores has a score that is no number")
        }
        file.byteFallback = file.pieces.filter { $0.kind == .byte }.count == 256
        file.addsDummyPrefix = metadata.bool("tokenizer.ggml.add_space_prefix") ?? true
        file.removesExtraWhitespace = metadata.bool("tokenizer.ggml.remove_extra_whitespaces") ?? false
        file.characterMap = metadata.bytes("tokenizer.ggml.precompiled_charsmap") ?? []
        if !file.pieces.contains(where: { $0.kind == .unknown }) {
            let unknown = metadata.integer("tokenizer.ggml.unknown_token_id") ?? 0
            guard file.pieces.indices.contains(unknown) else {
                throw .malformed("tokenizer.ggml.unknown_token_id: \(unknown)")
            }
            file.pieces[unknown].kind = .unknown
        }
        var parts = try file.parts(allowsRepetition: true)
        parts.addedTokens = added(tokens, types)
        return parts
    }

    private static func merges(_ metadata: GGUFMetadata) throws(TokenizerError) -> [VocabularyFiles.Merge] {
        guard let list = metadata.strings("tokenizer.ggml.merges") else {
            throw .malformed("the GGUF file has no merges (key tokenizer.ggml.merges)")
        }
        var pairs: [VocabularyFiles.Merge] = []
        pairs.reserveCapacity(list.count)
        for (rank, merge) in list.enumerated() {
            // A token may itself begin with a space: the cut is the first space after a character.
            guard let space = merge.dropFirst().firstIndex(of: 0x20) else {
                throw .malformed("tokenizer.ggml.merges[\(rank)]: two tokens and a space are expected")
            }
            var tokens = merge
            tokens.remove(at: space)
            pairs.append(VocabularyFiles.Merge(tokens: tokens, cut: space))
        }
        return pairs
    }

    private static func bytePair(
        _ metadata: GGUFMetadata, _ tokens: [[UInt8]], _ types: [Int], _ rule: GGUFPreTokenizer
    ) throws(TokenizerError) -> TokenizerParts {
        let pairs = try merges(metadata)
        var spelled = Vocabulary()
        for (id, token) in tokens.enumerated() { try spelled.set(token, id: id) }
        let added = added(tokens, types)
        var parts = try VocabularyFiles.byteLevel(
            spelled, pairs, preTokenizer: rule.preTokenizer, ignoresMerges: rule.ignoresMerges,
            keeping: Set(added.map(\.id)))
        parts.addedTokens = added
        return parts
    }

    /// BPE over characters, spaces as ▁ and nothing cut: Gemma's.
    private static func spacedBytePair(
        _ metadata: GGUFMetadata, _ tokens: [[UInt8]], _ types: [Int]
    ) throws(TokenizerError) -> TokenizerParts {
        var vocabulary = Vocabulary()
        for (id, token) in tokens.enumerated() { try vocabulary.set(token, id: id) }
        var options = BytePairModel.Options()
        options.byteFallback = true
        options.fusesUnknown = true
        options.unknown = metadata.integer("tokenizer.ggml.unknown_token_id").flatMap {
            tokens.indices.contains($0) ? UInt32($0) : nil
        }
        let model = try VocabularyFiles.characterLevel(vocabulary, merges(metadata), options: options)
        var parts = TokenizerParts(model: .bytePair(model))
        let space = SentencePieceNormalizer.space
        parts.normalizer = .replace(.literal([0x20]), with: space)
        parts.decoder = .sequence([.replace(.literal(space), with: [0x20]), .byteFallback, .fuse])
        parts.addedTokens = added(tokens, types)
        return parts
    }

    private static func wordPiece(
        _ tokens: [[UInt8]], _ types: [Int], _ metadata: GGUFMetadata
    ) throws(TokenizerError) -> TokenizerParts {
        // llama.cpp writes starting pieces with ▁ before them and continuing ones bare.
        var vocabulary = Vocabulary()
        for (id, token) in tokens.enumerated() {
            let isSpecial = !types.isEmpty && types[id] != 1
            if token.starts(with: SentencePieceNormalizer.space) {
                try vocabulary.set(Array(token.dropFirst(3)), id: id)
            } else {
                let isBare = isSpecial || (token.first == UInt8(ascii: "[") && token.last == UInt8(ascii: "]"))
                try vocabulary.set(isBare ? token : Array("##".utf8) + token, id: id)
            }
        }
        let unknown = metadata.integer("tokenizer.ggml.unknown_token_id") ?? 100
        guard vocabulary.tokens.indices.contains(unknown) else {
            throw .malformed("tokenizer.ggml.unknown_token_id: \(unknown)")
        }
        return try VocabularyFiles.wordPieceParts(vocabulary, unknown: UInt32(unknown), isCased: false)
    }
}

/// The metadata of a GGUF file (version 2 or 3, little-endian); only what tokenizers need is kept.
struct GGUFMetadata {
    private enum Value {
        case integer(Int)
        case float(Double)
        case bool(Bool)
        case string([UInt8])
        case strings([[UInt8]])
        case integers([Int])
        case floats([Float])
        case bytes([UInt8])
    }

    private var values: [String: Value] = [:]

    init(_ path: FilePath) throws(TokenizerError) {
        let file: MappedFile
        do {
            file = try MappedFile(path)
        } catch {
            throw TokenizerError(.fileUnreadable, error.message, cause: error)
        }
        var reader = Reader(file: file)
        guard try reader.bytes(4) == Array("GGUF".utf8) else { throw .malformed("byte 0: not a GGUF file") }
        let version = try reader.integer(4)
        guard version == 2 || version == 3 else {
            throw TokenizerError(.unsupported, "byte 4: GGUF version \(version); 2 and 3 are known")
        }
        _ = try reader.integer(8)
        let count = try reader.integer(8)
        for _ in 0..<count {
            let key = try reader.bytes(try reader.integer(8)).decodedText
            let type = try reader.integer(4)
            let value = try reader.value(type, keeps: key.hasPrefix("tokenizer."))
            if let value { values[key] = value }
        }
    }

    func string(_ key: String) -> String? {
        if case .string(let bytes)? = values[key] { return bytes.decodedText }
        return nil
    }

    func strings(_ key: String) -> [[UInt8]]? {
        if case .strings(let list)? = values[key] { return list }
        return nil
    }

    func integer(_ key: String) -> Int? {
        if case .integer(let value)? = values[key] { return value }
        return nil
    }

    func bool(_ key: String) -> Bool? {
        if case .bool(let value)? = values[key] { return value }
        return nil
    }

    func integers(_ key: String) -> [Int]? {
        if case .integers(let list)? = values[key] { return list }
        return nil
    }

    func floats(_ key: String) -> [Float]? {
        if case .floats(let list)? = values[key] { return list }
        return nil
    }

    func bytes(_ key: String) -> [UInt8]? {
        if case .bytes(let list)? = values[key] { return list }
        return nil
    }

    private struct Reader {
        let file: MappedFile
        var at = 0

        mutating func need(_ count: Int) throws(TokenizerError) {
            guard count >= 0, count <= file.count - at else {
                throw .malformed("byte \(at): \(count) bytes are claimed, \(file.count - at) are left")
            }
        }

        mutating func integer(_ size: Int) throws(TokenizerError) -> Int {
            try need(size)
            let value = littleEndian(size)
            at += size
            guard let result = Int(exactly: value) else {
                throw .malformed("byte \(at - size): the number \(value) is absurd")
            }
            return result
        }

        /// `need` has checked that the bytes are there.
        private func littleEndian(_ size: Int) -> UInt64 {
            let value = try? file.withBytes(in: at..<at + size) { bytes in
                bytes.indices.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
            }
            return value ?? 0
        }

        mutating func bits(_ size: Int) throws(TokenizerError) -> UInt64 {
            try need(size)
            defer { at += size }
            return littleEndian(size)
        }

        mutating func bytes(_ count: Int) throws(TokenizerError) -> [UInt8] {
            try need(count)
            defer { at += count }
            let bytes = try? file.withBytes(in: at..<at + count) { bytes in
                unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
            }
            return bytes ?? []
        }

        static func size(of type: Int) -> Int? {
            switch type {
            case 0, 1, 7: 1
            case 2, 3: 2
            case 4, 5, 6: 4
            case 10, 11, 12: 8
            default: nil
            }
        }

        mutating func signed(_ type: Int) throws(TokenizerError) -> Int {
            let size = Self.size(of: type) ?? 8
            let raw = try bits(size)
            switch type {
            case 1: return Int(Int8(truncatingIfNeeded: raw))
            case 3: return Int(Int16(truncatingIfNeeded: raw))
            case 5: return Int(Int32(truncatingIfNeeded: raw))
            default: return Int(truncatingIfNeeded: raw)
            }
        }

        mutating func value(_ type: Int, keeps: Bool) throws(TokenizerError) -> Value? {
            switch type {
            case 8: return .string(try bytes(try integer(8)))
            case 9: return try array(keeps: keeps)
            case 7: return .bool(try bits(1) != 0)
            case 6: return .float(Double(Float(bitPattern: UInt32(try bits(4)))))
            case 12: return .float(Double(bitPattern: try bits(8)))
            case 0, 1, 2, 3, 4, 5, 10, 11: return .integer(try signed(type))
            default: throw .malformed("byte \(at): metadata type \(type) is not between 0 and 12")
            }
        }

        mutating func array(keeps: Bool) throws(TokenizerError) -> Value? {
            let type = try integer(4)
            let count = try integer(8)
            if type == 8 {
                try need(count)
                var list: [[UInt8]] = []
                if keeps { list.reserveCapacity(count) }
                for _ in 0..<count {
                    let length = try integer(8)
                    if keeps {
                        list.append(try bytes(length))
                    } else {
                        try need(length)
                        at += length
                    }
                }
                return keeps ? .strings(list) : nil
            }
            guard let size = Self.size(of: type) else {
                throw TokenizerError(.unsupported, "byte \(at): arrays of metadata type \(type) are not supported")
            }
            try need(count.multipliedReportingOverflow(by: size).overflow ? -1 : count * size)
            guard keeps else {
                at += count * size
                return nil
            }
            if size == 1 { return .bytes(try bytes(count)) }
            if type == 6 {
                var list: [Float] = []
                for _ in 0..<count { list.append(Float(bitPattern: UInt32(try bits(4)))) }
                return .floats(list)
            }
            var list: [Int] = []
            for _ in 0..<count { list.append(try signed(type)) }
            return .integers(list)
        }
    }
}
