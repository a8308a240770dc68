/// A way of writing text as bytes, by its IANA name.
///
/// ``init(named:)`` takes the aliases in use ("latin-2", "cp1250", "UTF8"). ``all`` lists the charsets that the
/// detector tries and the documentation promises; names beyond it work when ICU knows them.
public struct Charset: Hashable, Sendable {
    enum Form: Hashable, Sendable {
        case utf8
        /// `isBigEndian` is nil where the byte order mark decides, and big-endian without one (RFC 2781).
        case utf16(isBigEndian: Bool?)
        case utf32(isBigEndian: Bool?)
        /// One byte a character, by ICU's table.
        case singleByte
        /// One byte a character: the upper 128 characters stand in ``Charset/builtInTables``.
        case builtIn
        /// Anything else ICU converts.
        case multiByte
    }

    /// The preferred MIME or IANA name, such as "ISO-8859-2", "windows-1250", "KOI8-U", "UTF-8".
    public let name: String
    let form: Form

    private init(_ name: String, _ form: Form) {
        self.name = name
        self.form = form
    }

    /// UTF-8.
    public static let utf8 = Charset("UTF-8", .utf8)
    /// UTF-16 in the order of its byte order mark, big-endian without one.
    public static let utf16 = Charset("UTF-16", .utf16(isBigEndian: nil))
    /// UTF-16, the low byte first.
    public static let utf16LittleEndian = Charset("UTF-16LE", .utf16(isBigEndian: false))
    /// UTF-16, the high byte first.
    public static let utf16BigEndian = Charset("UTF-16BE", .utf16(isBigEndian: true))
    /// UTF-32 in the order of its byte order mark, big-endian without one.
    public static let utf32 = Charset("UTF-32", .utf32(isBigEndian: nil))
    /// UTF-32, the lowest byte first.
    public static let utf32LittleEndian = Charset("UTF-32LE", .utf32(isBigEndian: false))
    /// UTF-32, the highest byte first.
    public static let utf32BigEndian = Charset("UTF-32BE", .utf32(isBigEndian: true))
    /// ISO 8859-1, Western European.
    public static let latin1 = Charset("ISO-8859-1", .singleByte)
    /// Windows' Western European.
    public static let windows1252 = Charset("windows-1252", .singleByte)

    /// The single-byte charsets, the likelier ones of the same shape first: the detector breaks ties by this order.
    static let singleByte: [Charset] =
        [
            "windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1257",
            "ISO-8859-1", "ISO-8859-15", "ISO-8859-2", "ISO-8859-5", "ISO-8859-7", "ISO-8859-9", "ISO-8859-13",
            "ISO-8859-4", "ISO-8859-3", "ISO-8859-10", "ISO-8859-14",
        ].map { Charset($0, .singleByte) } + [Charset("ISO-8859-16", .builtIn)]
        + [
            "KOI8-U", "KOI8-R", "IBM852", "IBM850", "IBM866", "IBM437", "IBM775", "IBM737", "IBM857", "IBM855",
            "IBM858", "IBM860", "IBM861", "IBM863", "IBM865", "IBM869", "macintosh", "x-mac-ce", "x-mac-cyrillic",
            "x-mac-greek", "x-mac-turkish",
        ].map { Charset($0, .singleByte) }
        + ["x-mac-croatian", "x-mac-romanian", "x-mac-icelandic"].map { Charset($0, .builtIn) }
        + [
            "windows-1255", "windows-1256", "windows-1258", "windows-874", "ISO-8859-6", "ISO-8859-8", "IBM862",
            "ISO-8859-11",
        ].map { Charset($0, .singleByte) }

    /// Every charset this module promises to decode.
    public static let all: [Charset] =
        [utf8, utf16, utf16LittleEndian, utf16BigEndian, utf32, utf32LittleEndian, utf32BigEndian] + singleByte
        + ["Shift_JIS", "EUC-JP", "ISO-2022-JP", "GB18030", "GBK", "Big5", "EUC-KR"].map { Charset($0, .multiByte) }

