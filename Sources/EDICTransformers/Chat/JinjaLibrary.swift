/// Jinja's operators, filters, tests and methods, as far as chat templates use them.
enum JinjaLibrary {
    static func binary(_ symbol: String, _ left: JinjaValue, _ right: JinjaValue) throws(JinjaError) -> JinjaValue {
        switch symbol {
        case "==": return .bool(equal(left, right))
        case "!=": return .bool(!equal(left, right))
        case "~": return .string(left.text + right.text)
        case "in": return .bool(try contains(right, left))
        case "+":
            switch (left, right) {
            case (.string(let a), .string(let b)): return .string(a + b)
            case (.array(let a), .array(let b)): return .array(a + b)
            default: break
            }
        case "<", ">", "<=", ">=":
            if case .string(let a) = left, case .string(let b) = right {
                let isLess = a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
                switch symbol {
                case "<": return .bool(isLess)
                case ">": return .bool(!isLess && a != b)
                case "<=": return .bool(isLess || a == b)
                default: return .bool(!isLess)
                }
            }
            guard let a = left.number, let b = right.number else { throw JinjaError("\(symbol) between unlike values") }
            switch symbol {
            case "<": return .bool(a < b)
            case ">": return .bool(a > b)
            case "<=": return .bool(a <= b)
            default: return .bool(a >= b)
            }
        case "%" where isString(left): throw JinjaError("formatting with % is not supported")
        default: break
        }
        return try arithmetic(symbol, left, right)
    }

    private static func isString(_ value: JinjaValue) -> Bool { if case .string = value { true } else { false } }

    private static func arithmetic(
        _ symbol: String, _ left: JinjaValue, _ right: JinjaValue
    ) throws(JinjaError) -> JinjaValue {
        guard let a = left.number, let b = right.number else {
            throw JinjaError("\(symbol) between values that are no numbers")
        }
        if case .integer(let a) = left, case .integer(let b) = right, symbol != "/" {
            switch symbol {
            case "+": return .integer(a &+ b)
            case "-": return .integer(a &- b)
            case "*": return .integer(a &* b)
            case "//", "%":
                guard b != 0, b != -1 else { throw JinjaError("a division by \(b)") }
                let remainder = ((a % b) + b) % b
                return .integer(symbol == "%" ? remainder : (a - remainder) / b)
            default: break
            }
        }
        switch symbol {
        case "+": return .double(a + b)
        case "-": return .double(a - b)
        case "*": return .double(a * b)
        case "/":
            guard b != 0 else { throw JinjaError("a division by zero") }
            return .double(a / b)
        default: throw JinjaError("\(symbol) between numbers that are not whole")
        }
    }

    static func equal(_ left: JinjaValue, _ right: JinjaValue) -> Bool {
        if let a = left.number, let b = right.number { return a == b }
        return left == right
    }

    private static func contains(_ whole: JinjaValue, _ part: JinjaValue) throws(JinjaError) -> Bool {
        switch (whole, part) {
        case (.string(let text), .string(let piece)): return find(piece, in: text)
        case (.array(let items), _): return items.contains { equal($0, part) }
        case (.dictionary(let members, _), .string(let key)): return members[key] != nil
        case (.undefined, _), (.none, _): return false
        default: throw JinjaError("in wants a list or a text")
        }
    }

    private static func find(_ needle: String, in text: String) -> Bool {
        let needle = Array(needle.utf8)
        let text = Array(text.utf8)
        guard !needle.isEmpty else { return true }
        guard needle.count <= text.count else { return false }
        return (0...text.count - needle.count).contains { text[$0..<$0 + needle.count].elementsEqual(needle) }
    }

    // MARK: - Filters and tests

