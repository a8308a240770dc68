internal import EDICText

/// Cuts a text that is too long for a model where it hurts least.
enum TextCutter {
    struct Part: Sendable {
        let text: String
        /// Whether white space was cut away before it.
        let followsSpace: Bool
    }

    /// The sentences of a text, by its language's rules or, where it is not known, by those all languages share; nil where
    /// there are not two.
    static func sentences(of text: String, language: String? = nil) -> [Part]? {
        let bytes = Array(text.utf8)
        var ranges: [Range<Int>] = []
        do {
            var segmenter = try SentenceSegmenter(language: LanguageTag(language ?? "und"))
            try segmenter.forEachSentence(in: bytes.span) { ranges.append($0) }
        } catch {
            return nil
        }
        guard ranges.count > 1 else { return nil }
        return ranges.indices.map { index in
            let range = ranges[index]
            return Part(
                text: String(decoding: bytes[range], as: UTF8.self),
                followsSpace: index > 0 && range.lowerBound > ranges[index - 1].upperBound)
        }
    }

    /// The text in parts that fit; nothing where it is empty or white space.
    static func parts(of text: String, fits: (String) -> Bool) -> [Part] {
        let scalars = Array(text.unicodeScalars)
        var parts: [Part] = []
        var pending = [(range: 0..<scalars.count, followsSpace: false)]
        while let (range, followsSpace) = pending.popLast() {
            if scalars[range].allSatisfy(\.properties.isWhitespace) { continue }
            let part = String(String.UnicodeScalarView(scalars[range]))
            if range.count < 2 || fits(part) {
                parts.append(Part(text: part, followsSpace: followsSpace))
                continue
            }
            let cut = place(in: scalars, range)
            pending.append((cut.after..<range.upperBound, cut.before != cut.after))
            pending.append((range.lowerBound..<cut.before, followsSpace))
        }
        return parts
    }

    private static func place(in scalars: [Unicode.Scalar], _ range: Range<Int>) -> (before: Int, after: Int) {
        let middle = range.lowerBound + range.count / 2
        var space: Int?
        for distance in 0..<range.count / 2 {
            for place in [middle - distance, middle + distance]
            where place > range.lowerBound && place < range.upperBound && scalars[place].properties.isWhitespace {
                // After punctuation, within the middle half, beats the nearest space.
                if ".!?;:,".unicodeScalars.contains(scalars[place - 1]), distance < range.count / 4 {
                    return (place, place + 1)
                }
                if space == nil { space = place }
            }
        }
        return space.map { ($0, $0 + 1) } ?? (middle, middle)
    }
}
