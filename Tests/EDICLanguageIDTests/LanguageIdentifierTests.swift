import EDICLanguageID
import EDICText
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct LanguageIdentifierTests {
    private let identifier: LanguageIdentifier

    init() throws { identifier = try .builtIn() }

    @Test(arguments: [
        ("bg", "Днес библиотеката е отворена до шест часа вечерта."),
        ("cs", "Knihovna je dnes otevřena do šesti hodin večer."),
        ("de", "Die Bibliothek ist heute bis sechs Uhr abends geöffnet."),
        ("el", "Η βιβλιοθήκη είναι σήμερα ανοιχτή μέχρι τις έξι το βράδυ."),
        ("en", "The library is open today until six o'clock in the evening."),
        ("es", "La biblioteca está abierta hoy hasta las seis de la tarde."),
        ("et", "Raamatukogu on täna avatud kella kuueni õhtul."),
        ("eu", "Liburutegia gaur arratsaldeko seiak arte dago irekita."),
        ("fi", "Kirjasto on tänään avoinna kello kuuteen asti illalla."),
        ("fr", "La bibliothèque est ouverte aujourd’hui jusqu’à six heures du soir."),
        ("ga", "Tá an leabharlann oscailte inniu go dtí a sé a chlog tráthnóna."),
        ("hu", "A könyvtár ma este hat óráig tart nyitva."),
        ("is", "Bókasafnið er opið í dag til klukkan sex um kvöldið."),
        ("it", "La biblioteca è aperta oggi fino alle sei di sera."),
        ("lt", "Biblioteka šiandien atidaryta iki šeštos valandos vakaro."),
        ("lv", "Bibliotēka šodien ir atvērta līdz sešiem vakarā."),
        ("mt", "Il-librerija llum hija miftuħa sas-sitta ta’ filgħaxija."),
        ("nl", "De bibliotheek is vandaag open tot zes uur 's avonds."),
        ("pl", "Biblioteka jest dziś otwarta do szóstej wieczorem."),
        ("pt", "A biblioteca está aberta hoje até às seis horas da tarde."),
        ("ro", "Biblioteca este deschisă astăzi până la ora șase seara."),
        ("sv", "Biblioteket är öppet i dag till klockan sex på kvällen."),
        ("uk", "Сьогодні бібліотека працює до шостої години вечора."),
    ])
    func knowsTheLanguages(language: String, text: String) throws {
        let found = identifier.identify(text)
        #expect(found.first?.language == (try LanguageTag(language)), "\(found)")
        #expect(found.reduce(0) { $0 + $1.probability } <= 1.000_001)
        #expect(found.map(\.probability) == found.map(\.probability).sorted(by: >))
    }

    @Test func saysNothingAboutTooLittle() {
        for text in ["", " ", "12345 67890 -- 3.14", "OK", "no", "日本語の文章です。これは長い文章です。", "🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂"] {
            #expect(identifier.identify(text).isEmpty, "\(text)")
        }
    }

    /// Sums of longer texts would not fit.
    @Test func ofAVeryLongTextTheBeginningCounts() {
        let german = Array("Der Hafen ist im Winter geöffnet und die Schiffe kommen. ".utf8)
        let french = Array("Le port est ouvert en hiver pour les bateaux. ".utf8)
        let beginning = Array([[UInt8]](repeating: german, count: 40_000).joined().prefix(2 << 20))
        let whole = beginning + Array([[UInt8]](repeating: french, count: 50_000).joined())
        let found = identifier.identify(whole.span)
        #expect(found == identifier.identify(beginning.span))
        #expect(found.first?.language.description == "de")
    }

    @Test func caseAndPunctuationDoNotMatter() {
        let text = "the library is open today until six in the evening"
        #expect(identifier.identify(text) == identifier.identify(text.uppercased()))
        #expect(identifier.identify(text) == identifier.identify("— " + text + "!!!"))
    }

    @Test func serbianIsOneLanguageInTwoScripts() throws {
        let latin = identifier.identify("Biblioteka je danas otvorena do šest časova uveče, posle toga se zatvara.")
        let cyrillic = identifier.identify("Библиотека је данас отворена до шест часова увече, после тога се затвара.")
        #expect(latin.contains { $0.language.description == "sr" })
        #expect(cyrillic.first?.language.description == "sr")
    }

    /// The messages that the model was trained on are in part not translated: "the" stood for Macedonian.
    @Test func scriptsRuleLanguagesOut() throws {
        let cyrillic: Set = ["be", "bg", "mk", "ru", "uk"]
        for text in ["the the the", "and to the", "in the of a", "of the in the", "Content Management System"] {
            let found = identifier.identify(text, limit: 50)
            #expect(
                !found.isEmpty && found.allSatisfy { !cyrillic.contains($0.language.description) }, "\(text): \(found)")
            #expect(found.reduce(0) { $0 + $1.probability } > 0.99)
        }
        #expect(identifier.identify("of the in the").first?.language.description == "en")
        for (text, known) in [("дом и море", cyrillic.union(["sr", "bs"])), ("το λιμάνι", ["el"])] {
            let found = identifier.identify(text, limit: 50)
            #expect(!found.isEmpty && found.allSatisfy { known.contains($0.language.description) }, "\(text): \(found)")
        }
        // A letter is enough: words of another script are in many texts.
        #expect(
            identifier.identify("HTML CSS JavaScript и", limit: 50).contains {
                cyrillic.contains($0.language.description)
            })
    }

    @Test func survivesAnyBytes() {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let found = identifier.identify(bytes.span)
            #expect(found.allSatisfy { $0.probability > 0 && $0.probability <= 1.000_001 })
        }
    }

    /// Sums are exact beyond the 255 weights that one partial sum holds.
    @Test func longTextsAreAddedUpExactly() throws {
        let sentence = "Die Bibliothek ist heute bis sechs Uhr abends geöffnet. "
        let once = try #require(identifier.identify(sentence).first)
        let often = try #require(identifier.identify(String(repeating: sentence, count: 400)).first)
        #expect(once.language == often.language)
        #expect(often.probability >= once.probability)
    }

    @Test(.enabled(if: SharedData.isPresent))
    func accuracyOnTranslatedNews() throws {
        var right = 0
        var all = 0
        for code in [
            "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "it", "lt", "lv", "mt", "nl", "pl",
            "pt", "ro", "sk", "sl", "sv",
        ] {
            let lines = try readFile(SharedData.path("flores/flores-dev.\(code)")).split(separator: 0x0A).prefix(60)
            let language = try LanguageTag(code)
            for line in lines {
                all += 1
                if identifier.identify(Array(line).span, limit: 1).first?.language == language { right += 1 }
            }
        }
        #expect(Double(right) > 0.98 * Double(all), "\(right) of \(all)")
    }
}

