/// Reads a regular expression and writes its program in one pass per construct.
struct RegularExpressionCompiler {
    typealias Instruction = RegularExpression.Instruction
    indirect enum Node {
        case empty
        case character(CharacterSet)
        case concatenation([Node])
        case alternation([Node])
        case `repeat`(Node, Int, Int?, Greed)
        case look(Node, ahead: Bool, negated: Bool)
        case atomic(Node)
        /// What takes nothing.
        case anchor(Instruction)
    }
    enum Greed { case greedy, lazy, possessive }

    private struct Flags {
        var foldsCase = false
        var dotMatchesLines = false
        /// Rust's (?m).
        var anchorsAreLines = false
    }

    private let source: [Unicode.Scalar]
    private let dialect: RegularExpression.Dialect
    private var at = 0
    private var depth = 0
    /// Quantifiers behind quantifiers.
    private var stacked = 0
    var emitted = 0
    private var flags = Flags()
    /// What Oniguruma writes in other ways than Rust, in place of what.
    private var edits: [(range: Range<Int>, text: String)] = []
    private var isTranslatable = true
    var program: [Instruction] = []

    init(_ source: String, _ dialect: RegularExpression.Dialect) {
        self.source = Array(source.unicodeScalars)
        self.dialect = dialect
    }

    mutating func compile() throws(TokenizerError) -> [RegularExpression.Instruction] {
        guard source.count <= 100_000 else { throw problem("the expression is too large") }
        let node = try alternation()
        guard at == source.count else { throw problem("an unmatched )") }
        if dialect == .oniguruma {
            var run: [Unicode.Scalar] = []
            try checkFolding(node, &run)
        }
        try emit(node)
        program.append(.accept)
        return program
    }

    /// A compiled expression of Rust's as Oniguruma writes it.
    var translation: String? {
        guard isTranslatable else { return nil }
        var result = String.UnicodeScalarView()
        var at = 0
        for (_, edit) in edits.enumerated().sorted(by: { ($0.1.range.lowerBound, $0.0) < ($1.1.range.lowerBound, $1.0) }
        ) {
            result.append(contentsOf: source[at..<edit.range.lowerBound])
            result.append(contentsOf: edit.text.unicodeScalars)
            at = edit.range.upperBound
        }
        result.append(contentsOf: source[at...])
        return String(result)
    }

