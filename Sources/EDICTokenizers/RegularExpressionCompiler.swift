/// Reads a regular expression and writes its program in one pass per construct.
struct RegularExpressionCompiler {
    private typealias Instruction = RegularExpression.Instruction
    private indirect enum Node {
        case empty
        case character(CharacterSet)
        case concatenation([Node])
        case alternation([Node])
        case `repeat`(Node, Int, Int?, Greed)
        case look(Node, ahead: Bool, negated: Bool)
        case atomic(Node)
        case begin, end
        case wordBoundary(negated: Bool)
    }
    private enum Greed { case greedy, lazy, possessive }

    private let source: [Unicode.Scalar]
    private var at = 0
    private var depth = 0
    /// Quantifiers behind quantifiers.
    private var stacked = 0
    private var emitted = 0
    private var foldsCase = false
    private var dotMatchesLines = false
    private var program: [Instruction] = []

    init(_ source: String) { self.source = Array(source.unicodeScalars) }

    mutating func compile() throws(TokenizerError) -> [RegularExpression.Instruction] {
        let node = try alternation()
        guard at == source.count else { throw problem("an unmatched )") }
        try emit(node)
        program.append(.accept)
        return program
    }

    private func problem(_ what: String) -> TokenizerError {
        TokenizerError(.unsupported, "regular expression “\(Self.quoted(source))”, character \(at + 1): \(what)")
    }

    /// On one line, the beginning of a long one.
    private static func quoted(_ text: [Unicode.Scalar]) -> String {
        let shown = text.prefix(80).map { $0.value < 0x20 ? $0.escaped(asASCII: true) : String($0) }.joined()
        return text.count > 80 ? shown + "…" : shown
    }

    private var next: Unicode.Scalar? { at < source.count ? source[at] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        at += 1
        return true
    }

    private mutating func take(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        guard at + scalars.count <= source.count, source[at..<at + scalars.count].elementsEqual(scalars) else {
            return false
        }
        at += scalars.count
        return true
    }

    // MARK: Reading

    private mutating func alternation() throws(TokenizerError) -> Node {
        depth += 1
        guard depth < 100 else { throw problem("groups nested deeper than 100") }
        defer { depth -= 1 }
        let outer = foldsCase
        var branches = [try concatenation()]
        while take("|") { branches.append(try concatenation()) }
        foldsCase = outer
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func concatenation() throws(TokenizerError) -> Node {
        var parts: [Node] = []
        while let scalar = next, scalar != "|", scalar != ")" { parts.append(try quantified()) }
        return parts.count == 1 ? parts[0] : .concatenation(parts)
    }

    private mutating func quantified() throws(TokenizerError) -> Node {
        var node = try atom()
        var isFirst = true
        while let (low, high) = try quantifier() {
            // Each is a level of the tree, which is walked recursively.
            if !isFirst { stacked += 1 }
            guard stacked < 100 else { throw problem("more than 100 quantifiers behind others") }
            isFirst = false
            let greed: Greed = take("+") ? .possessive : take("?") ? .lazy : .greedy
            node = .repeat(node, low, high, greed)
        }
        return node
    }

    private mutating func quantifier() throws(TokenizerError) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard next == "{" else { return nil }
        let start = at
        at += 1
        let low = number()
        var high: Int? = low
        if take(",") { high = number() }
        let open = source[at - 1] == ","
        guard take("}"), low != nil || high != nil else {
            at = start
            return nil
        }
        let least = low ?? 0
        guard least <= 1000, (high ?? 0) <= 1000, high == nil || least <= high ?? 0 else {
            throw problem("a repeat count that is not between 0 and 1000 or is reversed")
        }
        return (least, open ? nil : high)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = next, ("0"..."9").contains(scalar), (value ?? 0) < 100_000 {
            value = (value ?? 0) * 10 + Int(scalar.value - 48)
            at += 1
        }
        return value
    }

    private mutating func atom() throws(TokenizerError) -> Node {
        guard let scalar = next else { return .empty }
        at += 1
        switch scalar {
        case "(": return try group()
        case "[": return .character(try set())
        case ".":
            let line: [CharacterSet.Item] = [.range(10, 10)]
            return .character(dotMatchesLines ? CharacterSet([], negated: true) : CharacterSet(line, negated: true))
        case "^": return .begin
        case "$": return .end
        case "*", "+", "?": throw problem("a quantifier with nothing before it")
        case "\\": return try escape()
        default: return .character(.scalar(scalar, foldingCase: foldsCase))
        }
    }

