import CEDICHTML

/// Reads HTML: the visible text of a file is a document, with a line for each block.
///
/// Scripts, style sheets, navigation, forms and other things that are no running text are left out. The language is
/// that of the `lang` attribute of the root; the title becomes metadata.
@safe struct HTMLParser: RowParser, ~Copyable {
    private let reader: OpaquePointer
    private let limits: ReadingLimits

    init(limits: ReadingLimits) throws(FileFault) {
        self.limits = limits
        guard let reader = unsafe edic_html_create(limits.documentBytes, limits.htmlElementDepth) else {
            throw FileFault(.unreadableFile, "no memory for the parser", .file)
        }
        unsafe self.reader = reader
    }

    deinit { unsafe edic_html_free(reader) }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        try check(unsafe utf8.withUnsafeBufferPointer { unsafe edic_html_feed(reader, $0.baseAddress, $0.count) })
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        try check(unsafe edic_html_finish(reader))
        var count = 0
        let title = unsafe String(
            decoding: UnsafeBufferPointer(start: edic_html_title(reader, &count), count: count), as: UTF8.self)
        let language = unsafe edic_html_language(reader).map { unsafe String(cString: $0) }
        let text = unsafe UnsafeBufferPointer(start: edic_html_text(reader, &count), count: count)
        batch.addDocument(
            unsafe text.span, language: language, metadata: title.isEmpty ? [] : [MetadataField("title", title)],
            at: .file)
    }

    private func check(_ status: CInt) throws(FileFault) {
        let line = unsafe edic_html_line(reader)
        switch status {
        case CInt(edic_html_ok): break
        case CInt(edic_html_too_deep):
            let message = "HTML that is refused: more than \(limits.htmlElementDepth) elements open at once"
            throw FileFault(.hostileXML, message, .line(line))
        case CInt(edic_html_too_long):
            throw FileFault(.overLimit, "more than \(limits.documentBytes) bytes of text", .line(line))
        default: throw FileFault(.unreadableFile, "no memory left to read the HTML", .line(line))
        }
    }
}
