internal import EDICStore
public import SystemPackage

extension Tokenizer {
    /// The files that a tokenizer can be written as.
    public enum Format: Sendable {
        case tokenizerJSON, sentencePiece, tiktoken
    }

    /// Writes the tokenizer; the file appears whole or not at all.
    public func write(to path: FilePath, format: Format) throws(TokenizerError) {
        let bytes: [UInt8]
        do {
            bytes = try encoded(as: format)
        } catch {
            throw error.message.hasPrefix(path.string) ? error : error.inFile(path.string)
        }
        do throws(StoreError) {
            try writeAtomically(bytes.span, to: path)
        } catch {
            throw TokenizerError(.fileUnwritable, error.message, cause: error)
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
