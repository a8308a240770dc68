import EDICText
import Testing

@Suite struct LanguageTagTests {
    /// Appendix A of RFC 5646.
    @Test(arguments: [
        "de", "fr", "ja", "i-enochian", "zh-Hant", "zh-Hans", "sr-Cyrl", "sr-Latn", "zh-cmn-Hans-CN", "cmn-Hans-CN",
        "zh-yue-HK", "yue-HK", "zh-Hans-CN", "sr-Latn-RS", "sl-rozaj", "sl-rozaj-biske", "sl-nedis", "de-CH-1901",
        "sl-IT-nedis", "hy-Latn-IT-arevela", "de-DE", "en-US", "es-419", "de-CH-x-phonebk", "az-Arab-x-aze-derbend",
        "x-whatever", "qaa-Qaaa-QM-x-southern", "de-Qaaa", "sr-Latn-QM", "sr-Qaaa-RS", "en-US-u-islamcal",
        "zh-CN-a-myext-x-private", "en-a-myext-b-another",
    ])
    func readsTheExamplesOfTheRFC(text: String) throws {
        let tag = try LanguageTag(text)
        #expect(tag.description == text)
        #expect(try LanguageTag(text.uppercased()).description == text)
        #expect(tag.isValid)
    }

    @Test(arguments: [
        "", "-", "d", "de-419-DE", "a-DE", "ar-a-aaa-b-bbb-a-ccc", "de-", "-de", "de--DE", "de_DE", "de-DE-x", "x",
        "123",
        "en-a", "toolongsubtag", "de-1901-1901", "dé", "en-u", "deutschland-DE-DE", "a\u{0}b",
    ])
    func refusesWhatIsNotWellFormed(text: String) {
        let error = #expect(throws: TextError.self) { try LanguageTag(text) }
        #expect(error?.code == .malformedLanguageTag)
    }

    @Test func tellsRegisteredFromWellFormed() throws {
        #expect(try !LanguageTag("zz").isValid)
        #expect(try !LanguageTag("xzz-Latn").isValid)
        #expect(try !LanguageTag("de-Abcd").isValid)
        #expect(try !LanguageTag("de-AB").isValid)
        #expect(try LanguageTag("hsb-DE").isValid)
        #expect(try !LanguageTag("de-cmn").isValid)
    }

    @Test(arguments: [
        ("iw", "he"), ("deu", "de"), ("ger-DE", "de-DE"), ("zh-cmn-Hans", "cmn-Hans"), ("i-lux", "lb"),
        ("no-bok", "nb"),
        ("en-BU", "en-MM"), ("slk", "sk"), ("slo", "sk"), ("de-CH-1901", "de-CH-1901"), ("mo", "ro"), ("nob", "nb"),
    ])
    func findsPreferredForms(text: String, expected: String) throws {
        #expect(try LanguageTag(text).canonical.description == expected)
    }

    @Test func namesLanguages() throws {
        #expect(Language.officialEU.count == 24)
        #expect(try Language.of(LanguageTag("mlt"))?.nativeName == "Malti")
        #expect(try Language.of(LanguageTag("pt-BR"))?.englishName == "Portuguese")
        #expect(try Language.of(LanguageTag("ja")) == nil)
        for language in Language.all {
            let tag = try #require(language.tag)
            #expect(tag.isValid)
            let alpha3 = try #require(tag.alpha3)
            #expect(alpha3.utf8.count == 3)
            #expect(try LanguageTag(alpha3).canonical == tag)
        }
        #expect(try LanguageTag("ell").alpha3 == "ell")
        #expect(try LanguageTag("el").alpha3 == "ell")
        #expect(try LanguageTag("gre").alpha3 == "ell")
    }
}
