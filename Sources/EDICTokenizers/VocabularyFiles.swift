internal import EDICJSON

/// The older pairs of files: `vocab.json` with `merges.txt`, and `vocab.txt`.
enum VocabularyFiles {
    /// Merges as files spell them: the first token, a byte that is a space, the second one.
    struct Merges {
        /// By rank.
        private(set) var lines = Vocabulary()
        /// How long the first tokens are.
        private(set) var cuts: [UInt32] = []

        var count: Int { cuts.count }

        /// Takes lines, finding the cut of each.
        ///
        /// - Parameter cut: the place of the space in a line.
        init(_ lines: Vocabulary, cut: (Int, Span<UInt8>) throws(TokenizerError) -> Int) throws(TokenizerError) {
            self.lines = lines
            cuts.reserveCapacity(lines.count)
            for rank in 0..<lines.count {
                guard let range = lines.range(of: UInt32(rank)) else { continue }
                cuts.append(UInt32(try cut(rank, lines.bytes.span.extracting(range))))
            }
        }

        /// Where among the lines' bytes the two tokens of a merge are.
        func ranges(_ rank: Int) -> (left: Range<Int>, right: Range<Int>) {
            let range = lines.range(of: UInt32(rank)) ?? 0..<0
            let cut = range.lowerBound + Int(cuts[rank])
            return (range.lowerBound..<cut, cut + 1..<range.upperBound)
        }
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
            try spelled.set(key, id: id)
        }
        var pairs = Vocabulary()
        var line = 0
        for row in merges.split(separator: 10, omittingEmptySubsequences: false) {
            line += 1
            let row = row.last == 13 ? row.dropLast() : row
            if row.isEmpty || (line == 1 && row.starts(with: "#version".utf8)) { continue }
            let parts = row.split(separator: 0x20)
            guard parts.count == 2 else {
                throw .malformed("merges.txt line \(line): two tokens and a space are expected")
            }
            let merge = parts[0] + [0x20] + parts[1]
            pairs.append(merge.span)
        }
        let merges = try Merges(pairs) { _, line in line.indices.first { line[$0] == 0x20 } ?? 0 }
        return try byteLevel(spelled, merges)
    }

    /// Byte-level BPE with GPT-2's pattern from tokens in GPT-2's alphabet.
    static func byteLevel(
        _ spelled: Vocabulary, _ pairs: Merges, pattern: WordPattern? = nil,
        preTokenizer: PreTokenizer? = nil, ignoresMerges: Bool = false, keeping kept: Set<UInt32> = []
    ) throws(TokenizerError) -> TokenizerParts {
        let raw = spelled.bytesOfAlphabet(keeping: kept)
        let index = try raw.index()
        // Tokens that are kept as they are spelled are seldom part of a merge, so their index is seldom made.
        var spelling: TokenIndex?
        var bytes: [UInt8] = []
        let lines = pairs.lines.bytes
        let merges = try numbered(pairs) { left, right throws(TokenizerError) in
            bytes.removeAll(keepingCapacity: true)
            if ByteAlphabet.append(lines.span.extracting(left), to: &bytes) {
                let cut = bytes.count
                if ByteAlphabet.append(lines.span.extracting(right), to: &bytes),
                    let found = ids(of: bytes.span, cut: cut, in: index)
                {
                    return found
                }
            }
            if spelling == nil { spelling = try spelled.index() }
            let both = lines[left] + lines[right]
            return spelling.flatMap { ids(of: both.span, cut: left.count, in: $0) }
        }
        var options = BytePairModel.Options()
        options.ignoresMerges = ignoresMerges
        let model = try BytePairModel(
            vocabulary: raw, index: index, merges: merges.map { ($0.left, $0.right) }, results: merges.map(\.result),
            isByteLevel: true, options: options)
        var parts = TokenizerParts(model: .bytePair(model))
        parts.preTokenizer = preTokenizer ?? .byteLevel(addsPrefixSpace: false, usesPattern: true, mapsBytes: false)
        parts.decoder = .byteLevel
        if let id = spelled.first(Array("<|endoftext|>".utf8)) {
            parts.addedTokens = [AddedToken(id: id, content: "<|endoftext|>", isSpecial: true)]
            parts.special.end = id
        }
        return parts
    }

    /// BPE over characters from tokens as they are spelled.
    static func characterLevel(
        _ vocabulary: Vocabulary, _ pairs: Merges, options: BytePairModel.Options
    ) throws(TokenizerError) -> BytePairModel {
        let index = try vocabulary.index()
        let lines = pairs.lines.bytes
        let merges = try numbered(pairs) { left, right in
            let both = lines[left] + lines[right]
            return ids(of: both.span, cut: left.count, in: index)
        }
        return try BytePairModel(
            vocabulary: vocabulary, index: index, merges: merges.map { ($0.left, $0.right) },
            results: merges.map(\.result), isByteLevel: false, options: options)
    }

    private typealias NumberedMerge = (left: UInt32, right: UInt32, result: UInt32)

    /// The merges as token ids.
    private static func numbered(
        _ pairs: Merges, _ ids: (_ left: Range<Int>, _ right: Range<Int>) throws(TokenizerError) -> NumberedMerge?
    ) throws(TokenizerError) -> [NumberedMerge] {
        var merges: [NumberedMerge] = []
        merges.reserveCapacity(pairs.count)
        for rank in 0..<pairs.count {
            let (left, right) = pairs.ranges(rank)
            guard let merge = try ids(left, right) else {
                throw .malformed("merge \(rank + 1): a token of the merge is not in the vocabulary")
            }
            merges.append(merge)
        }
        return merges
    }

    private static func ids(
        of pair: Span<UInt8>, cut: Int, in index: TokenIndex
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
            try vocabulary.set(row.span, id: id)
        }
        let index = try vocabulary.index()
        func id(_ token: String) -> UInt32? { index.id(of: Array(token.utf8).span) }
        guard let unknown = id("[UNK]") else { throw .malformed("vocab.txt has no [UNK]") }
        // Uncased vocabularies have no token with a capital letter outside brackets.
        let isCased = (0..<UInt32(vocabulary.count)).contains { id in
            guard let range = vocabulary.range(of: id), vocabulary.bytes[range].first != UInt8(ascii: "[") else {
                return false
            }
            return vocabulary.bytes[range].contains { (0x41...0x5A).contains($0) }
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
