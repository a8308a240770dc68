/// What charset some bytes are in, how sure that is, and why.
public struct CharsetGuess: Sendable {
    /// One thing that speaks for a guess.
    public struct Evidence: Equatable, Sendable, CustomStringConvertible {
        /// The byte that shows it, when there is one.
        public let offset: Int?
        /// What it is, in words.
        public let note: String

        public var description: String { offset.map { "byte \($0): \(note)" } ?? note }
    }

    /// The likeliest charset.
    public let charset: Charset
    /// From 0 (no idea) to 1 (a byte order mark, or UTF-8 that could be nothing else).
    public let confidence: Double
    /// What speaks for it.
    public let evidence: [Evidence]
    /// Whether the bytes do not look like text at all; then the charset means nothing.
    public let looksBinary: Bool
    /// The language by whose letters a legacy charset was recognised: a by-product, not language identification.
    public let likelyLanguage: String?
}

/// Finds the charset of text whose charset is unknown, or wrongly declared.
///
/// A byte order mark decides; then UTF-8, which other charsets do not imitate; then UTF-16 and UTF-32 by their zero
/// bytes and blocks. What is left is decoded with every single-byte charset of ``Charset/all``, and each decoding is
/// weighed by ``AlphabetModel``: letters that a language has, capitals only where they belong, no control characters.
/// So the bytes 0x80–0x9F speak for Windows code pages and against ISO 8859, and Polish "ą" tells windows-1250 from
/// ISO-8859-2. East Asian, Hebrew and Arabic charsets are left to ICU's detector.
public struct CharsetDetector: Sendable {
    /// What the sender says; it wins where the bytes do not speak against it.
    public var declared: Charset?
    /// The languages the text is said to be in; they make decodings with their letters likelier.
    public var languages: [LanguageTag]

    public init(declared: Charset? = nil, languages: [LanguageTag] = []) {
        self.declared = declared
        self.languages = languages
    }

    /// Bytes beyond these do not change a verdict on a legacy charset.
    private static let sampleLimit = 1 << 20
    private static let nonASCIILimit = 3000

    /// Guesses the charset of a whole file or of its beginning. UTF-8 is checked to the end of `bytes`.
    public func guess(_ bytes: Span<UInt8>) -> CharsetGuess {
        if let guess = byByteOrderMark(bytes) { return guess }
        if let guess = byZeroBytes(bytes) { return guess }
        if let guess = asUTF8(bytes) { return guess }
        return byAlphabets(bytes.extracting(first: Self.sampleLimit))
    }

    private func verdict(
        _ charset: Charset, _ confidence: Double, _ evidence: [CharsetGuess.Evidence], language: String? = nil
    ) -> CharsetGuess {
        CharsetGuess(
            charset: charset, confidence: confidence, evidence: evidence, looksBinary: false, likelyLanguage: language)
    }

    // MARK: - Unicode

