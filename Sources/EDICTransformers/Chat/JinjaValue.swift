/// A value in a template.
enum JinjaValue: Sendable, Equatable {
    case undefined
    case none
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(String)
    case array([JinjaValue])
    case dictionary([String: JinjaValue], order: [String])
    /// A `namespace()`, by its number in the interpreter.
    case namespace(Int)
    /// A macro of the template, by its number in the interpreter.
    case macro(Int)
    /// A function that templates find there, by its name.
    case function(String)

    static func object(_ members: [(String, JinjaValue)]) -> JinjaValue {
        .dictionary(Dictionary(members, uniquingKeysWith: { $1 }), order: members.map(\.0))
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .array(let value): !value.isEmpty
        case .dictionary(_, let order): !order.isEmpty
        case .namespace, .macro, .function: true
        }
    }

    /// The value as output.
    var text: String {
        switch self {
        case .undefined: ""
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .double(let value): String(value)
        case .string(let value): value
        case .array, .dictionary: json
        case .namespace, .macro, .function: ""
        }
    }

    /// The value as `tojson` writes it: with spaces after commas and colons, as Python does.
    var json: String {
        switch self {
        case .undefined, .none, .namespace, .macro, .function: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .double(let value): String(value)
        case .string(let value): Self.quoted(value)
        case .array(let items): "[" + items.map(\.json).joined(separator: ", ") + "]"
        case .dictionary(let members, let order):
            "{"
                + order.map { Self.quoted($0) + ": " + (members[$0] ?? .none).json }.joined(separator: ", ") + "}"
        }
    }

    /// The same over several lines, `indent` spaces for each level.
    func json(indent: Int, level: Int = 0) -> String {
        let outer = "\n" + String(repeating: " ", count: indent * level)
        let inner = "\n" + String(repeating: " ", count: indent * (level + 1))
        switch self {
        case .array(let items) where !items.isEmpty:
            let parts = items.map { $0.json(indent: indent, level: level + 1) }
            return "[" + inner + parts.joined(separator: "," + inner) + outer + "]"
        case .dictionary(let members, let order) where !order.isEmpty:
            let parts = order.map {
                Self.quoted($0) + ": " + (members[$0] ?? .none).json(indent: indent, level: level + 1)
            }
            return "{" + inner + parts.joined(separator: "," + inner) + outer + "}"
        default: return json
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }
}
