/// One message of a gettext catalogue in source form.
struct GettextEntry {
    var context: [UInt8]?
    var source: [UInt8] = []
    var sourcePlural: [UInt8]?
    /// By plural form; one where there is no plural.
    var translations: [[UInt8]] = []
    var isFuzzy = false
    var isObsolete = false
    var position: Provenance.Position
    /// The line of `msgid_plural`: the row of the plural needs an id of its own.
    var pluralLine: Int?

    init(at position: Provenance.Position) { self.position = position }

    /// Whether this is the catalogue's header, the translation of the empty message.
    var isHeader: Bool { source.isEmpty && context == nil }

    /// Adds the message as a unit, and its plural as a second one; or rejects it.
    func add(_ messages: GettextMessages, into batch: inout RowBatch) {
        if isObsolete || (isFuzzy && !messages.options.includesFuzzy) {
            let state = isObsolete ? "obsolete" : "fuzzy"
            return batch.reject(.markedUnfit, "the entry is marked \(state)", at: position, excerpt: source.span)
        }
        guard let sourcePlural else {
            guard let translation = translations.first else {
                return batch.reject(.empty, "the entry has no translation", at: position, excerpt: source.span)
            }
            return add(source, translation, messages, at: position, into: &batch)
        }
        let forms = messages.plurals.choose(among: translations.count)
        if let singular = forms.singular {
            add(source, translations[singular], messages, at: position, into: &batch)
        }
        let translation = translations.isEmpty ? [] : translations[forms.plural]
        let place = pluralLine.map { Provenance.Position.line($0) } ?? position
        add(sourcePlural, translation, messages, at: place, isPlural: true, into: &batch)
    }

    private func add(
        _ source: [UInt8], _ translation: [UInt8], _ messages: GettextMessages, at position: Provenance.Position,
        isPlural: Bool = false, into batch: inout RowBatch
    ) {
        let kind = GettextMessages.Kind(hasContext: context != nil, isFuzzy: isFuzzy, isPlural: isPlural)
        let context = context ?? []
        messages.add(source.span, translation.span, context: context.span, kind, at: position, into: &batch)
    }
}

/// How the messages of a catalogue become rows: what its header and the manifest say.
struct GettextMessages {
    let options: FileOptions
    /// The language of the translations.
    private(set) var language: String?
    private(set) var charset: String?
    private(set) var plurals = PluralForms()

    /// - Parameter language: the manifest's; nil to take that of the header.
    init(options: FileOptions, language: String?) {
        self.options = options
        self.language = language
    }

    /// Takes the header, which is the translation of the empty message: fields like those of e-mail.
    mutating func readHeader(_ bytes: Span<UInt8>) {
        for line in String(utf8: bytes).split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon].lowercased() {
            case "language": if language == nil, !value.isEmpty { language = String(value.prefix { $0 != " " }) }
            case "content-type": charset = Self.charset(ofContentType: value)
            case "plural-forms": plurals = PluralForms(header: String(value))
            default: break
            }
        }
    }

    /// The charset that a `Content-Type` names.
    private static func charset(ofContentType value: Substring) -> String? {
        let value = value.lowercased()
        guard let range = value.firstRange(of: "charset=") else { return nil }
        let name = value[range.upperBound...].prefix { !$0.isWhitespace && $0 != ";" }
        return name.isEmpty || name == "charset" ? nil : String(name)
    }

    /// What is known of a message besides its texts.
    struct Kind {
        var hasContext = false
        var isFuzzy = false
        var isPlural = false
    }

    /// Adds a message and its translation as a unit, or rejects it.
    func add(
        _ source: Span<UInt8>, _ translation: Span<UInt8>, context: Span<UInt8>, _ kind: Kind,
        at position: Provenance.Position, into batch: inout RowBatch
    ) {
        guard let language else {
            let message = "the language of the catalogue is unknown; say it in the manifest's entry (language: …)"
            return batch.reject(.undeclaredLanguage, message, at: position, excerpt: source)
        }
        batch.beginUnit()
        batch.addSide(source, language: options.sourceLanguage)
        batch.addSide(translation, language: language)
        if kind.hasContext { batch.addField("msgctxt", context) }
        if kind.isFuzzy { batch.addField("flag", "fuzzy".utf8.span) }
        if kind.isPlural { batch.addField("form", "plural".utf8.span) }
        batch.endUnit(at: position)
    }
}
