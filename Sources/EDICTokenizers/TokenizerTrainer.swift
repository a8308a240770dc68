internal import EDICJSON
public import EDICNumerics
public import SystemPackage

/// Learns a tokenizer from text, the same one for any number of threads.
///
/// ```swift
/// var trainer = try TokenizerTrainer(.init(model: .byteLevelBPE, vocabularySize: 32_000))
/// for (text, language) in corpus { try trainer.add(text, language: language) }
/// let tokenizer = try trainer.finish()
/// ```
///
/// Memory grows with the number of distinct words, not with the text; while text is counted,
/// ``Configuration/memoryLimit`` bounds it. Time is linear in the text; learning merges or pieces then takes time in
/// proportion to the distinct words' characters.
public struct TokenizerTrainer: ~Copyable {
    /// What is learnt.
    public enum Model: Sendable, Equatable {
        /// Byte-level BPE over the words of GPT-2's pattern, as the trainer of tokenizers learns it from a file.
        case byteLevelBPE
        /// SentencePiece BPE: characters merge within words that begin with ▁.
        case sentencePieceBPE(byteFallback: Bool)
        /// Unigram (Kudo 2018) as sentencepiece learns it: pieces of characters with probabilities.
        case unigram(byteFallback: Bool)
    }

    /// What is learnt, and how.
    public struct Configuration: Sendable {
        /// What is learnt.
        public var model: Model
        /// How many tokens the tokenizer has at most, special ones included.
        public var vocabularySize: Int
        /// The tokens with the first ids. SentencePiece models begin with `<unk>`, `<s>`, `</s>` in any case.
        public var specialTokens: [String] = []
        /// BPE: a pair that occurs less often is not merged.
        public var minimumCount = 2
        /// The exponent that evens out languages: 1 takes the text as it is, 0 counts each language alike.
        public var temperature = 1.0
        /// Holds back some text of each language, and learns the tokenizer whose costs are most even on it; see
        /// ``TokenizerTrainer/finishBalanced(rounds:progress:)``.
        public var isBalanced = false
        /// SentencePiece: the share of all characters that must be pieces of their own.
        public var characterCoverage = 0.9995
        /// SentencePiece: the longest piece, in characters.
        public var longestPiece = 16
        /// Unigram: how many substrings to begin with.
        public var seedPieces = 1_000_000
        /// Unigram: how much of its pieces each round of pruning keeps.
        public var shrinkingFactor = 0.75
        /// How many bytes of memory counting words may take; nil: as many as it takes. Beyond it, sorted words go to
        /// files in ``temporaryFolder``. The tokenizer is the same. Learning needs the distinct words in memory and is
        /// not bounded.
        public var memoryLimit: Int?
        /// Where words go that memory has no room for.
        public var temporaryFolder: FilePath = "/tmp"

        public init(model: Model, vocabularySize: Int) {
            self.model = model
            self.vocabularySize = vocabularySize
        }
    }

    /// How far training is.
    public enum Progress: Sendable, Equatable {
        /// So many of the tokens are learnt.
        case tokens(Int, of: Int)
        /// Unigram: so many pieces are left.
        case pieces(Int)
        /// Balancing: this round begins.
        case round(Int)
    }

    let configuration: Configuration
    let pool: WorkerPool
    private let store: WordStore
    private var bytes: [String: UInt64] = [:]
    private var samples = LanguageSamples()

    /// - Throws: `invalidArgument` where the configuration is out of range.
    public init(_ configuration: Configuration, pool: WorkerPool = .shared) throws(TokenizerError) {
        try configuration.check()
        self.configuration = configuration
        self.pool = pool
        store = WordStore(
            configuration.model == .byteLevelBPE ? .words(.gpt2) : .runs, pool: pool,
            memoryLimit: configuration.memoryLimit, folder: configuration.temporaryFolder)
    }

    /// Counts the words of a text.
    public mutating func add(_ text: String, language: String = "und") throws(TokenizerError) {
        try add(text.utf8Span.span, language: language)
    }

