/// Which form of a translation stands for the singular and which for the plural, by a catalogue's `Plural-Forms`:
/// `nplurals=3; plural=n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2`.
///
/// English has two forms. Its singular is translated by the form for one; its plural by the form for five, which in no
/// language is that of a few, of none or of dozens only. Without a rule they are the first and the last form.
struct PluralForms: Equatable {
    private(set) var singular: Int?
    private(set) var plural: Int?

    init() {}

    /// - Parameter header: the value of the `Plural-Forms` field. One that makes no sense counts as none.
    init(header: String) {
        guard let equals = header.firstRange(of: "plural="), header.utf8.count <= 1024 else { return }
        let rule = Array(header[equals.upperBound...].prefix { $0 != ";" }.utf8)
        singular = PluralRule.value(of: rule, for: 1)
        plural = PluralRule.value(of: rule, for: 5)
    }

    /// The numbers of the forms for singular and plural among `count`; no singular where there is one form for all.
    func choose(among count: Int) -> (singular: Int?, plural: Int) {
        guard count > 1 else { return (nil, 0) }
        func valid(_ form: Int?) -> Int? { form.flatMap { (0..<count).contains($0) ? $0 : nil } }
        return (valid(singular) ?? 0, valid(plural) ?? count - 1)
    }
}

/// Evaluates the C expression of a plural rule.
private struct PluralRule {
    private let text: [UInt8]
    private let n: Int
    private var at = 0
    private var depth = 0

    /// The rule's value for a number; nil if it is no such expression.
    static func value(of text: [UInt8], for n: Int) -> Int? {
        var rule = PluralRule(text: text, n: n)
        guard let value = rule.choice(), rule.peek() == nil else { return nil }
        return value
    }

    private init(text: [UInt8], n: Int) {
        self.text = text
        self.n = n
    }

    /// The operators of two operands, the weakest first; longer ones before those they begin with.
    private static let levels: [[String]] = [
        ["||"], ["&&"], ["==", "!="], ["<=", ">=", "<", ">"], ["+", "-"], ["*", "/", "%"],
    ]

    private mutating func peek() -> UInt8? {
        while at < text.count, text[at].isASCIIWhitespace { at += 1 }
        return at < text.count ? text[at] : nil
    }

    private mutating func take(_ token: String) -> Bool {
        guard peek() != nil, text[at...].starts(with: token.utf8) else { return false }
        at += token.utf8.count
        return true
    }

    /// `condition ? value : value`
    private mutating func choice() -> Int? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 64, let condition = binary(0) else { return nil }
        guard take("?") else { return condition }
        guard let yes = choice(), take(":"), let no = choice() else { return nil }
        return condition != 0 ? yes : no
    }

    private mutating func binary(_ level: Int) -> Int? {
        guard level < Self.levels.count else { return unary() }
        guard var left = binary(level + 1) else { return nil }
        while let operation = Self.levels[level].first(where: { take($0) }) {
            guard let right = binary(level + 1), let value = Self.apply(operation, left, right) else { return nil }
            left = value
        }
        return left
    }

    private mutating func unary() -> Int? {
        var isNegated = false
        while peek() == UInt8(ascii: "!"), !text[at...].starts(with: "!=".utf8) {
            at += 1
            isNegated.toggle()
        }
        guard let value = primary() else { return nil }
        return isNegated ? (value == 0 ? 1 : 0) : value
    }

    private mutating func primary() -> Int? {
        if take("(") {
            guard let value = choice(), take(")") else { return nil }
            return value
        }
        if take("n") { return n }
        var value: Int?
        while at < text.count, text[at].isASCIIDigit, (value ?? 0) < 1_000_000 {
            value = (value ?? 0) * 10 + Int(text[at] - UInt8(ascii: "0"))
            at += 1
        }
        return value
    }

    private static func apply(_ operation: String, _ left: Int, _ right: Int) -> Int? {
        switch operation {
        case "||": left != 0 || right != 0 ? 1 : 0
        case "&&": left != 0 && right != 0 ? 1 : 0
        case "==": left == right ? 1 : 0
        case "!=": left != right ? 1 : 0
        case "<=": left <= right ? 1 : 0
        case ">=": left >= right ? 1 : 0
        case "<": left < right ? 1 : 0
        case ">": left > right ? 1 : 0
        case "+": left &+ right
        case "-": left &- right
        case "*": left &* right
        case "/": right == 0 ? nil : left.dividedReportingOverflow(by: right).partialValue
        default: right == 0 ? nil : left.remainderReportingOverflow(dividingBy: right).partialValue
        }
    }
}
