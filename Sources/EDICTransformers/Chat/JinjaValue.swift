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
        case .namespace: true
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
        case .namespace: ""
        }
    }

    /// The value as `tojson` writes it: with spaces after commas and colons, as Python does.
    var json: String {
        switch self {
        case .undefined, .none, .namespace: "null"
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
