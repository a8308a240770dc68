internal import EDICText

/// Understands the names that files and their authors give languages.
enum LanguageName {
    /// The canonical BCP-47 tag, or nil if the text is none. Locale names of POSIX (`de_AT.UTF-8`, `sr@latin`) are
    /// understood.
    static func canonical(_ raw: String) -> String? { tag(raw)?.canonical.description }

    /// Whether the text is the name of a language that is registered.
    static func isRegistered(_ raw: String) -> Bool { tag(raw)?.isValid ?? false }

    private static func tag(_ raw: String) -> LanguageTag? {
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
        var parts = name.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "_" }.map(String.init)
        if !script.isEmpty { parts.insert(script, at: 1) }
        return try? LanguageTag(parts.joined(separator: "-"))
    }
}
