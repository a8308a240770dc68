internal import EDICJSON

/// The older pairs of files: `vocab.json` with `merges.txt`, and `vocab.txt`.
enum VocabularyFiles {
    /// A merge as files spell it: both tokens, and where the second begins.
    struct Merge {
        var tokens: [UInt8]
        var cut: Int
    }

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
        var pairs: [Merge] = []
        var line = 0
        for row in merges.split(separator: 10, omittingEmptySubsequences: false) {
            line += 1
            let row = row.last == 13 ? row.dropLast() : row
            if row.isEmpty || (line == 1 && row.starts(with: "#version".utf8)) { continue }
            let parts = row.split(separator: 0x20)
            guard parts.count == 2 else {
                throw .malformed("merges.txt line \(line): two tokens and a space are expected")
            }
            pairs.append(Merge(tokens: Array(parts[0]) + parts[1], cut: parts[0].count))
        }
        return try byteLevel(spelled, pairs)
    }

    /// Byte-level BPE with GPT-2's pattern from tokens in GPT-2's alphabet.
    static func byteLevel(
        _ spelled: Vocabulary, _ pairs: [Merge], pattern: WordPattern? = nil,
        preTokenizer: PreTokenizer? = nil, ignoresMerges: Bool = false, keeping kept: Set<UInt32> = []
    ) throws(TokenizerError) -> TokenizerParts {
        let raw = Vocabulary(
            spelled.tokens.enumerated().map { id, token in
                guard let token, !kept.contains(UInt32(id)) else { return nil }
                return ByteAlphabet.bytes(of: token.span)
            })
        let index = try raw.index()
        // Tokens that are kept as they are spelled are seldom part of a merge, so their index is seldom made.
        var spelling: Trie?
        var merges: [(left: UInt32, right: UInt32)] = []
        var results: [UInt32] = []
        merges.reserveCapacity(pairs.count)
        results.reserveCapacity(pairs.count)
        var bytes: [UInt8] = []
        for (rank, pair) in pairs.enumerated() {
            bytes.removeAll(keepingCapacity: true)
            var found: (left: UInt32, right: UInt32, result: UInt32)?
            if ByteAlphabet.append(pair.tokens.span.extracting(..<pair.cut), to: &bytes) {
                let cut = bytes.count
                if ByteAlphabet.append(pair.tokens.span.extracting(pair.cut...), to: &bytes) {
                    found = ids(of: bytes.span, cut: cut, in: index)
                }
            }
            if found == nil {
                if spelling == nil { spelling = try spelled.index() }
                found = spelling.flatMap { ids(of: pair.tokens.span, cut: pair.cut, in: $0) }
            }
            guard let (left, right, result) = found else {
                throw .malformed("merge \(rank + 1): a token of the merge is not in the vocabulary")
            }
            merges.append((left, right))
            results.append(result)
        }
        var options = BytePairModel.Options()
        options.ignoresMerges = ignoresMerges
        let model = try BytePairModel(
            vocabulary: raw, index: index, merges: merges, results: results, isByteLevel: true, options: options)
        var parts = TokenizerParts(model: .bytePair(model))
        parts.preTokenizer = preTokenizer ?? .byteLevel(addsPrefixSpace: false, usesPattern: true, mapsBytes: false)
        parts.decoder = .byteLevel
        if let id = spelled.tokens.firstIndex(of: Array("<|endoftext|>".utf8)).map({ UInt32($0) }) {
            parts.addedTokens = [AddedToken(id: id, content: "<|endoftext|>", isSpecial: true)]
            parts.special.end = id
        }
        return parts
    }

    /// BPE over characters from tokens as they are spelled.
    static func characterLevel(
        _ vocabulary: Vocabulary, _ pairs: [Merge], options: BytePairModel.Options
    ) throws(TokenizerError) -> BytePairModel {
        let index = try vocabulary.index()
        var merges: [(left: UInt32, right: UInt32)] = []
        var results: [UInt32] = []
        merges.reserveCapacity(pairs.count)
        results.reserveCapacity(pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let (left, right, result) = ids(of: pair.tokens.span, cut: pair.cut, in: index) else {
                throw .malformed("merge \(rank + 1): a token of the merge is not in the vocabulary")
            }
            merges.append((left, right))
            results.append(result)
        }
        return try BytePairModel(
            vocabulary: vocabulary, index: index, merges: merges, results: results, isByteLevel: false,
            options: options)
    }

    private static func ids(
        of pair: Span<UInt8>, cut: Int, in index: Trie
    ) -> (left: UInt32, right: UInt32, result: UInt32)? {
        guard let left = index.id(of: pair.extracting(..<cut)), let right = index.id(of: pair.extracting(cut...)),
            let result = index.id(of: pair)
        else { return nil }
        return (left, right, result)
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
