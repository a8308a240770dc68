/// Reads CoNLL-U (Universal Dependencies v2): sentences of ten columns, joined into documents at `# newdoc` and into
/// lines at `# newpar`.
///
/// A sentence's text is its `# text` comment, or its words joined as `SpaceAfter=No` says. The unit `paragraph` makes a
/// document of each paragraph, `line` of each sentence.
struct CoNLLUSentences: LineConsumer {
    private let unit: FileOptions.TextUnit
    private let limit: Int

    private var document: [UInt8] = []
    private var documentID = ""
    private var sentenceID: String?
    private var documentLine = 0
    /// Whether it has become longer than the limit: its beginning is kept.
    private var documentIsTooLong = false

    private var sentence = Sentence()

    /// Why a sentence is refused.
    private struct Fault {
        var reason = RejectionReason.brokenRecord
        var message: String
        var line: Int
    }

    /// The sentence now being read.
    private struct Sentence {
        var line = 0
        var words: [UInt8] = []
        var text: [UInt8]?
        var id: String?
        var beginsDocument: String?
        var beginsParagraph = false
        /// The number of the last word, and the last word of the multiword token that is open.
        var lastWord = 0
        var tokenEnd = 0
        var spaceBefore = false
        var hasWords = false
        var fault: Fault?
    }

