/// The subtags of the IANA language subtag registry (file date 2021-08-06) that tags are checked against. Plain facts, packed
/// so that they take a few kilobytes.
enum LanguageRegistry {
    /// Two-letter languages.
    private static let shortLanguages = Set(words(shortLanguageList))

    /// Three-letter languages as a bit set: bit 0 is "aaa", bit 1 "aab"; base64, lowest bit of a byte first.
    private static let longLanguages: [UInt8] = base64(longLanguageBits)

    private static let scripts = Set(words(scriptList))
    private static let regions = Set(words(regionList))

    /// The three-letter code (ISO 639-3) of each two-letter language.
    static let alpha3ByAlpha2: [String: String] = pairs(alpha3List, keyLength: 2)
    static let alpha2ByAlpha3: [String: String] = Dictionary(
        alpha3ByAlpha2.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    /// The ISO 639-3 code of each "bibliographic" ISO 639-2 code that differs.
    static let terminologicalByBibliographic: [String: String] = pairs(bibliographicList, keyLength: 3)
    /// What replaced a deprecated subtag.
    static let preferredLanguage: [String: String] = assignments(preferredLanguageList)
    static let preferredRegion: [String: String] = assignments(preferredRegionList)
    /// The only prefix an extended language may follow.
    static let extendedLanguagePrefix: [String: String] = assignments(extendedLanguageList)
    /// Grandfathered tags in lower case, and what replaced them ("" if nothing did).
    static let grandfathered: [String: String] = assignments(grandfatheredList)

    static func isLanguage(_ subtag: String) -> Bool {
        if subtag.utf8.count == 2 { return shortLanguages.contains(subtag) }
        guard subtag.utf8.count == 3 else { return false }
        var number = 0
        for byte in subtag.utf8 {
            guard case let letter = Int(byte) - 97, 0..<26 ~= letter else { return false }
            number = number * 26 + letter
        }
        return longLanguages[number >> 3] & 1 << (number & 7) != 0
    }

    static func isScript(_ subtag: String) -> Bool { scripts.contains(subtag) || isPrivateScript(subtag) }

    static func isRegion(_ subtag: String) -> Bool { regions.contains(subtag) || isPrivateRegion(subtag) }

    /// Qaaa–Qabx.
    private static func isPrivateScript(_ subtag: String) -> Bool { "Qaaa"..."Qabx" ~= subtag }

    /// QM–QZ and XA–XZ.
    private static func isPrivateRegion(_ subtag: String) -> Bool {
        subtag.utf8.count == 2 && ("QM"..."QZ" ~= subtag || "XA"..."XZ" ~= subtag)
    }

    // MARK: - Unpacking

    private static func words(_ list: String) -> [String] {
        list.split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    private static func pairs(_ list: String, keyLength: Int) -> [String: String] {
        Dictionary(
            words(list).map { (String($0.prefix(keyLength)), String($0.dropFirst(keyLength))) },
            uniquingKeysWith: { first, _ in first })
    }

    private static func assignments(_ list: String) -> [String: String] {
        var table: [String: String] = [:]
        for word in words(list) {
            let halves = word.split(separator: "=", omittingEmptySubsequences: false)
            table[String(halves[0])] = halves.count > 1 ? String(halves[1]) : ""
        }
        return table
    }

    private static func base64(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for byte in text.utf8 {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 97 + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - 48 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: continue
            }
            buffer = buffer << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        return bytes
    }
}
