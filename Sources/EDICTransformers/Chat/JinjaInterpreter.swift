/// Runs a parsed template.
struct JinjaInterpreter {
    private let work: JinjaWork
    let library: JinjaLibrary
    private var scopes: [[String: JinjaValue]]
    var namespaces: [[JinjaKey: JinjaValue]] = []
    /// Macros, and the scopes around each but the outermost one, as they were when the macro was read.
    private var macros: [(macro: JinjaMacro, scopes: [[String: JinjaValue]])] = []
    private var output = ""
    /// Set by `break` and `continue` until the loop has seen it.
    private var leaving: Leaving?
    private var depth = 0
    private var calls = 0
    /// A template that nests more than this, macros included, is stopped before the stack ends.
    private static let depthLimit = 400
    private static let callLimit = 60

    private enum Leaving { case loop, round }

    /// What templates find there besides their variables.
    private static let functions: Set = ["raise_exception", "namespace", "range", "dict", "strftime_now"]
    /// What they find there in Jinja, but not here.
    private static let unsupported: Set = [
        "caller", "cycler", "joiner", "kwargs", "lipsum", "self", "super", "varargs",
    ]

    static func render(
        _ program: [JinjaNode], variables: [String: JinjaValue], _ work: JinjaWork
    ) throws(JinjaError) -> String {
        var interpreter = JinjaInterpreter(scopes: [variables], work)
        try interpreter.run(program)
        return interpreter.output
    }

    private init(scopes: [[String: JinjaValue]], _ work: JinjaWork) {
        self.scopes = scopes
        self.work = work
        library = JinjaLibrary(work: work)
    }

    private mutating func enter() throws(JinjaError) {
        depth += 1
        guard depth < Self.depthLimit else { throw JinjaError("it nests deeper than \(Self.depthLimit)") }
    }

    // MARK: - Statements

    private mutating func run(_ nodes: [JinjaNode]) throws(JinjaError) {
        try enter()
        defer { depth -= 1 }
        for node in nodes where leaving == nil {
            try work.spend(JinjaWork.step)
            switch node {
            case .text(let text): try write(text)
            case .output(let expression): try write(try work.text(try evaluate(expression)))
            case .branch(let branches, let otherwise): try branch(branches, otherwise)
            case .loop(let names, let over, let filter, let body, let otherwise):
                try loop(names, over, filter, body, otherwise)
            case .set(let target, let expression): try assign(try evaluate(expression), to: target)
            case .setBlock(let target, let body): try assign(.string(try text(of: body)), to: target)
            case .macro(let name, let macro):
                try assign(.macro(macros.count), to: [name])
                try work.spend(items: scopes.dropFirst().reduce(1) { $0 + 4 * $1.count })
                macros.append((macro, Array(scopes.dropFirst())))
            case .scope(let nodes):
                scopes.append([:])
                defer { scopes.removeLast() }
                try run(nodes)
            case .leave(let isBreak): leaving = isBreak ? .loop : .round
            }
        }
    }

