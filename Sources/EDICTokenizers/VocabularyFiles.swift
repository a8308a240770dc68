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
        var bytes: [UInt8] = []
        let merges = try numbered(pairs) { pair throws(TokenizerError) in
            bytes.removeAll(keepingCapacity: true)
            if ByteAlphabet.append(pair.tokens.span.extracting(..<pair.cut), to: &bytes) {
                let cut = bytes.count
                if ByteAlphabet.append(pair.tokens.span.extracting(pair.cut...), to: &bytes),
                    let found = ids(of: bytes.span, cut: cut, in: index)
                {
                    return found
                }
            }
            if spelling == nil { spelling = try spelled.index() }
            return spelling.flatMap { ids(of: pair.tokens.span, cut: pair.cut, in: $0) }
        }
        var options = BytePairModel.Options()
        options.ignoresMerges = ignoresMerges
        let model = try BytePairModel(
            vocabulary: raw, index: index, merges: merges.map { ($0.left, $0.right) }, results: merges.map(\.result),
            isByteLevel: true, options: options)
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
        let merges = try numbered(pairs) { ids(of: $0.tokens.span, cut: $0.cut, in: index) }
        return try BytePairModel(
            vocabulary: vocabulary, index: index, merges: merges.map { ($0.left, $0.right) },
            results: merges.map(\.result), isByteLevel: false, options: options)
    }

    private typealias NumberedMerge = (left: UInt32, right: UInt32, result: UInt32)

    /// The merges as token ids.
    private static func numbered(
        _ pairs: [Merge], _ ids: (Merge) throws(TokenizerError) -> NumberedMerge?
    ) throws(TokenizerError) -> [NumberedMerge] {
        var merges: [NumberedMerge] = []
        merges.reserveCapacity(pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let merge = try ids(pair) else {
                throw .malformed("merge \(rank + 1): a token of the merge is not in the vocabulary")
            }
            merges.append(merge)
        }
        return merges
    }

    private static func ids(
        of pair: Span<UInt8>, cut: Int, in index: Trie
    ) -> NumberedMerge? {
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
