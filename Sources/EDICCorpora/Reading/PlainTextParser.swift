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
    private let limit: Int

    init(limits: ReadingLimits) { limit = limits.documentBytes }

    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) throws(FileFault) {
        if line.isBlank { return flush(into: &batch) }
        if paragraph.isEmpty { firstLine = number } else { paragraph.append(UInt8(ascii: "\n")) }
        guard paragraph.count + line.count <= limit else {
            throw FileFault(.overLimit, "a paragraph of more than \(limit) bytes", .line(firstLine))
        }
        paragraph.append(line)
    }

    mutating func finish(into batch: inout RowBatch) { flush(into: &batch) }

    private mutating func flush(into batch: inout RowBatch) {
        guard !paragraph.isEmpty else { return }
        batch.addDocument(paragraph.span, language: nil, at: .line(firstLine))
        paragraph.removeAll(keepingCapacity: true)
    }
}
