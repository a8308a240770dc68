internal import EDICText

/// A string as gettext's PO files write it: in quotes, with the escapes of C.
enum GettextString {
    /// The text that a string in quotes stands for; nil if it is none.
    ///
    /// - Parameter charset: the name of the catalogue's charset: `\344` and `\xE4` are bytes in it; nil for UTF-8.
    static func unquoted(_ text: Span<UInt8>, charset: String?) -> [UInt8]? {
        var end = text.count
        while end > 0, text[end - 1].isASCIIWhitespace { end -= 1 }
        guard end >= 2, text[0] == UInt8(ascii: "\""), text[end - 1] == UInt8(ascii: "\"") else { return nil }
        let inside = text.extracting(..<(end - 1))
        var value: [UInt8] = []
        value.reserveCapacity(end)
        var index = 1
        while index < inside.count {
            // Copy what needs no treatment at once.
            let escape = inside.firstIndex(of: UInt8(ascii: "\\"), from: index) ?? inside.count
            if let quote = inside.firstIndex(of: UInt8(ascii: "\""), from: index), quote < escape { return nil }
            value.append(inside.extracting(index..<escape))
            index = escape
            var bytes: [UInt8] = []
            while let byte = byte(inside, at: &index) { bytes.append(byte) }
            if !bytes.isEmpty {
                value.append(contentsOf: decoded(bytes, charset))
                continue
            }
            guard index < inside.count else { break }
            guard index + 1 < inside.count else { return nil }
            let escaped = inside[index + 1]
            index += 2
            switch escaped {
            case UInt8(ascii: "n"): value.append(0x0A)
            case UInt8(ascii: "t"): value.append(0x09)
            case UInt8(ascii: "r"): value.append(0x0D)
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): value.append(escaped)
            case UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "v"): break
            default: value.append(contentsOf: [UInt8(ascii: "\\"), escaped])
            }
        }
        return value
    }

    /// The byte that `\ooo` (one to three digits) or `\xhh` (one or more) stands for, which is moved behind; nil if there is none.
    private static func byte(_ text: Span<UInt8>, at index: inout Int) -> UInt8? {
        guard index + 1 < text.count, text[index] == UInt8(ascii: "\\") else { return nil }
        let isHexadecimal = text[index + 1] == UInt8(ascii: "x")
        let (radix, most) = isHexadecimal ? (16, Int.max) : (8, 3)
        let start = index + (isHexadecimal ? 2 : 1)
        var (next, value) = (start, 0)
        while next < text.count, next - start < most,
            let digit = Character(Unicode.Scalar(text[next])).hexDigitValue, digit < radix
        {
            value = (value * radix + digit) & 0xFF
            next += 1
        }
        guard next > start else { return nil }
        index = next
        return UInt8(value)
    }

    private static func decoded(_ bytes: [UInt8], _ charset: String?) -> [UInt8] {
        let named = charset.flatMap { Charset(named: $0) } ?? .utf8
        // A charset that cannot be decoded ended the reading before.
        return (try? TextDecoder.decode(bytes.span, as: named).text) ?? []
    }
}
