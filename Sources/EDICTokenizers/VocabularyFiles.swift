internal import EDICJSON

/// The older pairs of files: `vocab.json` with `merges.txt`, and `vocab.txt`.
enum VocabularyFiles {
    /// GPT-2's files.
    static func bytePair(vocabulary: [UInt8], merges: [UInt8]) throws(TokenizerError) -> TokenizerParts {
        let root: JSONElement
        do {
            root = try JSONDocument(parsing: vocabulary.span).root
        } catch {
            throw TokenizerError(.malformed, "not valid JSON: \(error)", cause: error)
        }
        guard root.kind == .object else { throw .malformed("an object of tokens and ids is expected") }
        var spelled = Vocabulary()
        try root.forEachMember { key, value throws(TokenizerError) in
            guard let id = value.int else { throw .malformed("a token id is no number") }
            try spelled.set(key.indices.map { key[$0] }, id: id)
        }
        var pairs: [(left: [UInt8], right: [UInt8])] = []
        var line = 0
        for row in merges.split(separator: 10, omittingEmptySubsequences: false) {
            line += 1
            let row = row.last == 13 ? row.dropLast() : row
            if row.isEmpty || (line == 1 && row.starts(with: "#version".utf8)) { continue }
            let parts = row.split(separator: 0x20)
            guard parts.count == 2 else {
                throw .malformed("merges.txt line \(line): two tokens and a space are expected")
            }
            pairs.append((Array(parts[0]), Array(parts[1])))
        }
        return try byteLevel(spelled, pairs)
    }

    /// Byte-level BPE with GPT-2's pattern from tokens in GPT-2's alphabet.
    static func byteLevel(
        _ spelled: Vocabulary, _ pairs: [(left: [UInt8], right: [UInt8])], pattern: WordPattern? = nil,
        preTokenizer: PreTokenizer? = nil, ignoresMerges: Bool = false, keeping kept: Set<UInt32> = []
    ) throws(TokenizerError) -> TokenizerParts {
        let spelling = try spelled.index()
        var merges: [(left: UInt32, right: UInt32)] = []
        var results: [UInt32] = []
        for (rank, pair) in pairs.enumerated() {
            guard let left = spelling.id(of: pair.left.span), let right = spelling.id(of: pair.right.span),
                let result = spelling.id(of: (pair.left + pair.right).span)
            else {
                throw .malformed("merge \(rank + 1): a token of the merge is not in the vocabulary")
            }
            merges.append((left, right))
            results.append(result)
        }
        let raw = Vocabulary(
            spelled.tokens.enumerated().map { id, token in
                guard let token, !kept.contains(UInt32(id)) else { return nil }
                return ByteAlphabet.bytes(of: token.span)
            })
        var options = BytePairModel.Options()
        options.ignoresMerges = ignoresMerges
        let model = try BytePairModel(
            vocabulary: raw, index: raw.index(), merges: merges, results: results, isByteLevel: true, options: options)
        var parts = TokenizerParts(model: .bytePair(model))
        parts.preTokenizer = preTokenizer ?? .byteLevel(addsPrefixSpace: false, usesPattern: true, mapsBytes: false)
        parts.decoder = .byteLevel
        if let id = spelling.id(of: Array("<|endoftext|>".utf8).span) {
            parts.addedTokens = [AddedToken(id: id, content: "<|endoftext|>", isSpecial: true)]
            parts.special.end = id
        }
        return parts
    }

    /// BERT's file: a token a line, its id the line.
    static func wordPiece(_ data: [UInt8]) throws(TokenizerError) -> TokenizerParts {
        var vocabulary = Vocabulary()
        var rows = data.split(separator: 10, omittingEmptySubsequences: false)
        if rows.last?.isEmpty == true { rows.removeLast() }
        for (id, row) in rows.enumerated() {
            let row = row.last == 13 ? row.dropLast() : row
            try vocabulary.set(Array(row), id: id)
        }
        let index = try vocabulary.index()
        func id(_ token: String) -> UInt32? { index.id(of: Array(token.utf8).span) }
        guard let unknown = id("[UNK]") else { throw .malformed("vocab.txt has no [UNK]") }
        // Uncased vocabularies have no token with a capital letter outside brackets.
        let isCased = vocabulary.tokens.contains { token in
            guard let token, token.first != UInt8(ascii: "[") else { return false }
            return token.contains { (0x41...0x5A).contains($0) }
        }
        return try wordPieceParts(vocabulary, unknown: unknown, isCased: isCased)
    }

    static func wordPieceParts(
        _ vocabulary: Vocabulary, unknown: UInt32, isCased: Bool
    ) throws(TokenizerError) -> TokenizerParts {
        let index = try vocabulary.index()
        func id(_ token: String) -> UInt32? { index.id(of: Array(token.utf8).span) }
        let model = try WordPieceModel(
            vocabulary: vocabulary, unknownID: unknown, prefix: Array("##".utf8), longestWord: 100)
        var parts = TokenizerParts(model: .wordPiece(model))
        parts.normalizer = .bert(cleanText: true, chineseCharacters: true, stripAccents: !isCased, lowercase: !isCased)
        parts.preTokenizer = .bert
        parts.decoder = .wordPiece(prefix: Array("##".utf8), cleansUp: true)
        for token in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] {
            if let id = id(token) { parts.addedTokens.append(AddedToken(id: id, content: token, isSpecial: true)) }
        }
        parts.special.unknown = unknown
        parts.special.beginning = id("[CLS]")
        parts.special.end = id("[SEP]")
        parts.special.padding = id("[PAD]")
        if let begin = id("[CLS]"), let end = id("[SEP]") {
            parts.postProcessor.single = [.special([begin], type: 0), .first(type: 0), .special([end], type: 0)]
            parts.postProcessor.pair = parts.postProcessor.single + [.second(type: 1), .special([end], type: 1)]
        }
        return parts
    }
}
