extension JinjaLibrary {
    func method(_ name: String, of value: JinjaValue, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        switch value {
        case .string(let text):
            try work.spend(JinjaWork.step + text.utf8.count)
            return try method(name, of: text, given)
        case .dictionary(let dictionary): return try method(name, of: dictionary, given)
        default: throw JinjaError("the method \(name) is not known, or not for \(value.kind)")
        }
    }

    private func method(
        _ name: String, of dictionary: JinjaDictionary, _ given: JinjaGiven
    ) throws(JinjaError) -> JinjaValue {
        if name == "get" {
            let values = try given.bound(to: "_key", "_default", of: name)
            guard let key = values[0] else { throw JinjaError("get wants a key") }
            guard try contains(.dictionary(dictionary), key), case .string(let key) = key else {
                return values[1] ?? .none
            }
            return dictionary[key] ?? .none
        }
        try given.nothing(for: name)
        try work.spend(items: dictionary.keys.count)
        switch name {
        case "items": return try .list(try pairs(dictionary), .view)
        case "keys": return try .list(dictionary.keys.map { .string($0) }, .view)
        case "values": return try .list(dictionary.values, .view)
        default: throw JinjaError("the method \(name) is not known, or not for a dictionary")
        }
    }

    private func method(_ name: String, of text: String, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        switch name {
        case "strip", "lstrip", "rstrip":
            let characters = try given.bound(to: "_chars", of: name)[0]
            var set: String?
            if let characters, !characters.isNone { set = try string(characters, for: name) }
            return .string(
                try stripped(text, of: set, leading: name != "rstrip", trailing: name != "lstrip"))
        case "startswith", "endswith":
            let mark = try given.bound(to: "_mark", of: name)[0]
            var marks = [mark]
            if case .array(let list)? = mark, list.kind == .tuple { marks = list.items }
            for mark in marks {
                let mark = try string(mark, for: name)
                try work.spend(min(mark.utf8.count, text.utf8.count))
                if name == "startswith" ? text.utf8.starts(with: mark.utf8) : ends(text, with: mark) {
                    return .bool(true)
                }
            }
            return .bool(false)
        case "split": return try split(text, given)
        case "removeprefix", "removesuffix":
            let mark = try string(try given.bound(to: "_mark", of: name)[0], for: name)
            let isPrefix = name == "removeprefix"
            guard isPrefix ? text.utf8.starts(with: mark.utf8) : ends(text, with: mark) else { return .string(text) }
            let rest = isPrefix ? text.utf8.dropFirst(mark.utf8.count) : text.utf8.dropLast(mark.utf8.count)
            return .string(String(rest) ?? text)
        case "count":
            let piece = try string(try given.bound(to: "_piece", of: name)[0], for: name)
            if piece.isEmpty { return .integer(text.unicodeScalars.count + 1) }
            return .integer(try places(of: piece, in: text, atMost: .max).count)
        case "find":
            let piece = try string(try given.bound(to: "_piece", of: name)[0], for: name)
            guard let place = try places(of: piece, in: text, atMost: 1).first else { return .integer(-1) }
            return .integer(text.unicodeScalars[..<text.utf8.index(text.startIndex, offsetBy: place)].count)
        case "replace":
            let values = try given.bound(to: "_old", "_new", "_count", of: name)
            return .string(try replaced(text, values[0], by: values[1], values[2]))
        case "join":
            var parts: [String] = []
            for item in try items(of: try given.bound(to: "_items", of: name)[0] ?? .none) {
                parts.append(try string(item, for: name))
            }
            return .string(try work.joined(parts, by: text))
        default: return try simpleMethod(name, of: text, given)
        }
    }

    private func simpleMethod(_ name: String, of text: String, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        try given.nothing(for: name)
        switch name {
        case "upper": return .string(text.uppercased())
        case "lower": return .string(try lowercased(text))
        case "capitalize": return .string(try capitalized(text))
        case "title": return .string(try titledWords(text))
        case "splitlines": return try .list(try lines(of: text))
        default: throw JinjaError("the method \(name) is not known, or not for a text")
        }
    }

    private func ends(_ text: String, with mark: String) -> Bool {
        text.utf8.reversed().starts(with: mark.utf8.reversed())
    }

    private func split(_ text: String, _ given: JinjaGiven) throws(JinjaError) -> JinjaValue {
        let values = try given.bound(to: "sep", "maxsplit", of: "split")
        guard let most = (values[1] ?? .integer(-1)).whole else { throw JinjaError("split wants a whole number") }
        let limit = most < 0 ? Int.max : most
        if let separator = values[0], !separator.isNone {
            let mark = try string(separator, for: "split")
            guard !mark.isEmpty else { throw JinjaError("split wants a text to split at") }
            return try .list(try parts(of: text, between: mark, atMost: limit))
        }
        var parts: [String] = []
        var rest = text.unicodeScalars[...].drop { $0.isPythonSpace }
        while !rest.isEmpty {
            try work.spend(items: 2)
            guard parts.count < limit, let end = rest.firstIndex(where: \.isPythonSpace) else { break }
            parts.append(String(rest[..<end]))
            rest = rest[end...].drop { $0.isPythonSpace }
        }
        if !rest.isEmpty { parts.append(String(rest)) }
        return try .list(parts)
    }

    private func replaced(
        _ text: String, _ old: JinjaValue?, by new: JinjaValue?, _ count: JinjaValue?
    ) throws(JinjaError) -> String {
        guard let old, let new else { throw JinjaError("replace wants two texts") }
        let mark = try string(old, for: "replace")
        let other = try string(new, for: "replace")
        guard !mark.isEmpty else { throw JinjaError("replace wants a text to replace") }
        var limit = Int.max
        if let count, !count.isNone {
            guard let most = count.whole else { throw JinjaError("replace wants a whole number") }
            limit = most < 0 ? .max : most
        }
        return try work.joined(try parts(of: text, between: mark, atMost: limit), by: other)
    }
}

extension JinjaValue {
    var isNone: Bool { if case .none = self { true } else { false } }
}
