/// Expressions, from the loosest to the tightest.
extension JinjaParser {
    mutating func expression() throws(JinjaError) -> JinjaExpression {
        try enter()
        defer { leave() }
        let value = try disjunction()
        guard takeWord("if") else { return value }
        let condition = try disjunction()
        let otherwise = takeWord("else") ? try expression() : nil
        return .conditional(condition, then: value, otherwise: otherwise)
    }

    mutating func disjunction() throws(JinjaError) -> JinjaExpression {
        var parts = [try conjunction()]
        while takeWord("or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .logic(isAnd: false, parts)
    }

    private mutating func conjunction() throws(JinjaError) -> JinjaExpression {
        var parts = [try negation()]
        while takeWord("and") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : .logic(isAnd: true, parts)
    }

    private mutating func negation() throws(JinjaError) -> JinjaExpression {
        try enter()
        defer { leave() }
        return takeWord("not") ? .not(try negation()) : try comparison()
    }

    private mutating func comparison() throws(JinjaError) -> JinjaExpression {
        let first = try sum()
        var others: [(String, JinjaExpression)] = []
        while true {
            if case .symbol(let symbol)? = next, ["==", "!=", "<", ">", "<=", ">="].contains(symbol) {
                position += 1
                others.append((symbol, try sum()))
            } else if takeWord("in") {
                others.append(("in", try sum()))
            } else if case .name("not")? = next, position + 1 < tokens.count, case .name("in") = tokens[position + 1] {
                position += 2
                others.append(("not in", try sum()))
            } else {
                return others.isEmpty ? first : .comparison(first, others)
            }
        }
    }

    private mutating func sum() throws(JinjaError) -> JinjaExpression {
        let first = try concatenation()
        var others: [(String, JinjaExpression)] = []
        while let symbol = takeAny(of: ["+", "-"]) { others.append((symbol, try concatenation())) }
        return others.isEmpty ? first : .arithmetic(first, others)
    }

    /// `~` binds tighter than `+` in Jinja.
    private mutating func concatenation() throws(JinjaError) -> JinjaExpression {
        let first = try product()
        var others: [(String, JinjaExpression)] = []
        while take("~") { others.append(("~", try product())) }
        return others.isEmpty ? first : .arithmetic(first, others)
    }

    private mutating func product() throws(JinjaError) -> JinjaExpression {
        let first = try unary()
        var others: [(String, JinjaExpression)] = []
        while let symbol = takeAny(of: ["*", "/", "//", "%"]) { others.append((symbol, try unary())) }
        return others.isEmpty ? first : .arithmetic(first, others)
    }

    private mutating func takeAny(of symbols: [String]) -> String? {
        guard case .symbol(let symbol)? = next, symbols.contains(symbol) else { return nil }
        position += 1
        return symbol
    }

    /// A sign belongs to what follows it without its filters: `-1 | abs` is 1.
    private mutating func unary(withFilters: Bool = true) throws(JinjaError) -> JinjaExpression {
        try enter()
        defer { leave() }
        let first: JinjaExpression
        if let sign = takeAny(of: ["-", "+"]) {
            first = .sign(sign, try unary(withFilters: false))
        } else {
            first = try primary()
        }
        var links: [JinjaLink] = []
        while try postfix(&links) {}
        // Parts stand before filters and tests, not behind them.
        while withFilters {
            if take("|") {
                let filter = try name()
                links.append(.filter(filter, take("(") ? try arguments() : JinjaArguments()))
            } else if takeWord("is") {
                links.append(try test())
            } else {
                break
            }
        }
        return links.isEmpty ? first : .chain(first, links)
    }

    private mutating func test() throws(JinjaError) -> JinjaLink {
        let negated = takeWord("not")
        let test = try name()
        if take("(") { return .test(test, try arguments(), negated: negated) }
        // One argument may follow without parentheses.
        switch next {
        case .string, .number, .symbol("["), .symbol("{"): break
        case .name("is")?: throw JinjaError("a test of a test wants parentheses")
        case .name(let word)? where !["else", "or", "and"].contains(word): break
        default: return .test(test, JinjaArguments(), negated: negated)
        }
        let argument = try primary()
        var links: [JinjaLink] = []
        while try postfix(&links) {}
        return .test(
            test, JinjaArguments(plain: [links.isEmpty ? argument : .chain(argument, links)]), negated: negated)
    }

    /// An attribute, a place or a call, if one follows.
    private mutating func postfix(_ links: inout [JinjaLink]) throws(JinjaError) -> Bool {
        if take(".") {
            let name = try name()
            links.append(take("(") ? .method(name, try arguments()) : .attribute(name))
            return true
        }
        if take("[") {
            links.append(try subscription())
            return true
        }
        if case .symbol("(")? = next { throw JinjaError("something that is no function is called") }
        return false
    }

    private mutating func subscription() throws(JinjaError) -> JinjaLink {
        var parts: [JinjaExpression?] = [nil]
        while !take("]") {
            if take(":") {
                parts.append(nil)
            } else if parts[parts.count - 1] == nil {
                parts[parts.count - 1] = try expression()
            } else {
                throw JinjaError("] is expected before \(describeNext)")
            }
        }
        guard parts.count > 1 else {
            guard let index = parts[0] else { throw JinjaError("an empty index") }
            return .index(index)
        }
        guard parts.count <= 3 else { throw JinjaError("a slice of \(parts.count) parts") }
        return .slice(parts + Array(repeating: nil, count: 3 - parts.count))
    }

    private mutating func arguments() throws(JinjaError) -> JinjaArguments {
        var arguments = JinjaArguments()
        while !take(")") {
            if case .name(let key)? = next, position + 1 < tokens.count, case .symbol("=") = tokens[position + 1] {
                position += 2
                guard arguments.named.count < 100, !arguments.named.contains(where: { $0.0 == key }) else {
                    throw JinjaError("\(key) is given twice, or there are too many names")
                }
                arguments.named.append((key, try expression()))
            } else {
                guard arguments.named.isEmpty else { throw JinjaError("a value without a name after one with a name") }
                arguments.plain.append(try expression())
            }
            if !take(",") {
                try expect(")")
                break
            }
        }
        return arguments
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
        case .name(let name): return take("(") ? .call(name, try arguments()) : .variable(name)
        case .symbol("("): return try parenthesis()
        case .symbol("["): return .list(try items(until: "]"), .list)
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

    private mutating func items(until end: String) throws(JinjaError) -> [JinjaExpression] {
        var items: [JinjaExpression] = []
        while !take(end) {
            items.append(try expression())
            if !take(",") {
                try expect(end)
                break
            }
        }
        return items
    }

    /// A value in parentheses, or a tuple.
    private mutating func parenthesis() throws(JinjaError) -> JinjaExpression {
        if take(")") { return .list([], .tuple) }
        let value = try expression()
        if take(",") { return .list([value] + (try items(until: ")")), .tuple) }
        try expect(")")
        return value
    }
}
