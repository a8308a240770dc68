/// Reads templates: Jinja's blocks with `trim_blocks` and `lstrip_blocks`, as Hugging Face renders them.
struct JinjaParser {
    var tokens: [JinjaToken]
    var position = 0
    private var depth = 0
    /// How many loops of the template are around what is read.
    private var loops = 0
    /// Deeper nesting is no template but an attack on the stack.
    private static let depthLimit = 100

    static func parse(_ source: String) throws(JinjaError) -> [JinjaNode] {
        var parser = JinjaParser(tokens: try JinjaLexer.tokens(of: source))
        let nodes = try parser.body(until: [])
        guard parser.position == parser.tokens.count else { throw JinjaError("an end without its beginning") }
        return nodes
    }

    private init(tokens: [JinjaToken]) { self.tokens = tokens }

    var next: JinjaToken? { position < tokens.count ? tokens[position] : nil }

    mutating func enter() throws(JinjaError) {
        depth += 1
        guard depth < Self.depthLimit else { throw JinjaError("it nests deeper than \(Self.depthLimit)") }
    }

    mutating func leave() { depth -= 1 }

    mutating func take(_ symbol: String) -> Bool {
        guard case .symbol(symbol)? = next else { return false }
        position += 1
        return true
    }

    mutating func takeWord(_ word: String) -> Bool {
        guard case .name(word)? = next else { return false }
        position += 1
        return true
    }

    mutating func expect(_ symbol: String) throws(JinjaError) {
        guard take(symbol) else { throw JinjaError("\(symbol) is expected before \(describeNext)") }
    }

    mutating func name() throws(JinjaError) -> String {
        guard case .name(let name)? = next else { throw JinjaError("a name is expected before \(describeNext)") }
        position += 1
        return name
    }

    var describeNext: String {
        switch next {
        case .text(let text): "the text \(text.prefix(20))"
        case .symbol(let symbol): symbol
        case .name(let name): name
        case .string(let text): "'\(text.prefix(20))'"
        case .number: "a number"
        case nil: "the end"
        }
    }

    // MARK: - Statements

    /// Nodes up to a block whose first word is in `ends`; that word is left to be read.
    private mutating func body(until ends: Set<String>) throws(JinjaError) -> [JinjaNode] {
        try enter()
        defer { leave() }
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
            guard loops > 0 else { throw JinjaError("\(word) outside a loop") }
            try expect("%}")
            return [.leave(isBreak: word == "break")]
        case "generation":
            // Marks the assistant's words for training; prints nothing itself.
            try expect("%}")
            let (nodes, _) = try outsideLoops { parser throws(JinjaError) in
                try parser.block(until: ["endgeneration"])
            }
            try expect("%}")
            return [.scope(nodes)]
        default: throw JinjaError("the block \(word) is not supported")
        }
    }

    /// Reads what no `break` leaves.
    private mutating func outsideLoops<Result>(
        _ read: (inout JinjaParser) throws(JinjaError) -> Result
    ) throws(JinjaError) -> Result {
        let around = loops
        loops = 0
        defer { loops = around }
        return try read(&self)
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
        try expect("%}")
        loops += 1
        var (nodes, end) = try block(until: ["else", "endfor"])
        loops -= 1
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
        return .setBlock(target: target, body: nodes)
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
        let (body, _) = try outsideLoops { parser throws(JinjaError) in try parser.block(until: ["endmacro"]) }
        try expect("%}")
        return .macro(name: own, JinjaMacro(parameters: parameters, body: body))
    }
}
