internal import EDICJSON

/// Some rows of one file, with all their texts one after the other in one buffer: a million short rows cost no
/// million strings.
///
/// ```swift
/// try reader.readBlocks(of: file) { block in
///     for row in block.indices {
///         for segment in block.segments(of: row) {
///             block.withText(of: segment) { utf8 in … }
///         }
///     }
/// }
/// ```
public struct RowBlock: Sendable {
    /// The id of the contribution.
    public let contribution: String
    /// The file's path inside the contribution.
    public let file: String

    private struct Entry {
        var position: Provenance.Position
        var isUnit: Bool
        var segments: Range<Int>
        var fields: Range<Int>
    }

    private struct TextRange {
        var language: String
        var bytes: Range<Int>
    }

    private struct FieldRange {
        var key: Range<Int>
        var value: Range<Int>
    }

    private var bytes: [UInt8] = []
    private var rows: [Entry] = []
    private var texts: [TextRange] = []
    private var fields: [FieldRange] = []
    /// The beginning of each row's JSON and of its `source`, with what all rows of the file share.
    private let idHead: [UInt8]
    private let sourceHead: [UInt8]
    private let idPrefix: String

    init(contribution: String, file: String) {
        self.contribution = contribution
        self.file = file
        idPrefix = Provenance.idPrefix(contribution: contribution, file: file)
        var head = Array("{\"id\":".utf8)
        JSONWriter.appendQuoted(idPrefix.utf8.span, to: &head)
        // The id goes on.
        head.removeLast()
        idHead = head
        var source = Array(",\"source\":{\"contribution\":".utf8)
        JSONWriter.appendQuoted(contribution.utf8.span, to: &source)
        source += ",\"file\":".utf8
        JSONWriter.appendQuoted(file.utf8.span, to: &source)
        sourceHead = source
    }

    /// A block of one row.
    init(_ row: Row) {
        self.init(contribution: row.provenance.contribution, file: row.provenance.file)
        beginRow()
        for segment in row.segments {
            appendText { $0 += segment.text.utf8 }
            commitText(language: segment.language)
        }
        for field in row.metadata { addField(field.key.utf8.span, field.value.utf8.span) }
        let isUnit = if case .unit = row { true } else { false }
        endRow(isUnit: isUnit, at: row.provenance.position)
    }

    // MARK: - What is in it

    /// How many rows there are.
    public var count: Int { rows.count }
    /// The numbers of the rows.
    public var indices: Range<Int> { rows.indices }

    /// Whether the row is a translation unit, not a document.
    public func isUnit(_ row: Int) -> Bool { rows[row].isUnit }

    /// The numbers of the row's texts: one of a document, two or more of a unit, sorted by language tag.
    public func segments(of row: Int) -> Range<Int> { rows[row].segments }

    /// The language of a text as a BCP-47 tag.
    public func language(of segment: Int) -> String { texts[segment].language }

    /// The bytes of a text.
    public func byteCount(of segment: Int) -> Int { texts[segment].bytes.count }

