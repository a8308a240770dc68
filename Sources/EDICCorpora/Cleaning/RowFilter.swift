internal import EDICText

/// Which rows a build keeps.
///
/// Defaults are mild: they reject what is certainly no text of the language, and leave judgement to later stages.
public struct RowFilter: Sendable {
    /// What a recipe may set.
    public struct Settings: Sendable, Equatable {
        /// Letters (of any script) in a text, at least.
        public var minimumLetters = 1
        /// Bytes of UTF-8 in a text, at most.
        public var maximumBytes = 4 << 20
        /// Share of the letters of a text that must be in a script of its language.
        public var minimumScriptShare = 0.5
        /// Letters below which the script is not judged.
        public var scriptMinimumLetters = 10

        /// Length of the longer side of a pair over that of the shorter, in letters, at most.
        public var maximumLengthRatio = 4.0
        /// Letters that are added to both lengths before dividing, so that short pairs may differ more.
        public var lengthRatioSlack = 15.0
        /// Whether both sides of a pair must hold the same numbers of two digits and more.
        public var comparesNumbers = false
        /// Whether pairs whose sides are the same text are rejected.
        public var rejectsUntranslated = true

        /// Letters below which the language of a text is not identified.
        public var languageMinimumLetters = 40
        /// Confidence that another language needs to reject a text.
        public var languageConfidence = 0.8
        /// The same where the two languages are neighbours that identifiers take for each other: Danish and Norwegian.
        public var neighbourConfidence = 0.98

        public init() {}
    }

    /// Says which language a text is in and with what confidence from 0 to 1; nil where it cannot say.
    public typealias LanguageIdentifier = @Sendable (_ utf8: Span<UInt8>) -> (language: String, confidence: Double)?

    /// What a row must fulfil.
    public var settings: Settings
    private let identify: LanguageIdentifier?

    /// - Parameter identify: used to reject texts in other languages than they say; nil to trust them.
    public init(settings: Settings = Settings(), identify: LanguageIdentifier? = nil) {
        self.settings = settings
        self.identify = identify
    }

    /// Why the row is not kept, or nil if it is. O(n).
    public func rejection(of row: Row) -> Rejection? {
        guard var rejection = rejection(of: 0, in: RowBlock(row)) else { return nil }
        rejection.provenance = row.provenance
        return rejection
    }

    /// Why a row of a block is not kept, or nil if it is. O(n).
    public func rejection(of row: Int, in block: RowBlock) -> Rejection? {
        let segments = block.segments(of: row)
        var letters: [Int] = []
        for segment in segments {
            let language = block.language(of: segment)
            let judged = block.withText(of: segment) { fault($0, language) }
            if let fault = judged.fault {
                let message = block.isUnit(row) ? "\(language): \(fault.message)" : fault.message
                return Rejection(
                    fault.reason, message, at: block.provenance(of: row), excerpt: excerpt(segment, block))
            }
            if segments.count > 1 { letters.append(judged.letters) }
        }
        guard segments.count > 1, let fault = misalignment(segments, letters, block) else { return nil }
        let excerpt = segments.map { block.text(of: $0).prefix(60) }.joined(separator: " | ")
        return Rejection(fault.reason, fault.message, at: block.provenance(of: row), excerpt: excerpt)
    }

    /// The beginning of a text; a rejection cuts it to size.
    private func excerpt(_ segment: Int, _ block: RowBlock) -> String {
        block.withText(of: segment) { String(utf8: $0.extracting(..<min($0.count, Rejection.excerptLimit + 4))) }
    }

    private struct Fault {
        var reason: RejectionReason
        var message: String
    }

    /// What is wrong with one text, and how many letters it has.
    private func fault(_ utf8: Span<UInt8>, _ language: String) -> (fault: Fault?, letters: Int) {
        if utf8.isBlank { return (Fault(reason: .empty, message: "no text"), 0) }
        guard utf8.count <= settings.maximumBytes else {
            let message = "\(utf8.count) bytes, more than \(settings.maximumBytes)"
            return (Fault(reason: .tooLong, message: message), 0)
        }
        let histogram = ScriptHistogram(of: utf8)
        let letters = histogram.total
        guard letters >= settings.minimumLetters else {
            let message = "\(letters) letters, fewer than \(settings.minimumLetters)"
            return (Fault(reason: .tooShort, message: message), letters)
        }
        if letters >= settings.scriptMinimumLetters {
            let own = ScriptsOfLanguages.scripts(of: language)
            let fitting = own.reduce(0) { $0 + histogram.count(of: $1) }
            if !own.isEmpty, Double(fitting) < settings.minimumScriptShare * Double(letters) {
                let found = histogram.dominant?.code ?? "none"
                let expected = own.map(\.code).joined(separator: " or ")
                let message = "written in \(found), expected \(expected) for \(language)"
                return (Fault(reason: .wrongScript, message: message), letters)
            }
        }
        if letters >= settings.languageMinimumLetters, let identify, let found = Self.sample(of: utf8, identify),
            found.confidence >= confidence(against: language, found.language)
        {
            let percent = Int((found.confidence * 100).rounded())
            let message = "looks like \(found.language) (\(percent) %), not \(language)"
            return (Fault(reason: .wrongLanguage, message: message), letters)
        }
        return (nil, letters)
    }