    private func byByteOrderMark(_ bytes: Span<UInt8>) -> CharsetGuess? {
        func begins(with mark: [UInt8]) -> Bool {
            mark.count <= bytes.count && mark.indices.allSatisfy { mark[$0] == bytes[$0] }
        }
        let marks: [(mark: [UInt8], charset: Charset)] = [
            ([0xEF, 0xBB, 0xBF], .utf8), ([0xFF, 0xFE, 0, 0], .utf32LittleEndian),
            ([0, 0, 0xFE, 0xFF], .utf32BigEndian),
            ([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian),
        ]
        guard let found = marks.first(where: { begins(with: $0.mark) }) else { return nil }
        return verdict(found.charset, 1, [.init(offset: 0, note: "a byte order mark of \(found.charset)")])
    }

    /// UTF-16 and UTF-32 without a mark, and files that are not text: all have zero bytes.
    private func byZeroBytes(_ bytes: Span<UInt8>) -> CharsetGuess? {
        let sample = bytes.extracting(first: 1 << 16)
        var zeros = [0, 0, 0, 0]
        var controls = 0
        var firstOdd: Int?
        for i in sample.indices {
            let byte = sample[i]
            if byte == 0 { zeros[i & 3] += 1 }
            if byte < 0x20, ![0x09, 0x0A, 0x0C, 0x0D, 0x1A, 0x1B].contains(byte) {
                controls += 1
                if firstOdd == nil { firstOdd = i }
            }
        }
        guard controls > 0 else { return nil }
        let length = sample.count
        let candidates: [(Charset, Bool)] = [
            (.utf32LittleEndian, length >= 4 && zeros[3] * 8 > length && zeros[2] * 8 > length),
            (.utf32BigEndian, length >= 4 && zeros[0] * 8 > length && zeros[1] * 8 > length),
            (.utf16LittleEndian, length >= 2), (.utf16BigEndian, length >= 2),
        ]
        for (charset, isPossible) in candidates where isPossible && zeros.reduce(0, +) * 40 > length {
            guard let share = plausibility(sample, charset), share > 0.97 else { continue }
            return verdict(
                charset, share, [.init(offset: firstOdd, note: "reads as \(charset), characters of a few alphabets")])
        }
        guard controls * 100 > length || zeros.reduce(0, +) * 1000 > length else { return nil }
        let note = "\(controls) control characters in \(length) bytes: not text"
        return CharsetGuess(
            charset: declared ?? .utf8, confidence: 0, evidence: [.init(offset: firstOdd, note: note)],
            looksBinary: true, likelyLanguage: nil)
    }

    /// The share of characters that European text has, when decoded as `charset`; nil if it is not valid.
    private func plausibility(_ sample: Span<UInt8>, _ charset: Charset) -> Double? {
        guard let (text, report) = try? TextDecoder.decode(sample, as: charset) else { return nil }
        var usual = 0
        var all = 0
        for scalar in String(copying: text.span).unicodeScalars {
            all += 1
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x20..<0x7F, 0xA0..<0x250, 0x370..<0x530, 0x590..<0x700, 0x2010..<0x2040, 0x20AC,
                0x3040..<0x3100, 0x4E00..<0xA000, 0xAC00..<0xD7A4:
                usual += 1
            default: break
            }
        }
        guard all > 0, report.invalidCount * 100 <= all + 100 else { return nil }
        // Any bytes are ideographs in the wrong order; text has spaces or full stops.
        let spaces = text.count { $0 == 0x20 || $0 == 0x0A }
        guard spaces * 200 > all || all < 20 else { return nil }
        return Double(usual) / Double(all)
    }

    private func asUTF8(_ bytes: Span<UInt8>) -> CharsetGuess? {
        let leads = countLeads(bytes.extracting(first: Self.sampleLimit))
        guard let bad = UTF8Validation.isWellFormed(bytes) ? nil : UTF8Validation.firstInvalid(in: bytes) else {
            if leads == 0 {
                let isPlain = countNonASCII(bytes.extracting(first: Self.sampleLimit)) == 0
                return verdict(.utf8, 1, [.init(offset: nil, note: isPlain ? "only ASCII" : "well-formed UTF-8")])
            }
            // Two or three well-formed sequences are hardly chance, more are none.
            let confidence = leads >= 3 ? 1 : leads == 2 ? 0.97 : 0.9
            return verdict(
                .utf8, confidence, [.init(offset: nil, note: "well-formed UTF-8, \(leads) characters beyond ASCII")])
        }
        // Damaged UTF-8 (a cut, a stray byte) is still UTF-8; a legacy charset has hardly a valid sequence.
        var invalid = 0
        var at = 0
        let sample = bytes.extracting(first: Self.sampleLimit)
        while invalid < 2048, at < sample.count, let next = UTF8Validation.firstInvalid(in: sample.extracting(at...)) {
            invalid += 1
            at += next.upperBound
        }
        let valid = max(0, leads - invalid)
        guard valid > 4 * invalid || (invalid == 1 && valid > 0 && bad.upperBound == bytes.count) else { return nil }
        let note = "not UTF-8 here, but \(valid) characters beyond ASCII are well-formed against \(invalid)"
        return verdict(.utf8, Double(valid) / Double(valid + invalid), [.init(offset: bad.lowerBound, note: note)])
    }

    private func countLeads(_ bytes: Span<UInt8>) -> Int {
        var count = 0
        for i in bytes.indices where bytes[i] >= 0xC2 && bytes[i] < 0xF5 { count += 1 }
        return count
    }

    private func countASCIILetters(_ bytes: Span<UInt8>) -> Int {
        var count = 0
        for i in bytes.indices where (bytes[i] | 0x20) &- UInt8(ascii: "a") < 26 { count += 1 }
        return count
    }

    private func countNonASCII(_ bytes: Span<UInt8>) -> Int {
        var count = 0
        for i in bytes.indices where bytes[i] >= 0x80 { count += 1 }
        return count
    }

    // MARK: - Legacy charsets

