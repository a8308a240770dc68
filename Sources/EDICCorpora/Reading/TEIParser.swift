/// Reads TEI (P5), such as the debates of ParlaMint: each utterance (`u`) is a document, and where there are none the
/// `text` is one, with a line for each of its blocks.
///
/// Where a block is in another language than the one before it (`xml:lang`), another document begins.
///
/// Notes, gaps, deletions, vocal and other incidents and the header are no text. Of a `choice` the editor's reading is taken: `corr`,
/// `reg`, `expan`. Annotated words (`w`, `pc`) are joined by spaces
/// as `join` says. The utterance's id, speaker (`who`) and role (`ana`) become metadata, as do the date and the title
/// of the file.
struct TEIParser: RowParser, ~Copyable {
    private var xml: XMLPushParser<TEIEvents.Name>
    private var events: TEIEvents

    init(limits: ReadingLimits) throws(FileFault) {
        xml = try XMLPushParser(limits: limits)
        events = TEIEvents(limits: limits)
    }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        try parse(utf8, isLast: false, into: &batch)
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        try parse(Span(), isLast: true, into: &batch)
        if !events.isTEI { throw FileFault(.wrongFormat, "no TEI element: this is not TEI", .line(1)) }
    }

    private mutating func parse(
        _ utf8: Span<UInt8>, isLast: Bool, into batch: inout RowBatch
    ) throws(FileFault) {
        defer { events.flush(into: &batch) }
        try xml.feed(utf8, isLast: isLast, to: &events)
    }
}

/// What TEI says, gathered into documents.
private struct TEIEvents: XMLHandler {
    enum Name: String, CaseIterable {
        case tei = "TEI"
        case teiCorpus, teiHeader, titleStmt, title, setting, date, text, u, w, pc, s, lb
        // Blocks: each is a line of its own.
        case seg, p, head, l, ab, item, cell, div, lg, sp, speaker
        // No text of the debate.
        case note, gap, vocal, kinesic, incident, desc, figure, fw, bibl, del
        // Two readings of one place: what stands there, and what the editor puts for it.
        case choice, sic, orig, abbr
        case xmlLang = "xml:lang"
        case xmlID = "xml:id"
        case who, ana, join, when
        case breaks = "break"

        var isBlock: Bool {
            switch self {
            case .seg, .p, .head, .l, .ab, .item, .cell, .div, .lg, .sp, .u, .text: true
            default: false
            }
        }

        var isLeftOut: Bool {
            switch self {
            case .note, .gap, .vocal, .kinesic, .incident, .desc, .figure, .fw, .bibl, .speaker, .del: true
            default: false
            }
        }

        /// Whether an editor's reading stands beside it in a `choice`.
        var isReplaced: Bool { self == .sic || self == .orig || self == .abbr }
    }

    private struct Finished {
        var text: [UInt8]
        var language: String?
        var metadata: [MetadataField]
        /// Whether it is too long: the text is its beginning.
        var isTooLong: Bool
    }

    private(set) var isTEI = false
    private let limits: ReadingLimits
    private var finished: [Finished] = []
    private var number = 0

    private var inHeader = false
    private var inTitles = false
    private var title: [UInt8] = []
    private var readsTitle = false
    private var date: String?
    private var inSetting = false

    /// Languages by element, innermost last: nil where an element does not say.
    private var languages: [String?] = []
    private var inText = false
    private var hasUtterances = false
    private var utterance: [MetadataField]?
    /// That of the text which is gathered, and of the block that is read.
    private var documentLanguage: String?
    private var blockLanguage: String?
    private var leftOutDepth = 0
    private var choiceDepth = 0
    private var body = CollapsedText()
    private var isTooLong = false
    /// Words stand in elements of their own, so that white space between them means nothing.
    private var wordDepth = 0
    private var hasWords = false
    private var joinsNext = false

    init(limits: ReadingLimits) { self.limits = limits }

