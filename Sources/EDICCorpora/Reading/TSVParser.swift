/// Reads TSV: columns between tabs, with no quoting. One column of text makes documents, several make units.
struct TSVRecords: LineConsumer {
    private let columns: [FileOptions.Column]
    private let hasOneText: Bool
    private var skipsLine: Bool

    /// - Parameter languages: those of the columns where the options name none.
    init(options: FileOptions, languages: [String]) {
        columns = options.columns.isEmpty ? languages.map { .text($0) } : options.columns
        hasOneText = columns.count { if case .text = $0 { true } else { false } } == 1
        skipsLine = options.hasHeader
    }

    mutating func takeTooLong(
        _ beginning: Span<UInt8>, _ number: Int, _ message: String, into batch: inout RowBatch
    ) {
        skipsLine = false
        batch.reject(.overLimit, message, at: .line(number), excerpt: beginning)
    }

    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) {
        if skipsLine {
            skipsLine = false
            return
        }
        if line.count == 0 { return }
        var sides: [RowBatch.Side] = []
        var metadata: [MetadataField] = []
        var found = 0
        var start = 0
        while start <= line.count {
            let end = line.firstIndex(of: UInt8(ascii: "\t"), from: start) ?? line.count
            if found < columns.count {
                let cell = line.extracting(start..<end)
                switch columns[found] {
                case .text(let language): sides.append(RowBatch.Side(language: language, utf8: Array(cell)))
                case .metadata(let key): metadata.append(MetadataField(key, String(utf8: cell)))
                case .ignored: break
                }
            }
            found += 1
            start = end + 1
        }
        guard found == columns.count else {
            let message = "expected \(columns.count) columns between tabs, found \(found)"
            return batch.reject(.brokenRecord, message, at: .line(number), excerpt: line)
        }
        if hasOneText {
            let text = sides[0].utf8
            batch.addDocument(text.span, language: sides[0].language, metadata: metadata, at: .line(number))
        } else {
            batch.addUnit(sides, metadata: metadata, at: .line(number))
        }
    }
}
