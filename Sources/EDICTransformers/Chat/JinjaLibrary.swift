/// The values that a filter, a test, a method or a function is given.
struct JinjaGiven {
    var plain: [JinjaValue] = []
    var named: [(String, JinjaValue)] = []

    /// The values by the names of the parameters; one that is only found by its place has a name that begins with `_`.
    /// What is not known is refused: it would change the result.
    func bound(to parameters: String..., of name: String) throws(JinjaError) -> [JinjaValue?] {
        guard plain.count <= parameters.count else {
            throw JinjaError("\(name) with \(plain.count) values is not supported")
        }
        var values: [JinjaValue?] = plain + Array(repeating: nil, count: parameters.count - plain.count)
        for (key, value) in named {
            guard let place = parameters.firstIndex(of: key), !key.hasPrefix("_"), values[place] == nil else {
                throw JinjaError("\(name) with \(key)= is not supported")
            }
            values[place] = value
        }
        return values
    }

    func nothing(for name: String) throws(JinjaError) { _ = try bound(of: name) }
}

/// Jinja's operators, filters, tests and methods, as far as chat templates use them. What they do is paid for.
struct JinjaLibrary {
    let work: JinjaWork

    /// What a loop over a value sees.
    func items(of value: JinjaValue) throws(JinjaError) -> [JinjaValue] {
        switch value {
        case .array(let list):
            try work.spend(items: list.items.count)
            return list.items
        case .dictionary(let dictionary):
            try work.spend(items: dictionary.keys.count)
            return dictionary.keys.map { .string($0) }
        case .string(let text):
            try work.spend(items: text.utf8.count)
            return text.unicodeScalars.map { .string(String($0)) }
        case .undefined: return []
        default: throw JinjaError("\(value.kind) is no list")
        }
    }

    /// A text that has to be one.
    func string(_ value: JinjaValue?, for name: String) throws(JinjaError) -> String {
        guard case .string(let text)? = value else { throw JinjaError("\(name) wants a text") }
        return text
    }

    // MARK: - Parts of values

    /// `base.name`. Methods come before keys then, as in Jinja; one that is not called is refused.
    func attribute(_ name: String, of base: JinjaValue) throws(JinjaError) -> JinjaValue {
        switch base {
        case .undefined: throw JinjaError("the value before .\(name) is undefined")
        case .loop(let loop): return try loop.attribute(name)
        default: break
        }
        try refuseMethod(name, of: base)
        if case .dictionary(let dictionary) = base { return dictionary[name] ?? .undefined }
        return .undefined
    }

    /// `base[index]`. Keys come before methods then.
    func element(_ base: JinjaValue, _ index: JinjaValue) throws(JinjaError) -> JinjaValue {
        switch (base, index) {
        case (.undefined, _): throw JinjaError("the value before [ ] is undefined")
        case (.array(let list), _):
            guard list.hasPlaces else { throw JinjaError("\(base.kind) has no places") }
            if case .string(let name) = index { return try attribute(name, of: base) }
            guard let place = index.whole else { return .undefined }
            let at = place < 0 ? list.items.count + place : place
            return list.items.indices.contains(at) ? list.items[at] : .undefined
        case (.string(let text), _):
            if case .string(let name) = index { return try attribute(name, of: base) }
            guard let place = index.whole else { return .undefined }
            try work.spend(text.utf8.count)
            let scalars = text.unicodeScalars
            let count = scalars.count
            let at = place < 0 ? count + place : place
            guard at >= 0, at < count else { return .undefined }
            return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: at)]))
        case (.dictionary(let dictionary), .string(let name)):
            try work.spend(JinjaKey(text: name).price)
            if let value = dictionary[name] { return value }
            return try attribute(name, of: base)
        case (_, .string(let name)): return try attribute(name, of: base)
        case (.loop, _), (.namespace, _): throw JinjaError("\(base.kind) has no places")
        default: return .undefined
        }
    }

    private func refuseMethod(_ name: String, of base: JinjaValue) throws(JinjaError) {
        let methods: Set<String>
        switch base {
        case .string: methods = Self.textMethods
        case .dictionary: methods = Self.dictionaryMethods
        case .array: methods = Self.listMethods
        case .macro: methods = Self.macroAttributes
        case .integer, .double, .bool: methods = Self.numberMethods
        default: methods = []
        }
        try work.spend(name.utf8.count)
        guard !methods.contains(name), !name.hasPrefix("__") else {
            throw JinjaError("\(name) of \(base.kind) without a call is not supported")
        }
    }

    /// The names that Python gives values, besides those that begin with `__`.
    private static let textMethods: Set = [
        "capitalize", "casefold", "center", "count", "encode", "endswith", "expandtabs", "find", "format", "format_map",
        "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric",
        "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "maketrans", "partition",
        "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip",
        "split",
        "splitlines", "startswith", "strip", "swapcase", "title", "translate", "upper", "zfill",
    ]
    private static let dictionaryMethods: Set = [
        "clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values",
    ]
    private static let listMethods: Set = [
        "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort", "start",
        "stop", "step", "mapping", "isdisjoint", "send", "throw", "close",
    ]
    private static let numberMethods: Set = [
        "real", "imag", "numerator", "denominator", "conjugate", "as_integer_ratio", "bit_length", "bit_count",
        "to_bytes", "from_bytes", "is_integer", "hex", "fromhex",
    ]
    private static let macroAttributes: Set = [
        "name", "arguments", "catch_kwargs", "catch_varargs", "caller", "explicit_caller",
    ]

    /// `base[from:to:by]`
    func slice(_ base: JinjaValue, _ bounds: [JinjaValue?]) throws(JinjaError) -> JinjaValue {
        var numbers: [Int?] = []
        for bound in bounds {
            switch bound {
            case nil, JinjaValue.none?: numbers.append(nil)
            case .integer(let number)?: numbers.append(number)
            default: throw JinjaError("a slice wants whole numbers")
            }
        }
        switch base {
        case .array(let list) where list.hasPlaces:
            let places = try places(list.items.count, numbers[0], numbers[1], numbers[2])
            return try .list(places.map { list.items[$0] }, list.kind)
        case .string(let text):
            try work.spend(text.utf8.count)
            let scalars = Array(text.unicodeScalars)
            var part = String.UnicodeScalarView()
            part.append(contentsOf: try places(scalars.count, numbers[0], numbers[1], numbers[2]).map { scalars[$0] })
            return .string(String(part))
        default: throw JinjaError("a slice of \(base.kind)")
        }
    }

    /// The places of a slice, with Python's rules.
    private func places(_ count: Int, _ from: Int?, _ to: Int?, _ by: Int?) throws(JinjaError) -> [Int] {
        let by = by ?? 1
        guard by != 0 else { throw JinjaError("a slice with step 0") }
        let (low, high) = by > 0 ? (0, count) : (-1, count - 1)
        func clamp(_ place: Int) -> Int { min(max(place < 0 ? count + place : place, low), high) }
        let end = to.map(clamp) ?? (by > 0 ? high : low)
        var place = from.map(clamp) ?? (by > 0 ? low : high)
        var places: [Int] = []
        while by > 0 ? place < end : place > end {
            places.append(place)
            let (next, isBeyond) = place.addingReportingOverflow(by)
            if isBeyond { break }
            place = next
        }
        try work.spend(items: places.count)
        return places
    }
}
