/// The state of matching one text.
struct RegularExpressionMatcher {
    private let program: [RegularExpression.Instruction]
    private let rows: [Int]
    private let rowsBefore: [Int]
    private let rowCount: Int
    /// Bit (position · rows + row): this instruction was tried at this position and led nowhere.
    private var failed: [UInt64]
    /// Bit (position · rows + row): from here what is looked for ahead, or an atomic group, is known to end at `ends`.
    private var reached: [UInt64] = []
    private var ends: [Int: Int] = [:]
    /// How many steps were taken, for tests: each is of bounded time.
    private(set) var steps = 0

    private struct Visit {
        let bit: Int
        let parent: Int
    }

    /// What a look-behind tried: its instructions at the places it may go through.
    private struct Window {
        let start: Int
        /// Where a match must end.
        let end: Int
        let firstRow: Int
        let rowCount: Int
        var tried: [UInt64]

        /// Whether this is new.
        mutating func mark(_ row: Int, _ at: Int) -> Bool {
            let bit = (at - start) * rowCount + row - firstRow
            defer { tried[bit >> 6] |= 1 << UInt64(bit & 63) }
            return tried[bit >> 6] >> UInt64(bit & 63) & 1 == 0
        }
    }

    init(_ expression: RegularExpression, count: Int) {
        program = expression.program
        rows = expression.rows
        rowsBefore = expression.rowsBefore
        rowCount = rowsBefore.last ?? 0
        failed = [UInt64](repeating: 0, count: ((count + 1) * rowCount) / 64 + 1)
    }

    mutating func matches(in text: Span<UInt8>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var at = 0
        while at <= text.count {
            if let end = match(text, from: 0, at: at), end > at || found.last?.upperBound != at {
                found.append(at..<end)
                if end > at {
                    at = end
                    continue
                }
            }
            at += at < text.count ? utf8Length(text, at) : 1
        }
        return found
    }

    /// The end of the match of the instructions from `start` at `position`, or nil.
    private mutating func match(_ text: Span<UInt8>, from start: Int, at position: Int) -> Int? {
        var none: Window?
        return match(text, from: start, at: position, &none)
    }

    private mutating func match(
        _ text: Span<UInt8>, from start: Int, at position: Int, _ window: inout Window?
    ) -> Int? {
        let end = window?.end
        var stack: [(instruction: Int, position: Int, parent: Int)] = [(start, position, -1)]
        var visits: [Visit] = []
        while let (first, begin, ancestor) = stack.popLast() {
            var pc = first
            var at = begin
            var parent = ancestor
            path: while true {
                if rows[pc] >= 0 {
                    steps += 1
                    if let end {
                        guard at <= end, window?.mark(rows[pc], at) == true else { break path }
                    } else {
                        let bit = at * rowCount + rows[pc]
                        if failed[bit >> 6] >> UInt64(bit & 63) & 1 != 0 { break path }
                        if start > 0, let end = knownEnd(bit) {
                            settle(visits, from: parent, end: end)
                            return end
                        }
                        failed[bit >> 6] |= 1 << UInt64(bit & 63)
                        visits.append(Visit(bit: bit, parent: parent))
                        parent = visits.count - 1
                    }
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
                case .lookAhead(let negated, let next):
                    guard (match(text, from: pc + 1, at: at) != nil) != negated else { break path }
                    pc = next
                case .lookBehind(let negated, let next, let characters):
                    guard looksBehind(text, pc + 1..<next, at, characters) != negated else { break path }
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
                case .beginLine(let alsoAtEnd):
                    guard at == 0 || text[at - 1] == 0x0A && (alsoAtEnd || at < text.count) else { break path }
                    pc += 1
                case .endLine:
                    guard at == text.count || text[at] == 0x0A else { break path }
                    pc += 1
                case .endBeforeLine:
                    guard at == text.count || at == text.count - 1 && text[at] == 0x0A else { break path }
                    pc += 1
                case .wordBoundary(let words, let negated):
                    let before = at > 0 && words.contains(decodeScalar(text, previous(text, at)).scalar)
                    let after = at < text.count && words.contains(decodeScalar(text, at).scalar)
                    guard (before != after) != negated else { break path }
                    pc += 1
                case .accept:
                    if let end {
                        guard at == end else { break path }
                    } else {
                        settle(visits, from: parent, end: start > 0 ? at : nil)
                    }
                    return at
                }
            }
        }
        return nil
    }

    /// What lies on the way to a match did lead somewhere. Where the same may be looked for again the end is noted at some
    /// places, so that the way is not gone again and again.
    private mutating func settle(_ visits: [Visit], from last: Int, end: Int?) {
        var visit = last
        var count = 0
        while visit >= 0 {
            let bit = visits[visit].bit
            failed[bit >> 6] &= ~(1 << UInt64(bit & 63))
            count += 1
            if let end, count % 16 == 0 {
                if reached.isEmpty { reached = [UInt64](repeating: 0, count: failed.count) }
                reached[bit >> 6] |= 1 << UInt64(bit & 63)
                ends[bit] = end
            }
            visit = visits[visit].parent
        }
    }

    private func knownEnd(_ bit: Int) -> Int? {
        guard !reached.isEmpty, reached[bit >> 6] >> UInt64(bit & 63) & 1 != 0 else { return nil }
        return ends[bit]
    }

    /// Whether one of the beginnings before `end` begins a match that ends there.
    private mutating func looksBehind(
        _ text: Span<UInt8>, _ instructions: Range<Int>, _ end: Int, _ characters: ClosedRange<Int>
    ) -> Bool {
        var begin = end
        var count = 0
        while count < characters.upperBound, begin > 0 {
            begin = previous(text, begin)
            count += 1
        }
        let firstRow = rowsBefore[instructions.lowerBound]
        let windowRows = rowsBefore[instructions.upperBound] - firstRow
        let words = (end - begin + 1) * windowRows / 64 + 1
        var window: Window? = Window(
            start: begin, end: end, firstRow: firstRow, rowCount: windowRows,
            tried: [UInt64](repeating: 0, count: words))
        steps += words
        while count >= characters.lowerBound {
            if match(text, from: instructions.lowerBound, at: begin, &window) != nil { return true }
            guard begin < end else { break }
            begin += utf8Length(text, begin)
            count -= 1
        }
        return false
    }

    /// Where the character before `at` begins. A byte that is not UTF-8 stands for itself.
    private func previous(_ text: Span<UInt8>, _ at: Int) -> Int {
        var before = at - 1
        while before > 0, at - before < 4, text[before] & 0xC0 == 0x80 { before -= 1 }
        return before + utf8Length(text, before) == at ? before : at - 1
    }
}
