internal import EDICText

/// Finds the charset of a file by its first bytes.
enum CharsetChoice {
    /// In order: a byte order mark, what the format itself says, what the manifest says, UTF-8 if the bytes are, else
    /// what the detector finds. For formats that say nothing of themselves the manifest comes first.
    static func choose(
        _ head: Span<UInt8>, specification: FileSpecification, language: String?
    ) throws(FileFault) -> Charset {
        if let marked = byteOrderMark(head) { return marked }
        if let name = declaration(head, specification.format), let declared = Charset(named: name) {
            // What is read as ASCII up to here cannot be in units of two bytes.
            return declared.name.hasPrefix("UTF-16") || declared.name.hasPrefix("UTF-32") ? .utf8 : declared
        }
        if let wide = wideASCII(head) { return wide }
        if let name = specification.encoding {
            guard let charset = Charset(named: name) else {
                throw FileFault(.invalidEncoding, "the charset \"\(name)\" is not known", .file)
            }
            return charset
        }
        return detected(head, language: language)
    }

    private static func byteOrderMark(_ head: Span<UInt8>) -> Charset? {
        func begins(_ mark: [UInt8]) -> Bool {
            head.count >= mark.count && mark.indices.allSatisfy { head[$0] == mark[$0] }
        }
        if begins([0xEF, 0xBB, 0xBF]) { return .utf8 }
        if begins([0xFF, 0xFE, 0, 0]) { return .utf32LittleEndian }
        if begins([0, 0, 0xFE, 0xFF]) { return .utf32BigEndian }
        if begins([0xFF, 0xFE]) { return .utf16LittleEndian }
        if begins([0xFE, 0xFF]) { return .utf16BigEndian }
        return nil
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
        case .html: return xmlEncoding(start) ?? value(of: "charset", in: start)
        case .po: return value(of: "charset", in: start).flatMap { $0 == "CHARSET" ? nil : $0 }
        case .text, .jsonl, .tsv, .moses, .conllu, .mo: return nil
        }
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

    private static func detected(_ head: Span<UInt8>, language: String?) -> Charset {
        .utf8
    }
}

extension Span<UInt8> {
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
