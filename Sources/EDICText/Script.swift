/// A script of Unicode, by its ISO 15924 code.
public struct Script: Hashable, Sendable, CustomStringConvertible {
    /// Four letters, such as "Latn".
    public let code: String

    /// - Parameter code: Four letters in any case; it is not checked against the list of scripts.
    public init(code: String) { self.code = code.prefix(1).uppercased() + code.dropFirst().lowercased() }

    /// The Latin script.
    public static let latin = Script(code: "Latn")
    /// The Cyrillic script.
    public static let cyrillic = Script(code: "Cyrl")
    /// The Greek script.
    public static let greek = Script(code: "Grek")
    /// Characters of no script in particular: punctuation, digits, symbols.
    public static let common = Script(code: "Zyyy")

    public var description: String { code }

    /// The script of a character.
    public init(of scalar: Unicode.Scalar) { self.init(code: ICU.scriptCode(of: scalar) ?? "Zzzz") }
}

/// How many letters and marks of each script a text has.
public struct ScriptHistogram: Sendable {
    private struct Entry: Hashable {
        var number: Int
        var count: Int
    }

    /// Kept apart from the others because most texts are in it, and need no array then.
    private var latin = 0
    private var others: [Entry] = []

    public init() {}

    /// Counts the letters and marks of well-formed UTF-8.
    public init(of utf8: Span<UInt8>) { add(utf8) }

    /// Adds the letters and marks of well-formed UTF-8.
    public mutating func add(_ utf8: Span<UInt8>) {
        ICU.forEachScript(of: utf8) { number, count in
            if number == Self.latinNumber {
                latin += count
            } else if let place = others.firstIndex(where: { $0.number == number }) {
                others[place].count += count
            } else if Self.scripts[number] != nil {
                others.append(Entry(number: number, count: count))
            }
        }
    }

    /// The letters and marks of all scripts that ``counts`` lists.
    public var total: Int { others.reduce(latin) { $0 + $1.count } }

    /// How many letters and marks are of a script.
    public func count(of script: Script) -> Int {
        if script == .latin { return latin }
        for entry in others where Self.scripts[entry.number] == script { return entry.count }
        return 0
    }

    /// The scripts that occur, the most frequent first; marks that belong to several scripts are not listed.
    public var counts: [(script: Script, count: Int)] {
        var all = others
        if latin > 0 { all.append(Entry(number: Self.latinNumber, count: latin)) }
        all.sort { ($1.count, $0.number) < ($0.count, $1.number) }
        return all.compactMap { entry in Self.scripts[entry.number].map { ($0, entry.count) } }
    }

    /// The script of most letters, nil for text without letters.
    public var dominant: Script? { counts.first?.script }

    /// The scripts by ICU's number; nil for those that are not listed. Making a script takes longer than counting a
    /// short text.
    private static let scripts: [Script?] = (0..<256).map { number in
        guard let code = ICU.scriptCode(number), code != "Zyyy", code != "Zinh" else { return nil }
        return Script(code: code)
    }

    private static let latinNumber = scripts.firstIndex(of: .latin) ?? -1
}

extension ScriptHistogram: Equatable {
    public static func == (first: Self, second: Self) -> Bool {
        first.latin == second.latin && Set(first.others) == Set(second.others)
    }
}
