/// A regular expression of the kind tokenizers use: classes, properties, groups, greedy, lazy and possessive
/// quantifiers, look-around and (?i). No captures, no back-references.
///
/// Matching explores each pair of an instruction and a position at most once, so it is linear in the text.
struct RegularExpression: Sendable {
    enum Instruction: Sendable {
        case character(CharacterSet)
        /// Tries the first target, then the second.
        case split(Int, Int)
        case jump(Int)
        /// Goes on at `next` if the instructions from here to an `accept` match (or do not), consuming nothing.
        case look(ahead: Bool, negated: Bool, next: Int)
        /// Matches the instructions from here to an `accept` as if nothing followed, then goes on at `next`.
        case atomic(next: Int)
        case begin
        case end
        case wordBoundary(negated: Bool)
        case accept
    }

    let source: String
    let program: [Instruction]
    /// For each instruction, its row in the table of what was tried; -1 for those with one way on.
    let rows: [Int]
    let rowCount: Int

    init(_ source: String) throws(TokenizerError) {
        self.source = source
        var compiler = RegularExpressionCompiler(source)
        program = try compiler.compile()
        var rows: [Int] = []
        var count = 0
        for instruction in program {
            switch instruction {
            case .split, .look, .atomic:
                rows.append(count)
                count += 1
            default: rows.append(-1)
            }
        }
        self.rows = rows
        rowCount = count
    }

    /// The matches, leftmost first, none overlapping another; empty matches are left out.
    func matches(in text: [UInt8]) -> [Range<Int>] {
        var matcher = RegularExpressionMatcher(self, count: text.count)
        var found: [Range<Int>] = []
        var at = 0
        while at < text.count {
            if let end = matcher.match(text.span, from: 0, at: at), end > at {
                found.append(at..<end)
                at = end
            } else {
                at += utf8Length(text.span, at)
            }
        }
        return found
    }
}

/// The state of matching one text.
struct RegularExpressionMatcher {
    private let program: [RegularExpression.Instruction]
    private let rows: [Int]
    private let rowCount: Int
    /// Bit (position · rows + row): this instruction was tried at this position and led nowhere.
    private var failed: [UInt64]

    private struct Visit {
        let bit: Int
        let parent: Int
    }

    init(_ expression: RegularExpression, count: Int) {
        program = expression.program
        rows = expression.rows
        rowCount = expression.rowCount
        failed = [UInt64](repeating: 0, count: ((count + 1) * rowCount) / 64 + 1)
    }

    /// The end of the match of the instructions from `start` at `position`, or nil.
    mutating func match(_ text: Span<UInt8>, from start: Int, at position: Int) -> Int? {
        var stack: [(instruction: Int, position: Int, parent: Int)] = [(start, position, -1)]
        var visits: [Visit] = []
        while let (first, begin, ancestor) = stack.popLast() {
            var pc = first
            var at = begin
            var parent = ancestor
            path: while true {
                if rows[pc] >= 0 {
                    let bit = at * rowCount + rows[pc]
                    if failed[bit >> 6] >> UInt64(bit & 63) & 1 != 0 { break path }
                    failed[bit >> 6] |= 1 << UInt64(bit & 63)
                    visits.append(Visit(bit: bit, parent: parent))
                    parent = visits.count - 1
                }
                switch program[pc] {
                case .character(let set):
                    guard at < text.count else { break path }
                    let (scalar, length) = decodeScalar(text, at)
                    guard set.contains(scalar) else { break path }
                    at += length
                    pc += 1
                case .split(let preferred, let other):
                    stack.append((other, at, parent))
                    pc = preferred
                case .jump(let target): pc = target
                case .look(let ahead, let negated, let next):
                    let found = ahead ? match(text, from: pc + 1, at: at) != nil : looksBehind(text, pc + 1, at)
                    guard found != negated else { break path }
                    pc = next
                case .atomic(let next):
                    guard let end = match(text, from: pc + 1, at: at) else { break path }
                    at = end
                    pc = next
                case .begin:
                    guard at == 0 else { break path }
                    pc += 1
                case .end:
                    guard at == text.count else { break path }
                    pc += 1
                case .wordBoundary(let negated):
                    let before = at > 0 && decodeScalar(text, previous(text, at)).scalar.isWordCharacter
                    let after = at < text.count && decodeScalar(text, at).scalar.isWordCharacter
                    guard (before != after) != negated else { break path }
                    pc += 1
                case .accept:
                    // What lies on the way here did lead somewhere.
                    var visit = parent
                    while visit >= 0 {
                        let bit = visits[visit].bit
                        failed[bit >> 6] &= ~(1 << UInt64(bit & 63))
                        visit = visits[visit].parent
                    }
                    return at
                }
            }
        }
        return nil
    }

    /// Look-behind is for expressions of at most 16 characters: the beginnings before `at` are tried in turn.
    private mutating func looksBehind(_ text: Span<UInt8>, _ start: Int, _ at: Int) -> Bool {
        var begin = at
        for _ in 0...16 {
            // A match that ends elsewhere has used marks that do not hold for this end; expressions are tiny.
            var fresh = self
            if fresh.match(text, from: start, at: begin) == at { return true }
            if begin == 0 { return false }
            begin = previous(text, begin)
        }
        return false
    }

    private func previous(_ text: Span<UInt8>, _ at: Int) -> Int {
        var before = at - 1
        while before > 0, text[before] & 0xC0 == 0x80 { before -= 1 }
        return before
    }
}
