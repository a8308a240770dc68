/// Spells language tags in one way.
enum LanguageName {
    /// The BCP-47 tag in its usual letter case, or nil if the text is none. POSIX locale names (`de_AT.UTF-8`,
    /// `sr@latin`) are understood.
    static func canonical(_ raw: String) -> String? {
        var name = raw[...]
        var script = ""
        if let at = name.firstIndex(of: "@") {
            switch name[name.index(after: at)...].lowercased() {
            case "latin": script = "Latn"
            case "cyrillic": script = "Cyrl"
            default: break
            }
            name = name[..<at]
        }
        if let dot = name.firstIndex(of: ".") { name = name[..<dot] }
        var parts = name.split(separator: "-", omittingEmptySubsequences: false).flatMap {
            $0.split(separator: "_", omittingEmptySubsequences: false)
        }.map { $0.lowercased() }
        guard let language = parts.first, (2...8).contains(language.utf8.count), isAlphabetic(language) else {
            return nil
        }
        for index in parts.indices.dropFirst() {
            let part = parts[index]
            guard (1...8).contains(part.utf8.count), part.utf8.allSatisfy({ isAlphanumeric($0) }) else { return nil }
            if part.utf8.count == 4, isAlphabetic(part) {
                parts[index] = part.prefix(1).uppercased() + part.dropFirst()
            }
            if part.utf8.count == 2, isAlphabetic(part) { parts[index] = part.uppercased() }
        }
        if !script.isEmpty { parts.insert(script, at: 1) }
        return parts.joined(separator: "-")
    }

    private static func isAlphabetic(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        byte.isASCIIDigit || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
    }
}