    /// Calls `body` with a text: valid UTF-8 in NFC, with `\n` between lines.
    @inline(__always)
    public func withText<Result, Failure: Error>(
        of segment: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes.span.extracting(texts[segment].bytes))
    }

    /// A text as a string.
    public func text(of segment: Int) -> String { withText(of: segment) { String(utf8: $0) } }

    /// Whether two texts are the same bytes.
    func isSameText(_ a: Int, _ b: Int) -> Bool {
        texts[a].bytes.count == texts[b].bytes.count
            && bytes.span.extracting(texts[a].bytes).equals(bytes.span.extracting(texts[b].bytes))
    }

    /// Where a row came from.
    public func provenance(of row: Int) -> Provenance {
        Provenance(contribution: contribution, file: file, position: rows[row].position)
    }

    /// The bytes of UTF-8 of the row's id.
    public func appendID(of row: Int, to output: inout [UInt8]) {
        output += idPrefix.utf8
        rows[row].position.appendIDSuffix(to: &output)
    }

    /// A row as a value of its own.
    public func row(at row: Int) -> Row {
        let entry = rows[row]
        let provenance = provenance(of: row)
        let id = idPrefix + entry.position.idSuffix
        let metadata = entry.fields.map { MetadataField(string(fields[$0].key), string(fields[$0].value)) }
        guard entry.isUnit, let first = entry.segments.first else {
            let segment = entry.segments.lowerBound
            return .document(
                Document(
                    id: id, language: language(of: segment), text: text(of: segment), metadata: metadata,
                    provenance: provenance))
        }
        let segments = (first..<entry.segments.upperBound).map {
            Segment(language: language(of: $0), text: text(of: $0))
        }
        return .unit(TranslationUnit(id: id, segments: segments, metadata: metadata, provenance: provenance))
    }

    private func string(_ range: Range<Int>) -> String { String(utf8: bytes.span.extracting(range)) }

    /// Appends the row as ``Row/write(to:)`` would write it, the same bytes.
    public func appendJSON(of row: Int, to output: inout [UInt8]) {
        let entry = rows[row]
        output += idHead
        entry.position.appendIDSuffix(to: &output)
        output.append(UInt8(ascii: "\""))
        let bytes = bytes.span
        if entry.isUnit {
            output += ",\"texts\":{".utf8
            for segment in entry.segments {
                if segment > entry.segments.lowerBound { output.append(UInt8(ascii: ",")) }
                JSONWriter.appendQuoted(texts[segment].language.utf8.span, to: &output)
                output.append(UInt8(ascii: ":"))
                JSONWriter.appendQuoted(bytes.extracting(texts[segment].bytes), to: &output)
            }
            output.append(UInt8(ascii: "}"))
        } else {
            let text = texts[entry.segments.lowerBound]
            output += ",\"lang\":".utf8
            JSONWriter.appendQuoted(text.language.utf8.span, to: &output)
            output += ",\"text\":".utf8
            JSONWriter.appendQuoted(bytes.extracting(text.bytes), to: &output)
        }
        output += sourceHead
        entry.position.appendMember(to: &output)
        output.append(UInt8(ascii: "}"))
        if !entry.fields.isEmpty {
            output += ",\"meta\":{".utf8
            for field in entry.fields {
                if field > entry.fields.lowerBound { output.append(UInt8(ascii: ",")) }
                JSONWriter.appendQuoted(bytes.extracting(fields[field].key), to: &output)
                output.append(UInt8(ascii: ":"))
                JSONWriter.appendQuoted(bytes.extracting(fields[field].value), to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
        output.append(UInt8(ascii: "}"))
    }

    // MARK: - Filling it

    /// Where the row at hand began: what an abandoned one is cut back to.
    private var mark = (bytes: 0, texts: 0, fields: 0)
    /// Where the text at hand began.
    private var textStart = 0

    /// Forgets all rows and keeps the memory.
    mutating func removeAll() {
        rows.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Begins a row, which ``endRow(isUnit:at:)`` adds and ``abandonRow()`` forgets.
    mutating func beginRow() { mark = (bytes.count, texts.count, fields.count) }

    mutating func abandonRow() {
        bytes.removeLast(bytes.count - mark.bytes)
        texts.removeLast(texts.count - mark.texts)
        fields.removeLast(fields.count - mark.fields)
    }

    /// Texts of the row at hand.
    var openTexts: Int { texts.count - mark.texts }

    /// Whether the row at hand has a text in this language.
    func hasOpenText(in language: String) -> Bool { texts[mark.texts...].contains { $0.language == language } }

    /// Lets `body` append the text that ``commitText(language:trimmedTo:)`` adds to the row.
    mutating func appendText<Result>(_ body: (inout [UInt8]) -> Result) -> Result {
        textStart = bytes.count
        return body(&bytes)
    }

    /// - Parameter range: the part of the text at hand that counts.
    mutating func commitText(language: String, trimmedTo range: Range<Int>? = nil) {
        let bounds = range.map { textStart + $0.lowerBound..<textStart + $0.upperBound } ?? textStart..<bytes.count
        texts.append(TextRange(language: language, bytes: bounds))
    }

    mutating func addField(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(key)
        let middle = bytes.count
        bytes.append(value)
        fields.append(FieldRange(key: start..<middle, value: middle..<bytes.count))
    }

    mutating func endRow(isUnit: Bool, at position: Provenance.Position) {
        // Sorted where they are out of order; a stable sort by insertion, since there are few.
        for index in texts.indices[mark.texts...].dropFirst() {
            var place = index
            while place > mark.texts, texts[place].language < texts[place - 1].language {
                texts.swapAt(place, place - 1)
                place -= 1
            }
        }
        rows.append(
            Entry(
                position: position, isUnit: isUnit, segments: mark.texts..<texts.count,
                fields: mark.fields..<fields.count))
    }
}

extension Provenance.Position {
    private var number: (letter: UInt8?, name: String, value: Int)? {
        switch self {
        case .file: nil
        case .line(let number): (nil, ",\"line\":", number)
        case .byte(let offset): (UInt8(ascii: "b"), ",\"byte\":", offset)
        case .unit(let number): (UInt8(ascii: "u"), ",\"unit\":", number)
        }
    }

    /// Appends ``idSuffix``.
    fileprivate func appendIDSuffix(to output: inout [UInt8]) {
        guard let number else { return }
        output.append(UInt8(ascii: "#"))
        if let letter = number.letter { output.append(letter) }
        JSONWriter.appendInteger(number.value, to: &output)
    }

    /// Appends the member of `source` that says the place.
    fileprivate func appendMember(to output: inout [UInt8]) {
        guard let number else { return }
        output += number.name.utf8
        JSONWriter.appendInteger(number.value, to: &output)
    }
}
