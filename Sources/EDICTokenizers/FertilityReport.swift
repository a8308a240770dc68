public import EDICNumerics

/// What a tokenizer costs each language: tokens a word and bytes a token.
public struct FertilityReport: Sendable {
    /// What a tokenizer costs one language.
    public struct Row: Sendable {
        /// The language, as it was given.
        public let language: String
        /// Words of the text.
        public let words: Int
        /// Bytes of its UTF-8.
        public let bytes: Int
        /// Tokens that it takes.
        public let tokens: Int
        /// 0 without words.
        public var tokensPerWord: Double { words > 0 ? Double(tokens) / Double(words) : 0 }
        /// 0 without tokens.
        public var bytesPerToken: Double { tokens > 0 ? Double(bytes) / Double(tokens) : 0 }
    }

    /// In the order of the languages' names.
    public private(set) var rows: [Row] = []

    /// Measures a tokenizer on a text in each language.
    public init(_ tokenizer: Tokenizer, texts: [String: String], pool: WorkerPool = .shared) {
        let sorted = texts.sorted { $0.key < $1.key }
        rows = pool.map(count: sorted.count) { index, _ in
            let (language, text) = sorted[index]
            let words = WordPattern.nonspace.words(in: Array(text.utf8)).count
            let tokens = tokenizer.countTokens(text, addingSpecialTokens: false, specialTokens: .ordinaryText)
            return Row(language: language, words: words, bytes: text.utf8.count, tokens: tokens)
        }
    }

    /// The most expensive language's tokens per word over the cheapest's; 1 is even.
    public var inequality: Double {
        let costs = rows.map(\.tokensPerWord).filter { $0 > 0 }
        guard let least = costs.min(), let most = costs.max() else { return 1 }
        return most / least
    }

    /// The Gini coefficient of tokens per word over languages: 0 is even.
    public var gini: Double {
        let costs = rows.map(\.tokensPerWord).sorted()
        let total = costs.reduce(0, +)
        guard total > 0 else { return 0 }
        let weighted = costs.enumerated().reduce(0.0) { $0 + Double($1.offset + 1) * $1.element }
        return 2 * weighted / (Double(costs.count) * total) - Double(costs.count + 1) / Double(costs.count)
    }
}
