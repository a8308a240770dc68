/// Runs a parsed template.
struct JinjaInterpreter {
    private var scopes: [[String: JinjaValue]]
    private var namespaces: [[String: JinjaValue]] = []
    private var macros: [JinjaMacro] = []
    private var output = ""
    /// Set by `break` and `continue` until the loop has seen it.
    private var leaving: Leaving?
    private var steps = 0
    private var depth = 0
    private var calls = 0
    /// A template that does more than this is stopped.
    private static let stepLimit = 2_000_000
    private static let outputLimit = 64 << 20
    private static let callLimit = 60

    private enum Leaving { case loop, round }

    /// What templates find there besides their variables.
    private static let functions: Set = ["raise_exception", "namespace", "range", "dict", "strftime_now"]

    static func render(_ program: [JinjaNode], variables: [String: JinjaValue]) throws(JinjaError) -> String {
        var interpreter = JinjaInterpreter(scopes: [variables])
        try interpreter.run(program)
        return interpreter.output
    }

    private init(scopes: [[String: JinjaValue]]) { self.scopes = scopes }

    private mutating func step() throws(JinjaError) {
        steps += 1
        guard steps < Self.stepLimit, output.utf8.count < Self.outputLimit else {
            throw JinjaError("it runs without end or writes without measure")
        }
    }

    private mutating func run(_ nodes: [JinjaNode]) throws(JinjaError) {
        for node in nodes where leaving == nil {
            try step()
            switch node {
            case .text(let text): output += text
            case .output(let expression): output += try evaluate(expression).text
            case .branch(let branches, let otherwise):
                var isTaken = false
                for (condition, body) in branches where !isTaken {
                    guard try evaluate(condition).isTrue else { continue }
                    isTaken = true
                    try run(body)
                }
                if !isTaken { try run(otherwise) }
            case .loop(let names, let over, let filter, let body, let otherwise):
                try loop(names, over, filter, body, otherwise)
            case .set(let target, let expression): try assign(try evaluate(expression), to: target)
            case .setBlock(let name, let body): try assign(.string(try text(of: body)), to: [name])
            case .macro(let name, let macro):
                macros.append(macro)
                try assign(.macro(macros.count - 1), to: [name])
            case .leave(let isBreak): leaving = isBreak ? .loop : .round
            }
        }
    }

    /// What nodes print.
    private mutating func text(of nodes: [JinjaNode]) throws(JinjaError) -> String {
        let before = output
        output = ""
        try run(nodes)
        let text = output
        output = before
        return text
    }

    private mutating func assign(_ value: JinjaValue, to target: [String]) throws(JinjaError) {
        guard target.count > 1 else {
            scopes[scopes.count - 1][target[0]] = value
            return
        }
        guard target.count == 2, case .namespace(let number) = variable(target[0]) else {
            throw JinjaError("\(target.joined(separator: ".")) cannot be set: \(target[0]) is no namespace")
        }
        namespaces[number][target[1]] = value
    }

    private func variable(_ name: String) -> JinjaValue {
        for scope in scopes.reversed() {
            if let value = scope[name] { return value }
        }
        return Self.functions.contains(name) ? .function(name) : .undefined
    }

    private mutating func loop(
        _ names: [String], _ over: JinjaExpression, _ filter: JinjaExpression?, _ body: [JinjaNode],
        _ otherwise: [JinjaNode]
    ) throws(JinjaError) {
        var items: [JinjaValue]
        switch try evaluate(over) {
        case .array(let values): items = values
        case .dictionary(_, let order): items = order.map { .string($0) }
        case .string(let text): items = text.map { .string(String($0)) }
        case .undefined, .none: items = []
        default: throw JinjaError("a loop over something that is no list")
        }
        scopes.append([:])
        defer { scopes.removeLast() }
        if let filter {
            var kept: [JinjaValue] = []
            for item in items {
                try bind(names, to: item)
                if try evaluate(filter).isTrue { kept.append(item) }
            }
            items = kept
        }
        for (index, item) in items.enumerated() {
            scopes[scopes.count - 1] = [:]
            try bind(names, to: item)
            scopes[scopes.count - 1]["loop"] = .object([
                ("index", .integer(index + 1)), ("index0", .integer(index)), ("first", .bool(index == 0)),
                ("last", .bool(index + 1 == items.count)), ("length", .integer(items.count)),
                ("revindex", .integer(items.count - index)), ("revindex0", .integer(items.count - index - 1)),
                ("previtem", index > 0 ? items[index - 1] : .undefined),
                ("nextitem", index + 1 < items.count ? items[index + 1] : .undefined),
            ])
            try run(body)
            let left = leaving
            leaving = nil
            if left == .loop { break }
        }
        if items.isEmpty { try run(otherwise) }
    }