    private mutating func group() throws(TokenizerError) -> Node {
        var wrap: (Node) -> Node = { $0 }
        if take("?") {
            if take(":") {
            } else if take("=") {
                wrap = { .look($0, ahead: true, negated: false) }
            } else if take("!") {
                wrap = { .look($0, ahead: true, negated: true) }
            } else if take("<=") {
                wrap = { .look($0, ahead: false, negated: false) }
            } else if take("<!") {
                wrap = { .look($0, ahead: false, negated: true) }
            } else if take(">") {
                wrap = { .atomic($0) }
            } else {
                return try flags()
            }
        }
        let inner = try alternation()
        guard take(")") else { throw problem("a ) is missing") }
        return wrap(inner)
    }

    /// `(?i)` up to the end of the group, `(?i:…)` for its own.
    private mutating func flags() throws(TokenizerError) -> Node {
        let outer = (foldsCase, dotMatchesLines)
        var on = true
        while let scalar = next, scalar != ")", scalar != ":" {
            at += 1
            switch scalar {
            case "-": on = false
            case "i": foldsCase = on
            case "s": dotMatchesLines = on
            case "m", "u", "x": if scalar == "x", on { throw problem("the flag x is not known") }
            default: throw problem("the group (?\(scalar) is not known")
            }
        }
        if take(")") { return .empty }
        guard take(":") else { throw problem("a ) is missing") }
        let inner = try alternation()
        (foldsCase, dotMatchesLines) = outer
        guard take(")") else { throw problem("a ) is missing") }
        return inner
    }

    private mutating func escape() throws(TokenizerError) -> Node {
        switch next {
        case "b":
            at += 1
            return .wordBoundary(negated: false)
        case "B":
            at += 1
            return .wordBoundary(negated: true)
        case "A":
            at += 1
            return .begin
        case "z", "Z":
            at += 1
            return .end
        default: return .character(CharacterSet([try classEscape()], foldingCase: foldsCase))
        }
    }

    /// What follows a backslash, in a class or outside.
    private mutating func classEscape() throws(TokenizerError) -> CharacterSet.Item {
        guard let scalar = next else { throw problem("a backslash at the end") }
        at += 1
        switch scalar {
        case "s": return .space(negated: false)
        case "S": return .space(negated: true)
        case "w": return .word(negated: false)
        case "W": return .word(negated: true)
        case "d": return .categories(CharacterSet.categories(named: "Nd") ?? 0, negated: false)
        case "D": return .categories(CharacterSet.categories(named: "Nd") ?? 0, negated: true)
        case "p", "P": return try property(negated: scalar == "P")
        case "n": return .range(10, 10)
        case "r": return .range(13, 13)
        case "t": return .range(9, 9)
        case "f": return .range(12, 12)
        case "v": return .range(11, 11)
        case "e": return .range(27, 27)
        case "0": return .range(0, 0)
        case "x", "u", "U": return try hexadecimal(digits: scalar == "x" ? 2 : scalar == "u" ? 4 : 8)
        default:
            if scalar.isASCII, scalar.isLetter || scalar.isNumber { throw problem("\\\(scalar) is not known") }
            return .range(scalar.value, scalar.value)
        }
    }

    private mutating func hexadecimal(digits: Int) throws(TokenizerError) -> CharacterSet.Item {
        let braced = take("{")
        var value: UInt32 = 0
        var count = 0
        while let scalar = next, let digit = Character(scalar).hexDigitValue, braced ? count < 8 : count < digits {
            value = value << 4 | UInt32(digit)
            at += 1
            count += 1
        }
        guard count > 0, !braced || take("}"), value <= 0x10FFFF else { throw problem("a damaged \\x or \\u escape") }
        return .range(value, value)
    }

    private mutating func property(negated: Bool) throws(TokenizerError) -> CharacterSet.Item {
        var name = ""
        var negated = negated
        if take("{") {
            if take("^") { negated.toggle() }
            while let scalar = next, scalar != "}" {
                name.unicodeScalars.append(scalar)
                at += 1
            }
            guard take("}") else { throw problem("a } is missing") }
        } else if let scalar = next {
            name.unicodeScalars.append(scalar)
            at += 1
        }
        if name == "White_Space" || name == "Space" { return .space(negated: negated) }
        if name == "Han" { return .set(CharacterSet(Self.han, negated: negated)) }
        guard let bits = CharacterSet.categories(named: name) else {
            let name = Self.quoted(Array(name.unicodeScalars))
            throw problem("the property \\p{\(name)} is not known; general categories are")
        }
        return .categories(bits, negated: negated)
    }

