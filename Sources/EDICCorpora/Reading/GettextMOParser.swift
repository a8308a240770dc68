/// Reads compiled gettext catalogues (MO, both byte orders, revisions 0.x and 1.x): the file is read as a whole, since
/// its tables point anywhere.
///
/// Positions are byte offsets of the original strings. The strings are in the charset of the catalogue's header.
struct GettextMOParser {
    private var messages: GettextMessages
    private let header: Header
    /// The next string.
    private var next = 0
    /// Bytes of strings that may still come: strings may be shared, but a table in which all point at the same long
    /// one is an attack.
    private var budget: Int

    /// - Parameter bytes: the whole file.
    init(_ bytes: Span<UInt8>, options: FileOptions, language: String?) throws(FileFault) {
        messages = GettextMessages(options: options, language: language)
        header = try Self.header(bytes)
        budget = 4 * bytes.count
    }

    private struct Header {
        var isBigEndian: Bool
        var count: Int
        var originals: Int
        var translations: Int
    }

    /// Messages that one call of ``parse(_:decoder:into:)`` reads.
    private static let messagesAtOnce = 512

    /// Reads some messages; false when there are no more.
    mutating func parse(
        _ bytes: Span<UInt8>, decoder: inout CatalogueDecoder, into batch: inout RowBatch
    ) throws(FileFault) -> Bool {
        guard next < header.count else { return false }
        for index in next..<min(header.count, next + Self.messagesAtOnce) {
            let original = try string(index, header.originals, header, bytes)
            let translation = try string(index, header.translations, header, bytes)
            budget -= original.count + translation.count
            guard budget >= 0 else {
                let message = "the strings overlap: together they are far longer than the file"
                throw FileFault(.brokenFile, message, .byte(header.originals + 8 * index))
            }
            let source = bytes.extracting(original)
            let target = bytes.extracting(translation)
            if source.count == 0 {
                messages.readHeader(target)
            } else if try decoder.needsNothing(source, target, messages.charset) {
                add(source, target, at: original.lowerBound, into: &batch)
            } else {
                let decoded = (try decoder.decode(source), try decoder.decode(target))
                add(decoded.0.span, decoded.1.span, at: original.lowerBound, into: &batch)
            }
        }
        next = min(header.count, next + Self.messagesAtOnce)
        return true
    }

    /// Adds a message: `context EOT singular NUL plural`, and the forms of the translation with a NUL between.
    private func add(_ original: Span<UInt8>, _ target: Span<UInt8>, at offset: Int, into batch: inout RowBatch) {
        let separator = original.firstIndex(of: 4)
        let context = original.extracting(..<(separator ?? 0))
        let source = original.extracting((separator.map { $0 + 1 } ?? 0)...)
        var kind = GettextMessages.Kind(hasContext: separator != nil)
        guard let end = source.firstIndex(of: 0) else {
            let translation = target.extracting(..<(target.firstIndex(of: 0) ?? target.count))
            return messages.add(source, translation, context: context, kind, at: .byte(offset), into: &batch)
        }
        let forms = Self.parts(of: target)
        let choice = messages.plurals.choose(among: forms.count)
        let singular = source.extracting(..<end)
        if let form = choice.singular {
            messages.add(
                singular, target.extracting(forms[form]), context: context, kind, at: .byte(offset), into: &batch)
        }
        kind.isPlural = true
        let rest = source.extracting((end + 1)...)
        messages.add(
            rest.extracting(..<(rest.firstIndex(of: 0) ?? rest.count)), target.extracting(forms[choice.plural]),
            context: context, kind, at: .byte(offset + end + 1), into: &batch)
    }

    /// What lies between the NULs: one part at least.
    private static func parts(of bytes: Span<UInt8>) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = 0
        while let end = bytes.firstIndex(of: 0, from: start) {
            parts.append(start..<end)
            start = end + 1
        }
        parts.append(start..<bytes.count)
        return parts
    }

    private static func header(_ bytes: Span<UInt8>) throws(FileFault) -> Header {
        guard bytes.count >= 28 else {
            throw FileFault(.brokenFile, "a compiled catalogue has at least 28 bytes, this has \(bytes.count)", .file)
        }
        let isBigEndian: Bool
        switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
        case (0x95, 0x04, 0x12, 0xDE): isBigEndian = true
        case (0xDE, 0x12, 0x04, 0x95): isBigEndian = false
        default:
            throw FileFault(.wrongFormat, "no compiled catalogue: it does not begin with the bytes of MO", .byte(0))
        }
        let revision = number(bytes, 4, isBigEndian)
        guard revision >> 16 <= 1 else {
            throw FileFault(.brokenFile, "revision \(revision >> 16) of MO is unknown; 0 and 1 are read", .byte(4))
        }
        let header = Header(
            isBigEndian: isBigEndian, count: number(bytes, 8, isBigEndian),
            originals: number(bytes, 12, isBigEndian), translations: number(bytes, 16, isBigEndian))
        for (name, table, at) in [("originals", header.originals, 12), ("translations", header.translations, 16)] {
            guard table + 8 * header.count <= bytes.count else {
                let message = "the table of \(name) (\(header.count) strings at byte \(table)) ends beyond the file"
                throw FileFault(.brokenFile, message, .byte(at))
            }
        }
        return header
    }

    /// The place of a string of a table.
    private func string(
        _ index: Int, _ table: Int, _ header: Header, _ bytes: Span<UInt8>
    ) throws(FileFault) -> Range<Int> {
        let at = table + 8 * index
        let length = Self.number(bytes, at, header.isBigEndian)
        let start = Self.number(bytes, at + 4, header.isBigEndian)
        guard start + length <= bytes.count else {
            let message = "string \(index + 1) (\(length) bytes at byte \(start)) ends beyond the file, which was cut"
            throw FileFault(.brokenFile, message, .byte(at))
        }
        return start..<(start + length)
    }

    /// 32 bits without sign; sums of two never overflow.
    private static func number(_ bytes: Span<UInt8>, _ at: Int, _ isBigEndian: Bool) -> Int {
        var value = 0
        for index in 0..<4 {
            let byte = Int(bytes[at + index])
            value |= byte << (8 * (isBigEndian ? 3 - index : index))
        }
        return value
    }
}