    /// What a declaration that no byte contradicts adds to the mean log-likelihood.
    private static let trustInDeclaration: Float = 0.4

    /// A way to read the bytes: charsets that read all of them alike share one.
    private struct Reading {
        var charsets: [Charset]
        var language: String
        /// The mean log-likelihood of a character beyond ASCII.
        var score: Float
        var firstImpossible: Int?
        /// Whether the letters are Latin.
        var isLatin = true
    }

    private func byAlphabets(_ bytes: Span<UInt8>) -> CharsetGuess {
        let places = nonASCIIPlaces(bytes)
        let favoured = Set(languages.map { $0.canonical.language })
        var readings: [[Unicode.Scalar?]: Reading] = [:]
        let used = Set(places.map { bytes[$0] }).sorted()
        for charset in candidates {
            guard let table = CharsetTables.table(charset) else { continue }
            let key = used.map { table.scalars[Int($0)] }
            if readings[key] != nil {
                readings[key]?.charsets.append(charset)
                continue
            }
            var reading = read(bytes, places, table, favoured)
            reading.charsets = [charset]
            readings[key] = reading
        }
        if let declared, let key = readings.first(where: { $0.value.charsets.contains(declared) })?.key,
            readings[key]?.firstImpossible == nil
        {
            // The sender knows more than two letters of nearly the same frequency do.
            readings[key]?.score += Self.trustInDeclaration
        }
        let ranked = readings.values.sorted { ($1.score, order(of: $0)) < ($0.score, order(of: $1)) }
        guard let best = ranked.first else { return verdict(declared ?? .utf8, 0, []) }
        let margin = ranked.count > 1 ? best.score - ranked[1].score : 1
        let weight = Double(margin) * Double(min(places.count, 400))
        // Text of a language has a mean above -4; what reads worse is more and more likely nonsense.
        var quality = max(0, min(1, (Double(best.score) + 6.5) / 2.5))
        // No language in Latin letters has more of them beyond ASCII than in it; East Asian bytes look as if.
        if best.isLatin, places.count > countASCIILetters(bytes) { quality *= 0.3 }
        let confidence = min(0.99, quality * (1 - 0.5 / (1 + weight)))
        if quality < 0.75, let guess = byICU(bytes, unless: confidence) { return guess }

        let charset = best.charsets.contains { $0 == declared } ? declared ?? best.charsets[0] : best.charsets[0]
        var evidence = [
            CharsetGuess.Evidence(
                offset: places.first,
                note: "the \(places.count) bytes beyond ASCII read as letters of '\(best.language)'")
        ]
        if best.charsets.count > 1 {
            let others = best.charsets.filter { $0 != charset }.map(\.name).prefix(4).joined(separator: ", ")
            evidence.append(.init(offset: nil, note: "\(others) would read the same"))
        }
        if let declared, declared != charset, let other = ranked.first(where: { $0.charsets.contains(declared) }) {
            let note =
                other.firstImpossible == nil
                ? "declared as \(declared), which would give unusual letters"
                : "declared as \(declared), where this byte is no printable character"
            evidence.append(.init(offset: other.firstImpossible, note: note))
        }
        return verdict(charset, confidence, evidence, language: best.language)
    }

    /// The charsets to try: those whose letters ``AlphabetModel`` knows, and the declared one.
    private var candidates: [Charset] {
        let unknown: Set<String> = [
            "windows-1255", "windows-1256", "windows-1258", "windows-874", "ISO-8859-6", "ISO-8859-8", "IBM862",
            "ISO-8859-11",
        ]
        let known = Charset.singleByte.filter { !unknown.contains($0.name) }
        guard let declared, !known.contains(declared), declared.scalars() != nil else { return known }
        return known + [declared]
    }

    private func order(of reading: Reading) -> Int {
        reading.charsets.compactMap { Charset.singleByte.firstIndex(of: $0) }.min() ?? .max
    }

    private func nonASCIIPlaces(_ bytes: Span<UInt8>) -> [Int] {
        var places: [Int] = []
        for i in bytes.indices where bytes[i] >= 0x80 {
            places.append(i)
            if places.count == Self.nonASCIILimit { break }
        }
        return places
    }

