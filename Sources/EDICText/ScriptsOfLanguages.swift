/// The scripts in which the languages of Europe are written today.
package enum ScriptsOfLanguages {
    /// The scripts of a language, by its tag's script or else by the language; empty where nothing is known.
    package static func scripts(of tag: String) -> [Script] {
        // Two letters, as nearly all tags are: no parts to take apart, no hash to make.
        if tag.utf8.count == 2, let place = place(tag.utf8) { return byLetters[place] }
        let parts = tag.split(separator: "-")
        if let script = parts.dropFirst().first(where: { $0.utf8.count == 4 && !(0x30...0x39 ~= $0.utf8.first ?? 0) }) {
            return [Script(code: String(script))]
        }
        guard let language = parts.first, language.utf8.count == 2, let place = place(language.utf8) else { return [] }
        return byLetters[place]
    }

    /// The number of a language by its two letters in lower case.
    private static func place(_ letters: some Collection<UInt8>) -> Int? {
        var place = 0
        for letter in letters {
            guard 0x61...0x7A ~= letter else { return nil }
            place = place * 26 + Int(letter - 0x61)
        }
        return place
    }

    private static let byLetters: [[Script]] = {
        var table = [[Script]](repeating: [], count: 26 * 26)
        func add(_ tags: String, _ codes: String...) {
            let scripts = codes.map { Script(code: $0) }
            for tag in tags.split(separator: " ") { if let place = place(tag.utf8) { table[place] = scripts } }
        }
        add("af br ca co cs cy da de en es et eu fi fo fr fy ga gd gl gv hr hu is it kl lb lt lv mt", "Latn")
        add("nb nl nn no oc pl pt rm ro se sk sl sq sv tr", "Latn")
        add("be bg mk ru uk", "Cyrl")
        add("el", "Grek")
        add("sr", "Cyrl", "Latn")
        add("bs", "Latn", "Cyrl")
        add("hy", "Armn")
        add("ka", "Geor")
        add("yi he", "Hebr")
        add("ar", "Arab")
        return table
    }()
}
