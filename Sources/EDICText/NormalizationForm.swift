/// The normalisation forms of Unicode (UAX #15), by ICU's data, with a fast path for text that needs no change.
public enum NormalizationForm: String, Sendable, CaseIterable {
    /// Canonical composition: the form of text in EDIC.
    case nfc = "NFC"
    case nfd = "NFD"
    /// Compatibility composition: "ﬁ" becomes "fi", "½" becomes "1⁄2". Loses distinctions; for search keys.
    case nfkc = "NFKC"
    case nfkd = "NFKD"
    /// NFKC without case and invisible characters (`toNFKC_Casefold`): for comparing and searching.
    case nfkcCaseFolded = "NFKC_Casefold"

    /// Appends the normalised text. Input that is not well-formed counts as U+FFFD where it has to be touched.
    ///
    /// NFC copies what is in NFC already at more than 500 MB/s and gives ICU only the rest.
    /// - Returns: For NFC the number of places that changed; for the other forms 1 if anything changed, 0 if not.
    @discardableResult
    public func normalize(_ utf8: Span<UInt8>, into output: inout [UInt8]) throws(TextError) -> Int {
        if self == .nfc { return try Self.compose(utf8, into: &output) }
        let start = output.count
        var at = 0
        while at < utf8.count {
            let end = Self.pieceEnd(utf8, from: at)
            try ICU.normalize(utf8.extracting(at..<end), to: self, appendingTo: &output)
            at = end
        }
        return output.span.extracting(start...).isIdentical(toBytesOf: utf8) ? 0 : 1
    }

    /// The text in this form.
    public func normalize(_ text: String) throws(TextError) -> String {
        var output: [UInt8] = []
        try normalize(Array(text.utf8).span, into: &output)
        return String(copying: output.span)
    }

    /// Whether well-formed UTF-8 is in NFC.
    public static func isNFC(_ utf8: Span<UInt8>) -> Bool {
        var at = 0
        while let doubt = nextDoubt(in: utf8, from: at) {
            guard ICU.isNFC(utf8.extracting(doubt)) else { return false }
            at = doubt.upperBound
        }
        return true
    }

    private static func compose(_ utf8: Span<UInt8>, into output: inout [UInt8]) throws(TextError) -> Int {
        var changes = 0
        var at = 0
        while let doubt = nextDoubt(in: utf8, from: at) {
            output.append(copying: utf8.extracting(at..<doubt.lowerBound))
            let start = output.count
            try ICU.normalize(utf8.extracting(doubt), to: .nfc, appendingTo: &output)
            if !output.span.extracting(start...).isIdentical(toBytesOf: utf8.extracting(doubt)) { changes += 1 }
            at = doubt.upperBound
        }
        output.append(copying: utf8.extracting(at...))
        return changes
    }

    /// The next stretch that may not be in NFC, from the character it may combine with to before the first character
    /// that nothing before it can change. What is around such a stretch is in NFC, and normalising it alone is enough.
    private static func nextDoubt(in utf8: Span<UInt8>, from at: Int) -> Range<Int>? {
        let dirty = ICU.nfcCleanEnd(utf8, from: at)
        guard dirty < utf8.count else { return nil }
        var start = dirty
        if start > at {
            start -= 1
            while start > at, utf8[start] & 0xC0 == 0x80 { start -= 1 }
        }
        return start..<ICU.nfcDirtyEnd(utf8, from: dirty)
    }

    /// The end of a piece of at most a megabyte; the next one begins with an ASCII character, with which nothing before
    /// it composes, if there is one.
    private static func pieceEnd(_ utf8: Span<UInt8>, from at: Int) -> Int {
        var end = at + 1 << 20
        guard end < utf8.count else { return utf8.count }
        while end > at + 1 << 19, utf8[end] >= 0x80 { end -= 1 }
        while end < utf8.count, utf8[end] >= 0x80 { end += 1 }
        return end
    }
}

extension Span<UInt8> {
    func isIdentical(toBytesOf other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for i in indices where self[i] != other[i] { return false }
        return true
    }
}