    /// The script Han.
    private static let han: [CharacterSet.Item] = [
        .range(0x2E80, 0x2E99), .range(0x2E9B, 0x2EF3), .range(0x2F00, 0x2FD5), .range(0x3005, 0x3005),
        .range(0x3007, 0x3007), .range(0x3021, 0x3029), .range(0x3038, 0x303B), .range(0x3400, 0x4DBF),
        .range(0x4E00, 0x9FFF), .range(0xF900, 0xFA6D), .range(0xFA70, 0xFAD9), .range(0x16FE2, 0x16FE3),
        .range(0x16FF0, 0x16FF1), .range(0x20000, 0x2A6DF), .range(0x2A700, 0x2B739), .range(0x2B740, 0x2B81D),
        .range(0x2B820, 0x2CEA1), .range(0x2CEB0, 0x2EBE0), .range(0x2EBF0, 0x2EE5D), .range(0x2F800, 0x2FA1D),
        .range(0x30000, 0x3134A), .range(0x31350, 0x323AF),
    ]

    /// A class after its opening bracket.
    private mutating func set() throws(TokenizerError) -> CharacterSet {
        depth += 1
        guard depth < 100 else { throw problem("classes nested deeper than 100") }
        defer { depth -= 1 }
        let negated = take("^")
        var items: [CharacterSet.Item] = []
        var intersections: [CharacterSet] = []
        var isFirst = true
        while true {
            guard let scalar = next else { throw problem("a ] is missing") }
            at += 1
            if scalar == "]", !isFirst { break }
            isFirst = false
            if scalar == "[" {
                if take(":") {
                    throw problem("POSIX classes are not known; use \\p{…}")
                }
                items.append(.set(try set()))
                continue
            }
            if scalar == "&", next == "&" {
                at += 1
                // What is left up to the bracket is the other side.
                intersections.append(try set())
                break
            }
            var item: CharacterSet.Item = scalar == "\\" ? try classEscape() : .range(scalar.value, scalar.value)
            if case .range(let low, _) = item, next == "-", at + 1 < source.count, source[at + 1] != "]" {
                at += 1
                guard let end = next else { throw problem("a ] is missing") }
                at += 1
                let last: CharacterSet.Item = end == "\\" ? try classEscape() : .range(end.value, end.value)
                guard case .range(let high, _) = last, low <= high else { throw problem("a reversed or damaged range") }
                item = .range(low, high)
            }
            items.append(item)
        }
        return CharacterSet(items, negated: negated, foldingCase: foldsCase, intersections: intersections)
    }

    // MARK: Writing

    private mutating func emit(_ node: Node) throws(TokenizerError) {
        // Repeats of what is empty take no instructions, but time.
        emitted += 1
        guard program.count < 20_000, emitted < 100_000 else { throw problem("the expression is too large") }
        switch node {
        case .empty: break
        case .character(let set): program.append(.character(set))
        case .concatenation(let parts): for part in parts { try emit(part) }
        case .alternation(let branches):
            var jumps: [Int] = []
            for (index, branch) in branches.enumerated() {
                if index == branches.count - 1 {
                    try emit(branch)
                    break
                }
                let split = program.count
                program.append(.accept)
                try emit(branch)
                jumps.append(program.count)
                program.append(.accept)
                program[split] = .split(split + 1, program.count)
            }
            for jump in jumps { program[jump] = .jump(program.count) }
        case .repeat(let inner, let low, let high, .possessive):
            try emit(.atomic(.repeat(inner, low, high, .greedy)))
        case .repeat(let inner, let low, let high, let greed):
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
        case .look(let inner, let ahead, let negated):
            let look = program.count
            program.append(.accept)
            try emit(inner)
            program.append(.accept)
            program[look] = .look(ahead: ahead, negated: negated, next: program.count)
        case .atomic(let inner):
            let atomic = program.count
            program.append(.accept)
            try emit(inner)
            program.append(.accept)
            program[atomic] = .atomic(next: program.count)
        case .begin: program.append(.begin)
        case .end: program.append(.end)
        case .wordBoundary(let negated): program.append(.wordBoundary(negated: negated))
        }
    }

    private func choice(_ inner: Int, _ after: Int, _ greed: Greed) -> Instruction {
        greed == .lazy ? .split(after, inner) : .split(inner, after)
    }
}