    private mutating func bind(_ names: [String], to item: JinjaValue) throws(JinjaError) {
        if names.count == 1 {
            scopes[scopes.count - 1][names[0]] = item
        } else {
            guard case .array(let parts) = item, parts.count == names.count else {
                throw JinjaError("a loop wants \(names.count) values at once")
            }
            for (name, part) in zip(names, parts) { scopes[scopes.count - 1][name] = part }
        }
    }

    // MARK: - Expressions

    private mutating func evaluate(_ expression: JinjaExpression) throws(JinjaError) -> JinjaValue {
        try step()
        depth += 1
        defer { depth -= 1 }
        guard depth < 400 else { throw JinjaError("an expression nests too deeply") }
        switch expression {
        case .literal(let value): return value
        case .variable(let name): return variable(name)
        case .list(let items): return .array(try evaluate(all: items))
        case .dictionary(let items):
            var members: [(String, JinjaValue)] = []
            for (key, value) in items { members.append((try evaluate(key).text, try evaluate(value))) }
            return .object(members)
        case .attribute(let base, let name): return member(try evaluate(base), name)
        case .index(let base, let index): return try element(try evaluate(base), try evaluate(index))
        case .slice(let base, let from, let to, let by):
            return try slice(try evaluate(base), try bound(from), try bound(to), try bound(by))
        case .call(let function, let arguments, let named): return try call(function, arguments, named)
        case .filter(let base, let name, let arguments, let named):
            let value = try evaluate(base)
            return try JinjaLibrary.filter(name, value, try evaluate(all: arguments), try evaluate(named: named))
        case .test(let base, let name, let arguments, let negated):
            let result = try JinjaLibrary.test(name, try evaluate(base), try evaluate(all: arguments))
            return .bool(result != negated)
        case .unary("not", let value): return .bool(!(try evaluate(value).isTrue))
        case .unary(_, let value):
            switch try evaluate(value) {
            case .integer(let number): return .integer(0 &- number)
            case .double(let number): return .double(-number)
            default: throw JinjaError("minus wants a number")
            }
        case .binary("and", let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .binary("or", let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .binary(let symbol, let left, let right):
            return try JinjaLibrary.binary(symbol, try evaluate(left), try evaluate(right))
        case .conditional(let condition, let then, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(then) }
            return try otherwise.map { value throws(JinjaError) in try evaluate(value) } ?? .undefined
        }
    }

    private mutating func evaluate(all expressions: [JinjaExpression]) throws(JinjaError) -> [JinjaValue] {
        var values: [JinjaValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private mutating func evaluate(
        named expressions: [(String, JinjaExpression)]
    ) throws(JinjaError) -> [String: JinjaValue] {
        var values: [String: JinjaValue] = [:]
        for (name, expression) in expressions { values[name] = try evaluate(expression) }
        return values
    }

    private mutating func bound(_ expression: JinjaExpression?) throws(JinjaError) -> Int? {
        guard let expression else { return nil }
        guard case .integer(let value) = try evaluate(expression) else { throw JinjaError("a slice wants numbers") }
        return value
    }

    private func member(_ base: JinjaValue, _ name: String) -> JinjaValue {
        switch base {
        case .dictionary(let members, _): members[name] ?? .undefined
        case .namespace(let number): namespaces[number][name] ?? .undefined
        default: .undefined
        }
    }

    private func element(_ base: JinjaValue, _ index: JinjaValue) throws(JinjaError) -> JinjaValue {
        switch (base, index) {
        case (.array(let items), .integer(let place)):
            let at = place < 0 ? items.count + place : place
            return items.indices.contains(at) ? items[at] : .undefined
        case (.string(let text), .integer(let place)):
            let characters = Array(text.unicodeScalars)
            let at = place < 0 ? characters.count + place : place
            return characters.indices.contains(at) ? .string(String(characters[at])) : .undefined
        case (_, .string(let name)): return member(base, name)
        default: return .undefined
        }
    }

    private func slice(_ base: JinjaValue, _ from: Int?, _ to: Int?, _ by: Int?) throws(JinjaError) -> JinjaValue {
        func places(_ count: Int) throws(JinjaError) -> [Int] {
            func clamp(_ place: Int, _ low: Int, _ high: Int) -> Int {
                min(max(place < 0 ? count + place : place, low), high)
            }
            let by = by ?? 1
            if by > 0 {
                return Array(
                    stride(
                        from: from.map { clamp($0, 0, count) } ?? 0, to: to.map { clamp($0, 0, count) } ?? count, by: by
                    ))
            }
            guard by < 0 else { throw JinjaError("a slice with step 0") }
            return Array(
                stride(
                    from: from.map { clamp($0, -1, count - 1) } ?? count - 1,
                    to: to.map { clamp($0, -1, count - 1) } ?? -1, by: by))
        }
        switch base {
        case .array(let items): return .array(try places(items.count).map { items[$0] })
        case .string(let text):
            let scalars = Array(text.unicodeScalars)
            var part = String.UnicodeScalarView()
            part.append(contentsOf: try places(scalars.count).map { scalars[$0] })
            return .string(String(part))
        default: throw JinjaError("a slice of something that is no list")
        }
    }

    private mutating func call(
        _ function: JinjaExpression, _ arguments: [JinjaExpression], _ named: [(String, JinjaExpression)]
    ) throws(JinjaError) -> JinjaValue {
        let values = try evaluate(all: arguments)
        switch function {
        case .attribute(let base, let method):
            return try JinjaLibrary.method(method, of: try evaluate(base), values)
        case .variable(let name):
            switch variable(name) {
            case .macro(let number): return try call(macros[number], name, values, try evaluate(named: named))
            case .function(let name): return try call(name, values, named)
            default: throw JinjaError("the function \(name) is not supported")
            }
        default: throw JinjaError("something that is no function is called")
        }
    }

    /// A macro sees what the whole template has set, and its parameters.
    private mutating func call(
        _ macro: JinjaMacro, _ name: String, _ values: [JinjaValue], _ named: [String: JinjaValue]
    ) throws(JinjaError) -> JinjaValue {
        guard values.count <= macro.parameters.count else { throw JinjaError("the macro \(name) gets too many values") }
        guard calls < Self.callLimit else { throw JinjaError("the macro \(name) calls itself without end") }
        calls += 1
        let (outer, left) = (scopes, leaving)
        scopes = [outer[0], [:]]
        defer {
            scopes = outer
            leaving = left
            calls -= 1
        }
        for (place, parameter) in macro.parameters.enumerated() {
            let given = place < values.count ? values[place] : named[parameter.name]
            let standard =
                try given == nil ? parameter.standard.map { value throws(JinjaError) in try evaluate(value) } : nil
            scopes[1][parameter.name] = given ?? standard ?? .undefined
        }
        return .string(try text(of: macro.body))
    }

    private mutating func call(
        _ function: String, _ values: [JinjaValue], _ named: [(String, JinjaExpression)]
    ) throws(JinjaError) -> JinjaValue {
        switch function {
        case "raise_exception": throw JinjaError("refuses the conversation: \(values.first?.text ?? "")")
        case "strftime_now": return .string(TemplateClock.text(values.first?.text ?? ""))
        case "namespace":
            namespaces.append(try evaluate(named: named))
            return .namespace(namespaces.count - 1)
        case "range":
            let numbers = values.compactMap { if case .integer(let value) = $0 { value } else { nil } }
            guard (1...3).contains(numbers.count), numbers.count == values.count else {
                throw JinjaError("range wants one to three numbers")
            }
            let from = numbers.count > 1 ? numbers[0] : 0
            let to = numbers.count > 1 ? numbers[1] : numbers[0]
            let by = numbers.count > 2 ? numbers[2] : 1
            guard by != 0, abs(to.subtractingReportingOverflow(from).partialValue) < 1 << 20 else {
                throw JinjaError("range is too long")
            }
            return .array(stride(from: from, to: to, by: by).map { .integer($0) })
        default:
            var members: [(String, JinjaValue)] = []
            for (key, value) in named { members.append((key, try evaluate(value))) }
            return .object(members)
        }
    }
}
