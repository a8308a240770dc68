/// A licence as an SPDX expression (SPDX 2.3, annex D): ids, `+`, `WITH`, `AND`, `OR` and parentheses.
///
/// Ids are matched without regard to letter case, as the specification asks, and kept in their usual spelling.
public indirect enum LicenceExpression: Sendable, Hashable {
    /// A licence of the SPDX list, or a `LicenseRef-…`; `orLater` for a trailing `+`.
    case licence(String, orLater: Bool)
    /// A licence with an exception.
    case exception(LicenceExpression, String)
    /// Both have to be followed.
    case both(LicenceExpression, LicenceExpression)
    /// One of them may be chosen.
    case either(LicenceExpression, LicenceExpression)

    /// Reads an expression.
    ///
    /// - Throws: ``CorporaError`` with code `invalidLicence` and the column of the fault.
    public init(parsing text: String) throws(CorporaError) {
        var parser = LicenceParser(text)
        self = try parser.parse()
    }

    /// The licence ids in the expression, in order of appearance.
    public var identifiers: [String] {
        switch self {
        case .licence(let id, _): [id]
        case .exception(let licence, _): licence.identifiers
        case .both(let first, let second), .either(let first, let second): first.identifiers + second.identifiers
        }
    }

    private func written(inside outer: Int) -> String {
        let (text, strength): (String, Int) =
            switch self {
            case .licence(let id, let orLater): (orLater ? id + "+" : id, 3)
            case .exception(let licence, let exception): ("\(licence.written(inside: 3)) WITH \(exception)", 2)
            case .both(let first, let second): ("\(first.written(inside: 1)) AND \(second.written(inside: 1))", 1)
            case .either(let first, let second): ("\(first.written(inside: 0)) OR \(second.written(inside: 0))", 0)
            }
        return strength < outer ? "(\(text))" : text
    }
}

extension LicenceExpression: CustomStringConvertible {
    /// The expression with parentheses only where they are needed.
    public var description: String { written(inside: 0) }
}

/// Recursive descent over the grammar: OR binds weakest, then AND, then WITH.
private struct LicenceParser {
    private struct Token {
        var text: String
        var column: Int
    }

    private let source: String
    private let tokens: [Token]
    private var index = 0
    private var depth = 0

    /// Nobody nests a licence deeper than this; it keeps the recursion, and the value it makes, small.
    private static let maximumDepth = 32
    private static let maximumTokens = 256

    init(_ text: String) {
        source = text
        var tokens: [Token] = []
        var word = ""
        func endWord(at column: Int) {
            if !word.isEmpty { tokens.append(Token(text: word, column: column - word.unicodeScalars.count)) }
            word = ""
        }
        for (column, scalar) in text.unicodeScalars.enumerated() {
            switch scalar {
            case " ", "\t", "\n", "\r": endWord(at: column)
            case "(", ")":
                endWord(at: column)
                tokens.append(Token(text: String(scalar), column: column))
            default: word.unicodeScalars.append(scalar)
            }
        }
        endWord(at: text.unicodeScalars.count)
        self.tokens = tokens
    }

    mutating func parse() throws(CorporaError) -> LicenceExpression {
        guard !tokens.isEmpty else { throw fault("the licence is empty; write an SPDX id such as CC-BY-4.0") }
        guard tokens.count <= Self.maximumTokens else {
            throw fault("the licence has more than \(Self.maximumTokens) words")
        }
        let expression = try parseEither()
        if let token = peek {
            throw fault("expected AND, OR or the end, found \"\(token.text)\"\(place(token))")
        }
        return expression
    }

    private var peek: Token? { index < tokens.count ? tokens[index] : nil }

    private mutating func take(_ word: String) -> Bool {
        guard let token = peek, token.text == word || token.text == word.lowercased() else { return false }
        index += 1
        return true
    }

    private mutating func parseEither() throws(CorporaError) -> LicenceExpression {
        var expression = try parseBoth()
        while take("OR") { expression = .either(expression, try parseBoth()) }
        return expression
    }

    private mutating func parseBoth() throws(CorporaError) -> LicenceExpression {
        var expression = try parseException()
        while take("AND") { expression = .both(expression, try parseException()) }
        return expression
    }

    private mutating func parseException() throws(CorporaError) -> LicenceExpression {
        let expression = try parseLicence()
        guard take("WITH") else { return expression }
        guard case .licence = expression else { throw fault("WITH must follow one licence, not an expression") }
        guard let token = peek else { throw fault("expected an exception after WITH, found the end") }
        index += 1
        if token.text.hasPrefix("AdditionRef-") { return .exception(expression, token.text) }
        guard let known = LicenceList.exception(token.text) else {
            throw unknown(token, kind: "exception", among: LicenceList.exceptions)
        }
        return .exception(expression, known)
    }

    private mutating func parseLicence() throws(CorporaError) -> LicenceExpression {
        guard let token = peek else { throw fault("expected a licence id, found the end") }
        index += 1
        if token.text == "(" {
            depth += 1
            guard depth <= Self.maximumDepth else { throw fault("the licence nests too deeply\(place(token))") }
            let expression = try parseEither()
            guard take(")") else { throw fault("expected \")\" for the \"(\"\(place(token))") }
            depth -= 1
            return expression
        }
        if token.text == ")" { throw fault("expected a licence id, found \")\"\(place(token))") }
        if Self.isReference(token.text) { return .licence(token.text, orLater: false) }
        let orLater = token.text.hasSuffix("+")
        let name = orLater ? String(token.text.dropLast()) : token.text
        guard let known = LicenceList.licence(name) else {
            throw unknown(token, kind: "licence", among: LicenceList.licences)
        }
        return .licence(known, orLater: orLater)
    }

    /// Whether this is `LicenseRef-…` or `DocumentRef-…:LicenseRef-…`.
    private static func isReference(_ text: String) -> Bool {
        var name = text[...]
        if name.hasPrefix("DocumentRef-"), let colon = name.firstIndex(of: ":") {
            name = name[name.index(after: colon)...]
        }
        guard name.hasPrefix("LicenseRef-") else { return false }
        let rest = name.utf8.dropFirst("LicenseRef-".utf8.count)
        return !rest.isEmpty
            && rest.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private func unknown(_ token: Token, kind: String, among known: [String]) -> CorporaError {
        let suggestion = Suggestion.phrase(for: token.text, among: known)
        let help = suggestion.isEmpty ? "use an SPDX id, or LicenseRef-NAME for one of your own" : suggestion
        return fault("unknown \(kind) \"\(token.text)\"\(place(token)); \(help)")
    }

    private func place(_ token: Token) -> String { " at column \(token.column + 1) of \"\(source)\"" }

    private func fault(_ message: String) -> CorporaError { CorporaError(.invalidLicence, message) }
}
