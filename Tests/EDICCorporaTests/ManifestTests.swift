import EDICCorpora
import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct LicenceExpressions {
    @Test(arguments: [
        ("MIT", "MIT"), ("cc-by-4.0", "CC-BY-4.0"), ("GPL-2.0+", "GPL-2.0+"),
        ("MIT OR Apache-2.0 AND BSD-3-Clause", "MIT OR Apache-2.0 AND BSD-3-Clause"),
        ("(MIT OR Apache-2.0) AND CC0-1.0", "(MIT OR Apache-2.0) AND CC0-1.0"),
        ("((MIT))", "MIT"),
        (
            "GPL-2.0-or-later WITH Classpath-exception-2.0 or EUPL-1.2",
            "GPL-2.0-or-later WITH Classpath-exception-2.0 OR EUPL-1.2"
        ),
        ("LicenseRef-CLARIN-ACA", "LicenseRef-CLARIN-ACA"),
        ("DocumentRef-x:LicenseRef-y.1", "DocumentRef-x:LicenseRef-y.1"),
    ])
    func sound(text: String, written: String) throws {
        let expression = try LicenceExpression(parsing: text)
        #expect(expression.description == written)
        #expect(try LicenceExpression(parsing: written) == expression)
    }

    @Test(arguments: [
        ("", "empty"), ("CC-BY-4", "did you mean \"CC-BY-4.0\"?"), ("MIT OR", "found the end"),
        ("MIT Apache-2.0", "found \"Apache-2.0\" at column 5"), ("(MIT", "expected \")\""), (")", "found \")\""),
        ("MIT WITH nothing", "unknown exception"), ("(MIT OR ISC) WITH LLVM-exception", "one licence"),
        ("LicenseRef-", "unknown licence"), ("proprietary", "LicenseRef-NAME"),
    ])
    func broken(text: String, words: String) throws {
        let error = #expect(throws: CorporaError.self) { try LicenceExpression(parsing: text) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func nestingIsBounded() {
        #expect(throws: CorporaError.self) { try LicenceExpression(parsing: String(repeating: "(", count: 100_000)) }
        #expect(throws: CorporaError.self) {
            try LicenceExpression(
                parsing: String(repeating: "(", count: 100) + "MIT" + String(repeating: ")", count: 100))
        }
    }
}

@Suite struct Manifests {
    static let sound = """
        id: port-notes
        title: Notes of the port
        provider: Port Institute
        member_state: EE
        languages: [et, en]
        licence: CC0-1.0 OR CC-BY-4.0
        legal_basis: own-work
        personal_data: none
        collected: {from: 2023-01, to: 2024-06-30}
        domain: transport
        files:
          - path: ["*.txt", "old/*.text"]
            format: text
            language: et
            unit: paragraph
            encoding: windows-1257
          - path: "pairs/{language}.txt"
            format: moses
            languages: [et, en]
          - path: t.tsv
            format: tsv
            columns: [meta:id, et, -, en]
            header: true
        """

    private func findings(_ replace: String, with text: String) -> [Finding] {
        ContributionManifest.read(yaml: Self.sound.replacing(replace, with: text)).findings
    }

    @Test func everyField() throws {
        let (read, findings) = ContributionManifest.read(yaml: Self.sound)
        #expect(findings.isEmpty)
        let manifest = try #require(read)
        #expect(manifest.id == "port-notes" && manifest.memberState == "EE" && manifest.languages == ["et", "en"])
        #expect(manifest.licence.identifiers == ["CC0-1.0", "CC-BY-4.0"])
        #expect(manifest.collected == .init(from: "2023-01", to: "2024-06-30"))
        #expect(manifest.files.count == 3 && manifest.files[0].patterns == ["*.txt", "old/*.text"])
        #expect(manifest.files[0].options.unit == .paragraph && manifest.files[0].encoding == "windows-1257")
        #expect(manifest.files[2].options.columns == [.metadata("id"), .text("et"), .ignored, .text("en")])
        #expect(manifest.files[2].languages == ["et", "en"] && manifest.files[1].line == 17)
    }

    @Test(arguments: ["2024-02-29", "2024-12-31", "2024-12", "9999"]) func datesAreInTheCalendar(_ date: String) {
        let changed = Self.sound.replacing("to: 2024-06-30", with: "to: \(date)")
        #expect(ContributionManifest.read(yaml: changed).manifest?.collected?.to == date)
    }

    @Test(arguments: [
        ("id: port-notes", "id: Port Notes", 1, "is no id"), ("id: port-notes\n", "", 1, "id: the key is missing"),
        ("domain:", "domian:", 10, "did you mean \"domain\"?"),
        ("format: text", "format: txt", 13, "did you mean \"text\"?"),
        ("member_state: EE", "member_state: Estonia", 4, "ISO 3166-1"), ("CC-BY-4.0", "CC-BY-4", 6, "did you mean"),
        ("personal_data: none", "personal_data: non", 8, "did you mean \"none\"?"),
        ("to: 2024-06-30", "to: 2022", 9, "before"), ("from: 2023-01,", "from: 2023-13,", 9, "is no date"),
        ("to: 2024-06-30", "to: 2024-06-31", 9, "is no date"), ("to: 2024-06-30", "to: 2023-02-29", 9, "is no date"),
        ("language: et\n", "language: fr\n", 12, "fr is not among"),
        ("windows-1257", "windows-12x7", 16, "no known charset"),
        ("pairs/{language}.txt", "pairs.txt", 17, "{language}"),
        ("t.tsv", "../t.tsv", 20, "inside"), ("meta:id", "m e", 22, "is no column"),
        ("true", "maybe", 23, "true or false"),
        ("title: Notes of the port", "title: ''", 2, "empty"),
        ("title: Notes of the port", "title: [a]", 2, "one text"),
        ("unit: paragraph", "columns: [et]", 15, "has a meaning for tsv only"),
    ])
    func faultsArePlaced(replace: String, text: String, line: Int, words: String) throws {
        let changed = Self.sound.replacing(replace, with: text)
        #expect(changed != Self.sound)
        let found = ContributionManifest.read(yaml: changed).findings
        let hit = found.first { $0.description.contains(words) }
        #expect(hit != nil, "\(found)")
        #expect(hit?.line == line, "\(found)")
    }

