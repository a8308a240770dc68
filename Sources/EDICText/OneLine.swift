extension String {
    /// The text as it may stand in a message, whoever wrote it: on one line, without the characters that a terminal obeys or that
    /// change the order in which it shows others. White space among them becomes a space, the rest U+FFFD.
    package var onOneLine: String { onOneLine(bytes: .max) }

    /// The same, cut between scalars so that it has at most so many bytes of UTF-8.
    package func onOneLine(bytes limit: Int) -> String {
        var line = String.UnicodeScalarView()
        var length = 0
        for scalar in unicodeScalars {
            let shown = scalar.shownOnOneLine
            length += UTF8.width(shown)
            if length > limit { break }
            line.append(shown)
        }
        return String(line)
    }
}

extension Unicode.Scalar {
    fileprivate var shownOnOneLine: Unicode.Scalar {
        switch value {
        case 0x20..<0x7F: self
        // Tab, the ends of lines and pages, NEL, the separators of lines and of paragraphs.
        case 0x09...0x0D, 0x85, 0x2028, 0x2029: " "
        // C0, DEL and C1; embeddings, overrides and isolates of text that runs the other way.
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: "\u{FFFD}"
        default: self
        }
    }
}
