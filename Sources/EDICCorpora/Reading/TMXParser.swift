/// Reads TMX 1.4b (Translation Memory eXchange): each `tu` is a translation unit.
///
/// Of the inline elements, `hi` and unknown ones give their text; `bpt`, `ept`, `it`, `ph`, `ut` hold codes of the
/// original format and are left out, with any `sub` in them. `note`, `prop` and `tuid` become metadata.
struct TMXParser: RowParser, ~Copyable {
    private var xml: XMLPushParser<TMXEvents.Name>
    private var events: TMXEvents

    init(limits: ReadingLimits) throws(FileFault) {
        xml = try XMLPushParser(limits: limits)
        events = TMXEvents(limits: limits)
    }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        try parse(utf8, isLast: false, into: &batch)
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        try parse(Span(), isLast: true, into: &batch)
        if !events.isTMX { throw FileFault(.wrongFormat, "no tmx element: this is not TMX", .line(1)) }
    }

    private mutating func parse(
        _ utf8: Span<UInt8>, isLast: Bool, into batch: inout RowBatch
    ) throws(FileFault) {
        defer { events.flush(into: &batch) }
        try xml.feed(utf8, isLast: isLast, to: &events)
    }
}

/// What TMX says, gathered into units.
private struct TMXEvents: XMLHandler {
    enum Name: String, CaseIterable {
        case tmx, header, body, tu, tuv, seg, prop, note, bpt, ept, it, ph, ut, hi, sub
        case xmlLang = "xml:lang"
        case lang, tuid, type, srclang
    }

    private struct Unit {
        var sides: [RowBatch.Side] = []
        var metadata: [MetadataField] = []
        /// Of all that is kept.
        var bytes = 0
        /// Why it is refused.
        var fault: String?

        /// Refuses the unit; of what it held the beginning is shown.
        mutating func refuse(_ message: String) {
            fault = message
            metadata = []
            sides = sides.prefix(1).map {
                .init(language: $0.language, utf8: Array($0.utf8.prefix(Rejection.excerptLimit)))
            }
        }
    }

    private(set) var isTMX = false
    private let limits: ReadingLimits
    private var finished: [Unit] = []
    private var unit: Unit?
    private var number = 0
    private var language = ""
    private var text: [UInt8] = []
    /// What the characters now read belong to.
    private var target: Target = .nothing
    /// Open elements of codes: their text is left out while there are any.
    private var codeDepth = 0

    private enum Target: Equatable {
        case nothing, segment
        case field(String)
    }

    init(limits: ReadingLimits) { self.limits = limits }

    mutating func start(_ name: Name?, _ attributes: XMLAttributes<Name>, line: Int) throws(FileFault) {
        switch name {
        case .tmx: isTMX = true
        case .tu:
            guard isTMX else { throw FileFault(.wrongFormat, "a tu outside tmx: this is not TMX", .line(line)) }
            unit = Unit()
            if let id = attributes[.tuid] { unit?.metadata.append(MetadataField("tuid", id)) }
        case .tuv: language = attributes[.xmlLang] ?? attributes[.lang] ?? ""
        case .seg:
            target = .segment
            codeDepth = 0
            text.removeAll(keepingCapacity: true)
        case .prop, .note:
            guard unit != nil, target == .nothing else { return }
            target = .field(name == .note ? "note" : attributes[.type] ?? "prop")
            text.removeAll(keepingCapacity: true)
        case .bpt, .ept, .it, .ph, .ut: if target == .segment { codeDepth += 1 }
        default: break
        }
    }

    mutating func end(_ name: Name?, line: Int) throws(FileFault) {
        switch name {
        case .tu:
            if let unit { finished.append(unit) }
            unit = nil
        case .seg:
            if target == .segment { take(RowBatch.Side(language: language, utf8: text)) }
            target = .nothing
        case .prop, .note:
            if case .field(let key) = target {
                let field = MetadataField(key, String(utf8: text.span))
                if keeps(text.count), unit.map({ $0.metadata.count < limits.metadataFields }) ?? false {
                    unit?.metadata.append(field)
                }
                target = .nothing
            }
        case .bpt, .ept, .it, .ph, .ut: if target == .segment { codeDepth -= 1 }
        default: break
        }
    }

    mutating func text(_ utf8: Span<UInt8>) throws(FileFault) {
        guard target != .nothing, codeDepth == 0 else { return }
        guard text.count + utf8.count <= limits.documentBytes else {
            unit?.refuse("a segment of more than \(limits.documentBytes) bytes")
            target = .nothing
            return
        }
        text.append(utf8)
    }

    private mutating func take(_ side: RowBatch.Side) {
        guard let unit else {
            // Outside of units, so a half of one.
            if !side.utf8.span.isBlank { finished.append(Unit(sides: [side])) }
            return
        }
        guard keeps(side.utf8.count) else { return }
        if unit.sides.count < limits.segments {
            self.unit?.sides.append(side)
        } else {
            self.unit?.refuse("a unit of more than \(limits.segments) segments")
        }
    }

    /// Counts what a unit is to keep; false where it is refused, since it is too much or was refused before.
    private mutating func keeps(_ bytes: Int) -> Bool {
        guard unit?.fault == nil else { return false }
        unit?.bytes += bytes
        guard let all = unit?.bytes, all > limits.unitBytes else { return true }
        unit?.refuse("a unit of more than \(limits.unitBytes) bytes")
        return false
    }

    /// Hands the finished units over.
    mutating func flush(into batch: inout RowBatch) {
        for unit in finished {
            number += 1
            if let fault = unit.fault {
                let excerpt = unit.sides.first?.utf8 ?? []
                batch.reject(.overLimit, fault, at: .unit(number), excerpt: excerpt.span)
            } else {
                batch.addUnit(unit.sides, metadata: unit.metadata, at: .unit(number))
            }
        }
        finished.removeAll(keepingCapacity: true)
    }
}
