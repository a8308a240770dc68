enum JinjaToken: Sendable {
    /// Text between blocks.
    case text(String)
    /// A delimiter or an operator.
    case symbol(String)
    case name(String)
    case string(String)
    case number(JinjaValue)
}

/// Cuts a template into tokens, with the white space that blocks swallow taken away: a newline after a block, the
/// indentation before one, and whatever `-` asks for.
struct JinjaLexer {
    private let text: [Unicode.Scalar]
    private var position = 0
    private var tokens: [JinjaToken] = []
    /// Whether what was read last ended a line; then white space before a block is its indentation.
    private var isAtLineStart = true
    /// Longer names are no names, but would make each look-up slow.
    private static let nameLimit = 256
    /// The largest templates of models have some ten thousand bytes.
    private static let sizeLimit = 4 << 20

    static func tokens(of source: String) throws(JinjaError) -> [JinjaToken] {
        guard source.utf8.count <= sizeLimit else {
            throw JinjaError("it has \(source.utf8.count) bytes, more than \(sizeLimit)")
        }
        var lexer = JinjaLexer(source)
        while lexer.position < lexer.text.count { try lexer.part() }
        return lexer.tokens
    }

    /// Lines end with `\n` alone, and the last line end is none of the template's, as in Jinja.
    private init(_ source: String) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(source.utf8.count)
        var previous: Unicode.Scalar = " "
        for scalar in source.unicodeScalars {
            if scalar != "\n" || previous != "\r" { scalars.append(scalar == "\r" ? "\n" : scalar) }
            previous = scalar
        }
        if scalars.last == "\n" { scalars.removeLast() }
        text = scalars
    }

    private func scalar(at place: Int) -> Unicode.Scalar? { place < text.count ? text[place] : nil }

    private func starts(_ first: Unicode.Scalar, _ second: Unicode.Scalar, at place: Int) -> Bool {
        scalar(at: place) == first && scalar(at: place + 1) == second
    }

    /// Text up to the next block, and that block.
    private mutating func part() throws(JinjaError) {
        let start = position
        while position < text.count, !isOpening { position += 1 }
        guard position < text.count else { return append(text[start...]) }
        let kind = text[position + 1]
        let sign = scalar(at: position + 2)
        var before = text[start..<position]
        if sign == "-" {
            while let last = before.last, last.isPythonSpace { before.removeLast() }
        } else if sign != "+", kind != "{" {
            let line = before.reversed().prefix { $0 != "\n" && $0.isPythonSpace }.count
            let rest = before.dropLast(line)
            if rest.isEmpty ? isAtLineStart : rest.last == "\n" { before = rest }
        }
        append(before)
        position += sign == "-" || sign == "+" ? 3 : 2
        if kind == "#" {
            let start = position
            while position < text.count, !starts("#", "}", at: position) { position += 1 }
            guard position < text.count else { throw JinjaError("a comment does not end") }
            close(sign: position > start ? text[position - 1] : " ", trimsNewline: true)
        } else {
            try block(kind)
        }
    }

    private var isOpening: Bool {
        guard text[position] == "{", let next = scalar(at: position + 1) else { return false }
        return next == "{" || next == "%" || next == "#"
    }

    private mutating func append(_ scalars: ArraySlice<Unicode.Scalar>) {
        guard !scalars.isEmpty else { return }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        tokens.append(.text(String(view)))
    }

    private mutating func block(_ kind: Unicode.Scalar) throws(JinjaError) {
        let end: Unicode.Scalar = kind == "{" ? "}" : "%"
        tokens.append(.symbol(kind == "{" ? "{{" : "{%"))
        var open: [String] = []
        while true {
            guard let next = scalar(at: position) else { throw JinjaError("a block does not end") }
            if open.isEmpty {
                let isSigned = next == "-" || next == "+" && kind == "%"
                if starts(end, "}", at: isSigned ? position + 1 : position) {
                    position += isSigned ? 1 : 0
                    tokens.append(.symbol(kind == "{" ? "}}" : "%}"))
                    return close(sign: isSigned ? next : " ", trimsNewline: kind == "%")
                }
            }
            if next.isPythonSpace {
                position += 1
                continue
            }
            let token = try token()
            tokens.append(token)
            guard case .symbol(let symbol) = token else { continue }
            if let closing = ["(": ")", "[": "]", "{": "}"][symbol] {
                open.append(closing)
            } else if [")", "]", "}"].contains(symbol), open.popLast() != symbol {
                throw JinjaError("\(symbol) closes nothing")
            }
        }
    }

    /// What follows the two characters that end a block.
    private mutating func close(sign: Unicode.Scalar, trimsNewline: Bool) {
        position += 2
        let end = position
        if sign == "-" {
            while let next = scalar(at: position), next.isPythonSpace { position += 1 }
        } else if trimsNewline, sign != "+", scalar(at: position) == "\n" {
            position += 1
        }
        isAtLineStart = position > end && text[position - 1] == "\n"
    }

    // MARK: - Within blocks

    private mutating func run(_ belongs: (Unicode.Scalar) -> Bool) -> String {
        var run = String.UnicodeScalarView()
        while position < text.count, belongs(text[position]) {
            run.append(text[position])
            position += 1
        }
        return String(run)
    }

    private mutating func token() throws(JinjaError) -> JinjaToken {
        let first = text[position]
        if first == "'" || first == "\"" { return .string(try string(quote: first)) }
        if first.isDigit { return .number(try number()) }
        if first == "_" || first.properties.isAlphabetic {
            let name = run { $0 == "_" || $0.properties.isAlphabetic || $0.isDigit }
            guard name.utf8.count <= Self.nameLimit else {
                throw JinjaError("the name \(name.prefix(20))… is too long")
            }
            return .name(name)
        }
        if let second = scalar(at: position + 1) {
            let two = String(first) + String(second)
            if ["==", "!=", "<=", ">=", "//", "**"].contains(two) {
                position += 2
                return .symbol(two)
            }
        }
        guard "+-*/%~|.,:()[]{}=<>".unicodeScalars.contains(first) else {
            throw JinjaError("the character \(first) means nothing in a block")
        }
        position += 1
        return .symbol(String(first))
    }

    private mutating func number() throws(JinjaError) -> JinjaValue {
        var digits = run { $0.isDigit }
        var isWhole = true
        if scalar(at: position) == ".", scalar(at: position + 1)?.isDigit == true {
            position += 1
            digits += "." + run { $0.isDigit }
            isWhole = false
        }
        if scalar(at: position) == "e" || scalar(at: position) == "E" {
            let isSigned = scalar(at: position + 1) == "-" || scalar(at: position + 1) == "+"
            if scalar(at: position + (isSigned ? 2 : 1))?.isDigit == true {
                digits += isSigned && text[position + 1] == "-" ? "e-" : "e"
                position += isSigned ? 2 : 1
                digits += run { $0.isDigit }
                isWhole = false
            }
        }
        if let next = scalar(at: position), next == "_" || next.properties.isAlphabetic {
            throw JinjaError("\(digits)\(next) is no number that is understood")
        }
        if isWhole, digits.utf8.count == 1 || digits.utf8.first != 0x30, let whole = Int(digits) {
            return .integer(whole)
        }
        guard !isWhole, let number = Double(digits) else {
            throw JinjaError("the number \(digits.prefix(40)) is too large, or begins with 0")
        }
        return .double(number)
    }

    /// A text with its escapes, which are Python's.
    private mutating func string(quote: Unicode.Scalar) throws(JinjaError) -> String {
        var value = String.UnicodeScalarView()
        position += 1
        while let scalar = scalar(at: position), scalar != quote {
            position += 1
            if scalar != "\\" { value.append(scalar) } else { try escape(into: &value) }
        }
        guard position < text.count else { throw JinjaError("a string does not end") }
        position += 1
        return String(value)
    }

    private mutating func escape(into value: inout String.UnicodeScalarView) throws(JinjaError) {
        guard let kind = scalar(at: position) else { throw JinjaError("a string does not end") }
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
            "v": "\u{B}",
        ]
        if let scalar = simple[kind] {
            position += 1
            return value.append(scalar)
        }
        switch kind {
        case "\n": position += 1
        case "x", "u", "U":
            position += 1
            value.append(try code(digits: kind == "x" ? 2 : kind == "u" ? 4 : 8, radix: 16))
        case "0"..."7":
            let digits = text[position...].prefix(3).prefix { ("0"..."7").contains($0) }.count
            value.append(try code(digits: digits, radix: 8))
        default:
            // Python keeps the backslash of an escape that it does not know.
            guard kind.isASCII, kind != "N" else { throw JinjaError("the escape \\\(kind) is not supported") }
            value.append("\\")
        }
    }

    private mutating func code(digits: Int, radix: Int) throws(JinjaError) -> Unicode.Scalar {
        var code = String.UnicodeScalarView()
        code.append(contentsOf: text[position...].prefix(digits))
        position += digits
        guard code.count == digits, code.allSatisfy(\.isASCII), let value = UInt32(String(code), radix: radix),
            code.first != "+", let scalar = Unicode.Scalar(value)
        else { throw JinjaError("an escape with \(String(code)) is no character") }
        return scalar
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { ("0"..."9").contains(self) }

    /// White space for Python's `strip` and `\s`, which count four separators more than Unicode.
    var isPythonSpace: Bool { properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(self) }
}
