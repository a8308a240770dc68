public import EDICNumerics

/// Learns a tokenizer from text, the same one for any number of threads.
///
/// ```swift
/// var trainer = try TokenizerTrainer(.init(model: .byteLevelBPE, vocabularySize: 32_000))
/// for (text, language) in corpus { try trainer.add(text, language: language) }
/// let tokenizer = try trainer.finish()
/// ```
///
/// Memory grows with the number of distinct words, not with the text.
public struct TokenizerTrainer: ~Copyable {
    public enum Model: Sendable, Equatable {
        /// Byte-level BPE over the words of GPT-2's pattern, as the trainer of tokenizers learns it.
        case byteLevelBPE
        /// SentencePiece BPE: characters merge within words that begin with ▁.
        case sentencePieceBPE(byteFallback: Bool)
    }

    public struct Configuration: Sendable {
        public var model: Model
        public var vocabularySize: Int
        /// The tokens with the first ids. SentencePiece models begin with `<unk>`, `<s>`, `</s>` in any case.
        public var specialTokens: [String] = []
        /// A pair that occurs less often is not merged.
        public var minimumCount = 2
        /// The exponent that evens out languages: 1 takes the text as it is, 0 counts each language alike.
        public var temperature = 1.0
        /// SentencePiece: the share of all characters that must be pieces of their own.
        public var characterCoverage = 0.9995
        /// SentencePiece: the longest piece, in characters.
        public var longestPiece = 16

        public init(model: Model, vocabularySize: Int) {
            self.model = model
            self.vocabularySize = vocabularySize
        }
    }

    private let configuration: Configuration
    private let pool: WorkerPool
    private let pattern: WordPattern
    private let separators: [UInt8]
    /// For each language, a table for each worker.
    private var languages: [String: [WordCounts]] = [:]
    private var bytes: [String: UInt64] = [:]

    public init(_ configuration: Configuration, pool: WorkerPool = .shared) throws(TokenizerError) {
        guard (1..<1 << 24).contains(configuration.vocabularySize) else {
            throw TokenizerError(
                .invalidArgument, "vocabulary size \(configuration.vocabularySize) is not between 1 and 16777215")
        }
        guard configuration.temperature >= 0, configuration.temperature <= 1 else {
            throw TokenizerError(.invalidArgument, "temperature \(configuration.temperature) is not between 0 and 1")
        }
        guard configuration.characterCoverage > 0, configuration.characterCoverage <= 1 else {
            throw TokenizerError(
                .invalidArgument, "character coverage \(configuration.characterCoverage) is not above 0 and up to 1")
        }
        self.configuration = configuration
        self.pool = pool
        var separators = [UInt8](repeating: 0, count: 256)
        for byte in [0x09, 0x0A, 0x0D, 0x20] { separators[byte] = 1 }
        self.separators = separators
        pattern = configuration.model == .byteLevelBPE ? .gpt2 : WordPattern(family: .chunks)
    }

    /// Counts the words of a text.
    public mutating func add(_ text: String, language: String = "und") throws(TokenizerError) {
        try add(text.utf8Span.span, language: language)
    }

    /// Counts the words of UTF-8 bytes. Many lines at once are counted by all workers; each line is a text of its own.
    public mutating func add(_ text: Span<UInt8>, language: String = "und") throws(TokenizerError) {
        var tables = languages[language] ?? []
        while tables.count < pool.workers { tables.append(try WordCounts()) }
        languages[language] = tables
        bytes[language, default: 0] += UInt64(text.count)
        let ranges = Self.blocks(text, size: 1 << 18)
        let pattern = pattern
        let separators = separators
        let counted = tables
        if ranges.count <= 1 || pool.workers == 1 {
            for range in ranges { try Self.count(text.extracting(range), counted[0], pattern, separators) }
            return
        }
        let copy = unsafe text.withUnsafeBufferPointer { unsafe Array($0) }
        try pool.forEach(count: ranges.count) { index, worker throws(TokenizerError) in
            try Self.count(copy.span.extracting(ranges[index]), counted[worker], pattern, separators)
        }
    }