    mutating func start(_ name: Name?, _ attributes: XMLAttributes<Name>, line: Int) throws(FileFault) {
        languages.append(attributes[.xmlLang])
        guard let name else { return }
        switch name {
        case .tei, .teiCorpus: isTEI = true
        case .teiHeader: inHeader = true
        case .titleStmt: inTitles = true
        case .title: readsTitle = inHeader && inTitles && title.isEmpty
        case .setting: inSetting = true
        case .date: if inSetting, date == nil { date = attributes[.when] }
        case .text:
            inText = true
            documentLanguage = currentLanguage
            body.removeAll()
        case .u where inText:
            // Headings and the like before it are no document of their own.
            hasUtterances = true
            closeDocument()
            utterance = [
                attributes[.xmlID].map { MetadataField("utterance", $0) },
                attributes[.who].map { MetadataField("speaker", Self.withoutHash($0)) },
                attributes[.ana].map { MetadataField("role", Self.withoutHash($0)) },
            ].compactMap(\.self)
            documentLanguage = currentLanguage
        case .w where inText, .pc where inText:
            hasWords = true
            if wordDepth == 0 {
                if !joinsNext { body.needsSpace = true }
                joinsNext = attributes[.join] == "right" || attributes[.join] == "both"
                if attributes[.join] == "left" || attributes[.join] == "both" { body.needsSpace = false }
            }
            wordDepth += 1
        case .lb: body.needsSpace = attributes[.breaks] != "no"
        case .choice: choiceDepth += 1
        default: break
        }
        if isLeftOut(name) { leftOutDepth += 1 }
        if name.isBlock, inText { endLine() }
        if name.isBlock { blockLanguage = currentLanguage }
    }

    mutating func end(_ name: Name?, line: Int) throws(FileFault) {
        languages.removeLast()
        guard let name else { return }
        if isLeftOut(name) { leftOutDepth -= 1 }
        if name.isBlock, inText { endLine() }
        if name.isBlock { blockLanguage = currentLanguage }
        switch name {
        case .teiHeader: inHeader = false
        case .titleStmt: inTitles = false
        case .title: readsTitle = false
        case .setting: inSetting = false
        case .choice: choiceDepth -= 1
        case .u where inText:
            closeDocument()
            utterance = nil
        case .text:
            closeDocument()
            inText = false
        case .w where inText, .pc where inText: wordDepth -= 1
        case .s: body.needsSpace = true
        default: break
        }
    }

    private func isLeftOut(_ name: Name) -> Bool { name.isLeftOut || choiceDepth > 0 && name.isReplaced }

    mutating func text(_ utf8: Span<UInt8>) throws(FileFault) {
        if readsTitle {
            // A title is a field of each document, as attributes are.
            if title.count + utf8.count <= limits.attributeBytes { title.append(utf8) }
            return
        }
        guard inText, leftOutDepth == 0 else { return }
        if hasWords, wordDepth == 0, utf8.isBlank { return }
        if blockLanguage != documentLanguage, !utf8.isBlank {
            if !body.isEmpty { closeDocument() }
            documentLanguage = blockLanguage
        }
        guard !isTooLong else { return }
        body.append(utf8)
        isTooLong = body.bytes.count > limits.documentBytes
    }

    /// Hands the finished documents over.
    mutating func flush(into batch: inout RowBatch) {
        for document in finished {
            number += 1
            if document.isTooLong {
                let message = "a document of more than \(limits.documentBytes) bytes"
                batch.reject(.overLimit, message, at: .unit(number), excerpt: document.text.span)
            } else {
                batch.addDocument(
                    document.text.span, language: document.language, metadata: document.metadata, at: .unit(number))
            }
        }
        finished.removeAll(keepingCapacity: true)
    }

    private var currentLanguage: String? { languages.last { $0 != nil } ?? nil }

    private mutating func endLine() {
        joinsNext = false
        body.endLine()
    }

    /// Ends the utterance, or the text between utterances. The latter, headings and the like, is dropped where the
    /// file has utterances.
    private mutating func closeDocument() {
        defer {
            body.removeAll()
            isTooLong = false
        }
        let isUtterance = utterance != nil
        guard isUtterance || (!hasUtterances && !body.isEmpty) else { return }
        var metadata = utterance ?? []
        if let date { metadata.append(MetadataField("date", date)) }
        if !title.isEmpty { metadata.append(MetadataField("title", String(utf8: title.span))) }
        let language = documentLanguage
        let text = isTooLong ? Array(body.bytes.prefix(Rejection.excerptLimit)) : body.bytes
        finished.append(Finished(text: text, language: language, metadata: metadata, isTooLong: isTooLong))
    }

    private static func withoutHash(_ reference: String) -> String {
        reference.hasPrefix("#") ? String(reference.dropFirst()) : reference
    }
}
