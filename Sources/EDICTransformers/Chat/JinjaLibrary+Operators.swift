extension JinjaLibrary {
    // MARK: - Arithmetic

    func arithmetic(_ symbol: String, _ left: JinjaValue, _ right: JinjaValue) throws(JinjaError) -> JinjaValue {
        switch (symbol, left, right) {
        case ("~", _, _): return .string(try work.joined(try work.text(left), try work.text(right)))
        case ("+", .string(let a), .string(let b)): return .string(try work.joined(a, b))
        case ("+", .array(let a), .array(let b)) where a.kind == b.kind && (a.kind == .list || a.kind == .tuple):
            try work.spend(items: a.items.count + b.items.count)
            return try .list(a.items + b.items, a.kind)
        case ("%", .string, _): throw JinjaError("formatting with % is not supported")
        default: break
        }
        if symbol != "/", let a = left.whole, let b = right.whole { return .integer(try whole(symbol, a, b)) }
        guard let a = left.number, let b = right.number else {
            throw JinjaError("\(symbol) between \(left.kind) and \(right.kind)")
        }
        switch symbol {
        case "+": return .double(a + b)
        case "-": return .double(a - b)
        case "*": return .double(a * b)
        case "/":
            guard b != 0 else { throw JinjaError("a division by zero") }
            // Python divides whole numbers exactly and rounds once.
            guard isExact(left), isExact(right) else { throw JinjaError("a number is too large to be divided") }
            return .double(a / b)
        default: throw JinjaError("\(symbol) between numbers that are not whole")
        }
    }

    private func isExact(_ value: JinjaValue) -> Bool { value.whole.map { Int(exactly: Double($0)) == $0 } ?? true }

    private func whole(_ symbol: String, _ a: Int, _ b: Int) throws(JinjaError) -> Int {
        let (result, isBeyond): (Int, Bool)
        switch symbol {
        case "+": (result, isBeyond) = a.addingReportingOverflow(b)
        case "-": (result, isBeyond) = a.subtractingReportingOverflow(b)
        case "*": (result, isBeyond) = a.multipliedReportingOverflow(by: b)
        default:
            guard b != 0 else { throw JinjaError("a division by zero") }
            // Python rounds down, Swift to zero. The smallest number by -1 is beyond the largest.
            let (quotient, isTooLarge) = a.dividedReportingOverflow(by: b)
            let (remainder, _) = a.remainderReportingOverflow(dividingBy: b)
            let isRounded = remainder != 0 && (remainder < 0) != (b < 0)
            (result, isBeyond) =
                symbol == "%"
                ? (isRounded ? remainder + b : remainder, false) : (isRounded ? quotient - 1 : quotient, isTooLarge)
        }
        guard !isBeyond else { throw JinjaError("a number is larger than \(Int.max)") }
        return result
    }

    func signed(_ sign: String, _ value: JinjaValue) throws(JinjaError) -> JinjaValue {
        if let number = value.whole { return .integer(sign == "-" ? try whole("-", 0, number) : number) }
        guard case .double(let number) = value else { throw JinjaError("\(sign) before \(value.kind)") }
        return .double(sign == "-" ? -number : number)
    }

    // MARK: - Comparisons

    func compare(_ symbol: String, _ left: JinjaValue, _ right: JinjaValue) throws(JinjaError) -> Bool {
        switch symbol {
        case "==": return try equal(left, right)
        case "!=": return try !equal(left, right)
        case "in": return try contains(right, left)
        case "not in": return try !contains(right, left)
        default: break
        }
        let order: Order?
        if case .string(let a) = left, case .string(let b) = right {
            order = try self.order(a, b)
        } else {
            guard left.number != nil, right.number != nil else {
                throw JinjaError("\(symbol) between \(left.kind) and \(right.kind)")
            }
            order = self.order(left, right)
        }
        switch symbol {
        case "<": return order == .before
        case ">": return order == .after
        case "<=": return order == .before || order == .same
        default: return order == .after || order == .same
        }
    }

    private enum Order { case before, same, after }

    private func order(_ a: String, _ b: String) throws(JinjaError) -> Order {
        try work.spend(2 * min(a.utf8.count, b.utf8.count))
        // UTF-8 has the order of the code points.
        if a.utf8.elementsEqual(b.utf8) { return .same }
        return a.utf8.lexicographicallyPrecedes(b.utf8) ? .before : .after
    }

    /// Numbers in order, whole ones exactly; nil where one is none (NaN).
    private func order(_ left: JinjaValue, _ right: JinjaValue) -> Order? {
        func order<Number: Comparable>(_ a: Number, _ b: Number) -> Order? {
            a < b ? .before : a > b ? .after : a == b ? .same : nil
        }
        switch (left.whole, right.whole) {
        case (let a?, let b?): return order(a, b)
        case (let a?, nil): return right.number.flatMap { self.order(a, $0) }
        case (nil, let b?):
            switch left.number.flatMap({ self.order(b, $0) }) {
            case .before?: return .after
            case .after?: return .before
            case let same: return same
            }
        default: return left.number.flatMap { a in right.number.flatMap { order(a, $0) } }
        }
    }

    private func order(_ whole: Int, _ number: Double) -> Order? {
        guard !number.isNaN else { return nil }
        guard let down = Int(exactly: number.rounded(.down)) else { return number > 0 ? .before : .after }
        if whole != down { return whole < down ? .before : .after }
        return number == number.rounded(.down) ? .same : .before
    }

    func equal(_ left: JinjaValue, _ right: JinjaValue) throws(JinjaError) -> Bool {
        try work.spend(JinjaWork.item)
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let a), .string(let b)):
            guard a.utf8.count == b.utf8.count else { return false }
            try work.spend(a.utf8.count)
            return a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)):
            guard a.hasPlaces, b.hasPlaces else { throw JinjaError("== with \(left.kind)") }
            guard a.kind == b.kind, a.items.count == b.items.count else { return false }
            for (one, other) in zip(a.items, b.items) where try !equal(one, other) { return false }
            return true
        case (.dictionary(let a), .dictionary(let b)):
            guard a.keys.count == b.keys.count else { return false }
            for (key, value) in zip(a.keys, a.values) {
                try work.spend(JinjaKey(text: key).price)
                guard let other = b[key], try equal(value, other) else { return false }
            }
            return true
        case (.namespace(let a), .namespace(let b)), (.macro(let a), .macro(let b)): return a == b
        case (.function(let a), .function(let b)): return a == b
        case (.loop, .loop): throw JinjaError("== with loop")
        default: return left.number != nil && order(left, right) == .same && right.number != nil
        }
    }

    func contains(_ whole: JinjaValue, _ part: JinjaValue) throws(JinjaError) -> Bool {
        switch whole {
        case .string(let text):
            return try !places(of: try string(part, for: "in"), in: text, atMost: 1).isEmpty
        case .dictionary(let dictionary):
            guard case .string(let key) = part else {
                if case .array = part { throw JinjaError("a list is no key") }
                if case .dictionary = part { throw JinjaError("a dictionary is no key") }
                return false
            }
            try work.spend(JinjaKey(text: key).price)
            return dictionary[key] != nil
        default:
            for item in try items(of: whole) where try equal(item, part) { return true }
            return false
        }
    }

    // MARK: - Tests

    func test(_ name: String, _ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> Bool {
        try work.spend(JinjaWork.step)
        let comparisons = [
            "equalto": "==", "eq": "==", "==": "==", "ne": "!=", "!=": "!=", "in": "in", "lt": "<", "lessthan": "<",
            "<": "<", "gt": ">", "greaterthan": ">", ">": ">", "le": "<=", "<=": "<=", "ge": ">=", ">=": ">=",
        ]
        if let symbol = comparisons[name] {
            guard let other = try given.bound(to: "_other", of: name)[0] else {
                throw JinjaError("the test \(name) wants a value")
            }
            return try compare(symbol, value, other)
        }
        try given.nothing(for: "the test \(name)")
        switch name {
        case "defined": return !value.isUndefined
        case "undefined": return value.isUndefined
        case "none": if case .none = value { return true }
        case "string": if case .string = value { return true }
        case "true": if case .bool(true) = value { return true }
        case "false": if case .bool(false) = value { return true }
        case "boolean": if case .bool = value { return true }
        case "callable":
            switch value {
            case .macro, .function, .undefined, .loop: return true
            default: return false
            }
        case "float": if case .double = value { return true }
        case "integer": if case .integer = value { return true }
        case "number": return value.number != nil
        case "mapping": if case .dictionary = value { return true }
        case "iterable":
            switch value {
            case .array, .string, .dictionary, .undefined, .loop: return true
            default: return false
            }
        case "sequence":
            if case .array(let list) = value { return list.hasPlaces }
            switch value {
            case .string, .dictionary, .undefined: return true
            default: return false
            }
        case "odd", "even":
            guard let number = value.whole else { throw JinjaError("the test \(name) wants a whole number") }
            return (number % 2 == 0) == (name == "even")
        default: throw JinjaError("the test \(name) is not known")
        }
        return false
    }
}