    static func filter(
        _ name: String, _ value: JinjaValue, _ arguments: [JinjaValue], _ named: [String: JinjaValue] = [:]
    ) throws(JinjaError) -> JinjaValue {
        switch (name, value) {
        case ("trim", .string(let text)): return .string(strip(text, leading: true, trailing: true, of: nil))
        case ("upper", .string(let text)): return .string(text.uppercased())
        case ("lower", .string(let text)): return .string(text.lowercased())
        case ("capitalize", .string(let text)):
            return .string(text.prefix(1).uppercased() + text.dropFirst().lowercased())
        case ("length", .string(let text)), ("count", .string(let text)): return .integer(text.unicodeScalars.count)
        case ("length", .array(let items)), ("count", .array(let items)): return .integer(items.count)
        case ("length", .dictionary(_, let order)), ("count", .dictionary(_, let order)): return .integer(order.count)
        case ("length", .undefined): return .integer(0)
        case ("first", .array(let items)): return items.first ?? .undefined
        case ("last", .array(let items)): return items.last ?? .undefined
        case ("reverse", .array(let items)): return .array(items.reversed())
        case ("list", .array): return value
        case ("list", .string(let text)): return .array(text.map { .string(String($0)) })
        case ("join", .array(let items)):
            return .string(items.map(\.text).joined(separator: arguments.first?.text ?? ""))
        case ("items", .dictionary(let members, let order)):
            return .array(order.map { .array([.string($0), members[$0] ?? .none]) })
        case ("string", _): return .string(value.text)
        case ("safe", _), ("escape", _), ("e", _): return value
        case ("int", _): return .integer(value.number.map { Int($0) } ?? Int(value.text) ?? 0)
        case ("float", _): return .double(value.number ?? Double(value.text) ?? 0)
        case ("abs", .integer(let number)): return .integer(abs(number))
        case ("abs", .double(let number)): return .double(abs(number))
        case ("title", .string): return try method("title", of: value, [])
        case ("tojson", _):
            if case .integer(let indent)? = named["indent"] ?? arguments.first {
                return .string(value.json(indent: min(max(indent, 0), 16)))
            }
            return .string(value.json)
        case ("indent", .string(let text)):
            return .string(
                indented(text, named["width"] ?? arguments.first, named["first"] ?? arguments.dropFirst().first))
        case ("default", .undefined), ("d", .undefined): return arguments.first ?? .string("")
        case ("default", _), ("d", _):
            let replacesFalse = named["boolean"] ?? arguments.dropFirst().first
            return replacesFalse?.isTrue == true && !value.isTrue ? arguments.first ?? .string("") : value
        case ("replace", .string): return try method("replace", of: value, arguments)
        case ("selectattr", .array(let items)), ("rejectattr", .array(let items)):
            let key = arguments.first?.text ?? ""
            var kept: [JinjaValue] = []
            for item in items {
                let isMatch = try passes(attribute(key, of: item), arguments.dropFirst())
                if isMatch == (name == "selectattr") { kept.append(item) }
            }
            return .array(kept)
        case ("select", .array(let items)), ("reject", .array(let items)):
            var kept: [JinjaValue] = []
            for item in items where try passes(item, arguments[...]) == (name == "select") { kept.append(item) }
            return .array(kept)
        case ("map", .array(let items)):
            var mapped: [JinjaValue] = []
            for item in items {
                if let key = named["attribute"]?.text {
                    let found = attribute(key, of: item)
                    mapped.append(found == .undefined ? named["default"] ?? .undefined : found)
                } else {
                    mapped.append(try filter(arguments.first?.text ?? "", item, Array(arguments.dropFirst())))
                }
            }
            return .array(mapped)
        case ("unique", .array(let items)):
            return .array(
                items.indices.filter { at in !items[..<at].contains { equal($0, items[at]) } }.map { items[$0] })
        case ("dictsort", .dictionary(let members, let order)):
            return .array(
                order.sorted { $0.lowercased() < $1.lowercased() }.map { .array([.string($0), members[$0] ?? .none]) })
        // What is not there has no items.
        case ("selectattr", .none), ("selectattr", .undefined), ("rejectattr", .none), ("rejectattr", .undefined),
            ("map", .none), ("map", .undefined), ("select", .undefined), ("reject", .undefined), ("list", .undefined),
            ("items", .undefined), ("join", .undefined):
            return name == "join" ? .string("") : .array([])
        default: throw JinjaError("the filter \(name) is not known, or not for this value")
        }
    }

    private static func attribute(_ name: String, of value: JinjaValue) -> JinjaValue {
        if case .dictionary(let members, _) = value { members[name] ?? .undefined } else { .undefined }
    }

    /// Whether a value passes the test that is named first, or is true where none is.
    private static func passes(_ value: JinjaValue, _ test: ArraySlice<JinjaValue>) throws(JinjaError) -> Bool {
        guard let name = test.first?.text else { return value.isTrue }
        return try Self.test(name, value, Array(test.dropFirst()))
    }

    /// Every line but the first, unless `first` is true, and but empty ones, moved to the right.
    private static func indented(_ text: String, _ width: JinjaValue?, _ first: JinjaValue?) -> String {
        var margin = "    "
        if case .integer(let count)? = width { margin = String(repeating: " ", count: min(max(count, 0), 256)) }
        if case .string(let own)? = width { margin = own }
        let lines = split(text, by: "\n").enumerated().map { place, line in
            line.isEmpty || (place == 0 && first?.isTrue != true) ? line : margin + line
        }
        return lines.joined(separator: "\n")
    }

