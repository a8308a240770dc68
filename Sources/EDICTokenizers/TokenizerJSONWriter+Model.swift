internal import EDICJSON

extension TokenizerJSONWriter {
    mutating func write(_ model: Model) throws(TokenizerError) {
        switch model {
        case .bytePair(let model): write(model)
        case .sentencePieceBPE(let model): write(model)
        case .unigram(let model): write(model)
        case .wordPiece(let model):
            let tokens = withAdded(model.vocabulary.tokens.map { $0?.decodedText })
            let unknown = name(of: model.unknownID)
            component("WordPiece") { writer in
                writer.member("unk_token", unknown)
                writer.member("continuing_subword_prefix", model.prefix.decodedText)
                writer.member("max_input_chars_per_word", model.longestWord)
                Self.vocabulary(tokens, to: &writer)
            }
        case .wordLevel(let model):
            let tokens = withAdded(model.vocabulary.tokens.map { $0?.decodedText })
            let unknown = name(of: model.unknownID)
            component("WordLevel") { writer in
                Self.vocabulary(tokens, to: &writer)
                writer.member("unk_token", unknown)
            }
        }
    }

    /// The tokens of a model, with the added ones among them where readers, who count those on from the model's, would give
    /// them other ids.
    private func withAdded(_ tokens: [String?]) -> [String?] {
        var all = tokens
        var next = tokens.count { $0 != nil }
        var areCounted = true
        for token in parts.addedTokens {
            let id = Int(token.id)
            if id < tokens.count, tokens[id] == token.content { continue }
            areCounted = areCounted && id == next
            next += 1
            while all.count <= id { all.append(nil) }
            all[id] = all[id] ?? token.content
        }
        return areCounted ? tokens : all
    }

    private static func vocabulary(_ tokens: [String?], to writer: inout JSONWriter) {
        writer.key("vocab")
        writer.beginObject()
        for (id, token) in tokens.enumerated() {
            if let token { writer.member(token, id) }
        }
        writer.endObject()
    }

    private static func merges(
        _ merges: [(left: UInt32, right: UInt32)], _ tokens: [String?], to writer: inout JSONWriter
    ) {
        writer.key("merges")
        writer.beginArray()
        for merge in merges {
            writer.beginArray()
            for id in [merge.left, merge.right] { writer.value(tokens[Int(id)] ?? "") }
            writer.endArray()
        }
        writer.endArray()
    }

    mutating func write(_ model: UnigramModel) {
        component("Unigram") { writer in
            writer.key("unk_id")
            if model.unknownID == .max { writer.null() } else { writer.value(model.unknownID) }
            writer.key("vocab")
            writer.beginArray()
            for piece in model.pieces {
                writer.beginArray()
                writer.value(piece.bytes.decodedText)
                writer.value(piece.score)
                writer.endArray()
            }
            writer.endArray()
            writer.member("byte_fallback", !model.fallback.isEmpty)
        }
    }

    mutating func write(_ model: BytePairModel) {
        let tokens = model.vocabulary.tokens.map { token in
            token.map { model.isByteLevel ? ByteAlphabet.text(of: $0) : $0.decodedText }
        }
        let listed = withAdded(tokens)
        let options = model.options
        let unknown = options.unknown.map(name(of:))
        component("BPE") { writer in
            writer.key("dropout")
            writer.null()
            let affixes = [
                ("unk_token", unknown),
                (
                    "continuing_subword_prefix",
                    options.continuingPrefix.isEmpty ? nil : options.continuingPrefix.decodedText
                ),
                ("end_of_word_suffix", options.endOfWordSuffix.isEmpty ? nil : options.endOfWordSuffix.decodedText),
            ]
            for (key, value) in affixes {
                writer.key(key)
                if let value { writer.value(value) } else { writer.null() }
            }
            writer.member("fuse_unk", options.fusesUnknown)
            writer.member("byte_fallback", options.byteFallback)
            writer.member("ignore_merges", options.ignoresMerges)
            Self.vocabulary(listed, to: &writer)
            Self.merges(Self.ranked(model), tokens, to: &writer)
        }
    }

    /// The merges of a model; where ranks come from the vocabulary, the pair each token is made of last.
    private static func ranked(_ model: BytePairModel) -> [(left: UInt32, right: UInt32)] {
        if !model.merges.isEmpty { return model.merges }
        var merges: [(left: UInt32, right: UInt32)] = []
        for id in 0..<UInt32(model.vocabulary.count) {
            guard let token = model.vocabulary[id], token.count > 1 else { continue }
            // Merge with all pairs of lower rank; two symbols are left.
            var parts = token.map { [$0] }
            while parts.count > 2 {
                var best: (rank: UInt32, at: Int)?
                for at in 0..<parts.count - 1 {
                    let whole = parts[at] + parts[at + 1]
                    guard let joined = model.index.id(of: whole.span), joined < id else { continue }
                    if joined < best?.rank ?? .max { best = (joined, at) }
                }
                guard let best else { break }
                parts[best.at] += parts.remove(at: best.at + 1)
            }
            guard parts.count == 2 else { continue }
            let (first, second) = (parts[0], parts[1])
            if let left = model.index.id(of: first.span), let right = model.index.id(of: second.span) {
                merges.append((left, right))
            }
        }
        return merges
    }

    mutating func write(_ model: SentencePieceBPEModel) {
        let tokens: [String?] = model.pieces.map(\.bytes.decodedText)
        component("BPE") { writer in
            writer.key("dropout")
            writer.null()
            writer.member("unk_token", tokens[Int(model.unknownID)] ?? "")
            for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
                writer.key(key)
                writer.null()
            }
            writer.member("fuse_unk", true)
            writer.member("byte_fallback", model.byteFallback)
            writer.member("ignore_merges", false)
            Self.vocabulary(tokens, to: &writer)
            Self.merges(Self.ranked(model), tokens, to: &writer)
        }
    }

    /// Every way to make a piece of two others; the best piece first, and of one piece the parts of lowest ids.
    private static func ranked(_ model: SentencePieceBPEModel) -> [(left: UInt32, right: UInt32)] {
        var ids: [ArraySlice<UInt8>: UInt32] = [:]
        for (id, piece) in model.pieces.enumerated() {
            switch piece.kind {
            case .normal, .userDefined, .unused: ids[piece.bytes[...]] = UInt32(id)
            default: break
            }
        }
        var merges: [(score: Double, left: UInt32, right: UInt32)] = []
        for piece in model.pieces where piece.kind == .normal || piece.kind == .unused {
            for cut in piece.bytes.indices.dropFirst() where piece.bytes[cut] & 0xC0 != 0x80 {
                guard let left = ids[piece.bytes[..<cut]], let right = ids[piece.bytes[cut...]] else { continue }
                merges.append((piece.score, left, right))
            }
        }
        merges.sort { ($1.score, $0.left, $0.right) < ($0.score, $1.left, $1.right) }
        return merges.map { ($0.left, $0.right) }
    }
}
