/// One message of a gettext catalogue, and how it becomes rows.
struct GettextEntry {
    var context: [UInt8]?
    var source: [UInt8] = []
    var sourcePlural: [UInt8]?
    /// By plural form; one where there is no plural.
    var translations: [[UInt8]] = []
    var isFuzzy = false
    var isObsolete = false
    var position: Provenance.Position

    init(at position: Provenance.Position) { self.position = position }

    /// Whether this is the catalogue's header, the translation of the empty message.
    var isHeader: Bool { source.isEmpty && context == nil }

    /// The value of a field of the header, such as `Language`.
    func headerField(_ name: String) -> String? {
        let lines = translations.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        for line in lines.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            if line[..<colon].lowercased() == name.lowercased() {
                let value = line[line.index(after: colon)...]
                return String(value.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
        return nil
    }

    /// Adds the message as a unit, and its plural as a second one; or rejects it.
    func add(
        language: String?, options: FileOptions, into batch: inout RowBatch
    ) {
        if isObsolete || (isFuzzy && !options.includesFuzzy) {
            let state = isObsolete ? "obsolete" : "fuzzy"
            let message = "the entry is marked \(state)"
            return batch.reject(.markedUnfit, message, at: position, excerpt: source.span)
        }
        guard let language else {
            let message = "the language of the catalogue is unknown; say it in the manifest's entry (language: …)"
            return batch.reject(.undeclaredLanguage, message, at: position, excerpt: source.span)
        }
        var metadata: [MetadataField] = []
        if let context { metadata.append(MetadataField("msgctxt", String(decoding: context, as: UTF8.self))) }
        if isFuzzy { metadata.append(MetadataField("flag", "fuzzy")) }
        // The last form is that of large numbers in every language; where it is the only one, the plural is nearest.
        let singular = sourcePlural != nil && translations.count == 1 ? [] : translations.prefix(1)
        for translation in singular {
            batch.addUnit(sides(source, translation, language, options), metadata: metadata, at: position)
        }
        if let sourcePlural {
            metadata.append(MetadataField("form", "plural"))
            let translation = translations.last ?? []
            // A second row from the same place needs an id of its own.
            batch.addUnit(sides(sourcePlural, translation, language, options), metadata: metadata, at: pluralPosition)
        } else if translations.isEmpty {
            batch.reject(.empty, "the entry has no translation", at: position, excerpt: source.span)
        }
    }

    /// The row of the plural is at `msgid_plural`, one line below `msgid` at least.
    var pluralPosition: Provenance.Position {
        switch position {
        case .file: .file
        case .line(let number): .line(pluralLine ?? number)
        case .byte(let offset): .byte(offset + source.count + 1)
        case .unit(let number): .unit(number)
        }
    }

    /// The line of `msgid_plural` in a PO file.
    var pluralLine: Int?

    private func sides(
        _ source: [UInt8], _ translation: [UInt8], _ language: String, _ options: FileOptions
    ) -> [RowBatch.Side] {
        [
            RowBatch.Side(language: options.sourceLanguage, utf8: source),
            RowBatch.Side(language: language, utf8: translation),
        ]
    }
}
