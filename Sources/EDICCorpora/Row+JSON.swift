public import EDICJSON

extension Row {
    /// Appends the row as a JSON object without white space: the form of rows in shards.
    ///
    /// `{"id":…,"lang":…,"text":…,"source":{"contribution":…,"file":…,"line":…},"meta":{…}}` for documents, and
    /// `"texts":{…}` in place of `lang` and `text` for units. The place is `line`, `byte` or `unit`; a whole file has
    /// none. `meta` is left out when there is none; its keys come in the order of the source, and a key may come
    /// several times.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        switch self {
        case .document(let document):
            writer.member("lang", document.language)
            writer.member("text", document.text)
        case .unit(let unit):
            writer.key("texts")
            writer.beginObject()
            for segment in unit.segments { writer.member(segment.language, segment.text) }
            writer.endObject()
        }
        let provenance = provenance
        writer.key("source")
        writer.beginObject()
        writer.member("contribution", provenance.contribution)
        writer.member("file", provenance.file)
        switch provenance.position {
        case .file: break
        case .line(let number): writer.member("line", number)
        case .byte(let offset): writer.member("byte", offset)
        case .unit(let number): writer.member("unit", number)
        }
        writer.endObject()
        let metadata = metadata
        if !metadata.isEmpty {
            writer.key("meta")
            writer.beginObject()
            for field in metadata { writer.member(field.key, field.value) }
            writer.endObject()
        }
        writer.endObject()
    }

    /// The row as one line of JSON, without the line ending.
    public var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Reads what ``write(to:)`` wrote.
    ///
    /// - Throws: ``CorporaError`` with code `invalidRow`, saying what is missing.
    public init(json: Span<UInt8>) throws(CorporaError) {
        let root: JSONElement
        do {
            root = try JSONDocument(parsing: json).root
        } catch {
            throw CorporaError(.invalidRow, "a row that is not JSON: \(error)", cause: error)
        }
        guard let id = root["id"]?.string else { throw Self.missing("id") }
        guard let source = root["source"], let contribution = source["contribution"]?.string,
            let file = source["file"]?.string
        else { throw Self.missing("source", id) }
        let position: Provenance.Position =
            if let number = source["line"]?.int {
                .line(number)
            } else if let offset = source["byte"]?.int {
                .byte(offset)
            } else if let number = source["unit"]?.int {
                .unit(number)
            } else {
                .file
            }
        let provenance = Provenance(contribution: contribution, file: file, position: position)
        let metadata = (root["meta"]?.members ?? []).map { MetadataField($0.key, $0.value.string ?? "") }
        if let text = root["text"]?.string {
            guard let language = root["lang"]?.string else { throw Self.missing("lang", id) }
            self = .document(
                Document(id: id, language: language, text: text, metadata: metadata, provenance: provenance))
        } else if let texts = root["texts"] {
            let segments = texts.members.compactMap { key, value in
                value.string.map { Segment(language: key, text: $0) }
            }
            guard segments.count >= 2 else { throw Self.missing("two texts", id) }
            self = .unit(
                TranslationUnit(id: id, segments: segments, metadata: metadata, provenance: provenance))
        } else {
            throw Self.missing("text", id)
        }
    }

    private static func missing(_ what: String, _ id: String = "") -> CorporaError {
        CorporaError(.invalidRow, "a row\(id.isEmpty ? "" : " (\(id))") without \(what)")
    }
}
