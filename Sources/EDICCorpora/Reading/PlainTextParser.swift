/// Reads plain text of which each file is a document.
struct WholeTextParser: RowParser {
    private var text: [UInt8] = []
    private let limit: Int

    init(limits: ReadingLimits) { limit = limits.documentBytes }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        guard text.count + utf8.count <= limit else {
            let message =
                "a file of more than \(limit) bytes of text is no single document; read it by line or paragraph"
            throw FileFault(.overLimit, message, .file)
        }
        text.append(utf8)
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        batch.addDocument(text.span, language: nil, at: .file)
        text = []
    }
}

/// Reads plain text of which each line is a document.
struct TextLines: LineConsumer {
    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) {
        batch.addDocument(line, language: nil, at: .line(number))
    }
}

/// Reads plain text of which each paragraph, the lines between blank ones, is a document.
struct TextParagraphs: LineConsumer {
    private var paragraph: [UInt8] = []
    private var firstLine = 1
    /// Why the paragraph is refused, of which the beginning is kept.
    private var fault: String?
    private let limit: Int

    init(limits: ReadingLimits) { limit = limits.documentBytes }

    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) {
        if line.isBlank { return flush(into: &batch) }
        if paragraph.isEmpty { firstLine = number }
        guard fault == nil else { return }
        let length = paragraph.isEmpty ? line.count : paragraph.count + 1 + line.count
        guard length <= limit else {
            return refuse("a paragraph of more than \(limit) bytes", line)
        }
        if !paragraph.isEmpty { paragraph.append(UInt8(ascii: "\n")) }
        paragraph.append(line)
    }

    mutating func takeTooLong(
        _ beginning: Span<UInt8>, _ number: Int, _ message: String, into batch: inout RowBatch
    ) {
        if paragraph.isEmpty { firstLine = number }
        if fault == nil { refuse(message, beginning) }
    }

    mutating func finish(into batch: inout RowBatch) { flush(into: &batch) }

    private mutating func refuse(_ message: String, _ line: Span<UInt8>) {
        fault = message
        if paragraph.isEmpty { paragraph.append(line) }
        paragraph = Array(paragraph.prefix(Rejection.excerptLimit))
    }

    private mutating func flush(into batch: inout RowBatch) {
        guard !paragraph.isEmpty else { return }
        if let fault {
            batch.reject(.overLimit, fault, at: .line(firstLine), excerpt: paragraph.span)
        } else {
            batch.addDocument(paragraph.span, language: nil, at: .line(firstLine))
        }
        fault = nil
        paragraph.removeAll(keepingCapacity: true)
    }
}
