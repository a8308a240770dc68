/// How values are printed: as Python's `str` and `repr` do, and as JSON.
extension JinjaWork {
    /// The value as output.
    func text(_ value: JinjaValue) throws(JinjaError) -> String {
        switch value {
        case .string(let text): return text
        case .undefined: return ""
        default:
            var text = ""
            try print(value, into: &text)
            return text
        }
    }

    private func print(_ value: JinjaValue, into text: inout String) throws(JinjaError) {
        try spend(Self.item)
        let before = text.utf8.count
        switch value {
        case .none: text += "None"
        case .bool(let value): text += value ? "True" : "False"
        case .integer(let value): text += String(value)
        case .double(let value): text += Self.text(value)
        case .string(let value):
            try spend(value.utf8.count)
            text += Self.quoted(value)
        case .array(let list):
            guard list.kind == .list || list.kind == .tuple else { throw JinjaError("\(value.kind) cannot be printed") }
            text += list.kind == .list ? "[" : "("
            for (place, item) in list.items.enumerated() {
                if place > 0 { text += ", " }
                try print(item, into: &text)
            }
            text += list.kind == .list ? "]" : list.items.count == 1 ? ",)" : ")"
            return
        case .dictionary(let dictionary):
            text += "{"
            for (place, key) in dictionary.keys.enumerated() {
                try spend(2 * key.utf8.count)
                text += (place > 0 ? ", " : "") + Self.quoted(key) + ": "
                try print(dictionary.values[place], into: &text)
            }
            text += "}"
            return
        case .undefined: text += "Undefined"
        case .loop, .namespace, .macro, .function: throw JinjaError("\(value.kind) cannot be printed")
        }
        try spend(text.utf8.count - before)
    }

    /// Swift writes numbers as Python does, but those from 10^16 on, which Python gives an exponent, only from 2^54 on.
    static func text(_ number: Double) -> String {
        let text = String(number)
        guard number.magnitude >= 1e16, text.hasSuffix(".0") else { return text }
        let sign = number < 0 ? "-" : ""
        let digits = text.dropFirst(sign.count).dropLast(2)
        var fraction = digits.dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e+\(digits.count - 1)"
    }

    /// A text as Python's `repr` writes it.
    private static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar = text.utf8.contains(0x27) && !text.utf8.contains(0x22) ? "\"" : "'"
        var quoted = String.UnicodeScalarView()
        quoted.append(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", quote:
                quoted.append("\\")
                quoted.append(scalar)
            case "\n": quoted.append(contentsOf: "\\n".unicodeScalars)
            case "\r": quoted.append(contentsOf: "\\r".unicodeScalars)
            case "\t": quoted.append(contentsOf: "\\t".unicodeScalars)
            case " "..."~": quoted.append(scalar)
            default:
                if isPrintable(scalar) { quoted.append(scalar) } else { quoted.append(contentsOf: escape(scalar)) }
            }
        }
        quoted.append(quote)
        return String(quoted)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String.UnicodeScalarView {
        let value = scalar.value
        let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
        return ("\\" + letter + hexadecimal(value, width: width)).unicodeScalars
    }

    static func hexadecimal(_ value: UInt32, width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
}

/// Writes JSON as Python's `json.dumps` does.
struct JinjaJSON {
    let work: JinjaWork
    /// What a level is moved to the right by; without it all is on one line.
    var indent: String?
    var separators: (item: String, key: String)
    var isASCII = false
    var sortsKeys = false

    func text(_ value: JinjaValue) throws(JinjaError) -> String {
        var text = ""
        try write(value, 1, into: &text)
        return text
    }

    private func write(_ value: JinjaValue, _ level: Int, into text: inout String) throws(JinjaError) {
        try work.spend(JinjaWork.item)
        switch value {
        case .none: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .double(let value):
            text +=
                value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : JinjaWork.text(value)
        case .string(let value): text += try quoted(value)
        case .array(let list) where list.kind == .list || list.kind == .tuple:
            guard !list.items.isEmpty else {
                text += "[]"
                return
            }
            text += "["
            for (place, item) in list.items.enumerated() {
                if place > 0 { text += separators.item }
                try newLine(level, into: &text)
                try write(item, level + 1, into: &text)
            }
            try newLine(level - 1, into: &text)
            text += "]"
        case .dictionary(let dictionary):
            guard !dictionary.keys.isEmpty else {
                text += "{}"
                return
            }
            text += "{"
            for (place, member) in try members(of: dictionary).enumerated() {
                if place > 0 { text += separators.item }
                try newLine(level, into: &text)
                text += try quoted(member.key) + separators.key
                try write(member.value, level + 1, into: &text)
            }
            try newLine(level - 1, into: &text)
            text += "}"
        default: throw JinjaError("tojson cannot write \(value.kind)")
        }
    }

    private func members(of dictionary: JinjaDictionary) throws(JinjaError) -> [(key: String, value: JinjaValue)] {
        let members = zip(dictionary.keys, dictionary.values).map { (key: $0, value: $1) }
        guard sortsKeys else { return members }
        try work.spend(sorting: dictionary.keys)
        return members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    private func newLine(_ level: Int, into text: inout String) throws(JinjaError) {
        try work.spend(separators.item.utf8.count + separators.key.utf8.count)
        guard let indent else { return }
        try work.spend(1 + indent.utf8.count * level)
        text += "\n"
        for _ in 0..<level { text += indent }
    }

    private func quoted(_ text: String) throws(JinjaError) -> String {
        try work.spend(2 * text.utf8.count)
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{8}": quoted += "\\b"
            case "\u{C}": quoted += "\\f"
            case "\u{0}"..."\u{1F}": quoted += "\\u" + JinjaWork.hexadecimal(scalar.value, width: 4)
            default:
                if isASCII, scalar.value >= 0x7F {
                    for unit in Character(scalar).utf16 {
                        quoted += "\\u" + JinjaWork.hexadecimal(UInt32(unit), width: 4)
                    }
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}
