extension JinjaLibrary {
    func filter(_ name: String, _ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        try work.spend(JinjaWork.step)
        switch name {
        case "safe", "string":
            try given.nothing(for: name)
            return .string(try work.text(value))
        case "upper", "lower", "capitalize", "replace":
            return try method(name, of: .string(try work.text(value)), given)
        case "trim": return try method("strip", of: .string(try work.text(value)), given)
        case "title":
            try given.nothing(for: name)
            return .string(try titled(try work.text(value)))
        case "indent": return .string(try indented(string(value, for: name), given))
        case "tojson": return .string(try json(value, given))
        case "int": return .integer(try whole(value, given))
        case "float": return try number(value, given)
        case "abs":
            try given.nothing(for: name)
            if let number = value.whole { return number < 0 ? try signed("-", value) : .integer(number) }
            guard case .double(let number) = value else { throw JinjaError("abs of \(value.kind)") }
            return .double(number.magnitude)
        case "default", "d":
            let values = try given.bound(to: "default_value", "boolean", of: name)
            let isReplaced = value.isUndefined || values[1]?.isTrue == true && !value.isTrue
            return isReplaced ? values[0] ?? .string("") : value
        default: return try listFilter(name, value, given)
        }
    }

    // MARK: - Lists

    private func listFilter(
        _ name: String, _ value: JinjaValue, _ given: JinjaGiven
    ) throws(JinjaError) -> JinjaValue {
        switch name {
        case "map": return try mapped(value, given)
        case "select", "reject", "selectattr", "rejectattr": return try selected(name, value, given)
        case "unique": return try .list(try unique(value, given), .generator)
        case "join":
            let values = try given.bound(to: "d", "attribute", of: name)
            var items = try items(of: value)
            if let key = values[1] { items = try attributes(string(key, for: name), of: items) }
            var parts: [String] = []
            for item in items { parts.append(try work.text(item)) }
            return .string(try work.joined(parts, by: values[0].map(work.text) ?? ""))
        case "dictsort":
            let values = try given.bound(to: "case_sensitive", "_by", "reverse", of: name)
            guard case .dictionary(let dictionary) = value, values[1] == nil else {
                throw JinjaError("dictsort wants a dictionary, and sorts by its keys")
            }
            return try sorted(dictionary, matchesCase: values[0]?.isTrue == true, isReversed: values[2]?.isTrue == true)
        default: break
        }
        try given.nothing(for: name)
        switch (name, value) {
        case ("length", _), ("count", _): return .integer(try length(of: value))
        case ("first", .string(let text)):
            return text.unicodeScalars.first.map { .string(String($0)) } ?? .undefined
        case ("first", .array(let list)): return list.items.first ?? .undefined
        case ("first", _): return try items(of: value).first ?? .undefined
        case ("last", .string(let text)): return text.unicodeScalars.last.map { .string(String($0)) } ?? .undefined
        case ("last", .array(let list)) where list.kind == .generator: throw JinjaError("last of \(value.kind)")
        case ("last", _): return try items(of: value).last ?? .undefined
        case ("reverse", .string(let text)):
            try work.spend(text.utf8.count)
            var reversed = String.UnicodeScalarView()
            reversed.append(contentsOf: text.unicodeScalars.reversed())
            return .string(String(reversed))
        case ("reverse", _): return try .list(try items(of: value).reversed(), .generator)
        case ("list", _): return try .list(try items(of: value))
        case ("items", .dictionary(let dictionary)): return try .list(try pairs(dictionary), .generator)
        case ("items", .undefined): return try .list([JinjaValue](), .generator)
        default: throw JinjaError("the filter \(name) is not known, or not for \(value.kind)")
        }
    }

    private func length(of value: JinjaValue) throws(JinjaError) -> Int {
        switch value {
        case .string(let text):
            try work.spend(text.utf8.count / 16)
            return text.unicodeScalars.count
        case .array(let list) where list.kind != .generator: return list.items.count
        case .dictionary(let dictionary): return dictionary.keys.count
        case .undefined: return 0
        default: throw JinjaError("the length of \(value.kind)")
        }
    }

    func pairs(_ dictionary: JinjaDictionary) throws(JinjaError) -> [JinjaValue] {
        try work.spend(items: 4 * dictionary.keys.count)
        var pairs: [JinjaValue] = []
        for (key, value) in zip(dictionary.keys, dictionary.values) {
            pairs.append(try .list([.string(key), value], .tuple))
        }
        return pairs
    }

