/// What is wrong in a template, in one line.
struct JinjaError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// A piece of a template.
indirect enum JinjaNode: Sendable {
    case text(String)
    case output(JinjaExpression)
    case branch([(condition: JinjaExpression, body: [JinjaNode])], otherwise: [JinjaNode])
    case loop(
        names: [String], over: JinjaExpression, filter: JinjaExpression?, body: [JinjaNode], otherwise: [JinjaNode])
    case set(target: [String], value: JinjaExpression)
    case setBlock(name: String, body: [JinjaNode])
    case macro(name: String, JinjaMacro)
    /// `break`, or `continue`.
    case leave(isBreak: Bool)
}

/// A part of a template with a name, printed where it is called.
struct JinjaMacro: Sendable {
    let parameters: [(name: String, standard: JinjaExpression?)]
    let body: [JinjaNode]
}

indirect enum JinjaExpression: Sendable {
    case literal(JinjaValue)
    case variable(String)
    case list([JinjaExpression])
    case dictionary([(JinjaExpression, JinjaExpression)])
    case attribute(JinjaExpression, String)
    case index(JinjaExpression, JinjaExpression)
    case slice(JinjaExpression, JinjaExpression?, JinjaExpression?, JinjaExpression?)
    case call(JinjaExpression, [JinjaExpression], named: [(String, JinjaExpression)])
    case filter(JinjaExpression, String, [JinjaExpression], named: [(String, JinjaExpression)])
    case test(JinjaExpression, String, [JinjaExpression], negated: Bool)
    case unary(String, JinjaExpression)
    case binary(String, JinjaExpression, JinjaExpression)
    case conditional(JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
}

/// Reads templates: Jinja's blocks with `trim_blocks` and `lstrip_blocks`, as Hugging Face renders them.
struct JinjaParser {
    private var tokens: [JinjaToken]
    private var position = 0
    private var depth = 0
    /// Deeper nesting is no template but an attack on the stack.
    private static let depthLimit = 100

    static func parse(_ source: String) throws(JinjaError) -> [JinjaNode] {
        var parser = JinjaParser(tokens: try JinjaLexer.tokens(of: source))
        let nodes = try parser.body(until: [])
        guard parser.position == parser.tokens.count else { throw JinjaError("an end without its beginning") }
        return nodes
    }

    private init(tokens: [JinjaToken]) { self.tokens = tokens }

    private var next: JinjaToken? { position < tokens.count ? tokens[position] : nil }

    private mutating func enter() throws(JinjaError) {
        depth += 1
        guard depth < Self.depthLimit else { throw JinjaError("it nests deeper than \(Self.depthLimit)") }
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard case .symbol(symbol)? = next else { return false }
        position += 1
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        guard case .name(word)? = next else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(JinjaError) {
        guard take(symbol) else { throw JinjaError("\(symbol) is expected before \(describeNext)") }
    }

    private mutating func name() throws(JinjaError) -> String {
        guard case .name(let name)? = next else { throw JinjaError("a name is expected before \(describeNext)") }
        position += 1
        return name
    }

    private var describeNext: String {
        switch next {
        case .text(let text): "the text \(text.prefix(20))"
        case .symbol(let symbol): symbol
        case .name(let name): name
        case .string(let text): "'\(text.prefix(20))'"
        case .number(let number): "\(number)"
        case nil: "the end"
        }
    }

    // MARK: - Statements

    /// Nodes up to a block whose first word is in `ends`; that word is left to be read.
    private mutating func body(until ends: Set<String>) throws(JinjaError) -> [JinjaNode] {
        try enter()
        defer { depth -= 1 }
        var nodes: [JinjaNode] = []
        while let token = next {
            switch token {
            case .text(let text):
                nodes.append(.text(text))
                position += 1
            case .symbol("{{"):
                position += 1
                nodes.append(.output(try expression()))
                try expect("}}")
            case .symbol("{%"):
                guard position + 1 < tokens.count, case .name(let word) = tokens[position + 1] else {
                    throw JinjaError("a block without a name")
                }
                if ends.contains(word) {
                    position += 2
                    return nodes + [.text("\u{0}" + word)]
                }
                position += 2
                nodes += try statement(word)
            default: throw JinjaError("\(describeNext) outside a block")
            }
        }
        guard ends.isEmpty else { throw JinjaError("the end is missing: \(ends.sorted().joined(separator: " or "))") }
        return nodes
    }

    /// The nodes of a block and the word that ended it.
    private mutating func block(until ends: Set<String>) throws(JinjaError) -> ([JinjaNode], String) {
        var nodes = try body(until: ends)
        guard case .text(let marker)? = nodes.popLast() else { throw JinjaError("a block does not end") }
        return (nodes, String(marker.dropFirst()))
    }

    private mutating func statement(_ word: String) throws(JinjaError) -> [JinjaNode] {
        switch word {
        case "if": return [try branch()]
        case "for": return [try loop()]
        case "set": return [try assignment()]
        case "macro": return [try macro()]
        case "break", "continue":
            try expect("%}")
            return [.leave(isBreak: word == "break")]
        case "generation", "endgeneration":
            // Marks the assistant's words for training; prints nothing itself.
            try expect("%}")
            return []
        default: throw JinjaError("the block \(word) is not supported")
        }
    }

    private mutating func branch() throws(JinjaError) -> JinjaNode {
        var branches: [(condition: JinjaExpression, body: [JinjaNode])] = []
        var otherwise: [JinjaNode] = []
        var condition = try expression()
        try expect("%}")
        while true {
            let (nodes, end) = try block(until: ["elif", "else", "endif"])
            branches.append((condition, nodes))
            if end == "elif" {
                condition = try expression()
                try expect("%}")
                continue
            }
            if end == "else" {
                try expect("%}")
                (otherwise, _) = try block(until: ["endif"])
            }
            try expect("%}")
            return .branch(branches, otherwise: otherwise)
        }
    }

    private mutating func loop() throws(JinjaError) -> JinjaNode {
        var names = [try name()]
        while take(",") { names.append(try name()) }
        guard takeWord("in") else { throw JinjaError("in is expected before \(describeNext)") }
        let over = try disjunction()
        let filter = takeWord("if") ? try expression() : nil
        _ = takeWord("recursive")
        try expect("%}")
        var (nodes, end) = try block(until: ["else", "endfor"])
        var otherwise: [JinjaNode] = []
        if end == "else" {
            try expect("%}")
            (otherwise, end) = try block(until: ["endfor"])
        }
        try expect("%}")
        return .loop(names: names, over: over, filter: filter, body: nodes, otherwise: otherwise)
    }

    private mutating func assignment() throws(JinjaError) -> JinjaNode {
        var target = [try name()]
        while take(".") { target.append(try name()) }
        if take("=") {
            let value = try expression()
            try expect("%}")
            return .set(target: target, value: value)
        }
        try expect("%}")
        let (nodes, _) = try block(until: ["endset"])
        try expect("%}")
        return .setBlock(name: target[0], body: nodes)
    }

    private mutating func macro() throws(JinjaError) -> JinjaNode {
        let own = try name()
        var parameters: [(name: String, standard: JinjaExpression?)] = []
        try expect("(")
        while !take(")") {
            parameters.append((try name(), take("=") ? try expression() : nil))
            if !take(",") {
                try expect(")")
                break
            }
        }
        try expect("%}")
        let (body, _) = try block(until: ["endmacro"])
        try expect("%}")
        return .macro(name: own, JinjaMacro(parameters: parameters, body: body))
    }

    // MARK: - Expressions, from the loosest to the tightest

    private mutating func expression() throws(JinjaError) -> JinjaExpression {
        try enter()
        defer { depth -= 1 }
        let value = try disjunction()
        guard takeWord("if") else { return value }
        let condition = try disjunction()
        let otherwise = takeWord("else") ? try expression() : nil
        return .conditional(condition, then: value, otherwise: otherwise)
    }

    private mutating func disjunction() throws(JinjaError) -> JinjaExpression {
        var left = try conjunction()
        while takeWord("or") { left = .binary("or", left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(JinjaError) -> JinjaExpression {
        var left = try negation()
        while takeWord("and") { left = .binary("and", left, try negation()) }
        return left
    }

    private mutating func negation() throws(JinjaError) -> JinjaExpression {
        try enter()
        defer { depth -= 1 }
        return takeWord("not") ? .unary("not", try negation()) : try comparison()
    }

    private mutating func comparison() throws(JinjaError) -> JinjaExpression {
        var left = try sum()
        while true {
            if case .symbol(let symbol)? = next, ["==", "!=", "<", ">", "<=", ">="].contains(symbol) {
                position += 1
                left = .binary(symbol, left, try sum())
            } else if takeWord("in") {
                left = .binary("in", left, try sum())
            } else if case .name("not")? = next, position + 1 < tokens.count, case .name("in") = tokens[position + 1] {
                position += 2
                left = .unary("not", .binary("in", left, try sum()))
            } else {
                return left
            }
        }
    }

    private mutating func sum() throws(JinjaError) -> JinjaExpression {
        var left = try product()
        while case .symbol(let symbol)? = next, ["+", "-", "~"].contains(symbol) {
            position += 1
            left = .binary(symbol, left, try product())
        }
        return left
    }

    private mutating func product() throws(JinjaError) -> JinjaExpression {
        var left = try unary()
        while case .symbol(let symbol)? = next, ["*", "/", "//", "%"].contains(symbol) {
            position += 1
            left = .binary(symbol, left, try unary())
        }
        return left
    }

    private mutating func unary() throws(JinjaError) -> JinjaExpression {
        try enter()
        defer { depth -= 1 }
        if take("-") { return .unary("-", try unary()) }
        var value = try postfix(try primary())
        while true {
            if take("|") {
                let filter = try name()
                let (arguments, named) = take("(") ? try self.arguments() : ([], [])
                value = try postfix(.filter(value, filter, arguments, named: named))
            } else if takeWord("is") {
                let negated = takeWord("not")
                let test = try name()
                var arguments: [JinjaExpression] = []
                if take("(") { (arguments, _) = try self.arguments() }
                value = .test(value, test, arguments, negated: negated)
            } else {
                return value
            }
        }
    }

    private mutating func postfix(_ start: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        var value = start
        while true {
            if take(".") {
                value = .attribute(value, try name())
            } else if take("[") {
                value = try subscription(of: value)
            } else if take("(") {
                let (arguments, named) = try self.arguments()
                value = .call(value, arguments, named: named)
            } else {
                return value
            }
        }
    }

    private mutating func subscription(of value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        var parts: [JinjaExpression?] = [nil]
        while !take("]") {
            if take(":") { parts.append(nil) } else { parts[parts.count - 1] = try expression() }
        }
        guard parts.count > 1 else {
            guard let index = parts[0] else { throw JinjaError("an empty index") }
            return .index(value, index)
        }
        return .slice(value, parts[0], parts[1], parts.count > 2 ? parts[2] : nil)
    }

    private mutating func arguments() throws(JinjaError) -> ([JinjaExpression], [(String, JinjaExpression)]) {
        var plain: [JinjaExpression] = []
        var named: [(String, JinjaExpression)] = []
        while !take(")") {
            if case .name(let key)? = next, position + 1 < tokens.count, case .symbol("=") = tokens[position + 1] {
                position += 2
                named.append((key, try expression()))
            } else {
                plain.append(try expression())
            }
            if !take(",") {
                try expect(")")
                break
            }
        }
        return (plain, named)
    }

    private mutating func primary() throws(JinjaError) -> JinjaExpression {
        guard let token = next else { throw JinjaError("an expression ends too early") }
        position += 1
        switch token {
        case .string(var text):
            while case .string(let more)? = next {
                text += more
                position += 1
            }
            return .literal(.string(text))
        case .number(let number): return .literal(number)
        case .name("true"), .name("True"): return .literal(.bool(true))
        case .name("false"), .name("False"): return .literal(.bool(false))
        case .name("none"), .name("None"): return .literal(.none)
        case .name(let name): return .variable(name)
        case .symbol("("):
            let value = try expression()
            if take(",") {
                var items = [value]
                while !take(")") {
                    items.append(try expression())
                    if !take(",") {
                        try expect(")")
                        break
                    }
                }
                return .list(items)
            }
            try expect(")")
            return value
        case .symbol("["):
            var items: [JinjaExpression] = []
            while !take("]") {
                items.append(try expression())
                if !take(",") {
                    try expect("]")
                    break
                }
            }
            return .list(items)
        case .symbol("{"):
            var items: [(JinjaExpression, JinjaExpression)] = []
            while !take("}") {
                let key = try expression()
                try expect(":")
                items.append((key, try expression()))
                if !take(",") {
                    try expect("}")
                    break
                }
            }
            return .dictionary(items)
        default:
            position -= 1
            throw JinjaError("an expression cannot begin with \(describeNext)")
        }
    }
}
