internal import EDICText

/// The charset of a file, found by its first bytes.
struct CharsetChoice {
    let charset: Charset
    /// Why it is not the one that the manifest or the file itself says; empty where it is, or where neither says one.
    let contradiction: String

    /// Finds the charset of the text that begins with `head`.
    ///
    /// In order: a byte order mark, UTF-16 by its zero bytes, what the format itself says (XML, HTML, PO) or else the manifest,
    /// unless the bytes speak against it, UTF-8 if they are, else what the detector finds.
    init(_ head: Span<UInt8>, specification: FileSpecification, languages: [String]) throws(FileFault) {
        var declared: Charset?
        if let name = specification.encoding {
            declared = Charset(named: name)
            if declared == nil {
                throw FileFault(.invalidEncoding, "the charset \"\(name)\" is not known", .file)
            }
        }
        if let marked = Self.utf8Mark(head) {
            charset = marked
            contradiction = ""
            return
        }
        if let named = Self.declaration(head, specification.format), let own = Charset(named: named) {
            // What is read as ASCII up to here cannot be in units of two bytes.
            let isWide = own.name.hasPrefix("UTF-16") || own.name.hasPrefix("UTF-32")
            let named = Self.wideASCII(head) ?? (isWide ? .utf8 : own)
            let other = Self.evident(head, named: named, manifest: declared)
            charset = other?.charset ?? named
            contradiction = other.map { "the file says \(named), the bytes \($0.charset) (\($0.reason))" } ?? ""
            return
        }
        if let wide = Self.wideASCII(head) {
            charset = wide
            contradiction = ""
            return
        }
        let tags = languages.compactMap { try? LanguageTag($0) }
        let guess = CharsetDetector(declared: declared, languages: tags).guess(
            head.extracting(..<Self.endOfCharacters(head)))
        // In a few words a single control character is nothing to go by.
        guard !guess.looksBinary || head.count < 256 else {
            throw FileFault(.wrongFormat, "does not look like text: \(Self.reasons(guess))", .file)
        }
        if let declared, declared != guess.charset, !Self.isVariant(guess.charset, of: declared) {
            let isDamagedUTF8 = declared == .utf8 && Self.isMostlyUTF8(head)
            guard guess.confidence >= Self.confidenceAgainstManifest, !isDamagedUTF8 else {
                charset = declared
                contradiction = ""
                return
            }
            contradiction = "the manifest says \(declared), the bytes \(guess.charset) (\(Self.reasons(guess)))"
        } else {
            contradiction = ""
        }
        charset = guess.charset
    }

    /// The charset that the bytes are evidently in, where it is not the one that the file names.
    private static func evident(
        _ head: Span<UInt8>, named: Charset, manifest: Charset?
    ) -> (charset: Charset, reason: String)? {
        let text = head.extracting(..<endOfCharacters(head))
        let isUTF8 = UTF8Validation.isWellFormed(text)
        if !named.name.hasPrefix("UTF-"), isUTF8, text.indices.contains(where: { text[$0] >= 0x80 }) {
            return (.utf8, "each byte beyond ASCII is part of a character of it")
        }
        if named == .utf8, !isUTF8, let manifest, manifest != .utf8, !isMostlyUTF8(head) {
            return (manifest, "as the manifest says; they are not UTF-8")
        }
        // These are no characters in ISO 8859-1, and browsers read it as windows-1252.
        if named == .latin1, let place = text.indices.first(where: { 0x80...0x9F ~= text[$0] }) {
            return (.windows1252, "such as the one at \(place)")
        }
        return nil
    }

    private static func utf8Mark(_ head: Span<UInt8>) -> Charset? {
        head.count >= 3 && head[0] == 0xEF && head[1] == 0xBB && head[2] == 0xBF ? .utf8 : nil
    }

    /// How sure the detector must be to overrule the manifest.
    private static let confidenceAgainstManifest = 0.6

    /// Whether more bytes beyond ASCII begin a character of UTF-8 than do not: then it is damaged UTF-8.
    private static func isMostlyUTF8(_ head: Span<UInt8>) -> Bool {
        var begins = 0
        var strays = 0
        for index in head.indices.dropLast() where head[index] >= 0xC0 {
            if head[index + 1] & 0xC0 == 0x80 { begins += 1 } else { strays += 1 }
        }
        return begins > strays
    }

    /// Whether the first is the second with its byte order told.
    private static func isVariant(_ first: Charset, of second: Charset) -> Bool {
        second.name.hasPrefix("UTF-") && first.name.hasPrefix(second.name)
    }

    /// The end of the bytes without a character that may go on after them.
    private static func endOfCharacters(_ head: Span<UInt8>) -> Int {
        var end = head.count
        while end > 0, head.count - end < 4, head[end - 1] >= 0x80 { end -= 1 }
        return end > 0 && head[end - 1] < 0x80 ? end : head.count
    }

