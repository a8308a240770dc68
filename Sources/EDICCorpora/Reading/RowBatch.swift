/// The rows that a parser made of what it was fed so far, and the account of them.
///
/// Everything that becomes text of a row passes through here, and so through the one ``RowNormalizer``.
struct RowBatch {
    private(set) var block: RowBlock
    private(set) var rejections: [Rejection] = []
    /// Rows begun in the whole file.
    private(set) var rowsIn = 0

    let limits: ReadingLimits
    private var languages: LanguageMatcher
    private var normalizer = RowNormalizer()

    init(contribution: String, file: String, languages: LanguageMatcher, limits: ReadingLimits) {
        block = RowBlock(contribution: contribution, file: file)
        self.languages = languages
        self.limits = limits
    }

    /// Forgets the rows and rejections that were taken over.
    mutating func drain() {
        block.removeAll()
        rejections.removeAll(keepingCapacity: true)
    }

    /// Characters that normalising changed or dropped so far.
    var charactersNormalized: Int { normalizer.changes }

    func provenance(_ position: Provenance.Position) -> Provenance {
        Provenance(contribution: block.contribution, file: block.file, position: position)
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
        block.beginRow()
        switch block.appendText({ normalizer.normalize(utf8, into: &$0) }) {
        case .failure(let fault):
            block.abandonRow()
            refuse(fault.reason, fault.message, position, utf8)
        case .success(let range):
            block.commitText(language: tag, trimmedTo: range)
            add(metadata)
            block.endRow(isUnit: false, at: position)
        }
    }

    /// A side of a unit as a parser finds it.
    struct Side {
        /// The tag as the file gives it.
        var language: String
        var utf8: [UInt8]
    }

    /// Adds a translation unit, or rejects it. Sides in languages that are not declared are left out, and so are empty
    /// ones and further ones in the same language; what is left must be two. Of a unit that is added, each text that was
    /// left out counts as a row that was rejected.
    mutating func addUnit(
        _ sides: [Side], metadata: [MetadataField] = [], at position: Provenance.Position
    ) {
        beginUnit()
        for side in sides { addSide(side.utf8.span, language: side.language) }
        add(metadata)
        endUnit(at: position)
    }

    // MARK: A unit, side by side

    private var unit = UnitState()

    /// What is known of the unit at hand.
    private struct UnitState {
        var sides = 0
        var undeclared: String?
        var isEmpty = false
        /// What is lost of it if it is added.
        var leftOut: [(reason: RejectionReason, message: String, excerpt: [UInt8])] = []
        /// Why the unit is refused.
        var fault: RowNormalizer.Fault?
        /// The beginning of the first side with text, for the excerpt of a refusal.
        var excerpt: [UInt8] = []
    }

    /// Begins a unit, which ``endUnit(at:)`` adds or rejects as ``addUnit(_:metadata:at:)`` does.
    mutating func beginUnit() {
        rowsIn += 1
        unit.sides = 0
        unit.undeclared = nil
        unit.isEmpty = false
        unit.leftOut.removeAll(keepingCapacity: true)
        unit.fault = nil
        unit.excerpt.removeAll(keepingCapacity: true)
        block.beginRow()
    }

    mutating func addSide(_ utf8: Span<UInt8>, language: String) {
        unit.sides += 1
        if unit.excerpt.isEmpty { unit.excerpt.append(utf8.extracting(..<min(utf8.count, Rejection.excerptLimit))) }
        guard unit.fault == nil else { return }
        guard unit.sides <= limits.segments else {
            return failUnit(.overLimit, "a unit of more than \(limits.segments) segments", utf8, keepsExcerpt: true)
        }
        guard utf8.count <= limits.documentBytes else {
            return failUnit(.overLimit, "a segment of more than \(limits.documentBytes) bytes", utf8)
        }
        guard let tag = languages.resolve(language) else {
            unit.undeclared = language
            return leaveOut(.undeclaredLanguage, languages.complaint(about: language), utf8)
        }
        if block.hasOpenText(in: tag) {
            return leaveOut(.repeatedLanguage, "the unit has another text in \(tag), which is taken", utf8)
        }
        switch block.appendText({ normalizer.normalize(utf8, into: &$0) }) {
        case .failure(let fault) where fault.reason == .empty: unit.isEmpty = true
        case .failure(let fault): failUnit(fault.reason, "\(tag): \(fault.message)", utf8)
        case .success(let range): block.commitText(language: tag, trimmedTo: range)
        }
    }

    /// Notes a text that is no side of the unit at hand.
    mutating func leaveOut(_ reason: RejectionReason, _ message: String, _ utf8: Span<UInt8>) {
        guard !utf8.isBlank else { return }
        unit.leftOut.append((reason, message, Array(utf8.extracting(..<min(utf8.count, Rejection.excerptLimit)))))
    }

    private mutating func failUnit(
        _ reason: RejectionReason, _ message: String, _ utf8: Span<UInt8>, keepsExcerpt: Bool = false
    ) {
        unit.fault = RowNormalizer.Fault(reason: reason, message: message)
        if !keepsExcerpt { unit.excerpt = Array(utf8.extracting(..<min(utf8.count, Rejection.excerptLimit))) }
    }

    /// Adds a field to the unit at hand, after its sides.
    mutating func addField(_ key: StaticString, _ value: Span<UInt8>) {
        block.addField("\(key)".utf8.span, value)
    }

    mutating func endUnit(at position: Provenance.Position) {
        if let fault = unit.fault {
            block.abandonRow()
            let excerpt = unit.excerpt
            return refuse(fault.reason, fault.message, position, excerpt.span)
        }
        guard block.openTexts >= 2 else {
            block.abandonRow()
            let shown = unit.excerpt
            let excerpt = shown.span
            if unit.isEmpty {
                return refuse(.empty, "a side of the unit has no text", position, excerpt)
            } else if let undeclared = unit.undeclared {
                return refuse(.undeclaredLanguage, languages.complaint(about: undeclared), position, excerpt)
            }
            return refuse(.brokenRecord, "a unit needs texts in two languages", position, excerpt)
        }
        block.endRow(isUnit: true, at: position)
        for text in unit.leftOut { reject(text.reason, text.message, at: position, excerpt: text.excerpt.span) }
    }

    mutating func add(_ metadata: [MetadataField]) {
        for field in metadata.prefix(limits.metadataFields) {
            block.addField(field.key.utf8.span, field.value.utf8.span)
        }
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
        rejections.append(
            Rejection(
                fault.reason, fault.message, at: provenance(fault.position), endsFile: true,
                isOfSystem: fault.isOfSystem))
    }

    private mutating func refuse(
        _ reason: RejectionReason, _ message: String, _ position: Provenance.Position, _ utf8: Span<UInt8>
    ) {
        let excerpt = String(utf8: utf8.extracting(..<min(utf8.count, Rejection.excerptLimit)))
        rejections.append(Rejection(reason, message, at: provenance(position), excerpt: excerpt))
    }
}
