/// The codes that a manifest's `member_state` may have.
enum CountryCodes {
    /// ISO 3166-1 alpha-2 codes of the countries of Europe, and `EU` for bodies of the Union.
    static let all: [String] = """
        EU AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE
        AD AL AM AZ BA BY CH FO GB GE GI GL IS LI MC MD ME MK NO RS SM TR UA VA XK
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