    /// Cuts after line ends, so that no word is cut.
    private static func blocks(_ text: Span<UInt8>, size: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < text.count {
            var end = min(start + size, text.count)
            while end < text.count, text[end - 1] != 0x0A { end += 1 }
            ranges.append(start..<end)
            start = end
        }
        return ranges
    }

    /// Counts line by line: the end of a line belongs to no word.
    private static func count(
        _ text: Span<UInt8>, _ table: WordCounts, _ pattern: WordPattern, _ separators: [UInt8]
    ) throws(TokenizerError) {
        var start = 0
        for at in text.indices where text[at] == 0x0A {
            if at > start { try table.add(text.extracting(start..<at), pattern, separators: separators) }
            start = at + 1
        }
        if start < text.count { try table.add(text.extracting(start..<text.count), pattern, separators: separators) }
    }

    /// Learns the tokenizer from what was counted.
    public consuming func finish() throws(TokenizerError) -> Tokenizer {
        let words = try weighted()
        switch configuration.model {
        case .byteLevelBPE: return try byteLevel(words)
        case .sentencePieceBPE(let byteFallback): return try sentencePiece(words, byteFallback: byteFallback)
        }
    }

    /// All languages' counts in one table, each language weighted by its share to the power of the temperature.
    private func weighted() throws(TokenizerError) -> WordCounts {
        let all = try WordCounts()
        let total = bytes.values.reduce(0, +)
        // Weights are fixed-point, so that sums do not depend on the order of languages.
        let shares = bytes.mapValues { Double($0) / Double(max(total, 1)) }
        let norm = shares.values.sorted().reduce(0) { $0 + power($1, configuration.temperature) }
        for language in languages.keys.sorted() {
            let share = shares[language] ?? 0
            let weight = share > 0 ? power(share, configuration.temperature) / norm / share : 1
            let fixed = configuration.temperature == 1 ? 1 << 20 : UInt64((weight * Double(1 << 20)).rounded())
            // Workers' tables share words: add them up before weighting, which rounds.
            let sum = try WordCounts()
            for table in languages[language] ?? [] {
                try table.forEachSorted { word, count throws(TokenizerError) in
                    try sum.add(copyBytes(word), count: count)
                }
            }
            try sum.forEachSorted { word, count throws(TokenizerError) in
                let scaled = count.multipliedFullWidth(by: fixed)
                let value = scaled.high << 44 | scaled.low >> 20
                if value > 0 { try all.add(copyBytes(word), count: value) }
            }
        }
        return all
    }

    // MARK: Byte level