    static func test(_ name: String, _ value: JinjaValue, _ arguments: [JinjaValue]) throws(JinjaError) -> Bool {
        switch name {
        case "defined": value != .undefined
        case "undefined": value == .undefined
        case "none": value == .none
        case "string": isString(value)
        case "true": value == .bool(true)
        case "false": value == .bool(false)
        case "boolean": if case .bool = value { true } else { false }
        case "callable":
            switch value {
            case .macro, .function: true
            default: false
            }
        case "float": if case .double = value { true } else { false }
        case "integer": if case .integer = value { true } else { false }
        case "number": if case .bool = value { false } else { value.number != nil }
        case "mapping": if case .dictionary = value { true } else { false }
        case "iterable", "sequence":
            switch value {
            case .array, .string, .dictionary: true
            default: false
            }
        case "odd": if case .integer(let number) = value { number % 2 != 0 } else { false }
        case "even": if case .integer(let number) = value { number % 2 == 0 } else { false }
        case "equalto", "eq", "==": arguments.first.map { equal(value, $0) } ?? false
        case "ne", "!=": arguments.first.map { !equal(value, $0) } ?? false
        case "in": try arguments.first.map { whole throws(JinjaError) in try contains(whole, value) } ?? false
        default: throw JinjaError("the test \(name) is not known")
        }
    }

    // MARK: - Methods

    static func method(
        _ name: String, of value: JinjaValue, _ arguments: [JinjaValue]
    ) throws(JinjaError) -> JinjaValue {
        switch (name, value) {
        case ("strip", .string(let text)):
            return .string(strip(text, leading: true, trailing: true, of: arguments.first?.text))
        case ("lstrip", .string(let text)):
            return .string(strip(text, leading: true, trailing: false, of: arguments.first?.text))
        case ("rstrip", .string(let text)):
            return .string(strip(text, leading: false, trailing: true, of: arguments.first?.text))
        case ("upper", .string(let text)): return .string(text.uppercased())
        case ("lower", .string(let text)): return .string(text.lowercased())
        case ("title", .string(let text)):
            let words = text.split(separator: " ", omittingEmptySubsequences: false)
            return .string(words.map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: " "))
        case ("startswith", .string(let text)):
            return .bool(text.utf8.starts(with: (arguments.first?.text ?? "").utf8))
        case ("endswith", .string(let text)):
            return .bool(text.utf8.reversed().starts(with: (arguments.first?.text ?? "").utf8.reversed()))
        case ("split", .string(let text)):
            var parts = split(text, by: arguments.first?.text)
            if arguments.count > 1, case .integer(let most) = arguments[1], most >= 0, parts.count > most + 1 {
                parts = parts.prefix(most) + [parts[most...].joined(separator: arguments[0].text)]
            }
            return .array(parts.map { .string($0) })
        case ("splitlines", .string(let text)):
            var lines = split(text, by: "\n")
            if lines.last == "" { lines.removeLast() }
            return .array(lines.map { .string($0) })
        case ("removeprefix", .string(let text)):
            let prefix = arguments.first?.text ?? ""
            return .string(
                text.utf8.starts(with: prefix.utf8) ? String(text.utf8.dropFirst(prefix.utf8.count)) ?? text : text)
        case ("count", .string(let text)):
            return .integer(split(text, by: arguments.first?.text).count - 1)
        case ("find", .string(let text)):
            let parts = split(text, by: arguments.first?.text)
            return .integer(parts.count > 1 ? parts[0].unicodeScalars.count : -1)
        case ("capitalize", .string): return try filter("capitalize", value, [])
        case ("replace", .string(let text)):
            guard arguments.count >= 2, !arguments[0].text.isEmpty else { throw JinjaError("replace wants two texts") }
            return .string(split(text, by: arguments[0].text).joined(separator: arguments[1].text))
        case ("join", .string(let text)):
            guard case .array(let items)? = arguments.first else { throw JinjaError("join wants a list") }
            return .string(items.map(\.text).joined(separator: text))
        case ("items", .dictionary): return try filter("items", value, [])
        case ("keys", .dictionary(_, let order)): return .array(order.map { .string($0) })
        case ("values", .dictionary(let members, let order)): return .array(order.map { members[$0] ?? .none })
        case ("get", .dictionary(let members, _)):
            return members[arguments.first?.text ?? ""] ?? (arguments.count > 1 ? arguments[1] : .none)
        default: throw JinjaError("the method \(name) is not known, or not for this value")
        }
    }

    private static func strip(_ text: String, leading: Bool, trailing: Bool, of set: String?) -> String {
        func isStripped(_ scalar: Unicode.Scalar) -> Bool {
            set.map { $0.unicodeScalars.contains(scalar) } ?? scalar.properties.isWhitespace
        }
        var part = Substring(text).unicodeScalars
        if leading { part = part.drop(while: isStripped) }
        if trailing {
            while let last = part.last, isStripped(last) { part.removeLast() }
        }
        return String(part)
    }

    private static func split(_ text: String, by separator: String?) -> [String] {
        guard let separator, !separator.isEmpty else {
            return text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }
        }
        let bytes = Array(text.utf8)
        let mark = Array(separator.utf8)
        var parts: [String] = []
        var start = 0
        var place = 0
        while place + mark.count <= bytes.count {
            if bytes[place..<place + mark.count].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
                place += mark.count
                start = place
            } else {
                place += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }
}