@Suite struct LanguageIdentifierTrainerTests {
    private static let german = [
        "der Hund läuft durch den Wald", "die Katze schläft auf dem Dach", "das Haus steht am Fluss",
    ]
    private static let dutch = [
        "de hond loopt door het bos", "de kat slaapt op het dak", "het huis staat aan de rivier",
    ]

    private func train(seed: UInt64) throws -> [UInt8] {
        var trainer = LanguageIdentifierTrainer(options: .init(slots: 1 << 14, snippets: 40, seed: seed))
        trainer.add("de", lines: (0..<8).flatMap { _ in Self.german.map { Array($0.utf8) } })
        trainer.add("nl", lines: (0..<8).flatMap { _ in Self.dutch.map { Array($0.utf8) } })
        return try trainer.train()
    }

    @Test func trainsTheSameModelTwice() throws {
        let bytes = try train(seed: 1)
        #expect(try train(seed: 1) == bytes)
        let identifier = try LanguageIdentifier(parsing: bytes)
        #expect(identifier.languages.map(\.description) == ["de", "nl"])
        #expect(identifier.identify("der Hund schläft auf dem Dach").first?.language.description == "de")
        #expect(identifier.identify("de hond slaapt op het dak").first?.language.description == "nl")

        let folder = try TemporaryFolder()
        let path = FilePath("\(folder.path)/model.bin")
        let file = try FileDescriptor.open(path, .writeOnly, options: .create, permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
        #expect(
            try LanguageIdentifier(contentsOf: path).identify("der Hund schläft").first?.language.description == "de")
    }

    @Test func refusesWhatIsNoModel() throws {
        let bytes = try train(seed: 2)
        #expect(throws: LanguageIDError.self) { try LanguageIdentifier(parsing: []) }
        for length in [4, 8, 12, 20, 27, 100, bytes.count - 1] {
            let error = #expect(throws: LanguageIDError.self) {
                try LanguageIdentifier(parsing: Array(bytes.prefix(length)))
            }
            #expect(error?.code == .malformedModel)
        }
        #expect(throws: LanguageIDError.self) { try LanguageIdentifier(parsing: bytes + [0]) }
        for offset in 0..<27 {
            var flipped = bytes
            flipped[offset] ^= 0x80
            _ = try? LanguageIdentifier(parsing: flipped)
        }
        let error = #expect(throws: LanguageIDError.self) { try LanguageIdentifier(contentsOf: "/nonexistent/model") }
        #expect(error?.code == .unreadable)
        let folder = #expect(throws: LanguageIDError.self) { try LanguageIdentifier(contentsOf: "/tmp") }
        #expect(folder?.code == .unreadable)
    }

    @Test func refusesTooLittleText() {
        var trainer = LanguageIdentifierTrainer()
        #expect(throws: LanguageIDError.self) { try trainer.train() }
        trainer.add("de", lines: [Array("ein Satz".utf8)])
        trainer.add("nl", lines: [[]])
        let error = #expect(throws: LanguageIDError.self) { try trainer.train() }
        #expect(error?.code == .unusableTrainingData)
    }
}