    private func sorted(
        _ dictionary: JinjaDictionary, matchesCase: Bool, isReversed: Bool
    ) throws(JinjaError) -> JinjaValue {
        var entries: [(key: String, place: Int, pair: JinjaValue)] = []
        try work.spend(sorting: dictionary.keys)
        for (place, pair) in try pairs(dictionary).enumerated() {
            let key = dictionary.keys[place]
            entries.append((matchesCase ? key : try lowercased(key), place, pair))
        }
        entries.sort { one, other in
            if one.key.utf8.elementsEqual(other.key.utf8) { return one.place < other.place }
            return one.key.utf8.lexicographicallyPrecedes(other.key.utf8) != isReversed
        }
        return try .list(entries.map(\.pair))
    }

    /// What stands at a path such as `a.b`, for each item.
    private func attributes(
        _ path: String, of items: [JinjaValue], else standard: JinjaValue? = nil
    ) throws(JinjaError) -> [JinjaValue] {
        let names = path.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard names.count <= 32 else { throw JinjaError("the path of an attribute has \(names.count) names") }
        var found: [JinjaValue] = []
        for item in items {
            var value = item
            for name in names {
                try work.spend(JinjaWork.item + name.utf8.count)
                let isPlace = !name.isEmpty && name.unicodeScalars.allSatisfy(\.isDigit)
                value = try element(value, isPlace ? .integer(Int(name) ?? .max) : .string(name))
                if value.isUndefined, let standard { value = standard }
            }
            found.append(value)
        }
        return found
    }

    private func mapped(_ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        if case .none = value { return try .list([JinjaValue](), .generator) }
        let items = try items(of: value)
        if given.plain.isEmpty {
            let values = try given.bound(to: "attribute", "default", of: "map")
            let path = try string(values[0], for: "attribute=")
            var standard = values[1]
            if case JinjaValue.none? = standard { standard = nil }
            return try .list(try attributes(path, of: items, else: standard), .generator)
        }
        let name = try string(given.plain[0], for: "map")
        let rest = JinjaGiven(plain: Array(given.plain.dropFirst()), named: given.named)
        var mapped: [JinjaValue] = []
        for item in items { mapped.append(try filter(name, item, rest)) }
        return try .list(mapped, .generator)
    }

    private func selected(_ name: String, _ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        if case .none = value { return try .list([JinjaValue](), .generator) }
        let items = try items(of: value)
        var rest = given.plain[...]
        var tested = items
        if name.hasSuffix("attr") { tested = try attributes(string(rest.popFirst(), for: name), of: items) }
        let test = try rest.popFirst().map { name throws(JinjaError) in try string(name, for: "the name of a test") }
        let others = JinjaGiven(plain: Array(rest), named: given.named)
        if test == nil { try others.nothing(for: name) }
        var kept: [JinjaValue] = []
        for (item, value) in zip(items, tested) {
            let passes = try test.map { test throws(JinjaError) in try self.test(test, value, others) } ?? value.isTrue
            if passes == name.hasPrefix("select") { kept.append(item) }
        }
        return try .list(kept, .generator)
    }

