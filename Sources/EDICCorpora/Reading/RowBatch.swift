/// The rows that a parser made of what it was fed so far, and the account of them.
///
/// Everything that becomes text of a row passes through here, and so through the one ``RowNormalizer``.
struct RowBatch {
    private(set) var rows: [Row] = []
    private(set) var rejections: [Rejection] = []
    /// Rows begun in the whole file.
    private(set) var rowsIn = 0

    let contribution: String
    let file: String
    let limits: ReadingLimits
    private var languages: LanguageMatcher
    private var normalizer: RowNormalizer
    private let idPrefix: String

    init(contribution: String, file: String, languages: LanguageMatcher, limits: ReadingLimits) {
        self.contribution = contribution
        self.file = file
        self.languages = languages
        self.limits = limits
        normalizer = RowNormalizer()
        idPrefix = Provenance.idPrefix(contribution: contribution, file: file)
    }

    /// Forgets the rows and rejections that were taken over.
    mutating func drain() {
        rows.removeAll(keepingCapacity: true)
        rejections.removeAll(keepingCapacity: true)
    }

    /// Characters that normalising changed or dropped so far.
    var charactersNormalized: Int { normalizer.changes }

    func provenance(_ position: Provenance.Position) -> Provenance {
        Provenance(contribution: contribution, file: file, position: position)
    }

    /// Adds a text as a document, or rejects it.
    ///
    /// - Parameter language: the tag as the file gives it; nil where it gives none.
    mutating func addDocument(
        _ utf8: Span<UInt8>, language: String?, metadata: [MetadataField] = [], at position: Provenance.Position
    ) {
        rowsIn += 1
        guard utf8.count <= limits.documentBytes else {
            return refuse(.overLimit, "a document of more than \(limits.documentBytes) bytes", position, utf8)
        }
        guard let tag = languages.resolve(language) else {
            return refuse(.undeclaredLanguage, languages.complaint(about: language), position, utf8)
        }
        switch normalizer.normalize(utf8) {
        case .failure(let fault): refuse(fault.reason, fault.message, position, utf8)
        case .success(let text):
            let document = Document(
                id: idPrefix + position.idSuffix, language: tag, text: text, metadata: kept(metadata),
                provenance: provenance(position))
            rows.append(.document(document))
        }
    }

    /// A side of a unit as a parser finds it.
    struct Side {
        /// The tag as the file gives it.
        var language: String
        var utf8: [UInt8]
    }

    /// Adds a translation unit, or rejects it. Sides in languages that are not declared are left out, and so are empty
    /// ones and further ones in the same language; what is left must be two.
    mutating func addUnit(
        _ sides: [Side], metadata: [MetadataField] = [], at position: Provenance.Position
    ) {
        rowsIn += 1
        let first = sides.first?.utf8 ?? []
        guard sides.count <= limits.segments else {
            return refuse(.overLimit, "a unit of more than \(limits.segments) segments", position, first.span)
        }
        var segments: [Segment] = []
        var undeclared: String?
        var isEmpty = false
        for side in sides {
            guard side.utf8.count <= limits.documentBytes else {
                let message = "a segment of more than \(limits.documentBytes) bytes"
                return refuse(.overLimit, message, position, side.utf8.span)
            }
            guard let tag = languages.resolve(side.language) else {
                undeclared = side.language
                continue
            }
            if segments.contains(where: { $0.language == tag }) { continue }
            switch normalizer.normalize(side.utf8.span) {
            case .failure(let fault) where fault.reason == .empty: isEmpty = true
            case .failure(let fault):
                return refuse(fault.reason, "\(tag): \(fault.message)", position, side.utf8.span)
            case .success(let text): segments.append(Segment(language: tag, text: text))
            }
        }
        guard segments.count >= 2 else {
            let shown = sides.first { !$0.utf8.isEmpty }?.utf8 ?? []
            let excerpt = shown.span
            if isEmpty {
                return refuse(.empty, "a side of the unit has no text", position, excerpt)
            } else if let undeclared {
                return refuse(.undeclaredLanguage, languages.complaint(about: undeclared), position, excerpt)
            }
            return refuse(.brokenRecord, "a unit needs texts in two languages", position, excerpt)
        }
        let unit = TranslationUnit(
            id: idPrefix + position.idSuffix, segments: segments, metadata: kept(metadata),
            provenance: provenance(position))
        rows.append(.unit(unit))
    }

    /// Rejects a row that could not be made.
    mutating func reject(
        _ reason: RejectionReason, _ message: String, at position: Provenance.Position, excerpt: Span<UInt8>
    ) {
        rowsIn += 1
        refuse(reason, message, position, excerpt)
    }

    /// Rejects the rest of the file, which counts as one row.
    mutating func reject(_ fault: FileFault) {
        rowsIn += 1
        rejections.append(Rejection(fault.reason, fault.message, at: provenance(fault.position)))
    }

    private mutating func refuse(
        _ reason: RejectionReason, _ message: String, _ position: Provenance.Position, _ utf8: Span<UInt8>
    ) {
        let excerpt = String(utf8: utf8.extracting(..<min(utf8.count, Rejection.excerptLimit)))
        rejections.append(Rejection(reason, message, at: provenance(position), excerpt: excerpt))
    }

    private func kept(_ metadata: [MetadataField]) -> [MetadataField] {
        metadata.count <= limits.metadataFields ? metadata : Array(metadata.prefix(limits.metadataFields))
    }
}
