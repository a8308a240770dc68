internal import EDICJSON

/// Whether two tokenizers give the same ids for a text, line by line.
public struct TokenizerComparison: Sendable {
    /// A line that gets other ids.
    public struct Difference: Sendable, Equatable {
        /// Counted from 1.
        public let line: Int
        /// The line.
        public let text: String
        /// Where in the lists of ids the first difference is.
        public let position: Int
        /// The ids of the first tokenizer.
        public let first: [UInt32]
        /// The ids of the second.
        public let second: [UInt32]
    }

    /// Lines that were compared.
    public private(set) var lines = 0
    /// Those of them that get other ids.
    public private(set) var differingLines = 0
    /// The first differences, at most as many as were asked for.
    public private(set) var differences: [Difference] = []

    /// Whether all lines get the same ids.
    public var areEqual: Bool { differingLines == 0 }

    /// Encodes every line with both, without special tokens around it.
    public init(_ first: Tokenizer, _ second: Tokenizer, text: Span<UInt8>, keeping most: Int = 10) {
        var start = 0
        for at in 0...text.count where at == text.count || text[at] == 0x0A {
            if at == text.count, at == start { break }
            let line = text.extracting(start..<at)
            start = at + 1
            lines += 1
            let one = first.encode(line, addingSpecialTokens: false, specialTokens: .ordinaryText)
            let other = second.encode(line, addingSpecialTokens: false, specialTokens: .ordinaryText)
            guard one != other else { continue }
            differingLines += 1
            guard differences.count < most else { continue }
            let position = zip(one, other).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            differences.append(
                Difference(
                    line: lines, text: [UInt8](copying: line).decodedText,
                    position: position ?? min(one.count, other.count), first: one,
                    second: other))
        }
    }
}