    init(options: FileOptions, limits: ReadingLimits) {
        unit = options.unit
        limit = limits.documentBytes
    }

    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) {
        if line.isBlank { return endSentence(into: &batch) }
        if sentence.line == 0 { sentence.line = number }
        if line[0] == UInt8(ascii: "#") {
            takeComment(line)
        } else if sentence.fault == nil {
            takeWord(line, number)
        }
    }

    mutating func takeTooLong(
        _ beginning: Span<UInt8>, _ number: Int, _ message: String, into batch: inout RowBatch
    ) {
        if sentence.line == 0 { sentence.line = number }
        refuse(message, number, .overLimit)
    }

    private mutating func refuse(_ message: String, _ line: Int, _ reason: RejectionReason = .brokenRecord) {
        if sentence.fault == nil { sentence.fault = Fault(reason: reason, message: message, line: line) }
    }

    mutating func finish(into batch: inout RowBatch) {
        endSentence(into: &batch)
        flush(into: &batch)
    }

    private mutating func takeComment(_ line: Span<UInt8>) {
        let comment = Comment(line)
        switch comment.key {
        case "text": sentence.text = Array(comment.value.utf8)
        case "sent_id": sentence.id = comment.value
        case "newdoc id", "newdoc_id": sentence.beginsDocument = comment.value
        case "newdoc": sentence.beginsDocument = sentence.beginsDocument ?? ""
        case "newpar", "newpar id": sentence.beginsParagraph = true
        default: break
        }
    }

    /// `# key = value`.
    private struct Comment {
        var key: String
        var value: String

        init(_ line: Span<UInt8>) {
            let equals = line.firstIndex(of: UInt8(ascii: "=")) ?? line.count
            key = Self.trimmed(line.extracting(1..<equals))
            value = equals < line.count ? Self.trimmed(line.extracting((equals + 1)..<line.count)) : ""
        }

        private static func trimmed(_ bytes: Span<UInt8>) -> String {
            var start = 0
            var end = bytes.count
            while start < end, bytes[start].isASCIIWhitespace { start += 1 }
            while end > start, bytes[end - 1].isASCIIWhitespace { end -= 1 }
            return String(utf8: bytes.extracting(start..<end))
        }
    }

    private mutating func takeWord(_ line: Span<UInt8>, _ number: Int) {
        var tabs: [10 of Int] = .init(repeating: 0)
        var columns = 0
        var start = 0
        while let tab = line.firstIndex(of: UInt8(ascii: "\t"), from: start), columns < 10 {
            tabs[columns] = tab
            columns += 1
            start = tab + 1
        }
        guard columns == 9 else {
            return refuse("expected 10 columns between tabs, found \(columns + 1)", number)
        }
        let form = line.extracting((tabs[0] + 1)..<tabs[1])
        let misc = line.extracting((tabs[8] + 1)..<line.count)
        guard form.count > 0 else {
            return refuse("the form (column 2) is empty", number)
        }
        switch WordID(line.extracting(..<tabs[0])) {
        case .word(let id):
            guard id == sentence.lastWord + 1 else {
                return refuse("expected word \(sentence.lastWord + 1), found word \(id)", number)
            }
            sentence.lastWord = id
            sentence.hasWords = true
            if id > sentence.tokenEnd { append(form, misc) }
        case .range(let first, let last):
            guard first == sentence.lastWord + 1, last >= first, first > sentence.tokenEnd else {
                return refuse("the range \(first)-\(last) does not follow word \(sentence.lastWord)", number)
            }
            sentence.tokenEnd = last
            append(form, misc)
        case .empty: break
        case nil: refuse("the id (column 1) is no number, range or decimal", number)
        }
        if sentence.words.count > limit { refuse("a sentence of more than \(limit) bytes", number, .overLimit) }
    }

    private mutating func append(_ form: Span<UInt8>, _ misc: Span<UInt8>) {
        if sentence.spaceBefore { sentence.words.append(UInt8(ascii: " ")) }
        sentence.words.append(form)
        sentence.spaceBefore = !Self.saysNoSpace(misc)
    }

    private static func saysNoSpace(_ misc: Span<UInt8>) -> Bool {
        var start = 0
        while start < misc.count {
            let end = misc.firstIndex(of: UInt8(ascii: "|"), from: start) ?? misc.count
            let attribute = misc.extracting(start..<end)
            if attribute.starts(with: "SpaceAfter=No"), attribute.count == "SpaceAfter=No".utf8.count { return true }
            start = end + 1
        }
        return false
    }

    private mutating func endSentence(into batch: inout RowBatch) {
        guard sentence.line > 0 else { return }
        let ended = sentence
        sentence = Sentence()
        if let id = ended.beginsDocument {
            flush(into: &batch)
            documentID = id
        } else if unit == .line || (unit == .paragraph && ended.beginsParagraph) {
            flush(into: &batch)
        }
        let text = ended.text ?? ended.words
        if let fault = ended.fault {
            let name = ended.id.map { " (sent_id \($0))" } ?? ""
            batch.reject(fault.reason, "\(fault.message)\(name)", at: .line(fault.line), excerpt: text.span)
            return
        }
        guard ended.hasWords else {
            // Comments alone, such as a file's header.
            if ended.text != nil || ended.id != nil {
                batch.reject(.brokenRecord, "a sentence without words", at: .line(ended.line), excerpt: text.span)
            }
            return
        }
        if documentIsTooLong { return }
        if document.isEmpty {
            documentLine = ended.line
            sentenceID = ended.id
        } else {
            document.append(UInt8(ascii: ended.beginsParagraph ? "\n" : " "))
        }
        guard document.count + text.count <= limit else {
            documentIsTooLong = true
            document = Array((document + text.prefix(Rejection.excerptLimit)).prefix(Rejection.excerptLimit))
            return
        }
        document += text
    }

    private mutating func flush(into batch: inout RowBatch) {
        guard !document.isEmpty else { return }
        defer { document.removeAll(keepingCapacity: true) }
        if documentIsTooLong {
            documentIsTooLong = false
            let message = "a document of more than \(limit) bytes"
            return batch.reject(.overLimit, message, at: .line(documentLine), excerpt: document.span)
        }
        var metadata: [MetadataField] = []
        if !documentID.isEmpty { metadata.append(MetadataField("newdoc", documentID)) }
        if unit == .line, let sentenceID { metadata.append(MetadataField("sent_id", sentenceID)) }
        batch.addDocument(document.span, language: nil, metadata: metadata, at: .line(documentLine))
    }

    /// What stands in the first column: `3`, `3-4` or `3.1`.
    private enum WordID {
        case word(Int)
        case range(Int, Int)
        case empty

        init?(_ bytes: Span<UInt8>) {
            var numbers = (0, 0)
            var separator: UInt8?
            var digits = 0
            for index in bytes.indices {
                let byte = bytes[index]
                if byte.isASCIIDigit {
                    digits += 1
                    guard digits <= 9 else { return nil }
                    let digit = Int(byte - UInt8(ascii: "0"))
                    if separator == nil {
                        numbers.0 = numbers.0 * 10 + digit
                    } else {
                        numbers.1 = numbers.1 * 10 + digit
                    }
                } else {
                    guard digits > 0, separator == nil, byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") else {
                        return nil
                    }
                    separator = byte
                    digits = 0
                }
            }
            guard digits > 0 else { return nil }
            switch separator {
            case nil: self = .word(numbers.0)
            case UInt8(ascii: "-"): self = .range(numbers.0, numbers.1)
            default: self = .empty
            }
        }
    }
}
