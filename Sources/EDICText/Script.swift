/// A script of Unicode, by its ISO 15924 code.
public struct Script: Hashable, Sendable, CustomStringConvertible {
    /// Four letters, such as "Latn".
    public let code: String

    /// - Parameter code: Four letters in any case; it is not checked against the list of scripts.
    public init(code: String) { self.code = code.prefix(1).uppercased() + code.dropFirst().lowercased() }

    public static let latin = Script(code: "Latn")
    public static let cyrillic = Script(code: "Cyrl")
    public static let greek = Script(code: "Grek")
    /// Characters of no script in particular: punctuation, digits, symbols.
    public static let common = Script(code: "Zyyy")

    public var description: String { code }

    /// The script of a character.
    public init(of scalar: Unicode.Scalar) { self.init(code: ICU.scriptCode(of: scalar) ?? "Zzzz") }
}

/// How many letters and marks of each script a text has.
public struct ScriptHistogram: Equatable, Sendable {
    private var byNumber = [UInt64](repeating: 0, count: 256)

    public init() {}

    public init(of utf8: Span<UInt8>) { add(utf8) }

    /// Adds the letters and marks of well-formed UTF-8.
    public mutating func add(_ utf8: Span<UInt8>) { ICU.addScripts(of: utf8, to: &byNumber) }

    /// The scripts that occur, the most frequent first; marks that belong to several scripts are not listed.
    public var counts: [(script: Script, count: Int)] {
        var found: [(script: Script, count: Int)] = []
        // Ties keep the order of the numbers; a text has one script or two.
        for number in byNumber.indices where byNumber[number] > 0 {
            guard let script = Self.scripts[number] else { continue }
            let count = Int(byNumber[number])
            var place = found.count
            while place > 0, found[place - 1].count < count { place -= 1 }
            found.insert((script, count), at: place)
        }
        return found
    }

    /// The scripts by ICU's number; nil for those that are not listed. Making a script takes longer than counting a
    /// short text.
    private static let scripts: [Script?] = (0..<256).map { number in
        guard let code = ICU.scriptCode(number), code != "Zyyy", code != "Zinh" else { return nil }
        return Script(code: code)
    }

    /// The script of most letters, nil for text without letters.
    public var dominant: Script? { counts.first?.script }
}
