internal import EDICJSON

/// Reads JSONL: one object a line, with the text in a named field (RFC 8259 and jsonlines.org).
///
/// An object with `texts`, whose members are language tags and texts, is a translation unit: the form in which this
/// package writes units. String members of `meta` become metadata; so does the record's own id.
struct JSONRecords: LineConsumer, ~Copyable {
    private let options: FileOptions
    private var json: JSONLineParser

    /// Nesting that records of text have no use for.
    private static let depthLimit = 64

    init(options: FileOptions) throws(FileFault) {
        self.options = options
        do {
            json = try JSONLineParser(depthLimit: Self.depthLimit)
        } catch {
            throw FileFault(.unreadableFile, "cannot parse JSON: \(error)", .file)
        }
    }

    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) {
        if line.isBlank { return }
        do {
            try json.parse(line)
        } catch {
            batch.reject(.brokenRecord, "not JSON: \(error)", at: .line(number), excerpt: line)
            return
        }
        var metadata: [MetadataField] = []
        if let id = json.value(options.idField), let text = Self.text(id) { metadata.append(MetadataField("id", text)) }
        for key in options.metadataKeys {
            if let value = json.value(key), let text = Self.text(value) { metadata.append(MetadataField(key, text)) }
        }
        if let fields = json.value("meta")?.object {
            for (key, value) in fields {
                if let text = Self.text(value) { metadata.append(MetadataField(key, text)) }
            }
        }
        if var text = json.string(options.textField) {
            let language = json.string(options.languageField)
            text.makeContiguousUTF8()
            batch.addDocument(text.utf8.span, language: language, metadata: metadata, at: .line(number))
        } else if let texts = json.value("texts")?.object {
            batch.beginUnit()
            for (language, value) in texts {
                if var text = value.string {
                    text.makeContiguousUTF8()
                    batch.addSide(text.utf8.span, language: language)
                } else if value != .null {
                    let shown = Rejection.shortened(language)
                    batch.leaveOut(.brokenRecord, "the text in \"\(shown)\" is no string", value.description.utf8.span)
                }
            }
            batch.add(metadata)
            batch.endUnit(at: .line(number))
        } else {
            let message = "expected an object with the text in \"\(options.textField)\""
            batch.reject(.brokenRecord, message, at: .line(number), excerpt: line)
        }
    }

    /// A value that fits in one field of metadata.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .integer, .unsigned, .double, .bool: value.description
        case .null, .array, .object: nil
        }
    }
}
