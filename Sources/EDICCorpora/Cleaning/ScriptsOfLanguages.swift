/// The scripts in which the languages of Europe are written today (ISO 15924 codes).
enum ScriptsOfLanguages {
    /// The scripts of a language, by its tag's script or else by the language; empty where nothing is known.
    static func scripts(of tag: String) -> [String] {
        if let known = byLanguage[tag] { return known }
        let parts = tag.split(separator: "-")
        if let script = parts.dropFirst().first(where: { $0.utf8.count == 4 && !($0.utf8.first ?? 0).isASCIIDigit }) {
            return [String(script)]
        }
        guard let language = parts.first else { return [] }
        return byLanguage[String(language)] ?? []
    }

    private static let byLanguage = others.merging(latin.map { ($0, ["Latn"]) }) { own, _ in own }

    private static let latin: Set<String> = [
        "af", "br", "ca", "co", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fo", "fr", "fy", "ga", "gd",
        "gl",
        "gv", "hr", "hu", "is", "it", "kl", "lb", "lt", "lv", "mt", "nb", "nl", "nn", "no", "oc", "pl", "pt", "rm",
        "ro",
        "se", "sk", "sl", "sq", "sv", "tr",
    ]
    private static let others: [String: [String]] = [
        "be": ["Cyrl"], "bg": ["Cyrl"], "mk": ["Cyrl"], "ru": ["Cyrl"], "uk": ["Cyrl"], "el": ["Grek"],
        "sr": ["Cyrl", "Latn"], "bs": ["Latn", "Cyrl"], "hy": ["Armn"], "ka": ["Geor"], "yi": ["Hebr"], "he": ["Hebr"],
        "ar": ["Arab"],
    ]
}