    /// Names in use besides the charsets' own, without case and punctuation.
    private static let aliases: [String: String] = [
        "ascii": "UTF-8", "usascii": "UTF-8", "ansix341968": "UTF-8", "iso646us": "UTF-8", "utf8sig": "UTF-8",
        "utf8bom": "UTF-8", "ucs2": "UTF-16", "unicode": "UTF-16", "ucs4": "UTF-32",
        "utf16le": "UTF-16LE", "utf16be": "UTF-16BE", "ucs2le": "UTF-16LE", "ucs2be": "UTF-16BE",
        "latin1": "ISO-8859-1", "l1": "ISO-8859-1", "latin2": "ISO-8859-2", "l2": "ISO-8859-2",
        "latin3": "ISO-8859-3", "latin4": "ISO-8859-4", "cyrillic": "ISO-8859-5", "arabic": "ISO-8859-6",
        "greek": "ISO-8859-7", "hebrew": "ISO-8859-8", "latin5": "ISO-8859-9", "latin6": "ISO-8859-10",
        "latin7": "ISO-8859-13", "latin8": "ISO-8859-14", "latin9": "ISO-8859-15", "latin0": "ISO-8859-15",
        "latin10": "ISO-8859-16", "ansi": "windows-1252", "cp819": "ISO-8859-1",
        "macroman": "macintosh", "mac": "macintosh", "xmacroman": "macintosh", "maccentraleurope": "x-mac-ce",
        "maclatin2": "x-mac-ce", "xmaccentraleurroman": "x-mac-ce", "maccyrillic": "x-mac-cyrillic",
        "macgreek": "x-mac-greek", "macturkish": "x-mac-turkish", "maccroatian": "x-mac-croatian",
        "macromania": "x-mac-romanian", "macromanian": "x-mac-romanian", "maciceland": "x-mac-icelandic",
        "macicelandic": "x-mac-icelandic", "koi8": "KOI8-R", "dosrussian": "IBM866", "sjis": "Shift_JIS",
    ]

    private static let byKey: [String: Charset] = {
        var table: [String: Charset] = [:]
        for charset in all { table[key(charset.name)] = charset }
        for page in 1250...1258 {
            for prefix in ["cp", "win", "microsoftcp", "xcp", "ms"] {
                table["\(prefix)\(page)"] = table["windows\(page)"]
            }
        }
        for charset in all where charset.name.hasPrefix("IBM") {
            let number = charset.name.dropFirst(3)
            for prefix in ["cp", "dos", "csibm", "pc", ""] { table["\(prefix)\(number)"] = charset }
        }
        for charset in all where charset.name.hasPrefix("ISO-8859-") {
            let number = charset.name.dropFirst(9)
            for prefix in ["8859", "iso8859", "isoiec8859", "iso_8859"] { table["\(prefix)\(number)"] = charset }
        }
        for (alias, name) in aliases { table[alias] = table[key(name)] }
        return table
    }()

    private static func key(_ name: String) -> String {
        String(decoding: name.utf8.compactMap(lowercasedAlphanumeric), as: UTF8.self)
    }

    private static func lowercasedAlphanumeric(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return byte | 0x20
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): return byte
        default: return nil
        }
    }

    /// The charset of a name or alias, without regard to case and punctuation; nil if nobody knows it.
    public init?(named name: String) {
        if let known = Self.byKey[Self.key(name)] {
            self = known
        } else if name.utf8.allSatisfy({ 0x21..<0x7F ~= $0 }), name.utf8.count < 60,
            let standard = ICU.standardCharsetName(name)
        {
            self =
                Self.byKey[Self.key(standard)]
                ?? Charset(standard, ICU.scalars(ofSingleByteCharset: standard) == nil ? .multiByte : .singleByte)
        } else {
            return nil
        }
    }

    /// The scalar of each byte, nil where the charset has none; nil for charsets with longer characters.
    ///
    /// The bytes 0x80–0x9F that a Windows, DOS or Macintosh code page leaves free have no scalar, although some
    /// converters map them to control characters.
    func scalars() -> [Unicode.Scalar?]? {
        switch form {
        case .builtIn:
            guard let upper = Self.builtInTables[name] else { return nil }
            return (UInt8(0)..<128).map { Unicode.Scalar($0) }
                + upper.unicodeScalars.map { $0 == "\u{FFFD}" ? nil : $0 }
        case .singleByte:
            guard let scalars = ICU.scalars(ofSingleByteCharset: name) else { return nil }
            if name.hasPrefix("ISO-8859") { return scalars }
            return scalars.map { scalar in scalar.flatMap { 0x80..<0xA0 ~= $0.value ? nil : $0 } }
        default: return nil
        }
    }
}

extension Charset: CustomStringConvertible {
    public var description: String { name }
}
