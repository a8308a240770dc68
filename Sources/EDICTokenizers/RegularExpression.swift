/// A regular expression of the kind tokenizers use: classes, properties, groups, greedy, lazy and possessive
/// quantifiers, look-around and (?i). No captures, no back-references.
///
/// Matching explores each pair of an instruction and a position a bounded number of times, so it is linear in the text.
struct RegularExpression: Sendable {
    /// Whose expression it is: the same characters may mean different things.
    enum Dialect: Sendable {
        /// Oniguruma's, of a tokenizer.json: `^` and `$` are the ends of lines, `(?m)` lets the dot match LF, and what
        /// follows a `(?i)` in its group is a group of its own.
        case oniguruma
        /// Rust's, of tiktoken: `^` and `$` are the ends of the text or, after `(?m)`, of lines, and `(?s)` lets the dot
        /// match LF.
        case rust
    }

    enum Instruction: Sendable {
        case character(CharacterSet)
        /// Tries the first target, then the second.
        case split(Int, Int)
        case jump(Int)
        /// Goes on at `next` if the instructions from here to an `accept` match (or do not), consuming nothing.
        case lookAhead(negated: Bool, next: Int)
        /// The same for a match that ends here and has so many characters.
        case lookBehind(negated: Bool, next: Int, characters: ClosedRange<Int>)
        /// Matches the instructions from here to an `accept` as if nothing followed, then goes on at `next`.
        case atomic(next: Int)
        case begin
        case end
        /// The beginning of a line; Oniguruma has none behind the text's last LF.
        case beginLine(alsoAtEnd: Bool)
        case endLine
        /// The end, or before the LF that ends the text.
        case endBeforeLine
        case wordBoundary(WordCharacters, negated: Bool)
        case accept
    }

    let source: String
    let dialect: Dialect
    /// The expression as Oniguruma has it; nil where that is not known.
    let onigurumaSource: String?
    let program: [Instruction]
    /// For each instruction, its row in the table of what was tried; -1 for those with one way on.
    let rows: [Int]
    /// For each instruction, how many rows are before it; one more at the end.
    let rowsBefore: [Int]

    init(_ source: String, _ dialect: Dialect) throws(TokenizerError) {
        self.source = source
        self.dialect = dialect
        var compiler = RegularExpressionCompiler(source, dialect)
        program = try compiler.compile()
        switch dialect {
        case .oniguruma: onigurumaSource = source
        case .rust:
            // What Oniguruma would not have is refused there.
            onigurumaSource = compiler.translation.flatMap { (try? RegularExpression($0, .oniguruma))?.source }
        }
        var rows: [Int] = []
        var before = [0]
        for instruction in program {
            let hasRow =
                switch instruction {
                case .split, .lookAhead, .lookBehind, .atomic: true
                default: false
                }
            rows.append(hasRow ? before[rows.count] : -1)
            before.append(before[rows.count - 1] + (hasRow ? 1 : 0))
        }
        self.rows = rows
        rowsBefore = before
    }

    /// The matches, leftmost first, none overlapping another. An empty one is among them unless the one before it ends
    /// there.
    func matches(in text: [UInt8]) -> [Range<Int>] {
        var matcher = RegularExpressionMatcher(self, count: text.count)
        return matcher.matches(in: text.span)
    }
}