    /// Items that have no equal one before them; upper and lower case are the same unless `case_sensitive` is true.
    private func unique(_ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> [JinjaValue] {
        let values = try given.bound(to: "case_sensitive", "attribute", of: "unique")
        let items = try items(of: value)
        let keys = try values[1].map { path throws(JinjaError) in
            try attributes(string(path, for: "attribute="), of: items)
        }
        var seen: Set<JinjaKey> = []
        var kept: [JinjaValue] = []
        for (item, key) in zip(items, keys ?? items) {
            try work.spend(items: 2)
            if seen.insert(try identity(of: key, matchesCase: values[0]?.isTrue == true)).inserted { kept.append(item) }
        }
        return kept
    }

    /// A text that is the same for equal values.
    private func identity(of value: JinjaValue, matchesCase: Bool) throws(JinjaError) -> JinjaKey {
        switch value {
        case .string(let text):
            try work.spend(2 * text.utf8.count)
            return JinjaKey(text: "s" + (matchesCase ? text : try lowercased(text)))
        case .none, .undefined: return JinjaKey(text: value.isUndefined ? "u" : "n")
        case .double(let number):
            return JinjaKey(text: Int(exactly: number).map { "i\($0)" } ?? "d\(number)")
        default:
            guard let whole = value.whole else { throw JinjaError("unique of \(value.kind)") }
            return JinjaKey(text: "i\(whole)")
        }
    }

    // MARK: - Numbers

    private func whole(_ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> Int {
        let standard = try given.bound(to: "default", of: "int")[0] ?? .integer(0)
        if let whole = value.whole { return whole }
        var number: Double?
        switch value {
        case .undefined: throw JinjaError("int of \(value.kind)")
        case .double(let own): number = own.isNaN ? nil : own
        case .string(let text):
            let text = try stripped(text)
            let digits = text.utf8.first == 0x2D || text.utf8.first == 0x2B ? text.dropFirst() : text[...]
            if !digits.isEmpty, digits.unicodeScalars.allSatisfy(\.isDigit) {
                guard let whole = Int(text) else { throw JinjaError("the number \(text.prefix(40)) is too large") }
                return whole
            }
            // Python gives up on text that is no number or not finite.
            number = try float(text).flatMap { $0.isFinite ? $0 : nil }
        default: break
        }
        if let number {
            guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                throw JinjaError("the number \(number) is too large to be whole")
            }
            return whole
        }
        guard case .integer(let standard) = standard else { throw JinjaError("int wants a whole number as default") }
        return standard
    }

    private func number(_ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        let standard = try given.bound(to: "default", of: "float")[0] ?? .double(0)
        if let number = value.number { return .double(number) }
        if value.isUndefined { throw JinjaError("float of \(value.kind)") }
        guard case .string(let text) = value, let number = try float(stripped(text)) else { return standard }
        return .double(number)
    }

    /// A number as Python's `float` reads it, nil for what is none.
    private func float(_ text: String) throws(JinjaError) -> Double? {
        let isAmbiguous = text.unicodeScalars.contains { $0 == "_" || !$0.isASCII && $0.properties.numericType != nil }
        guard !isAmbiguous else { throw JinjaError("the number \(text.prefix(40)) is not supported") }
        let bare = text.lowercased().drop { $0 == "-" || $0 == "+" }
        if ["inf", "infinity", "nan"].contains(bare) { return Double(text) }
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text)
    }

    // MARK: - Texts

    private func json(_ value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> String {
        let values = try given.bound(to: "ensure_ascii", "indent", "separators", "sort_keys", of: "tojson")
        var indent: String?
        switch values[1] {
        case nil, JinjaValue.none?: break
        case .integer(let width)?:
            try work.spend(max(width, 0))
            indent = String(repeating: " ", count: max(width, 0))
        case .string(let margin)?: indent = margin
        default: throw JinjaError("tojson wants a number or a text as indent")
        }
        var separators = (item: indent == nil ? ", " : ",", key: ": ")
        switch values[2] {
        case nil, JinjaValue.none?: break
        case .array(let list)? where list.items.count == 2:
            separators = (try string(list.items[0], for: "separators"), try string(list.items[1], for: "separators"))
        default: throw JinjaError("tojson wants two separators")
        }
        let writer = JinjaJSON(
            work: work, indent: indent, separators: separators, isASCII: values[0]?.isTrue == true,
            sortsKeys: values[3]?.isTrue == true)
        return try writer.text(value)
    }

    /// Every line but the first, unless `first` is true, and but empty ones, moved to the right.
    private func indented(_ text: String, _ given: JinjaGiven) throws(JinjaError) -> String {
        let values = try given.bound(to: "width", "first", "blank", of: "indent")
        let margin: String
        switch values[0] ?? .integer(4) {
        case .integer(let width):
            try work.spend(max(width, 0))
            margin = String(repeating: " ", count: max(width, 0))
        case .string(let own): margin = own
        default: throw JinjaError("indent wants a number or a text")
        }
        let indentsBlank = values[2]?.isTrue == true
        var lines = try lines(of: text + "\n")
        for (place, line) in lines.enumerated() {
            guard place == 0 ? values[1]?.isTrue == true : indentsBlank || !line.isEmpty else { continue }
            lines[place] = try work.joined(margin, line)
        }
        return try work.joined(lines, by: "\n")
    }
}