    /// Long texts are identified by three pieces of this many bytes: their beginning, middle and end. More tells no
    /// more.
    static let samplePiece = 512

    private static func sample(
        of utf8: Span<UInt8>, _ identify: LanguageIdentifier
    ) -> (language: String, confidence: Double)? {
        guard utf8.count > 4 * samplePiece else { return identify(utf8) }
        var sample: [UInt8] = []
        sample.reserveCapacity(3 * samplePiece + 16)
        for start in [0, (utf8.count - samplePiece) / 2, utf8.count - samplePiece] {
            let (from, to) = (boundary(utf8, start), boundary(utf8, start + samplePiece))
            sample.append(utf8.extracting(from..<to))
            sample.append(UInt8(ascii: "\n"))
        }
        return identify(sample.span)
    }

    /// The first place at or after `start` where a character begins.
    private static func boundary(_ utf8: Span<UInt8>, _ start: Int) -> Int {
        var at = start
        while at < utf8.count, utf8[at] & 0xC0 == 0x80 { at += 1 }
        return at
    }

    /// How sure it must be that a text said to be in `language` is in `other`; no confidence is enough where they are one
    /// language to identifiers.
    private func confidence(against language: String, _ other: String) -> Double {
        if language == other { return .infinity }
        let (a, b) = (Self.primary(language), Self.primary(other))
        if a == b || Self.families.contains(where: { $0.contains(a) && $0.contains(b) }) { return .infinity }
        return Self.neighbours.contains { $0.contains(a) && $0.contains(b) }
            ? max(settings.languageConfidence, settings.neighbourConfidence) : settings.languageConfidence
    }

    /// Languages that the built-in identifier cannot tell apart or names together. Of 7 314 Croatian messages of 40
    /// letters and more it is sure to 0.98 of 5 %.
    private static let families: [Set<String>] = [["no", "nb", "nn"], ["hr", "sr", "bs", "sh"], ["id", "ms"]]
    /// Languages that it tells apart where it is sure. Of 9 220 Danish and 3 660 Norwegian messages of 40 letters and more
    /// it calls none the other with 0.98, and 74 % and 57 % of them what they are.
    private static let neighbours: [Set<String>] = [["da", "no", "nb", "nn"]]

    private static func primary(_ tag: String) -> String { String(tag.prefix { $0 != "-" }) }

    /// Whether two sides do not look like translations of each other.
    private func misalignment(_ segments: Range<Int>, _ letters: [Int], _ block: RowBlock) -> Fault? {
        for first in letters.indices {
            for second in letters.indices where second > first {
                let (a, b) = (segments.lowerBound + first, segments.lowerBound + second)
                if settings.rejectsUntranslated, block.isSameText(a, b) {
                    let message = "\(block.language(of: a)) and \(block.language(of: b)) are the same text"
                    return Fault(reason: .untranslated, message: message)
                }
                let slack = settings.lengthRatioSlack
                let (long, short) = (max(letters[first], letters[second]), min(letters[first], letters[second]))
                let ratio = (Double(long) + slack) / (Double(short) + slack)
                if ratio > settings.maximumLengthRatio {
                    let message =
                        "\(letters[first]) letters of \(block.language(of: a)) against \(letters[second]) of "
                        + block.language(of: b)
                    return Fault(reason: .misaligned, message: message)
                }
                if settings.comparesNumbers {
                    let (own, other) = (Numbers.of(block.text(of: a)), Numbers.of(block.text(of: b)))
                    if own != other {
                        let message =
                            "the numbers of \(block.language(of: a)) (\(Numbers.list(own))) and "
                            + "\(block.language(of: b)) (\(Numbers.list(other))) differ"
                        return Fault(reason: .numberMismatch, message: message)
                    }
                }
            }
        }
        return nil
    }
}
