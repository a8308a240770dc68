internal import EDICText

/// Why a row, or the rest of a file, was not taken.
public struct RejectionReason: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The code: lower-case words joined by underscores. Codes are stable: reports compare them between builds.
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    public static func < (first: Self, second: Self) -> Bool { first.rawValue < second.rawValue }

    // While reading a file.

    /// The file cannot be opened or read, or its compressed stream is damaged.
    public static let unreadableFile = RejectionReason(rawValue: "unreadable_file")
    /// Bytes that are not text in the file's encoding.
    public static let invalidEncoding = RejectionReason(rawValue: "invalid_encoding")
    /// XML that is not well formed, or not what its format allows.
    public static let brokenXML = RejectionReason(rawValue: "broken_xml")
    /// XML that defines entities, refers outside itself, or nests absurdly.
    public static let hostileXML = RejectionReason(rawValue: "hostile_xml")
    /// A line or record that is not what its format allows.
    public static let brokenRecord = RejectionReason(rawValue: "broken_record")
    /// A file that ends in the middle, or whose structure is not what its format allows.
    public static let brokenFile = RejectionReason(rawValue: "broken_file")
    /// A file in another format than the manifest says.
    public static let wrongFormat = RejectionReason(rawValue: "wrong_format")
    /// Something longer than the limits of reading allow.
    public static let overLimit = RejectionReason(rawValue: "over_limit")
    /// A record that its own source marks as unfit: a fuzzy or obsolete translation.
    public static let markedUnfit = RejectionReason(rawValue: "marked_unfit")
    /// The language is not one that the contribution declares.
    public static let undeclaredLanguage = RejectionReason(rawValue: "undeclared_language")

    /// A further text in a language that its unit has already.
    public static let repeatedLanguage = RejectionReason(rawValue: "repeated_language")

    // While cleaning.

    /// No text, or nothing but white space.
    public static let empty = RejectionReason(rawValue: "empty")
    /// Fewer letters than wanted.
    public static let tooShort = RejectionReason(rawValue: "too_short")
    /// More text than wanted.
    public static let tooLong = RejectionReason(rawValue: "too_long")
    /// The text is in another language than its tag says.
    public static let wrongLanguage = RejectionReason(rawValue: "wrong_language")
    /// The text is in another script than its language is written in.
    public static let wrongScript = RejectionReason(rawValue: "wrong_script")
    /// The sides of a pair do not look like translations of each other.
    public static let misaligned = RejectionReason(rawValue: "misaligned")
    /// The sides of a pair are the same text.
    public static let untranslated = RejectionReason(rawValue: "untranslated")
    /// The numbers on the two sides of a pair differ.
    public static let numberMismatch = RejectionReason(rawValue: "number_mismatch")
    /// The same text came before.
    public static let duplicate = RejectionReason(rawValue: "duplicate")
}

/// A row, or the rest of a file, that was not taken: why, where, and how it begins.
public struct Rejection: Sendable, Equatable {
    /// The kind of fault.
    public var reason: RejectionReason
    /// One line for the contributor: what is wrong, where, what was expected.
    public var message: String
    /// The place.
    public var provenance: Provenance
    /// The beginning of the text, at most ``excerptLimit`` bytes, on one line; empty where there is none.
    public var excerpt: String
    /// Whether reading the file ended here: what follows in it was not read.
    public var endsFile: Bool
    /// Whether the system refused to give the file's bytes: nothing is known of them, and another reading may go well.
    public var isOfSystem: Bool

    /// The bytes of UTF-8 that an excerpt holds at most.
    public static let excerptLimit = 160

    public init(
        _ reason: RejectionReason, _ message: String, at provenance: Provenance, excerpt: String = "",
        endsFile: Bool = false, isOfSystem: Bool = false
    ) {
        self.reason = reason
        self.endsFile = endsFile
        self.isOfSystem = isOfSystem
        self.message = message
        self.provenance = provenance
        self.excerpt = Self.shortened(excerpt)
    }

    /// `text` on one line, cut at a scalar boundary so that it fits in ``excerptLimit`` bytes.
    static func shortened(_ text: String) -> String { text.onOneLine(bytes: excerptLimit) }
}
