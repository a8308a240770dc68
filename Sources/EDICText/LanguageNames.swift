/// A language that EDIC serves, with its names.
public struct Language: Hashable, Sendable {
    /// Where a language is official.
    public enum Status: String, Sendable {
        /// One of the 24 official languages of the European Union.
        case officialEU
        /// Official in a region of a member state, or in a country of the EEA, or close to the Union.
        case other
    }

    /// The two-letter code of ISO 639-1.
    public let code: String
    /// The language's name in English.
    public let englishName: String
    /// The language's name in itself.
    public let nativeName: String
    /// Where it is official.
    public let status: Status

    private init(_ code: String, _ englishName: String, _ nativeName: String, _ status: Status = .other) {
        self.code = code
        self.englishName = englishName
        self.nativeName = nativeName
        self.status = status
    }

    /// The code as a language tag.
    public var tag: LanguageTag? { try? LanguageTag(code) }

    /// The languages of the project, the official ones of the EU first, each group by code.
    public static let all: [Language] = [
        Language("bg", "Bulgarian", "български", .officialEU),
        Language("cs", "Czech", "čeština", .officialEU),
        Language("da", "Danish", "dansk", .officialEU),
        Language("de", "German", "Deutsch", .officialEU),
        Language("el", "Greek", "ελληνικά", .officialEU),
        Language("en", "English", "English", .officialEU),
        Language("es", "Spanish", "español", .officialEU),
        Language("et", "Estonian", "eesti", .officialEU),
        Language("fi", "Finnish", "suomi", .officialEU),
        Language("fr", "French", "français", .officialEU),
        Language("ga", "Irish", "Gaeilge", .officialEU),
        Language("hr", "Croatian", "hrvatski", .officialEU),
        Language("hu", "Hungarian", "magyar", .officialEU),
        Language("it", "Italian", "italiano", .officialEU),
        Language("lt", "Lithuanian", "lietuvių", .officialEU),
        Language("lv", "Latvian", "latviešu", .officialEU),
        Language("mt", "Maltese", "Malti", .officialEU),
        Language("nl", "Dutch", "Nederlands", .officialEU),
        Language("pl", "Polish", "polski", .officialEU),
        Language("pt", "Portuguese", "português", .officialEU),
        Language("ro", "Romanian", "română", .officialEU),
        Language("sk", "Slovak", "slovenčina", .officialEU),
        Language("sl", "Slovenian", "slovenščina", .officialEU),
        Language("sv", "Swedish", "svenska", .officialEU),
        Language("bs", "Bosnian", "bosanski"),
        Language("ca", "Catalan", "català"),
        Language("cy", "Welsh", "Cymraeg"),
        Language("eu", "Basque", "euskara"),
        Language("gl", "Galician", "galego"),
        Language("is", "Icelandic", "íslenska"),
        Language("lb", "Luxembourgish", "Lëtzebuergesch"),
        Language("mk", "Macedonian", "македонски"),
        Language("nb", "Norwegian Bokmål", "norsk bokmål"),
        Language("nn", "Norwegian Nynorsk", "norsk nynorsk"),
        Language("no", "Norwegian", "norsk"),
        Language("ru", "Russian", "русский"),
        Language("sq", "Albanian", "shqip"),
        Language("sr", "Serbian", "српски"),
        Language("tr", "Turkish", "Türkçe"),
        Language("uk", "Ukrainian", "українська"),
    ]

    /// The 24 official languages of the European Union, by code.
    public static let officialEU: [Language] = all.filter { $0.status == .officialEU }

    private static let byCode: [String: Language] = Dictionary(
        all.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })

    /// The language of a tag ("pt-BR" and "por" are Portuguese), nil if it is not one of ``all``.
    public static func of(_ tag: LanguageTag) -> Language? { byCode[tag.canonical.language] }
}
