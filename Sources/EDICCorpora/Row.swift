/// One more thing known about a row: a key and its value, in the order in which the source gave them.
public struct MetadataField: Sendable, Equatable, Hashable {
    /// The name of the field, such as `speaker` or `note`.
    public var key: String
    /// The value, as text.
    public var value: String

    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

/// Where a row came from.
public struct Provenance: Sendable, Equatable, Hashable {
    /// The place of a row in its file.
    public enum Position: Sendable, Equatable, Hashable {
        /// The row is the whole file.
        case file
        /// The row begins at this line, the first being 1.
        case line(Int)
        /// The row begins at this byte, the first being 0.
        case byte(Int)
        /// The row is this unit (translation unit, utterance, catalogue entry), the first being 1.
        case unit(Int)
    }

    /// The id of the contribution.
    public var contribution: String
    /// The file's path inside the contribution, with `/` between its parts.
    public var file: String
    /// The place in the file.
    public var position: Position

    public init(contribution: String, file: String, position: Position) {
        self.contribution = contribution
        self.file = file
        self.position = position
    }

    /// The id of the row that begins here: `<contribution>/<file>#<position>`, where the position is a line number,
    /// `b` and a byte offset, or `u` and a unit number; a row that is a whole file has no `#`.
    ///
    /// It depends on nothing but the place, so it is the same in every build.
    public var rowID: String { Self.idPrefix(contribution: contribution, file: file) + position.idSuffix }

    /// What the ids of all rows of a file begin with.
    static func idPrefix(contribution: String, file: String) -> String { "\(contribution)/\(file)" }
}

extension Provenance.Position {
    /// What a position adds to the id of its file.
    var idSuffix: String {
        switch self {
        case .file: ""
        case .line(let number): "#\(number)"
        case .byte(let offset): "#b\(offset)"
        case .unit(let number): "#u\(number)"
        }
    }
}

/// A text in one language.
public struct Document: Sendable, Equatable {
    /// Unique in a build, and stable: see ``Provenance/rowID``.
    public var id: String
    /// The language as a BCP-47 tag in its usual letter case, such as `de` or `sr-Latn`.
    public var language: String
    /// The text: valid UTF-8 in NFC, with `\n` between lines.
    public var text: String
    /// What else the source said about the text.
    public var metadata: [MetadataField]
    /// Where it came from.
    public var provenance: Provenance

    public init(
        id: String, language: String, text: String, metadata: [MetadataField] = [], provenance: Provenance
    ) {
        self.id = id
        self.language = language
        self.text = text
        self.metadata = metadata
        self.provenance = provenance
    }

    /// A document whose id is that of its place.
    public init(language: String, text: String, metadata: [MetadataField] = [], provenance: Provenance) {
        self.init(
            id: provenance.rowID, language: language, text: text, metadata: metadata, provenance: provenance)
    }
}

/// One side of a translation unit.
public struct Segment: Sendable, Equatable {
    /// The language as a BCP-47 tag.
    public var language: String
    /// The text: valid UTF-8 in NFC, with `\n` between lines.
    public var text: String

    public init(language: String, text: String) {
        self.language = language
        self.text = text
    }
}

/// The same text in two or more languages.
public struct TranslationUnit: Sendable, Equatable {
    /// Unique in a build, and stable: see ``Provenance/rowID``.
    public var id: String
    /// The sides, sorted by language tag, one a language.
    public private(set) var segments: [Segment]
    /// What else the source said about the unit.
    public var metadata: [MetadataField]
    /// Where it came from.
    public var provenance: Provenance

    public init(id: String, segments: [Segment], metadata: [MetadataField] = [], provenance: Provenance) {
        self.id = id
        let isSorted = zip(segments, segments.dropFirst()).allSatisfy { $0.language <= $1.language }
        self.segments = isSorted ? segments : segments.sorted { $0.language < $1.language }
        self.metadata = metadata
        self.provenance = provenance
    }

    /// A unit whose id is that of its place.
    public init(segments: [Segment], metadata: [MetadataField] = [], provenance: Provenance) {
        self.init(id: provenance.rowID, segments: segments, metadata: metadata, provenance: provenance)
    }
}

/// What travels through a build: a text, or the same text in several languages.
public enum Row: Sendable, Equatable {
    case document(Document)
    case unit(TranslationUnit)

    /// The id of the document or unit.
    public var id: String {
        switch self {
        case .document(let document): document.id
        case .unit(let unit): unit.id
        }
    }

    /// Where it came from.
    public var provenance: Provenance {
        switch self {
        case .document(let document): document.provenance
        case .unit(let unit): unit.provenance
        }
    }

    /// What else its file says of it.
    public var metadata: [MetadataField] {
        switch self {
        case .document(let document): document.metadata
        case .unit(let unit): unit.metadata
        }
    }

    /// The texts with their languages: one of a document, two or more of a unit, sorted by language tag.
    public var segments: [Segment] {
        switch self {
        case .document(let document): [Segment(language: document.language, text: document.text)]
        case .unit(let unit): unit.segments
        }
    }

    /// The bytes of UTF-8 in all its texts.
    public var textBytes: Int {
        switch self {
        case .document(let document): document.text.utf8.count
        case .unit(let unit): unit.segments.reduce(0) { $0 + $1.text.utf8.count }
        }
    }
}
