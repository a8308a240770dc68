import Testing

@testable import EDICCorpora

/// Which form is the singular and which the plural, by the rules that catalogues of Europe give.
@Suite struct PluralFormsTests {
    static let rules: [(language: String, header: String, forms: Int, singular: Int?, plural: Int)] = [
        ("German", "nplurals=2; plural=(n != 1);", 2, 0, 1),
        ("French", "nplurals=2; plural=n>1;", 2, 0, 1),
        ("Japanese", "nplurals=1; plural=0;", 1, nil, 0),
        ("Latvian", "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2);", 3, 0, 1),
        (
            "Slovenian of KDE", "nplurals=4; plural=(n%100==1 ? 1 : n%100==2 ? 2 : n%100==3 || n%100==4 ? 3 : 0);", 4,
            1,
            0
        ),
        (
            "Polish", "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);", 3, 0,
            2
        ),
        ("Irish", "nplurals=5; plural=n==1 ? 0 : n==2 ? 1 : n<7 ? 2 : n<11 ? 3 : 4;", 5, 0, 2),
        (
            "Maltese",
            "nplurals=4; plural=(n==1 ? 0 : n==0 || ( n%100>1 && n%100<11) ? 1 : (n%100>10 && n%100<20 ) ? 2 : 3);", 4,
            0,
            1
        ),
        ("Icelandic", "nplurals=2; plural=n%10!=1 || n%100==11;", 2, 0, 1),
        ("precedence", "nplurals=9; plural=1+2*3-!(n-1)*6%4;", 9, 5, 7),
        ("no rule", "", 3, 0, 2),
        ("a number too large", "nplurals=2; plural=7", 2, 0, 1),
        ("nonsense", "nplurals=2; plural=n ===== 3", 3, 0, 2),
        ("division by zero", "nplurals=2; plural=n/0", 2, 0, 1),
        ("the least number", "plural=(0-4611686018)*n/(0-1)", 2, 0, 1),
        ("a hostile rule", "plural=" + String(repeating: "(", count: 900), 2, 0, 1),
    ]

    @Test(arguments: rules.indices) func choice(index: Int) {
        let rule = Self.rules[index]
        let chosen = PluralForms(header: rule.header).choose(among: rule.forms)
        #expect(chosen.singular == rule.singular && chosen.plural == rule.plural, "\(rule.language)")
    }

    @Test func formsOfACatalogue() throws {
        let rule = "Plural-Forms: nplurals=3; plural=n==5 ? 0 : n==1 ? 2 : 1;\n"
        let header = "Content-Type: text/plain; charset=UTF-8\n" + rule
        let messages = [("", header), ("%d ship\0%d ships", "pet\0dva\0ena")]
        let compiled = try read(GettextReading.compiled(messages), .mo, languages: ["sl", "en"], own: ["sl"])
        #expect(compiled.sides == [["en=%d ship", "sl=ena"], ["en=%d ships", "sl=pet"]])
        let source = """
            msgid ""
            msgstr "Plural-Forms: nplurals=3; plural=n==5 ? 0 : n==1 ? 2 : 1;\\n"

            msgid "%d ship"
            msgid_plural "%d ships"
            msgstr[0] "pet"
            msgstr[1] "dva"
            msgstr[2] "ena"
            """
        #expect(try read(source, .po, languages: ["sl", "en"], own: ["sl"]).sides == compiled.sides)
    }
}
