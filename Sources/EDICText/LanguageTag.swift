/// A language tag: BCP 47 (RFC 5646), well-formed, in canonical case.
///
/// ```swift
/// let tag = try LanguageTag("SR-latn-rs")
/// tag.description   // "sr-Latn-RS"
/// tag.isValid       // every subtag is registered
/// ```
public struct LanguageTag: Hashable, Sendable {
    /// The primary language in lower case, such as "de" or "hsb"; "x" for tags of private use only, and the whole tag
    /// for grandfathered ones such as "i-default".
    public let language: String
    /// Extended languages, such as "cmn" in "zh-cmn"; nearly always empty.
    public let extendedLanguages: [String]
    /// The script in title case, such as "Latn".
    public let script: String?
    /// The region: two upper-case letters or three digits.
    public let region: String?
    /// Variants in lower case, such as "1996".
    public let variants: [String]
    /// Extensions in lower case, each beginning with its singleton, such as "u-co-phonebk".
    public let extensions: [String]
    /// What follows "x-", in lower case.
    public let privateUse: String?

    /// Checks that `text` is well-formed and puts it in canonical case.
    public init(_ text: String) throws(TextError) {
        func malformed(_ why: String) -> TextError {
            TextError(
                code: .malformedLanguageTag,
                message:
                    "'\(text.prefix(80))' is not a language tag: \(why); write one like de, sr-Latn or pt-BR (BCP 47)")
        }
        guard text.utf8.count <= 255 else { throw malformed("it is longer than 255 characters") }
        let lower = text.lowercased()
        var parts = lower.split(separator: "-", omittingEmptySubsequences: false).map(String.init)[...]
        for part in parts {
            guard 1...8 ~= part.utf8.count, part.utf8.allSatisfy(\.isASCIIAlphanumeric) else {
                throw malformed("'\(part)' is not one to eight letters or digits")
            }
        }
        var extended: [String] = []
        var script: String?
        var region: String?
        var variants: [String] = []
        var extensions: [String] = []
        var privateUse: String?

        if LanguageRegistry.grandfathered[lower] != nil {
            language = lower
            parts = []
        } else if parts.first == "x" {
            language = "x"
        } else {
            guard let first = parts.popFirst(), first.utf8.allSatisfy(\.isASCIILetter), first.utf8.count >= 2 else {
                throw malformed("it does not begin with a language of two to eight letters")
            }
            language = first
            if first.utf8.count <= 3 {
                while extended.count < 3, let next = parts.first, next.utf8.count == 3,
                    next.utf8.allSatisfy(\.isASCIILetter)
                {
                    extended.append(next)
                    parts.removeFirst()
                }
            }
            if let next = parts.first, next.utf8.count == 4, next.utf8.allSatisfy(\.isASCIILetter) {
                script = next.prefix(1).uppercased() + next.dropFirst()
                parts.removeFirst()
            }
            if let next = parts.first,
                next.utf8.count == 2 && next.utf8.allSatisfy(\.isASCIILetter)
                    || next.utf8.count == 3 && next.utf8.allSatisfy(\.isASCIIDigit)
            {
                region = next.uppercased()
                parts.removeFirst()
            }
            while let next = parts.first,
                next.utf8.count >= 5 || next.utf8.count == 4 && next.utf8.first.map(\.isASCIIDigit) == true
            {
                guard !variants.contains(next) else { throw malformed("the variant '\(next)' comes twice") }
                variants.append(next)
                parts.removeFirst()
            }
            while let singleton = parts.first, singleton.utf8.count == 1, singleton != "x" {
                parts.removeFirst()
                var subtags: [String] = []
                while let next = parts.first, next.utf8.count >= 2 {
                    subtags.append(next)
                    parts.removeFirst()
                }
                guard !subtags.isEmpty else { throw malformed("nothing follows the extension '\(singleton)'") }
                guard !extensions.contains(where: { $0.hasPrefix(singleton + "-") }) else {
                    throw malformed("the extension '\(singleton)' comes twice")
                }
                extensions.append(([singleton] + subtags).joined(separator: "-"))
            }
        }
        if parts.first == "x" {
            guard parts.count > 1 else { throw malformed("nothing follows 'x'") }
            privateUse = parts.dropFirst().joined(separator: "-")
            parts = []
        }
        if let left = parts.first { throw malformed("'\(left)' is out of place") }
        extendedLanguages = extended
        self.script = script
        self.region = region
        self.variants = variants
        self.extensions = extensions.sorted()
        self.privateUse = privateUse
    }

    /// Whether every language, script and region is in the registry. Variants and extensions are not checked.
    public var isValid: Bool {
        if language == "x" || LanguageRegistry.grandfathered[language] != nil { return true }
        guard LanguageRegistry.isLanguage(language), extendedLanguages.count <= 1 else { return false }
        if let extended = extendedLanguages.first, LanguageRegistry.extendedLanguagePrefix[extended] != language {
            return false
        }
        if let script, !LanguageRegistry.isScript(script) { return false }
        if let region, !LanguageRegistry.isRegion(region) { return false }
        return true
    }

    /// The tag with its preferred subtags: "iw" becomes "he", "deu" and "ger" become "de", "zh-cmn" becomes "cmn",
    /// "i-lux" becomes "lb".
    public var canonical: LanguageTag {
        if let preferred = LanguageRegistry.grandfathered[language], !preferred.isEmpty {
            return (try? LanguageTag(preferred)) ?? self
        }
        var subtags: [String] = [extendedLanguages.last ?? language]
        subtags[0] = LanguageRegistry.terminologicalByBibliographic[subtags[0]] ?? subtags[0]
        subtags[0] = LanguageRegistry.alpha2ByAlpha3[subtags[0]] ?? subtags[0]
        subtags[0] = LanguageRegistry.preferredLanguage[subtags[0]] ?? subtags[0]
        if let script { subtags.append(script) }
        if let region { subtags.append(LanguageRegistry.preferredRegion[region] ?? region) }
        return (try? LanguageTag((subtags + tail).joined(separator: "-"))) ?? self
    }

    /// The three-letter code (ISO 639-3) of the language, such as "deu"; nil for tags that have none.
    public var alpha3: String? {
        if language.utf8.count == 3 { return LanguageRegistry.terminologicalByBibliographic[language] ?? language }
        return LanguageRegistry.alpha3ByAlpha2[LanguageRegistry.preferredLanguage[language] ?? language]
    }

    /// The tag's language alone.
    public var primary: LanguageTag { (try? LanguageTag(language)) ?? self }

    private var tail: [String] { variants + extensions + (privateUse.map { ["x", $0] } ?? []) }

    /// The locale name that ICU's segmentation rules go by.
    var icuLocale: String { language == "x" ? "und" : language }
}

extension LanguageTag: CustomStringConvertible, Comparable {
    public var description: String {
        if language == "x" { return "x-\(privateUse ?? "")" }
        // Most tags are a language alone.
        if extendedLanguages.isEmpty, script == nil, region == nil, variants.isEmpty, extensions.isEmpty,
            privateUse == nil
        {
            return language
        }
        return ([language] + extendedLanguages + [script, region].compactMap { $0 } + tail).joined(separator: "-")
    }

    /// By the text of the tag.
    public static func < (a: LanguageTag, b: LanguageTag) -> Bool { a.description < b.description }
}

extension UInt8 {
    fileprivate var isASCIILetter: Bool { 97...122 ~= self | 0x20 }
    fileprivate var isASCIIDigit: Bool { 48...57 ~= self }
    fileprivate var isASCIIAlphanumeric: Bool { isASCIILetter || isASCIIDigit }
}