    private func read(
        _ bytes: Span<UInt8>, _ places: [Int], _ table: CharsetTables.Table, _ favoured: Set<String>
    ) -> Reading {
        // What does not depend on the language, and a histogram of the letters.
        var fixed: Float = 0
        var letters = [Int](repeating: 0, count: 256)
        var firstImpossible: Int?
        let kinds = table.kinds
        for place in places {
            let byte = Int(bytes[place])
            let kind = kinds[byte]
            guard kind != .none, kind != .control else {
                fixed += AlphabetModel.impossible
                if firstImpossible == nil { firstImpossible = place }
                continue
            }
            let before = place > 0 ? kinds[Int(bytes[place - 1])] : .none
            let after = place + 1 < bytes.count ? kinds[Int(bytes[place + 1])] : .none
            if kind.isLetter {
                letters[byte] += 1
                if kind == .upper || kind == .otherUpper, before == .lower || before == .otherLower {
                    fixed += AlphabetModel.oddContext
                }
                // Latin and another script in one word: look-alikes do occur, so it only costs.
                if before.isLetter, before.isLatin != kind.isLatin { fixed += AlphabetModel.oddContext }
                if after.isLetter, after.isLatin != kind.isLatin { fixed += AlphabetModel.oddContext }
            } else if kind == .mark || kind == .joiner {
                let isInside = before.isLetter && after.isLetter && kind != .joiner
                fixed += isInside ? AlphabetModel.oddSymbol : AlphabetModel.punctuation
            } else {
                fixed += AlphabetModel.oddSymbol
            }
        }
        var best = Reading(charsets: [], language: "", score: -.infinity, firstImpossible: firstImpossible)
        let found = letters.indices.compactMap { byte in
            letters[byte] > 0 ? table.scalars[byte].map { (scalar: $0, count: letters[byte]) } : nil
        }
        for model in AlphabetModel.all {
            var sum = fixed
            for (scalar, count) in found {
                sum += Float(count) * model.logLikelihood(of: scalar)
            }
            let score = sum / Float(max(1, places.count)) + (favoured.contains(model.language) ? 0.5 : 0)
            if score > best.score {
                best.score = score
                best.language = model.language
            }
        }
        best.isLatin = !found.contains { ICU.isLetter($0.scalar) && $0.scalar.value >= 0x250 }
        return best
    }

    /// ICU's verdict, for what the alphabets do not explain.
    private func byICU(_ bytes: Span<UInt8>, unless confidence: Double) -> CharsetGuess? {
        guard let (name, percent) = ICU.detectCharset(bytes.extracting(first: 1 << 16)),
            let charset = Charset(named: name), !Charset.utf8FamilyNames.contains(charset.name),
            Double(percent) / 100 > max(0.3, confidence)
        else { return nil }
        return verdict(charset, Double(percent) / 100, [.init(offset: nil, note: "ICU's detector finds \(charset)")])
    }
}

/// The decoding tables of the single-byte charsets, made once.
private enum CharsetTables {
    struct Table: Sendable {
        let scalars: [Unicode.Scalar?]
        let kinds: [CharacterKind]

        init?(_ charset: Charset) {
            guard let scalars = charset.scalars() else { return nil }
            self.scalars = scalars
            kinds = scalars.map { $0.map(CharacterKind.init) ?? .none }
        }
    }

    private static let all: [Charset: Table] = {
        var tables: [Charset: Table] = [:]
        for charset in Charset.singleByte { tables[charset] = Table(charset) }
        return tables
    }()

    static func table(_ charset: Charset) -> Table? { all[charset] ?? Table(charset) }
}

/// What matters of a character and of its neighbours.
private enum CharacterKind: UInt8 {
    case none, control, symbol
    /// A mark of ordinary text; a joiner also stands inside words.
    case mark, joiner
    case lower, upper, otherLower, otherUpper

    init(_ scalar: Unicode.Scalar) {
        if scalar.value < 0x20 || 0x7F..<0xA0 ~= scalar.value {
            self = .control
        } else if AlphabetModel.usualMarks.contains(scalar.value) {
            self = scalar == "\u{2019}" || scalar == "\u{B7}" ? .joiner : .mark
        } else if ICU.isLetter(scalar) {
            let isLatin = scalar.value < 0x250
            if ICU.isUppercase(scalar) {
                self = isLatin ? .upper : .otherUpper
            } else {
                self = isLatin ? .lower : .otherLower
            }
        } else {
            self = .symbol
        }
    }

    var isLetter: Bool { rawValue >= CharacterKind.lower.rawValue }

    var isLatin: Bool { self == .lower || self == .upper }
}

extension Charset {
    fileprivate static let utf8FamilyNames: Set<String> = [
        "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE",
    ]
}
