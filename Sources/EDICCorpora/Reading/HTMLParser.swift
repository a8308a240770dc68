/// Reads HTML: the visible text of a file is a document, with a line for each block.
///
/// Scripts, style sheets, navigation, forms and other things that are no running text are left out. The language is
/// that of the `lang` attribute of the root; the title becomes metadata.
struct HTMLParser: RowParser, ~Copyable {
    private var html: XMLPushParser<HTMLEvents.Name>
    private var events: HTMLEvents

    init(limits: ReadingLimits) throws(FileFault) {
        html = try XMLPushParser(isHTML: true, limits: limits)
        events = HTMLEvents(limit: limits.documentBytes)
    }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        try html.feed(utf8, to: &events)
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        try html.feed(Span(), isLast: true, to: &events)
        let title = String(utf8: events.title.span)
        batch.addDocument(
            events.body.bytes.span, language: events.language,
            metadata: title.isEmpty ? [] : [MetadataField("title", title)], at: .file)
        events.body.removeAll()
    }
}

/// What HTML shows, line by line.
private struct HTMLEvents: XMLHandler {
    enum Name: String, CaseIterable {
        case html, head, body, title, br, pre, lang
        case xmlLang = "xml:lang"
        // Blocks: each begins and ends a line.
        case p, div, h1, h2, h3, h4, h5, h6, li, ul, ol, dl, dt, dd, table, tr, td, th, caption, blockquote, section
        case article, aside, header, footer, main, figure, figcaption, hr, address, center, details, summary, thead
        case tbody, tfoot, form, fieldset, legend
        // Not shown, or no running text.
        case script, style, nav, noscript, template, svg, math, select, option, button, textarea, iframe, object
        case applet, audio, video, canvas, map, datalist, noframes

        var isBlock: Bool {
            switch self {
            case .p, .div, .h1, .h2, .h3, .h4, .h5, .h6, .li, .ul, .ol, .dl, .dt, .dd, .table, .tr, .caption,
                .blockquote,
                .section, .article, .aside, .header, .footer, .main, .figure, .figcaption, .hr, .address, .center,
                .details, .summary, .thead, .tbody, .tfoot, .form, .fieldset, .legend, .pre, .br, .body, .html, .head:
                true
            default: false
            }
        }

        var isLeftOut: Bool {
            switch self {
            case .script, .style, .nav, .noscript, .template, .svg, .math, .select, .option, .button, .textarea,
                .iframe,
                .object, .applet, .audio, .video, .canvas, .map, .datalist, .noframes:
                true
            default: false
            }
        }
    }

    var body = CollapsedText()
    private(set) var title: [UInt8] = []
    private(set) var language: String?
    private let limit: Int
    private var readsTitle = false
    private var leftOutDepth = 0
    private var preDepth = 0

    init(limit: Int) { self.limit = limit }

    mutating func start(_ name: Name?, _ attributes: XMLAttributes<Name>, line: Int) throws(FileFault) {
        guard let name else { return }
        switch name {
        case .html: language = attributes[.lang] ?? attributes[.xmlLang] ?? language
        case .body: language = language ?? attributes[.lang] ?? attributes[.xmlLang]
        case .title: readsTitle = title.isEmpty && leftOutDepth == 0
        case .pre: preDepth += 1
        case .td, .th: body.needsSpace = true
        default: break
        }
        if name.isLeftOut { leftOutDepth += 1 }
        if name.isBlock { body.endLine() }
    }

    mutating func end(_ name: Name?, line: Int) throws(FileFault) {
        guard let name else { return }
        switch name {
        case .title: readsTitle = false
        case .pre: preDepth = max(0, preDepth - 1)
        default: break
        }
        if name.isLeftOut { leftOutDepth = max(0, leftOutDepth - 1) }
        if name.isBlock { body.endLine() }
    }

    mutating func text(_ utf8: Span<UInt8>) throws(FileFault) {
        guard leftOutDepth == 0 else { return }
        guard body.bytes.count + title.count + utf8.count <= limit else {
            throw FileFault(.overLimit, "more than \(limit) bytes of text", .file)
        }
        if readsTitle { return title.append(utf8) }
        body.append(utf8, endsLines: preDepth > 0)
    }
}
