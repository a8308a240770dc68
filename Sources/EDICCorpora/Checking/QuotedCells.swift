/// Looks for cells of TSV that are in quotes with the quotes inside doubled, as spreadsheets save them: TSV has no quoting here, so
/// that the quotes stay in the texts.
struct QuotedCells {
    private var count = 0
    private var first: Provenance.Position?

    mutating func add(_ text: String, at position: Provenance.Position) {
        guard Self.isQuoted(text) else { return }
        count += 1
        first = first ?? position
    }

    func finding(file: String) -> Finding? {
        guard let first else { return nil }
        let texts = count == 1 ? "1 text is" : "\(count) texts are"
        return Finding(
            .warning, "quoted_cells", file: file, line: first.line,
            "\(texts) in quotes, and the quotes inside are doubled: they are taken as they stand",
            advice: "save the file without quotes around cells, and without ends of lines in them")
    }

    /// Whether there are quotes around, and inside some that are all doubled. A spoken sentence has quotes around, too.
    private static func isQuoted(_ text: String) -> Bool {
        let quote = UInt8(ascii: "\"")
        let inside = text.utf8.dropFirst().dropLast()
        guard text.utf8.first == quote, text.utf8.last == quote, inside.contains(quote) else { return false }
        return inside.split(omittingEmptySubsequences: false) { $0 != quote }.allSatisfy { $0.count.isMultiple(of: 2) }
    }
}