    /// Counts the words of UTF-8 bytes. Many lines at once are counted by all workers; each line is a text of its own.
    public mutating func add(_ text: Span<UInt8>, language: String = "und") throws(TokenizerError) {
        bytes[language, default: 0] += UInt64(text.count)
        // Without weights there is no need to know which word is of which language.
        let key = configuration.temperature == 1 && !configuration.isBalanced ? "" : language
        guard configuration.isBalanced else {
            try store.add(text, language: key)
            return
        }
        let rest = samples.take(from: text, language: language)
        try store.add(rest.span, language: key)
    }

    /// How many times words went to disk because memory was short.
    public var spills: Int { store.spills }

    /// Learns the tokenizer from what was counted.
    ///
    /// - Parameter progress: called now and then; training stops with an error of the code `interrupted` when it returns
    ///   false.
    public consuming func finish(progress: (Progress) -> Bool = { _ in true }) throws(TokenizerError) -> Tokenizer {
        try withoutActuallyEscaping(progress) { progress throws(TokenizerError) in
            try learn(weights: [:], progress: progress)
        }
    }

    /// Learns the tokenizer that costs all languages most alike, in tokens a word, and says what it costs them before and
    /// after.
    ///
    /// Each round gives dear languages more weight and cheap ones less; the round of the least ratio of dearest to
    /// cheapest wins. Costs are measured on text that was held back: some lines of each language, up to 256 KiB.
    ///
    /// - Throws: `invalidArgument` unless ``Configuration/isBalanced`` is set and there are two languages.
    public consuming func finishBalanced(
        rounds: Int = 4, progress: (Progress) -> Bool = { _ in true }
    ) throws(TokenizerError) -> BalancedTokenizer {
        guard configuration.isBalanced, bytes.count > 1 else {
            throw TokenizerError(
                .invalidArgument, "balancing needs text in two languages or more, each added with its language")
        }
        return try withoutActuallyEscaping(progress) { progress throws(TokenizerError) in
            try balance(rounds: rounds, progress: progress)
        }
    }

    private func balance(
        rounds: Int, progress: @escaping (Progress) -> Bool
    ) throws(TokenizerError) -> BalancedTokenizer {
        let texts = samples.texts
        var weights: [String: Double] = [:]
        var result: BalancedTokenizer?
        for round in 0...max(rounds, 1) {
            guard progress(.round(round)) else { throw .interrupted }
            let tokenizer = try learn(weights: weights, progress: progress)
            let report = FertilityReport(tokenizer, texts: texts, pool: pool)
            if let best = result {
                if report.inequality < best.after.inequality {
                    result = BalancedTokenizer(
                        tokenizer: tokenizer, before: best.before, after: report, weights: weights)
                }
            } else {
                result = BalancedTokenizer(tokenizer: tokenizer, before: report, after: report, weights: [:])
            }
            weights = Self.rebalanced(weights, report)
        }
        guard let result else { throw TokenizerError.interrupted }
        return result
    }

    /// Weights for the next round: those of this one, times what each language pays over the mean, squared and more.
    private static func rebalanced(_ weights: [String: Double], _ report: FertilityReport) -> [String: Double] {
        let rows = report.rows.filter { $0.tokensPerWord > 0 }
        let mean = rows.reduce(0) { $0 + $1.tokensPerWord } / Double(max(rows.count, 1))
        var next = weights
        for row in rows {
            let weight = (weights[row.language] ?? 1) * power(row.tokensPerWord / mean, 3)
            next[row.language] = min(max(weight, 1e-3), 1e3)
        }
        return next
    }

