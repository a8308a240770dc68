internal import EDICJSON
public import SystemPackage

extension Tokenizer {
    public enum Format: Sendable {
        case tokenizerJSON, sentencePiece, tiktoken
    }

    /// Writes the tokenizer; the file appears whole or not at all.
    public func write(to path: FilePath, format: Format) throws(TokenizerError) {
        do {
            try writeFile(encoded(as: format), to: path)
        } catch {
            throw error.message.hasPrefix(path.string) ? error : error.inFile(path.string)
        }
    }

    /// Bytes that are the same for equal tokenizers: the file it was read from, or the file it would be written to.
    public func canonicalBytes() throws(TokenizerError) -> [UInt8] {
        switch core.parts.source {
        case .json(let data): data
        case .sentencePiece(let file): file.encoded()
        case .tiktoken(let pattern): try encoded(as: .tiktoken) + Array(pattern.utf8)
        case .constructed: try encoded(as: .tokenizerJSON)
        }
    }

    /// The bytes of the tokenizer's file.
    public func encoded(as format: Format) throws(TokenizerError) -> [UInt8] {
        switch format {
        case .tokenizerJSON:
            if case .json(let data) = core.parts.source { return data }
            return try TokenizerJSONWriter.encode(core.parts)
        case .sentencePiece:
            guard case .sentencePiece(let file) = core.parts.source else {
                throw TokenizerError(
                    .notRepresentable, "a \(modelKind) tokenizer of another kind has no SentencePiece form")
            }
            return file.encoded()
        case .tiktoken:
            guard case .bytePair(let model) = core.parts.model, model.isByteLevel, Self.idsAreRanks(model) else {
                throw TokenizerError(
                    .notRepresentable, "only byte-level BPE whose ids are its ranks has a .tiktoken form")
            }
            return TiktokenFile.encoded(model.vocabulary)
        }
    }

    /// Whether later merges have higher ids, which is all that a .tiktoken file can say.
    private static func idsAreRanks(_ model: BytePairModel) -> Bool {
        var last: UInt32 = 0
        for merge in model.merges {
            guard let result = model.table.merge(merge.left, merge.right)?.result, result >= last else { return false }
            last = result
        }
        return true
    }
}

/// Writes a `tokenizer.json`.
enum TokenizerJSONWriter {
    static func encode(_ parts: TokenizerParts) throws(TokenizerError) -> [UInt8] {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        writer.member("version", "1.0")
        for key in ["truncation", "padding"] {
            writer.key(key)
            writer.null()
        }
        writer.key("added_tokens")
        writer.beginArray()
        for token in parts.addedTokens {
            writer.beginObject()
            writer.member("id", token.id)
            writer.member("content", token.content)
            writer.member("single_word", token.singleWord)
            writer.member("lstrip", token.stripsLeft)
            writer.member("rstrip", token.stripsRight)
            writer.member("normalized", token.isNormalized)
            writer.member("special", token.isSpecial)
            writer.endObject()
        }
        writer.endArray()
        guard case .bytePair(let model) = parts.model, model.isByteLevel else {
            throw TokenizerError(
                .notRepresentable,
                "only byte-level BPE tokenizers are written as tokenizer.json; write the SentencePiece form")
        }
        writer.key("normalizer")
        switch parts.normalizer {
        case nil: writer.null()
        case .form(let form)?:
            writer.beginObject()
            writer.member("type", form.rawValue)
            writer.endObject()
        default: throw TokenizerError(.notRepresentable, "this normalizer is not written as tokenizer.json")
        }
        writer.key("pre_tokenizer")
        try write(parts.preTokenizer, to: &writer)
        for key in ["post_processor"] {
            writer.key(key)
            writer.null()
        }
        writer.key("decoder")
        byteLevel(usesPattern: true, to: &writer)
        writer.key("model")
        write(model, to: &writer)
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }

    private static func byteLevel(usesPattern: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "ByteLevel")
        writer.member("add_prefix_space", false)
        writer.member("trim_offsets", true)
        writer.member("use_regex", usesPattern)
        writer.endObject()
    }

    private static func write(_ preTokenizer: PreTokenizer?, to writer: inout JSONWriter) throws(TokenizerError) {
        switch preTokenizer {
        case nil: writer.null()
        case .byteLevel(_, let usesPattern, _)?: byteLevel(usesPattern: usesPattern, to: &writer)
        case .digits(let individual)?:
            writer.beginObject()
            writer.member("type", "Digits")
            writer.member("individual_digits", individual)
            writer.endObject()
        case .split(.regularExpression(let expression), .isolated, inverted: false)?:
            writer.beginObject()
            writer.member("type", "Sequence")
            writer.key("pretokenizers")
            writer.beginArray()
            writer.beginObject()
            writer.member("type", "Split")
            writer.key("pattern")
            writer.beginObject()
            writer.member("Regex", expression.source)
            writer.endObject()
            writer.member("behavior", "Isolated")
            writer.member("invert", false)
            writer.endObject()
            byteLevel(usesPattern: false, to: &writer)
            writer.endArray()
            writer.endObject()
        default: throw TokenizerError(.notRepresentable, "this pre-tokenizer is not written as tokenizer.json")
        }
    }

    private static func write(_ model: BytePairModel, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "BPE")
        for key in ["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"] {
            writer.key(key)
            writer.null()
        }
        writer.member("fuse_unk", false)
        writer.member("byte_fallback", false)
        writer.member("ignore_merges", model.options.ignoresMerges)
        writer.key("vocab")
        writer.beginObject()
        for (id, token) in model.vocabulary.tokens.enumerated() {
            if let token { writer.member(ByteAlphabet.text(of: token), id) }
        }
        writer.endObject()
        writer.key("merges")
        writer.beginArray()
        for merge in rankedMerges(model) {
            writer.beginArray()
            for id in [merge.left, merge.right] {
                writer.value(ByteAlphabet.text(of: model.vocabulary[id] ?? []))
            }
            writer.endArray()
        }
        writer.endArray()
        writer.endObject()
    }

    /// The merges of a model; where ranks come from the vocabulary, the pair each token is made of last.
    private static func rankedMerges(_ model: BytePairModel) -> [(left: UInt32, right: UInt32)] {
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
}