    private func byteLevel(_ words: WordCounts) throws(TokenizerError) -> Tokenizer {
        // Ids as tokenizers gives them: special tokens, the alphabet in the order of its characters, the merges.
        var tokens: [[UInt8]] = configuration.specialTokens.map { Array($0.utf8) }
        var byteIDs = [UInt32](repeating: 0, count: 256)
        for byte in (0..<256).sorted(by: { ByteAlphabet.scalars[$0].value < ByteAlphabet.scalars[$1].value }) {
            byteIDs[byte] = UInt32(tokens.count)
            tokens.append([UInt8(byte)])
        }
        let names = TokenNames(tokens, from: configuration.specialTokens.count)
        var corpus = SymbolCorpus()
        try words.forEachSorted { word, count throws(TokenizerError) in
            for index in word.indices { corpus.symbols.append(byteIDs[Int(word[index])]) }
            corpus.endWord(count: count)
        }
        let most = max(0, configuration.vocabularySize - tokens.count)
        let limit = configuration.vocabularySize
        let merges = try learnMerges(
            &corpus.symbols, offsets: corpus.offsets, counts: corpus.counts,
            leastCount: UInt64(max(1, configuration.minimumCount)), most: most
        ) { left, right in names.join(left, right, limit: limit) }
        let special = configuration.specialTokens.count
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

    private func sentencePiece(_ words: WordCounts, byteFallback: Bool) throws(TokenizerError) -> Tokenizer {
        var file = SentencePieceFile()
        file.kind = .bpe
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
        let characters = try requiredCharacters(words)
        let most = configuration.vocabularySize - file.pieces.count - characters.count
        guard most >= 0 else {
            throw TokenizerError(
                .invalidArgument,
                "vocabulary size \(configuration.vocabularySize) is too small: \(file.pieces.count) special pieces and "
                    + "\(characters.count) characters are needed; raise it or lower the character coverage")
        }
        // Symbols: characters first, then results.
        var ids: [UInt32: UInt32] = [:]
        var tokens: [[UInt8]] = []
        for scalar in characters {
            ids[scalar] = UInt32(tokens.count)
            var bytes: [UInt8] = []
            if let scalar = Unicode.Scalar(scalar) { bytes.append(scalar) }
            tokens.append(bytes)
        }
        let names = TokenNames(tokens, from: 0)
        var corpus = SymbolCorpus()
        let space = ids[0x2581]
        try words.forEachSorted { word, count throws(TokenizerError) in
            if let space { corpus.symbols.append(space) }
            var at = 0
            while at < word.count {
                let (scalar, length) = decodeScalar(word, at)
                if let id = ids[scalar.value] {
                    corpus.symbols.append(id)
                } else {
                    corpus.endWord(count: count)  // nothing merges across a character that is no piece
                }
                at += length
            }
            corpus.endWord(count: count)
        }
        let longest = configuration.longestPiece
        let merges = try learnMerges(
            &corpus.symbols, offsets: corpus.offsets, counts: corpus.counts,
            leastCount: UInt64(max(1, configuration.minimumCount)), most: most
        ) { left, right in names.join(left, right, limit: .max, longest: longest) }
        let base = file.pieces.count
        for merge in merges where Int(merge.result) - characters.count == file.pieces.count - base {
            file.pieces.append(
                SentencePiece(
                    bytes: names.tokens[Int(merge.result)], score: -Double(file.pieces.count - base), kind: .normal))
        }
        for index in characters.indices {
            file.pieces.append(
                SentencePiece(bytes: tokens[index], score: -Double(file.pieces.count - base), kind: .normal))
        }
        return try Tokenizer(file.parts())
    }

    /// The most frequent characters that cover the share asked for, the most frequent first; ▁ always.
    private func requiredCharacters(_ words: WordCounts) throws(TokenizerError) -> [UInt32] {
        var counts: [UInt32: UInt64] = [:]
        try words.forEachSorted { word, count throws(TokenizerError) in
            counts[0x2581, default: 0] += count
            var at = 0
            while at < word.count {
                let (scalar, length) = decodeScalar(word, at)
                if !(length == 1 && scalar == "\u{FFFD}"), scalar.value != 0 {
                    counts[scalar.value, default: 0] += count
                }
                at += length
            }
        }
        let total = Double(counts.values.reduce(0, +))
        var covered = 0.0
        var chosen: [UInt32] = []
        for (scalar, count) in counts.sorted(by: { ($0.value, $1.key) > ($1.value, $0.key) }) {
            if covered >= total * configuration.characterCoverage, scalar != 0x2581 { continue }
            chosen.append(scalar)
            covered += Double(count)
        }
        return chosen
    }

    private func copyBytes(_ word: Span<UInt8>) -> [UInt8] { unsafe word.withUnsafeBufferPointer { unsafe Array($0) } }
}

/// The words to learn from, as symbols in a row.
private struct SymbolCorpus {
    var symbols: [UInt32] = []
    var offsets: [UInt64] = [0]
    var counts: [UInt64] = []

    mutating func endWord(count: UInt64) {
        guard UInt64(symbols.count) > offsets[offsets.count - 1] else { return }
        offsets.append(UInt64(symbols.count))
        counts.append(count)
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