    func problem(_ what: String) -> TokenizerError {
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
        let outer = flags
        var branches = [try concatenation()]
        while take("|") { branches.append(try concatenation()) }
        flags = outer
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func concatenation() throws(TokenizerError) -> Node {
        var parts: [Node] = []
        while let scalar = next, scalar != "|", scalar != ")" { parts.append(try quantified()) }
        return parts.count == 1 ? parts[0] : .concatenation(parts)
    }

    private mutating func quantified() throws(TokenizerError) -> Node {
        let start = at
        var node = try atom()
        var isFirst = true
        while case let begin = at, let (low, high) = try quantifier() {
            // Each is a level of the tree, which is walked recursively.
            if !isFirst { stacked += 1 }
            guard stacked < 100 else { throw problem("more than 100 quantifiers behind others") }
            isFirst = false
            // Oniguruma ends a repeat by rules of its own where nothing was taken.
            if dialect == .oniguruma, high ?? 2 > 1, lengths(node).least == 0 {
                throw problem("a repeat of what may be empty")
            }
            if source[begin] == "{" {
                switch (dialect, next) {
                case (.rust, "+"):
                    edits.insert((start..<start, "(?>"), at: 0)
                    edits.append((at..<at + 1, ")"))
                case (.rust, "?"):
                    // Lazy here as there, but where there is no choice, it would be a quantifier of its own there.
                    if low == high { edits.append((at..<at + 1, "")) }
                case (.oniguruma, "?") where low != high: break
                default:
                    // To Oniguruma what follows is a quantifier of its own.
                    node = .repeat(node, low, high, .greedy)
                    continue
                }
            }
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
            return .character(CharacterSet(flags.dotMatchesLines ? [] : line, negated: true))
        case "^": return anchor(line: .beginLine(alsoAtEnd: dialect == .rust), text: .begin, "\\A")
        case "$": return anchor(line: .endLine, text: .end, "\\z")
        case "*", "+", "?": throw problem("a quantifier with nothing before it")
        case "\\": return try escape()
        default: return .character(.scalar(scalar, foldingCase: flags.foldsCase))
        }
    }

    private mutating func anchor(
        line: Instruction, text: Instruction, _ translation: String
    ) -> Node {
        if dialect == .oniguruma || flags.anchorsAreLines { return .anchor(line) }
        edits.append((at - 1..<at, translation))
        return .anchor(text)
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
                return try flagGroup()
            }
        }
        let inner = try alternation()
        guard take(")") else { throw problem("a ) is missing") }
        return wrap(inner)
    }

    /// `(?i)` up to the end of the group, `(?i:…)` for its own.
    private mutating func flagGroup() throws(TokenizerError) -> Node {
        let outer = flags
        var on = true
        while let scalar = next, scalar != ")", scalar != ":" {
            at += 1
            if scalar != "-", scalar != "i" { isTranslatable = false }
            switch (scalar, dialect) {
            case ("-", _): on = false
            case ("i", _): flags.foldsCase = on
            case ("m", .oniguruma), ("s", .rust): flags.dotMatchesLines = on
            case ("m", .rust): flags.anchorsAreLines = on
            case ("u", .rust) where on: break
            case ("x", _) where !on: break
            default: throw problem("the group (?\(Self.quoted([scalar])) is not known")
            }
        }
        if take(")") {
            guard dialect == .oniguruma else {
                isTranslatable = false
                return .empty
            }
            // The rest of the group is a group of its own, with its alternatives.
            let rest = try alternation()
            flags = outer
            return rest
        }
        guard take(":") else { throw problem("a ) is missing") }
        let inner = try alternation()
        flags = outer
        guard take(")") else { throw problem("a ) is missing") }
        return inner
    }

    private mutating func escape() throws(TokenizerError) -> Node {
        let words = dialect == .rust ? WordCharacters.rust : .oniguruma
        switch next {
        case "b", "B":
            let isNegated = next == "B"
            at += 1
            isTranslatable = isTranslatable && dialect == .oniguruma
            return .anchor(.wordBoundary(words, negated: isNegated))
        case "A":
            at += 1
            return .anchor(.begin)
        case "z":
            at += 1
            return .anchor(.end)
        case "Z":
            guard dialect == .oniguruma else { throw problem("\\Z is not known; use \\z") }
            at += 1
            return .anchor(.endBeforeLine)
        default:
            let item = try classEscape(words)
            // Oniguruma compares a property in any case with the character itself.
            if case .range = item { return .character(CharacterSet([item], foldingCase: flags.foldsCase)) }
            if flags.foldsCase, dialect == .rust { isTranslatable = false }
            return .character(CharacterSet([item], foldingCase: flags.foldsCase && dialect == .rust))
        }
    }

    /// What follows a backslash, in a class or outside.
    private mutating func classEscape(_ words: WordCharacters) throws(TokenizerError) -> CharacterSet.Item {
        guard let scalar = next else { throw problem("a backslash at the end") }
        at += 1
        switch scalar {
        case "s": return .space(negated: false)
        case "S": return .space(negated: true)
        case "w", "W":
            // Other characters there, such as joiners.
            isTranslatable = isTranslatable && dialect == .oniguruma
            return .word(words, negated: scalar == "W")
        case "d": return .categories(CharacterSet.categories(named: "Nd") ?? 0, negated: false)
        case "D": return .categories(CharacterSet.categories(named: "Nd") ?? 0, negated: true)
        case "p", "P": return try property(negated: scalar == "P")
        case "n": return .range(10, 10)
        case "r": return .range(13, 13)
        case "t": return .range(9, 9)
        case "f": return .range(12, 12)
        case "v": return .range(11, 11)
        case "e": return .range(27, 27)
        case "0":
            if let next, ("0"..."9").contains(next) { throw problem("octal escapes are not known; use \\x") }
            return .range(0, 0)
        case "u", "U":
            // Oniguruma takes four digits, and no U.
            guard dialect == .rust || scalar == "u" && next != "{" else { throw problem("\\\(scalar) is not known") }
            return try hexadecimal(digits: scalar == "u" ? 4 : 8)
        case "x": return try hexadecimal(digits: 2)
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
            guard dialect == .rust else { throw problem("\\p without braces is not known") }
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

    /// A class after its opening bracket, or after `&&`.
    private mutating func set(isRest: Bool = false) throws(TokenizerError) -> CharacterSet {
        depth += 1
        guard depth < 100 else { throw problem("classes nested deeper than 100") }
        defer { depth -= 1 }
        let words = dialect == .rust ? WordCharacters.rust : .onigurumaClass
        let negated = !isRest && take("^")
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
                intersections.append(try set(isRest: true))
                break
            }
            var item: CharacterSet.Item = scalar == "\\" ? try classEscape(words) : .range(scalar.value, scalar.value)
            if case .range(let low, _) = item, next == "-", at + 1 < source.count, source[at + 1] != "]" {
                at += 1
                guard let end = next else { throw problem("a ] is missing") }
                at += 1
                let last: CharacterSet.Item = end == "\\" ? try classEscape(words) : .range(end.value, end.value)
                guard case .range(let high, _) = last, low <= high else { throw problem("a reversed or damaged range") }
                item = .range(low, high)
            }
            items.append(item)
        }
        return CharacterSet(items, negated: negated, foldingCase: flags.foldsCase, intersections: intersections)
    }
}
