/// Brings text into the one form in which EDIC stores it, and counts what it changed.
///
/// The rules are explicit options; the defaults are those of the corpora. Text stays readable for people: typographic
/// quotes, dashes and ligatures are left alone.
///
/// ```swift
/// var clean: [UInt8] = []
/// let counts = try TextNormalizer.corpus.normalize(utf8, into: &clean)
/// ```
public struct TextNormalizer: Hashable, Sendable {
    /// Whether characters of a kind stay as they are.
    public enum Choice: String, Sendable { case keep, change }

    /// The Unicode normalisation form; nil leaves the text as it is.
    public var form: NormalizationForm?
    /// Remove the control characters U+0000–U+001F, U+007F–U+009F except tab, line feed and carriage return.
    public var controls: Choice
    /// Turn CR LF, CR, vertical tab, form feed, U+0085, U+2028 and U+2029 into a line feed.
    public var lineEndings: Choice
    /// Turn no-break, typographic and ideographic spaces (U+00A0, U+1680, U+2000–U+200A, U+202F, U+205F, U+3000) into
    /// U+0020.
    public var spaces: Choice
    /// Remove characters without a shape: soft hyphen U+00AD, U+180E, U+200B, U+2060–U+2064, U+FEFF, interlinear marks
    /// U+FFF9–U+FFFB, and the direction marks U+200E, U+200F, U+202A–U+202E, U+2066–U+2069. The joiners U+200C and
    /// U+200D carry meaning and stay.
    public var invisibles: Choice

    public init(
        form: NormalizationForm? = .nfc, controls: Choice = .change, lineEndings: Choice = .change,
        spaces: Choice = .change, invisibles: Choice = .change
    ) {
        self.form = form
        self.controls = controls
        self.lineEndings = lineEndings
        self.spaces = spaces
        self.invisibles = invisibles
    }

    /// NFC, no control or invisible characters, line feeds, plain spaces.
    public static let corpus = TextNormalizer()

    /// How many characters (for `composed`: places) were changed or removed.
    public struct Counts: Equatable, Sendable {
        /// Places that the normalisation form changed.
        public var composed = 0
        /// Control characters.
        public var controlsRemoved = 0
        /// Line ends that were no line feed.
        public var lineEndingsChanged = 0
        /// Spaces that were not U+0020.
        public var spacesChanged = 0
        /// Characters without a shape.
        public var invisiblesRemoved = 0

        public init() {}

        /// The sum of all.
        public var total: Int {
            composed + controlsRemoved + lineEndingsChanged + spacesChanged + invisiblesRemoved
        }

        /// Adds the counts of another text.
        public static func += (a: inout Counts, b: Counts) {
            a.composed += b.composed
            a.controlsRemoved += b.controlsRemoved
            a.lineEndingsChanged += b.lineEndingsChanged
            a.spacesChanged += b.spacesChanged
            a.invisiblesRemoved += b.invisiblesRemoved
        }
    }

    /// Appends the normalised text to `output`. The input must be well-formed UTF-8, as ``TextDecoder`` gives it.
    @discardableResult
    public func normalize(_ utf8: Span<UInt8>, into output: inout [UInt8]) throws(TextError) -> Counts {
        var counts = Counts()
        if ICU.plainEnd(utf8, from: 0) == utf8.count {
            counts.composed = try compose(utf8, into: &output)
            return counts
        }
        var replaced: [UInt8] = []
        replaced.reserveCapacity(utf8.count)
        replaceCharacters(utf8, into: &replaced, &counts)
        counts.composed = try compose(replaced.span, into: &output)
        return counts
    }

    /// The same for a string.
    public func normalize(_ text: String) throws(TextError) -> String {
        var output: [UInt8] = []
        try normalize(Array(text.utf8).span, into: &output)
        return String(copying: output.span)
    }

    /// The last place where a stream may be cut so that normalising the parts gives the same as normalising the whole:
    /// before an ASCII character that is not the second half of CR LF. 0 if there is none.
    public static func lastBoundary(in utf8: Span<UInt8>) -> Int {
        var at = utf8.count - 1
        while at > 0 {
            if utf8[at] < 0x80, !(utf8[at] == UInt8(ascii: "\n") && utf8[at - 1] == UInt8(ascii: "\r")) { return at }
            at -= 1
        }
        return 0
    }

    private func compose(_ utf8: Span<UInt8>, into output: inout [UInt8]) throws(TextError) -> Int {
        guard let form else {
            output.append(copying: utf8)
            return 0
        }
        return try form.normalize(utf8, into: &output)
    }

    private enum Treatment { case keep, control, lineEnding, space, invisible }

    private func replaceCharacters(_ utf8: Span<UInt8>, into output: inout [UInt8], _ counts: inout Counts) {
        var copied = 0
        var at = 0
        while true {
            at = ICU.plainEnd(utf8, from: at)
            guard at < utf8.count else { break }
            var (treatment, length) = Self.treatment(utf8, at)
            if treatment == .lineEnding, utf8[at] == UInt8(ascii: "\r"), at + 1 < utf8.count,
                utf8[at + 1] == UInt8(ascii: "\n")
            {
                length = 2
            }
            let isChanged: Bool
            var replacement: UInt8?
            switch treatment {
            case .keep: isChanged = false
            case .control:
                isChanged = controls == .change
                counts.controlsRemoved += isChanged ? 1 : 0
            case .lineEnding:
                isChanged = lineEndings == .change
                counts.lineEndingsChanged += isChanged ? 1 : 0
                replacement = UInt8(ascii: "\n")
            case .space:
                isChanged = spaces == .change
                counts.spacesChanged += isChanged ? 1 : 0
                replacement = UInt8(ascii: " ")
            case .invisible:
                isChanged = invisibles == .change
                counts.invisiblesRemoved += isChanged ? 1 : 0
            }
            if isChanged {
                output.append(copying: utf8.extracting(copied..<at))
                if let replacement { output.append(replacement) }
                copied = at + length
            }
            at += length
        }
        output.append(copying: utf8.extracting(copied...))
    }

    /// What to do with the character at `at`, and its length in bytes.
    private static func treatment(_ utf8: Span<UInt8>, _ at: Int) -> (Treatment, Int) {
        func byte(_ k: Int) -> UInt32 { at + k < utf8.count ? UInt32(utf8[at + k] & 0x3F) : 0 }
        let lead = utf8[at]
        switch lead {
        case 0x0B, 0x0C, 0x0D: return (.lineEnding, 1)
        case 0..<0x20, 0x7F: return (.control, 1)
        case 0xC2:
            let length = min(2, utf8.count - at)
            switch byte(1) {
            case 0x05: return (.lineEnding, length)
            case 0..<0x20: return (.control, length)
            case 0x20: return (.space, length)
            case 0x2D: return (.invisible, length)
            default: return (.keep, length)
            }
        case 0xE1, 0xE2, 0xE3, 0xEF:
            let length = min(3, utf8.count - at)
            switch UInt32(lead & 0x0F) << 12 | byte(1) << 6 | byte(2) {
            case 0x2028, 0x2029: return (.lineEnding, length)
            case 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: return (.space, length)
            case 0x180E, 0x200B, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x2069, 0xFEFF,
                0xFFF9...0xFFFB:
                return (.invisible, length)
            default: return (.keep, length)
            }
        default: return (.keep, 1)
        }
    }
}