    /// Learns a tokenizer with a factor for each language beside its temperature.
    private func learn(
        weights: [String: Double], progress: @escaping (Progress) -> Bool
    ) throws(TokenizerError) -> Tokenizer {
        let needsOrder = if case .unigram = configuration.model { true } else { false }
        let words = try store.words(fixedWeights(weights), sorted: needsOrder)
        let learning = TokenizerLearning(configuration: configuration, pool: pool, progress: progress)
        switch configuration.model {
        case .byteLevelBPE: return try learning.byteLevel(words)
        case .sentencePieceBPE(let byteFallback): return try learning.mergedPieces(words, byteFallback: byteFallback)
        case .unigram(let byteFallback): return try learning.likelyPieces(words, byteFallback: byteFallback)
        }
    }

    /// Each language's weight in 2^-20: its share to the power of the temperature over its share, times its factor.
    /// Whole numbers, so that sums do not depend on the order of languages.
    private func fixedWeights(_ factors: [String: Double]) -> [String: UInt64] {
        if configuration.temperature == 1, factors.isEmpty { return [:] }
        let total = bytes.values.reduce(0, +)
        let shares = bytes.mapValues { Double($0) / Double(max(total, 1)) }
        let norm = shares.values.sorted().reduce(0) { $0 + ($1 > 0 ? power($1, configuration.temperature) : 0) }
        var weights: [String: UInt64] = [:]
        for (language, share) in shares where share > 0 {
            let weight = power(share, configuration.temperature) / norm / share * (factors[language] ?? 1)
            weights[language] = UInt64(max((weight * Double(WordStore.unit)).rounded(), 1))
        }
        return weights
    }
}

extension TokenizerTrainer.Configuration {
    fileprivate func check() throws(TokenizerError) {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(TokenizerError) {
            if !holds { throw TokenizerError(.invalidArgument, message()) }
        }
        try require(
            (1..<1 << 24).contains(vocabularySize), "vocabulary size \(vocabularySize) is not between 1 and 16777215")
        try require(temperature >= 0 && temperature <= 1, "temperature \(temperature) is not between 0 and 1")
        try require(
            characterCoverage > 0 && characterCoverage <= 1,
            "character coverage \(characterCoverage) is not above 0 and up to 1")
        try require(
            (1...128).contains(longestPiece), "longest piece \(longestPiece) is not between 1 and 128 characters")
        try require(
            shrinkingFactor > 0 && shrinkingFactor < 1, "shrinking factor \(shrinkingFactor) is not between 0 and 1")
        try require((1..<1 << 24).contains(seedPieces), "\(seedPieces) seed pieces are not between 1 and 16777215")
        if let memoryLimit {
            try require(memoryLimit >= 1 << 20, "a memory limit of \(memoryLimit) bytes is less than 1 MiB")
        }
    }
}

/// A tokenizer that was trained to cost languages alike, and what it costs them.
public struct BalancedTokenizer: Sendable {
    /// The tokenizer.
    public let tokenizer: Tokenizer
    /// What the tokenizer without balancing costs.
    public let before: FertilityReport
    /// What ``tokenizer`` costs.
    public let after: FertilityReport
    /// The factor each language's text counted with, beside the temperature; none where balancing did not help.
    public let weights: [String: Double]
}

/// Some lines of each language, for measuring.
struct LanguageSamples {
    private var samples: [String: [UInt8]] = [:]
    private var lines: [String: Int] = [:]

    private static let most = 256 << 10
    private static let every = 32

    var texts: [String: String] { samples.mapValues(\.decodedText) }

    /// Takes every thirty-second line while there is room; returns the rest.
    mutating func take(from text: Span<UInt8>, language: String) -> [UInt8] {
        var sample = samples[language] ?? []
        var line = lines[language] ?? 0
        var rest: [UInt8] = []
        rest.reserveCapacity(text.count)
        var start = 0
        for at in 0..<text.count where text[at] == 0x0A || at == text.count - 1 {
            let bytes = text.extracting(start..<at + 1)
            start = at + 1
            line += 1
            let isTaken = line % Self.every == 0 && sample.count < Self.most
            if isTaken { sample.append(copying: bytes) } else { rest.append(copying: bytes) }
        }
        samples[language] = sample
        lines[language] = line
        return rest
    }
}
