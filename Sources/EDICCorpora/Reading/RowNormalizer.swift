internal import EDICText

/// The one place where text of rows is put into form: NFC, `\n` between lines, no control characters, no white space
/// around it.
struct RowNormalizer {
    /// Why a text makes no row.
    struct Fault: Error, Equatable {
        var reason: RejectionReason
        var message: String
    }

    /// Characters changed or dropped so far.
    var changes: Int { counts.total }
    private var counts = TextNormalizer.Counts()

    /// Appends a text in form to `output`, and says which of the appended bytes are the text. O(n).
    ///
    /// A text with U+FFFD is refused: it marks bytes that were not text in the charset of the file, here or wherever
    /// the text was damaged before.
    mutating func normalize(_ utf8: Span<UInt8>, into output: inout [UInt8]) -> Result<Range<Int>, Fault> {
        if let at = Self.firstReplacement(in: utf8) {
            let message = "bytes that are not text in the file's charset, \(at) bytes into the row"
            return .failure(Fault(reason: .invalidEncoding, message: message))
        }
        let start = output.count
        do {
            counts += try TextNormalizer.corpus.normalize(utf8.extracting(Self.trimmed(utf8)), into: &output)
        } catch {
            return .failure(Fault(reason: .invalidEncoding, message: "cannot be normalised: \(error.message)"))
        }
        // Characters that were dropped may have hidden more white space.
        let range = Self.trimmed(output.span.extracting(start...))
        guard !range.isEmpty else { return .failure(Fault(reason: .empty, message: "no text")) }
        return .success(range)
    }

    /// The text without the white space around it.
    private static func trimmed(_ utf8: Span<UInt8>) -> Range<Int> {
        var start = 0
        var end = utf8.count
        while start < end, utf8[start].isASCIIWhitespace { start += 1 }
        while end > start, utf8[end - 1].isASCIIWhitespace { end -= 1 }
        return start..<end
    }

    private static func firstReplacement(in text: Span<UInt8>) -> Int? {
        var from = 0
        while let at = text.firstIndex(of: 0xEF, from: from) {
            if at + 2 < text.count, text[at + 1] == 0xBF, text[at + 2] == 0xBD { return at }
            from = at + 1
        }
        return nil
    }
}
