/// Writes the program of what was read.
extension RegularExpressionCompiler {
    mutating func emit(_ node: Node) throws(TokenizerError) {
        // Repeats of what is empty take no instructions, but time.
        emitted += 1
        guard program.count < 20_000, emitted < 100_000 else { throw problem("the expression is too large") }
        switch node {
        case .empty: break
        case .character(let set): program.append(.character(set))
        case .concatenation(let parts): for part in parts { try emit(part) }
        case .alternation(let branches): try emitAlternation(branches)
        case .repeat(let inner, let low, let high, .possessive):
            try emit(.atomic(.repeat(inner, low, high, .greedy)))
        case .repeat(let inner, let low, let high, let greed): try emitRepeat(of: inner, low, high, greed)
        case .look(let inner, let ahead, let negated): try emitLook(at: inner, isAhead: ahead, negated: negated)
        case .atomic(let inner):
            let atomic = program.count
            program.append(.accept)
            try emit(inner)
            program.append(.accept)
            program[atomic] = .atomic(next: program.count)
        case .anchor(let anchor): program.append(anchor)
        }
    }

    private mutating func emitAlternation(_ branches: [Node]) throws(TokenizerError) {
        var jumps: [Int] = []
        for branch in branches.dropLast() {
            let split = program.count
            program.append(.accept)
            try emit(branch)
            jumps.append(program.count)
            program.append(.accept)
            program[split] = .split(split + 1, program.count)
        }
        if let last = branches.last { try emit(last) }
        for jump in jumps { program[jump] = .jump(program.count) }
    }

    private mutating func emitRepeat(of inner: Node, _ low: Int, _ high: Int?, _ greed: Greed) throws(TokenizerError) {
        for _ in 0..<low { try emit(inner) }
        guard let high else {
            let split = program.count
            program.append(.accept)
            try emit(inner)
            program.append(.jump(split))
            program[split] = choice(split + 1, program.count, greed)
            return
        }
        var splits: [Int] = []
        for _ in low..<max(low, high) {
            splits.append(program.count)
            program.append(.accept)
            try emit(inner)
        }
        for split in splits { program[split] = choice(split + 1, program.count, greed) }
    }

    private mutating func emitLook(at inner: Node, isAhead: Bool, negated: Bool) throws(TokenizerError) {
        let look = program.count
        program.append(.accept)
        try emit(inner)
        program.append(.accept)
        if isAhead {
            program[look] = .lookAhead(negated: negated, next: program.count)
            return
        }
        let (least, most) = lengths(inner)
        guard most <= Self.longestLookBehind else {
            throw problem(
                "a look-behind of more than \(Self.longestLookBehind) characters, or with an atomic group or "
                    + "another look-around in it")
        }
        program[look] = .lookBehind(negated: negated, next: program.count, characters: least...most)
    }

    private static let longestLookBehind = 16

    /// How many characters a match has at least and at most; one more than a look-behind may have stands for more, too.
    func lengths(_ node: Node) -> (least: Int, most: Int) {
        let cap = Self.longestLookBehind + 1
        switch node {
        case .empty, .anchor: return (0, 0)
        case .character: return (1, 1)
        case .look: return (0, cap)
        // In Oniguruma it knows where the look-behind ends.
        case .atomic(let inner): return (lengths(inner).least, cap)
        case .repeat(let inner, let low, _, .possessive): return (min(lengths(inner).least * low, cap), cap)
        case .concatenation(let parts):
            return parts.map(lengths).reduce((0, 0)) { (min($0.0 + $1.least, cap), min($0.1 + $1.most, cap)) }
        case .alternation(let branches):
            return branches.map(lengths).reduce((cap, 0)) { (min($0.0, $1.least), max($0.1, $1.most)) }
        case .repeat(let inner, let low, let high, _):
            let (least, most) = lengths(inner)
            // However often, nothing stays nothing.
            return (min(least * low, cap), most == 0 ? 0 : min(most * min(high ?? cap, cap), cap))
        }
    }

    private func choice(_ inner: Int, _ after: Int, _ greed: Greed) -> Instruction {
        greed == .lazy ? .split(after, inner) : .split(inner, after)
    }
}