    private mutating func write(_ text: String) throws(JinjaError) {
        try work.spend(text.utf8.count)
        output += text
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

    private mutating func branch(
        _ branches: [(condition: JinjaExpression, body: [JinjaNode])], _ otherwise: [JinjaNode]
    ) throws(JinjaError) {
        for (condition, body) in branches where try evaluate(condition).isTrue { return try run(body) }
        try run(otherwise)
    }

    private mutating func assign(_ value: JinjaValue, to target: [String]) throws(JinjaError) {
        guard target.count > 1 else {
            scopes[scopes.count - 1][target[0]] = value
            return
        }
        guard target.count == 2, case .namespace(let number) = try variable(target[0]), !target[1].hasPrefix("_") else {
            throw JinjaError("\(target.joined(separator: ".")) cannot be set")
        }
        namespaces[number][JinjaKey(text: target[1])] = value
    }

    private func variable(_ name: String) throws(JinjaError) -> JinjaValue {
        for scope in scopes.reversed() {
            try work.spend(JinjaWork.item)
            if let value = scope[name] { return value }
        }
        guard !Self.unsupported.contains(name) else { throw JinjaError("\(name) is not supported") }
        return Self.functions.contains(name) ? .function(name) : .undefined
    }

    private mutating func loop(
        _ names: [String], _ over: JinjaExpression, _ filter: JinjaExpression?, _ body: [JinjaNode],
        _ otherwise: [JinjaNode]
    ) throws(JinjaError) {
        let all = try library.items(of: try evaluate(over))
        scopes.append([:])
        defer { scopes.removeLast() }
        var items = all
        if let filter {
            items = []
            for item in all {
                try bind(names, to: item)
                if try evaluate(filter).isTrue { items.append(item) }
            }
        }
        let depth = try JinjaValue.depth(over: items)
        for (index, item) in items.enumerated() {
            try work.spend(4 * JinjaWork.step)
            scopes[scopes.count - 1] = [:]
            try bind(names, to: item)
            scopes[scopes.count - 1]["loop"] = .loop(JinjaLoop(items, at: index, depth: depth))
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
            let parts = try library.items(of: item)
            guard parts.count == names.count else { throw JinjaError("a loop wants \(names.count) values at once") }
            for (name, part) in zip(names, parts) { scopes[scopes.count - 1][name] = part }
        }
    }

    // MARK: - Expressions

    private mutating func evaluate(_ expression: JinjaExpression) throws(JinjaError) -> JinjaValue {
        try work.spend(JinjaWork.step)
        try enter()
        defer { depth -= 1 }
        switch expression {
        case .literal(let value): return value
        case .variable(let name): return try variable(name)
        case .list(let items, let kind):
            try work.spend(items: items.count)
            return try .list(try evaluate(all: items), kind)
        case .dictionary(let items): return try dictionary(items)
        case .call(let name, let arguments): return try call(name, arguments)
        case .chain(let base, let links):
            var value = try evaluate(base)
            for link in links { value = try follow(link, from: value) }
            return value
        case .not(let value): return .bool(!(try evaluate(value).isTrue))
        case .sign(let sign, let value): return try library.signed(sign, try evaluate(value))
        case .logic(let isAnd, let parts):
            var value = JinjaValue.none
            for part in parts {
                value = try evaluate(part)
                if value.isTrue != isAnd { break }
            }
            return value
        case .comparison(let first, let others):
            var left = try evaluate(first)
            for (symbol, other) in others {
                let right = try evaluate(other)
                guard try library.compare(symbol, left, right) else { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .arithmetic(let first, let others):
            var value = try evaluate(first)
            for (symbol, other) in others { value = try library.arithmetic(symbol, value, try evaluate(other)) }
            return value
        case .conditional(let condition, let then, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(then) }
            guard let otherwise else { return .undefined }
            return try evaluate(otherwise)
        }
    }

    private mutating func evaluate(all expressions: [JinjaExpression]) throws(JinjaError) -> [JinjaValue] {
        var values: [JinjaValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private mutating func evaluate(_ arguments: JinjaArguments) throws(JinjaError) -> JinjaGiven {
        var given = JinjaGiven(plain: try evaluate(all: arguments.plain))
        for (name, expression) in arguments.named { given.named.append((name, try evaluate(expression))) }
        return given
    }

    private mutating func dictionary(
        _ items: [(JinjaExpression, JinjaExpression)]
    ) throws(JinjaError) -> JinjaValue {
        var members: [(String, JinjaValue)] = []
        for (key, value) in items {
            guard case .string(let key) = try evaluate(key) else { throw JinjaError("a key that is no text") }
            try work.spend(4 * JinjaWork.item + JinjaKey(text: key).price)
            members.append((key, try evaluate(value)))
        }
        return try .object(members)
    }

    private mutating func follow(_ link: JinjaLink, from value: JinjaValue) throws(JinjaError) -> JinjaValue {
        try work.spend(JinjaWork.step)
        switch link {
        case .attribute(let name): return try member(name, of: value)
        case .index(let index):
            let index = try evaluate(index)
            if case .namespace = value, case .string(let name) = index { return try member(name, of: value) }
            return try library.element(value, index)
        case .slice(let parts):
            var bounds: [JinjaValue?] = []
            for part in parts {
                guard let part else {
                    bounds.append(nil)
                    continue
                }
                bounds.append(try evaluate(part))
            }
            return try library.slice(value, bounds)
        case .method(let name, let arguments): return try library.method(name, of: value, try evaluate(arguments))
        case .filter(let name, let arguments): return try library.filter(name, value, try evaluate(arguments))
        case .test(let name, let arguments, let negated):
            return .bool(try library.test(name, value, try evaluate(arguments)) != negated)
        }
    }

    private func member(_ name: String, of value: JinjaValue) throws(JinjaError) -> JinjaValue {
        guard case .namespace(let number) = value else { return try library.attribute(name, of: value) }
        try work.spend(name.utf8.count)
        return namespaces[number][JinjaKey(text: name)] ?? .undefined
    }

    // MARK: - Calls

    private mutating func call(_ name: String, _ arguments: JinjaArguments) throws(JinjaError) -> JinjaValue {
        let function = try variable(name)
        let given = try evaluate(arguments)
        switch function {
        case .macro(let number): return try call(macro: number, name, given)
        case .function(let name): return try call(name, given)
        default: throw JinjaError("the function \(name) is not supported")
        }
    }

    /// A macro sees what the whole template has set, what was set around it, and its parameters.
    private mutating func call(macro number: Int, _ name: String, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue
    {
        let macro = macros[number].macro
        guard given.plain.count <= macro.parameters.count else {
            throw JinjaError("the macro \(name) gets too many values")
        }
        guard calls < Self.callLimit else { throw JinjaError("the macro \(name) calls itself without end") }
        var named = Dictionary(given.named, uniquingKeysWith: { $1 })
        calls += 1
        let (outer, left) = (scopes, leaving)
        scopes = [outer[0]] + macros[number].scopes + [[:]]
        defer {
            scopes = outer
            leaving = left
            calls -= 1
        }
        for (place, parameter) in macro.parameters.enumerated() {
            var value = place < given.plain.count ? given.plain[place] : named.removeValue(forKey: parameter.name)
            if value == nil, let standard = parameter.standard { value = try evaluate(standard) }
            scopes[scopes.count - 1][parameter.name] = value ?? .undefined
        }
        guard named.isEmpty else { throw JinjaError("the macro \(name) gets values that it does not know") }
        return .string(try text(of: macro.body))
    }

    private mutating func call(_ function: String, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        switch function {
        case "raise_exception":
            throw JinjaError(try work.text(try given.bound(to: "message", of: function)[0] ?? .string("")), .refused)
        case "strftime_now":
            let pattern = try library.string(try given.bound(to: "format", of: function)[0], for: function)
            let text = TemplateClock.text(pattern)
            guard !text.isEmpty || pattern.isEmpty else { throw JinjaError("the time is no text, or a long one") }
            return .string(text)
        case "namespace":
            try work.spend(4 * JinjaWork.step)
            let members = try members(given, of: function)
            guard !members.contains(where: { $0.0.hasPrefix("_") }) else {
                throw JinjaError("a name in a namespace begins with _")
            }
            let keyed = members.map { (JinjaKey(text: $0.0), $0.1) }
            namespaces.append(Dictionary(keyed, uniquingKeysWith: { $1 }))
            return .namespace(namespaces.count - 1)
        case "range": return try range(given)
        default: return try .object(try members(given, of: function))
        }
    }

    /// What `dict` and `namespace` take from a dictionary and from values with names.
    private func members(
        _ given: JinjaGiven, of function: String
    ) throws(JinjaError) -> [(String, JinjaValue)] {
        var members = given.named
        if let first = given.plain.first {
            guard given.plain.count == 1, case .dictionary(let dictionary) = first else {
                throw JinjaError("\(function) wants a dictionary, or values with names")
            }
            members = Array(zip(dictionary.keys, dictionary.values)) + members
        }
        for (key, _) in members { try work.spend(4 * JinjaWork.item + JinjaKey(text: key).price) }
        return members
    }

    /// Numbers in order; as many as Jinja's sandbox allows.
    private func range(_ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        let values = try given.bound(to: "_from", "_to", "_by", of: "range").compactMap { $0 }
        let numbers = values.compactMap(\.whole)
        guard !numbers.isEmpty, numbers.count == values.count else {
            throw JinjaError("range wants one to three numbers")
        }
        let from = numbers.count > 1 ? numbers[0] : 0
        let to = numbers.count > 1 ? numbers[1] : numbers[0]
        let by = numbers.count > 2 ? numbers[2] : 1
        guard by != 0 else { throw JinjaError("range with step 0") }
        let (distance, isBeyond) = to.subtractingReportingOverflow(from)
        // Without end in sight, or with it behind.
        if isBeyond ? (to > from) != (by > 0) : distance == 0 || (distance > 0) != (by > 0) {
            return try .list([JinjaValue](), .range)
        }
        guard !isBeyond, (distance.magnitude - 1) / by.magnitude < 100_000 else {
            throw JinjaError("range is too long")
        }
        let count = Int((distance.magnitude - 1) / by.magnitude) + 1
        try work.spend(items: count)
        return try .list((0..<count).map { .integer(from + $0 * by) }, .range)
    }
}
