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
enum JinjaLexer {
    static func tokens(of source: String) throws(JinjaError) -> [JinjaToken] {
        var tokens: [JinjaToken] = []
        let text = Array(source.unicodeScalars)
        var position = 0
        var pending = ""
        // What the block before asked of the text that follows.
        var trimsNewline = false
        var trimsSpace = false
        func starts(_ mark: String, at place: Int) -> Bool {
            let scalars = Array(mark.unicodeScalars)
            return place + scalars.count <= text.count && text[place..<place + scalars.count].elementsEqual(scalars)
        }
        func flush(beforeBlock: Bool, strips: Bool) {
            var part = Substring(pending)
            if trimsSpace {
                part = part.drop { $0.isWhitespace }
            } else if trimsNewline, let first = part.first, first == "\n" || first == "\r\n" {
                part = part.dropFirst()
            }
            if strips {
                while part.last?.isWhitespace == true { part = part.dropLast() }
            } else if beforeBlock {
                // Spaces between the line's beginning and the block.
                let line = part.reversed().prefix { $0 == " " || $0 == "\t" }.count
                let before = part.dropLast(line)
                if before.isEmpty ? tokens.isEmpty || trimsNewline : before.last?.isNewline == true { part = before }
            }
            if !part.isEmpty { tokens.append(.text(String(part))) }
            pending = ""
            trimsNewline = false
            trimsSpace = false
        }
        while position < text.count {
            guard text[position] == "{", position + 1 < text.count, ["{", "%", "#"].contains(text[position + 1]) else {
                pending.unicodeScalars.append(text[position])
                position += 1
                continue
            }
            let kind = text[position + 1]
            position += 2
            let strips = position < text.count && text[position] == "-"
            flush(beforeBlock: kind != "{", strips: strips)
            if position < text.count, text[position] == "-" || text[position] == "+" { position += 1 }
            if kind == "#" {
                while position < text.count, !starts("#}", at: position) { position += 1 }
                guard position < text.count else { throw JinjaError("a comment does not end") }
                trimsSpace = text[position - 1] == "-"
                trimsNewline = true
                position += 2
                continue
            }
            tokens.append(.symbol(kind == "{" ? "{{" : "{%"))
            let close = kind == "{" ? "}}" : "%}"
            var braces = 0
            while true {
                guard position < text.count else { throw JinjaError("a block does not end") }
                if braces == 0, starts("-" + close, at: position) {
                    trimsSpace = true
                    position += 3
                    break
                }
                if braces == 0, starts(close, at: position) {
                    position += 2
                    break
                }
                if text[position].properties.isWhitespace {
                    position += 1
                    continue
                }
                let token = try token(text, &position)
                if case .symbol("{") = token { braces += 1 }
                if case .symbol("}") = token { braces -= 1 }
                tokens.append(token)
            }
            tokens.append(.symbol(close))
            trimsNewline = kind == "%"
        }
        flush(beforeBlock: false, strips: false)
        return tokens
    }

    private static func token(_ text: [Unicode.Scalar], _ position: inout Int) throws(JinjaError) -> JinjaToken {
        let first = text[position]
        if first == "'" || first == "\"" { return .string(try string(text, &position, quote: first)) }
        func run(_ belongs: (Unicode.Scalar) -> Bool) -> String {
            var run = String.UnicodeScalarView()
            while position < text.count, belongs(text[position]) {
                run.append(text[position])
                position += 1
            }
            return String(run)
        }
        if ("0"..."9").contains(first) {
            let digits = run { ("0"..."9").contains($0) || $0 == "." }
            if let integer = Int(digits) { return .number(.integer(integer)) }
            guard let number = Double(digits) else { throw JinjaError("\(digits) is no number") }
            return .number(.double(number))
        }
        if first == "_" || first.properties.isAlphabetic {
            return .name(run { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) })
        }
        if position + 1 < text.count {
            let two = String(first) + String(text[position + 1])
            if ["==", "!=", "<=", ">=", "//"].contains(two) {
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

    private static func string(
        _ text: [Unicode.Scalar], _ position: inout Int, quote: Unicode.Scalar
    ) throws(JinjaError) -> String {
        var value = String.UnicodeScalarView()
        position += 1
        while position < text.count, text[position] != quote {
            var scalar = text[position]
            if scalar == "\\", position + 1 < text.count {
                position += 1
                switch text[position] {
                case "n": scalar = "\n"
                case "t": scalar = "\t"
                case "r": scalar = "\r"
                default: scalar = text[position]
                }
            }
            value.append(scalar)
            position += 1
        }
        guard position < text.count else { throw JinjaError("a string does not end") }
        position += 1
        return String(value)
    }
}
