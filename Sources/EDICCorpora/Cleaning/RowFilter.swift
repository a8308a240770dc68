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

        public init() {}
    }

    /// Says which language a text is in and with what confidence from 0 to 1; nil where it cannot say.
    public typealias LanguageIdentifier = @Sendable (_ utf8: Span<UInt8>) -> (language: String, confidence: Double)?

    public var settings: Settings
    private let identify: LanguageIdentifier?

    /// - Parameter identify: used to reject texts in other languages than they say; nil to trust them.
    public init(settings: Settings = Settings(), identify: LanguageIdentifier? = nil) {
        self.settings = settings
        self.identify = identify
    }

    /// Why the row is not kept, or nil if it is. O(n).
    public func rejection(of row: Row) -> Rejection? {
        switch row {
        case .document(let document):
            guard let fault = fault(document.text, document.language).fault else { return nil }
            return Rejection(fault.reason, fault.message, at: document.provenance, excerpt: document.text)
        case .unit(let unit): return rejection(of: unit)
        }
    }

    private struct Fault {
        var reason: RejectionReason
        var message: String
    }

    private func rejection(of unit: TranslationUnit) -> Rejection? {
        var letters: [Int] = []
        for segment in unit.segments {
            let judged = fault(segment.text, segment.language)
            if let fault = judged.fault {
                let message = "\(segment.language): \(fault.message)"
                return Rejection(fault.reason, message, at: unit.provenance, excerpt: segment.text)
            }
            letters.append(judged.letters)
        }
        guard let fault = misalignment(unit.segments, letters) else { return nil }
        let excerpt = unit.segments.map { $0.text.prefix(60) }.joined(separator: " | ")
        return Rejection(fault.reason, fault.message, at: unit.provenance, excerpt: excerpt)
    }

    /// What is wrong with one text, and how many letters it has.
    private func fault(_ text: String, _ language: String) -> (fault: Fault?, letters: Int) {
        var text = text
        text.makeContiguousUTF8()
        let utf8 = text.utf8.span
        if utf8.isBlank { return (Fault(reason: .empty, message: "no text"), 0) }
        guard utf8.count <= settings.maximumBytes else {
            let message = "\(utf8.count) bytes, more than \(settings.maximumBytes)"
            return (Fault(reason: .tooLong, message: message), 0)
        }
        let counts = ScriptHistogram(of: utf8).counts
        let letters = counts.reduce(0) { $0 + $1.count }
        guard letters >= settings.minimumLetters else {
            let message = "\(letters) letters, fewer than \(settings.minimumLetters)"
            return (Fault(reason: .tooShort, message: message), letters)
        }
        if letters >= settings.scriptMinimumLetters {
            let own = ScriptsOfLanguages.scripts(of: language)
            let fitting = counts.reduce(0) { $0 + (own.contains($1.script.code) ? $1.count : 0) }
            if !own.isEmpty, Double(fitting) < settings.minimumScriptShare * Double(letters) {
                let found = counts.first?.script.code ?? "none"
                let message = "written in \(found), expected \(own.joined(separator: " or ")) for \(language)"
                return (Fault(reason: .wrongScript, message: message), letters)
            }
        }
        if letters >= settings.languageMinimumLetters, let identify, let found = identify(utf8),
            found.confidence >= settings.languageConfidence, !Self.isSameLanguage(found.language, language)
        {
            let percent = Int((found.confidence * 100).rounded())
            let message = "looks like \(found.language) (\(percent) %), not \(language)"
            return (Fault(reason: .wrongLanguage, message: message), letters)
        }
        return (nil, letters)
    }

    /// Languages that identifiers confuse or name together are taken as the same.
    private static func isSameLanguage(_ first: String, _ second: String) -> Bool {
        if first == second { return true }
        let (a, b) = (primary(first), primary(second))
        return a == b || families.contains { $0.contains(a) && $0.contains(b) }
    }

    private static let families: [Set<String>] = [["no", "nb", "nn", "da"], ["hr", "sr", "bs", "sh"], ["id", "ms"]]

    private static func primary(_ tag: String) -> String { String(tag.prefix { $0 != "-" }) }

    /// Whether two sides do not look like translations of each other.
    private func misalignment(_ segments: [Segment], _ letters: [Int]) -> Fault? {
        for first in segments.indices {
            for second in segments.indices where second > first {
                let (a, b) = (segments[first], segments[second])
                if settings.rejectsUntranslated, a.text.utf8.elementsEqual(b.text.utf8) {
                    return Fault(reason: .untranslated, message: "\(a.language) and \(b.language) are the same text")
                }
                let slack = settings.lengthRatioSlack
                let (long, short) = (max(letters[first], letters[second]), min(letters[first], letters[second]))
                let ratio = (Double(long) + slack) / (Double(short) + slack)
                if ratio > settings.maximumLengthRatio {
                    let message =
                        "\(letters[first]) letters of \(a.language) against \(letters[second]) of \(b.language)"
                    return Fault(reason: .misaligned, message: message)
                }
                if settings.comparesNumbers {
                    let (own, other) = (Numbers.of(a.text), Numbers.of(b.text))
                    if own != other {
                        let message =
                            "the numbers of \(a.language) (\(Numbers.list(own))) and "
                            + "\(b.language) (\(Numbers.list(other))) differ"
                        return Fault(reason: .numberMismatch, message: message)
                    }
                }
            }
        }
        return nil
    }
}