    @Test func notYAML() {
        for text in ["", "a: b: c", "- x", "id: [", "id: *x", "\u{0}", "id: a\nid: b", "text"] {
            let (manifest, findings) = ContributionManifest.read(yaml: text)
            #expect(manifest == nil && findings.contains { $0.severity == .error }, "\(text)")
        }
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "a: [{"]) func nestedAbsurdly(piece: String) {
        let (manifest, findings) = ContributionManifest.read(yaml: "x: " + String(repeating: piece, count: 100_000))
        #expect(manifest == nil && !findings.isEmpty)
        let lines = (0..<400).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(ContributionManifest.read(yaml: lines).manifest == nil)
    }

    @Test func scaffoldIsSound() throws {
        let (manifest, findings) = ContributionManifest.read(
            yaml: ContributionManifest.scaffold(id: "a", files: [("x y.po", .po)]))
        #expect(findings.isEmpty)
        #expect(manifest?.files.first?.patterns == ["x y.po"])
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path)
        try put("msgid \"\"\n", path.appending("de.po.gz"))
        try put("a", path.appending("x.bin"))
        let made = try Contribution.scaffold(in: path)
        #expect(made.lastComponent?.string == "contribution.yaml")
        #expect(try Contribution.open(path).manifest.files.map(\.format) == [.po])
        #expect(throws: CorporaError.self) { try Contribution.scaffold(in: path) }
    }
}

@Suite struct Listings {
    private func names(_ pattern: String, format: FileFormat = .text, _ files: [String]) throws
        -> Contribution.Listing
    {
        let folder = try TemporaryFolder()
        for file in files {
            let path = FilePath(folder.path).pushing(FilePath(file))
            try FileTree.createFolders(path.removingLastComponent())
            try put("x", path)
        }
        let manifest = ContributionManifest(
            id: "c", title: "t", provider: "p", memberState: "EU", languages: ["de", "en", "sr-Latn"],
            licence: try LicenceExpression(parsing: "MIT"), legalBasis: "x", personalData: .none,
            files: [FileSpecification(patterns: [pattern], format: format)])
        return try Contribution(directory: FilePath(folder.path), manifest: manifest).listing()
    }

    @Test func patterns() throws {
        let files = ["a.txt", "b.text", "sub/c.txt", "sub/deep/d.txt", "README.md", ".hidden"]
        #expect(try names("*.txt", files).files.map(\.name) == ["a.txt"])
        #expect(try names("**/*.txt", files).files.map(\.name) == ["a.txt", "sub/c.txt", "sub/deep/d.txt"])
        #expect(try names("sub/**", files).files.map(\.name) == ["sub/c.txt", "sub/deep/d.txt"])
        #expect(try names("?.t*t", files).files.map(\.name) == ["a.txt", "b.text"])
        #expect(try names("a.txt", files).unlisted == ["b.text", "sub/c.txt", "sub/deep/d.txt"])
        #expect(try names("gone.txt", files).missing.count == 1)
    }

    /// A letter with an accent is one character or two, and a file system takes both names.
    @Test func namesThatLookAlikeAreTwoFiles() throws {
        let listing = try names("*.txt", ["caf\u{E9}.txt", "cafe\u{301}.txt"])
        #expect(listing.files.count == 2 && listing.repeated.isEmpty)
        #expect(try names("sub/*", ["caf\u{E9}.txt", "cafe\u{301}.txt"]).unlisted.count == 2)
    }

    @Test func languagesInPaths() throws {
        let files = ["locale/de_AT/m.po", "locale/sr@latin/m.po", "locale/fr/m.po", "locale/templates/m.po"]
        let listing = try names("locale/{language}/*.po", format: .po, files)
        #expect(listing.files.map { $0.parts[0].language } == ["de", "sr-Latn"])
        #expect(listing.undeclared == ["locale/fr/m.po"] && listing.unlisted == ["locale/templates/m.po"])
        let moses = try names("x/*.{language}.txt", format: .moses, ["x/a.de.txt", "x/a.en.txt", "x/b.de.txt"])
        #expect(moses.files.map(\.name) == ["x/a.{language}.txt", "x/b.{language}.txt"])
        #expect(moses.files[0].parts.map(\.language) == ["de", "en"])
    }

    @Test func patternsAreNotExponential() throws {
        let pattern = String(repeating: "*a", count: 40) + "b"
        #expect(try names(pattern, [String(repeating: "a", count: 200)]).files.isEmpty)
    }
}
