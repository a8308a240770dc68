/// Finds which of the declared languages a tag in a file stands for.
struct LanguageMatcher {
    private let declared: [String]
    private let fallback: String?
    private var known: [String: String?] = [:]
    /// The last two tags: the sides of one unit after the other ask for the same two.
    private var recent: [(tag: String, answer: String?)] = []

    /// - Parameters:
    ///   - declared: the languages of the contribution; empty to take any.
    ///   - fallback: the language of texts whose file does not give one.
    init(declared: [String], fallback: String?) {
        self.declared = declared
        self.fallback = fallback ?? (declared.count == 1 ? declared[0] : nil)
    }

    /// The declared tag that fits best: the same one, else one of which `tag` is a variety (`de` for `de-AT`), else
    /// the only variety of `tag` (`sr-Latn` for `sr`). Nil if there is none.
    mutating func resolve(_ tag: String?) -> String? {
        guard let tag, !tag.isEmpty else { return fallback }
        for entry in recent where entry.tag == tag { return entry.answer }
        let answer = remembered(tag)
        if recent.count == 2 { recent.removeFirst() }
        recent.append((tag, answer))
        return answer
    }

    private mutating func remembered(_ tag: String) -> String? {
        if let answer = known[tag] { return answer }
        let answer = match(tag)
        // A hostile file must not fill the memory with tags.
        if known.count < 1024 { known[tag] = answer }
        return answer
    }

    /// What to tell the contributor about a tag that does not resolve.
    func complaint(about tag: String?) -> String {
        guard let tag, !tag.isEmpty else {
            return "the text has no language; say it in the manifest's entry for the file (language: …)"
        }
        let shown = Rejection.shortened(tag)
        return "language \"\(shown)\" is not among those declared (\(declared.joined(separator: ", ")))"
    }

    private func match(_ raw: String) -> String? {
        guard let tag = LanguageName.canonical(raw) else { return nil }
        if declared.isEmpty || declared.contains(tag) { return tag }
        var shorter = tag[...]
        while let cut = shorter.lastIndex(of: "-") {
            shorter = shorter[..<cut]
            if declared.contains(String(shorter)) { return String(shorter) }
        }
        let varieties = declared.filter { $0.hasPrefix(tag + "-") }
        return varieties.count == 1 ? varieties[0] : nil
    }
}
