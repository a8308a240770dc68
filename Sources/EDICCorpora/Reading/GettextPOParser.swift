/// Reads gettext PO: each translated entry is a unit of the `msgid` and its translation.
///
/// Entries marked fuzzy or obsolete are rejected as such, unless the options take the fuzzy ones. The language is the
/// manifest's, or that of the header's `Language` field.
struct GettextPOEntries: LineConsumer {
    private var messages: GettextMessages
    private let limit: Int
    private let entryLimit: Int

    private var entry: GettextEntry?
    private var field: Field = .none
    /// Bytes of all texts of the entry.
    private var entryBytes = 0
    /// The flags of the entry that comes next.
    private var isFuzzy = false
    private var fault: (reason: RejectionReason, message: String)?

    private enum Field { case none, context, source, plural, translation }

    init(options: FileOptions, language: String?, limits: ReadingLimits) {
        messages = GettextMessages(options: options, language: language)
        limit = limits.documentBytes
        entryLimit = limits.unitBytes
    }

    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) {
        var start = 0
        while start < line.count, line[start].isASCIIWhitespace { start += 1 }
        var text = line.extracting(start..<line.count)
        if text.count == 0 { return flush(into: &batch) }
        var isObsolete = false
        if text[0] == UInt8(ascii: "#") {
            guard text.starts(with: "#~"), !text.starts(with: "#~|") else { return takeComment(text, into: &batch) }
            isObsolete = true
            var skip = 2
            while skip < text.count, text[skip].isASCIIWhitespace { skip += 1 }
            text = text.extracting(skip..<text.count)
            if text.count == 0 { return }
        }
        if text[0] != UInt8(ascii: "\"") {
            guard let length = begin(text, number, isObsolete, into: &batch) else {
                note("expected msgid, msgstr, msgctxt or a string in quotes", number)
                return
            }
            var skip = length
            while skip < text.count, text[skip].isASCIIWhitespace { skip += 1 }
            text = text.extracting(skip..<text.count)
        }
        guard field != .none else { return note("a string that belongs to no keyword", number) }
        guard let value = GettextString.unquoted(text, charset: messages.charset) else {
            return note("expected a string in quotes on one line", number)
        }
        append(value, number)
    }

    mutating func takeTooLong(
        _ beginning: Span<UInt8>, _ number: Int, _ message: String, into batch: inout RowBatch
    ) {
        if beginning.starts(with: "#"), !beginning.starts(with: "#~") { return takeComment(beginning, into: &batch) }
        let isObsolete = beginning.starts(with: "#~")
        var skip = isObsolete ? 2 : 0
        while skip < beginning.count, beginning[skip].isASCIIWhitespace { skip += 1 }
        let length = begin(beginning.extracting(skip..<beginning.count), number, isObsolete, into: &batch)
        // What belongs to no keyword is no part of an entry that is complete.
        if length == nil, field == .translation, !beginning.extracting(skip..<beginning.count).starts(with: "\"") {
            flush(into: &batch)
        }
        refuse(.overLimit, message, number)
    }

    mutating func finish(into batch: inout RowBatch) { flush(into: &batch) }

    private mutating func takeComment(_ text: Span<UInt8>, into batch: inout RowBatch) {
        // A comment after a translation belongs to the next entry.
        if field == .translation { flush(into: &batch) }
        if text.starts(with: "#,"), String(utf8: text).contains("fuzzy") { isFuzzy = true }
    }

    /// Takes a keyword and returns how long it is; nil if there is none.
    private mutating func begin(
        _ text: Span<UInt8>, _ number: Int, _ isObsolete: Bool, into batch: inout RowBatch
    ) -> Int? {
        if text.starts(with: "msgctxt") || (text.starts(with: "msgid") && !text.starts(with: "msgid_plural")) {
            let isContext = text.starts(with: "msgctxt")
            if isContext || field != .context { flush(into: &batch) }
            if entry == nil {
                entry = GettextEntry(at: .line(number))
                entry?.isFuzzy = isFuzzy
                isFuzzy = false
            }
            entry?.isObsolete = isObsolete
            if isContext { entry?.context = [] } else { entry?.position = .line(number) }
            field = isContext ? .context : .source
            return isContext ? 7 : 5
        }
        guard entry != nil else { return nil }
        if text.starts(with: "msgid_plural") {
            entry?.sourcePlural = []
            entry?.pluralLine = number
            field = .plural
            return 12
        }
        guard text.starts(with: "msgstr") else { return nil }
        if fault == nil { entry?.translations.append([]) }
        field = .translation
        guard text.count > 6, text[6] == UInt8(ascii: "[") else { return 6 }
        guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
        return end + 1
    }

    private mutating func append(_ value: [UInt8], _ number: Int) {
        // What is refused need not be kept.
        guard fault == nil else { return }
        let length: Int
        switch field {
        case .none: return
        case .context:
            entry?.context?.append(contentsOf: value)
            length = entry?.context?.count ?? 0
        case .source:
            entry?.source.append(contentsOf: value)
            length = entry?.source.count ?? 0
        case .plural:
            entry?.sourcePlural?.append(contentsOf: value)
            length = entry?.sourcePlural?.count ?? 0
        case .translation:
            guard let last = entry?.translations.indices.last else { return }
            entry?.translations[last].append(contentsOf: value)
            length = entry?.translations[last].count ?? 0
        }
        guard length <= limit else {
            return refuse(.overLimit, "a message of more than \(limit) bytes", number)
        }
        entryBytes += value.count
        guard entryBytes <= entryLimit else {
            return refuse(.overLimit, "an entry of more than \(entryLimit) bytes", number)
        }
        guard entry.map({ $0.translations.count <= 64 }) ?? true else {
            return note("an entry with more than 64 plural forms", number)
        }
    }

    private mutating func note(_ message: String, _ number: Int) {
        refuse(.brokenRecord, "\(message) (line \(number))", number)
    }

    private mutating func refuse(_ reason: RejectionReason, _ message: String, _ number: Int) {
        if entry == nil { entry = GettextEntry(at: .line(number)) }
        if fault == nil { fault = (reason, message) }
    }

    private mutating func flush(into batch: inout RowBatch) {
        defer {
            entry = nil
            entryBytes = 0
            fault = nil
            field = .none
        }
        guard let entry else { return }
        if let fault {
            batch.reject(fault.reason, fault.message, at: entry.position, excerpt: entry.source.span)
        } else if entry.isHeader {
            if let header = entry.translations.first { messages.readHeader(header.span) }
        } else {
            entry.add(messages, into: &batch)
        }
    }
}
