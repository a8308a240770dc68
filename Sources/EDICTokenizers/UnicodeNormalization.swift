/// The Unicode normalization forms, kept in step with the origins of the bytes.
enum NormalizationForm: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    private var isCompatibility: Bool { self == .nfkc || self == .nfkd }
    private var isComposed: Bool { self == .nfc || self == .nfkc }

    /// Whether every character of the text is below the first that this form could change.
    private func isSurelyNormal(_ bytes: [UInt8]) -> Bool {
        // NFC changes nothing below U+0300; the decomposed forms nothing below U+00C0, NFKC and NFKD nothing in ASCII.
        let limit: UInt8 = self == .nfc ? 0xCC : self == .nfd ? 0xC3 : 0x80
        return bytes.allSatisfy { $0 < limit }
    }

    func apply(_ text: AlignedText) -> AlignedText {
        if isSurelyNormal(text.bytes) { return text }
        var scalars: [Element] = []
        scalars.reserveCapacity(text.bytes.count)
        var at = 0
        var sorted = 0
        while at < text.bytes.count {
            let (scalar, length) = decodeScalar(text.bytes.span, at)
            let parts = scalar.decomposition(compatibility: isCompatibility) ?? [scalar]
            for (index, part) in parts.enumerated() {
                scalars.append(Element(scalar: part, ccc: part.combiningClass, change: index == 0 ? 0 : 1))
            }
            at += length
            // Put each run of combining marks into canonical order as soon as it is complete.
            if let last = scalars.last, last.ccc == 0 {
                reorder(&scalars, from: sorted)
                sorted = scalars.count
            }
        }
        reorder(&scalars, from: sorted)
        if isComposed { compose(&scalars) }
        var result = AlignedText()
        result.bytes.reserveCapacity(text.bytes.count)
        for element in scalars { result.bytes.append(element.scalar) }
        result.align(
            scalars.lazy.map { AlignedText.Change(length: UTF8.width($0.scalar), count: $0.change) }, with: text)
        return result
    }

    private struct Element {
        var scalar: Unicode.Scalar
        var ccc: UInt8
        /// What it changes (see ``AlignedText/Change``). As in the reference it stays with the character when marks change places.
        var change: Int
    }

    /// Sorts each run of non-starters by combining class, stably.
    private func reorder(_ scalars: inout [Element], from start: Int) {
        var begin = start
        while begin < scalars.count {
            if scalars[begin].ccc == 0 {
                begin += 1
                continue
            }
            var end = begin + 1
            var ordered = true
            while end < scalars.count, scalars[end].ccc != 0 {
                if scalars[end].ccc < scalars[end - 1].ccc { ordered = false }
                end += 1
            }
            if !ordered {
                let run = scalars[begin..<end].enumerated().sorted { a, b in
                    (a.element.ccc, a.offset) < (b.element.ccc, b.offset)
                }
                for (index, item) in run.enumerated() { scalars[begin + index] = item.element }
            }
            begin = end
        }
    }

    /// The canonical composition algorithm: each mark joins the last starter unless something blocks it.
    private func compose(_ scalars: inout [Element]) {
        var starter: Int?
        var kept = 0
        var previousClass: UInt8 = 0
        for index in scalars.indices {
            let element = scalars[index]
            if let at = starter {
                let adjacent = kept == at + 1
                let blocked = !adjacent && (previousClass >= element.ccc)
                if !blocked, let whole = Unicode.Scalar.composing(scalars[at].scalar, element.scalar) {
                    scalars[at].scalar = whole
                    scalars[at].change += element.change - 1
                    continue
                }
            }
            scalars[kept] = element
            if element.ccc == 0 { starter = kept }
            previousClass = element.ccc
            kept += 1
        }
        scalars.removeLast(scalars.count - kept)
    }
}