    private static func reasons(_ guess: CharsetGuess) -> String {
        guess.evidence.prefix(2).map(\.description).joined(separator: "; ")
    }

    /// UTF-16 without a mark, where the text begins with two characters of ASCII.
    private static func wideASCII(_ head: Span<UInt8>) -> Charset? {
        guard head.count >= 4 else { return nil }
        func isASCII(_ byte: UInt8) -> Bool { byte == 0x09 || byte == 0x0A || byte == 0x0D || (0x20..<0x7F ~= byte) }
        if head[0] == 0, isASCII(head[1]), head[2] == 0, isASCII(head[3]) { return .utf16BigEndian }
        if isASCII(head[0]), head[1] == 0, isASCII(head[2]), head[3] == 0 { return .utf16LittleEndian }
        return nil
    }

    /// The charset that the beginning of the file names, where the format has a place for that.
    private static func declaration(_ head: Span<UInt8>, _ format: FileFormat) -> String? {
        let start = head.extracting(..<min(head.count, 4096))
        switch format {
        case .tmx, .tei: return xmlEncoding(start)
        case .html: return xmlEncoding(start) ?? metaCharset(start)
        case .po: return headerCharset(start).flatMap { $0 == "CHARSET" ? nil : $0 }
        case .text, .jsonl, .tsv, .moses, .conllu, .mo: return nil
        }
    }

    /// What the first `<meta …>` with a charset names, outside comments.
    private static func metaCharset(_ start: Span<UInt8>) -> String? {
        var from = 0
        while let open = start.firstIndex(of: UInt8(ascii: "<"), from: from) {
            let rest = start.extracting(open...)
            if rest.starts(with: "<!--") {
                guard let end = rest.end(ofFirst: "-->") else { return nil }
                from = open + end
                continue
            }
            from = open + 1
            let end = rest.firstIndex(of: UInt8(ascii: ">")) ?? rest.count
            guard end > 5, rest.extracting(..<5).lowercasedEquals("<meta") else { continue }
            if let name = value(of: "charset", in: rest.extracting(..<end)) { return name }
        }
        return nil
    }

    /// What the field `Content-Type` of a catalogue's header names.
    private static func headerCharset(_ start: Span<UInt8>) -> String? {
        guard let begin = start.end(ofFirst: "\"Content-Type:") else { return nil }
        let rest = start.extracting(begin...)
        return value(of: "charset", in: rest.extracting(..<(rest.firstIndex(of: 0x0A) ?? rest.count)))
    }

    private static func xmlEncoding(_ start: Span<UInt8>) -> String? {
        guard start.starts(with: "<?xml"), let end = start.firstIndex(of: UInt8(ascii: ">")) else { return nil }
        return value(of: "encoding", in: start.extracting(..<end))
    }

    /// The first value of `name=…`, with or without quotes.
    private static func value(of name: StaticString, in bytes: Span<UInt8>) -> String? {
        let length = name.utf8CodeUnitCount
        var from = 0
        while let equals = bytes.firstIndex(of: UInt8(ascii: "="), from: from) {
            from = equals + 1
            var end = equals
            while end > 0, bytes[end - 1].isASCIIWhitespace { end -= 1 }
            guard end >= length, bytes.extracting((end - length)..<end).lowercasedEquals(name) else { continue }
            var start = equals + 1
            while start < bytes.count, bytes[start].isASCIIWhitespace { start += 1 }
            if start < bytes.count, bytes[start] == UInt8(ascii: "\"") || bytes[start] == UInt8(ascii: "'") {
                start += 1
            }
            var stop = start
            while stop < bytes.count, isNameByte(bytes[stop]) { stop += 1 }
            if stop > start { return String(utf8: bytes.extracting(start..<stop)) }
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isASCIIDigit || (0x41...0x5A ~= byte) || (0x61...0x7A ~= byte) || "-_:.".utf8.contains(byte)
    }
}

extension Span<UInt8> {
    /// The index behind the first bytes that are those of `other`.
    fileprivate func end(ofFirst other: StaticString) -> Int? {
        let length = other.utf8CodeUnitCount
        guard count >= length else { return nil }
        return (0...count - length).first { extracting($0...).starts(with: other) }.map { $0 + length }
    }

    /// Whether the bytes are `other`, which is in lower case, but for the case of letters of ASCII.
    fileprivate func lowercasedEquals(_ other: StaticString) -> Bool {
        guard count == other.utf8CodeUnitCount else { return false }
        let wanted = "\(other)".utf8
        return zip(indices, wanted).allSatisfy { index, byte in
            let own = self[index]
            return (0x41...0x5A ~= own ? own | 0x20 : own) == byte
        }
    }
}
