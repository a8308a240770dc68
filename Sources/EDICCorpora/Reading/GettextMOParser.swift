/// Reads compiled gettext catalogues (MO, both byte orders, revisions 0.x and 1.x): the file is read as a whole, since
/// its tables point anywhere.
///
/// Positions are byte offsets of the original strings. The strings are in the charset of the catalogue's header.
struct GettextMOParser {
    private let options: FileOptions
    private var language: String?

    init(options: FileOptions, language: String?) {
        self.options = options
        self.language = language
    }

    private struct Header {
        var isBigEndian: Bool
        var count: Int
        var originals: Int
        var translations: Int
    }

    /// Reads the catalogue.
    ///
    /// - Parameter decode: turns bytes in the charset of this name (nil where the header names none) into UTF-8.
    mutating func parse(
        _ bytes: Span<UInt8>, into batch: inout RowBatch,
        decode: (Span<UInt8>, String?) throws(FileFault) -> [UInt8]
    ) throws(FileFault) {
        let header = try Self.header(bytes)
        // Strings may be shared, but a table in which all point at the same long one is an attack.
        var budget = 4 * bytes.count
        var charset: String?
        for index in 0..<header.count {
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
                var entry = GettextEntry(at: .byte(original.lowerBound))
                entry.translations = [Array(target)]
                charset = entry.headerField("Content-Type").flatMap(Self.charset)
                if language == nil, let named = entry.headerField("Language"), !named.isEmpty { language = named }
                continue
            }
            let entry = try self.entry(
                decode(source, charset), decode(target, charset), at: .byte(original.lowerBound))
            entry.add(language: language, options: options, into: &batch)
        }
    }

    /// The charset that a `Content-Type` names.
    static func charset(ofContentType value: String) -> String? {
        guard let range = value.lowercased().firstRange(of: "charset=") else { return nil }
        let name = value[range.upperBound...].prefix { !$0.isWhitespace && $0 != ";" }
        return name.isEmpty || name == "CHARSET" ? nil : String(name)
    }

    private func entry(_ source: [UInt8], _ target: [UInt8], at position: Provenance.Position) -> GettextEntry {
        var entry = GettextEntry(at: position)
        var source = source[...]
        if let separator = source.firstIndex(of: 4) {
            entry.context = Array(source[..<separator])
            source = source[(separator + 1)...]
        }
        if let end = source.firstIndex(of: 0) {
            entry.source = Array(source[..<end])
            entry.sourcePlural = Array(source[(end + 1)...].prefix { $0 != 0 })
            entry.translations = target.split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
        } else {
            entry.source = Array(source)
            entry.translations = [Array(target.prefix { $0 != 0 })]
        }
        return entry
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
            throw FileFault(.brokenFile, "no compiled catalogue: it does not begin with the bytes of MO", .byte(0))
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
            let message = "string \(index + 1) (\(length) bytes at byte \(start)) ends beyond the file; it was cut"
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
