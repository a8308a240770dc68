internal import CEDICTokenizers

/// A splitting pattern that is worked out by hand.
struct WordPattern: Sendable, Equatable {
    enum Family: UInt32, Sendable { case gpt2, cl100k, o200k, nonspace, bert, word, chunks }

    var family: Family
    /// How many numbers make one word at most; 0: any number.
    var digits: UInt8 = 0
    var isolatesDigits = false
    var hasContractions = true
    var joinsFinalSpace = false

    static let gpt2 = WordPattern(family: .gpt2)
    static let nonspace = WordPattern(family: .nonspace)
    static let bert = WordPattern(family: .bert)
    static let word = WordPattern(family: .word)

    /// The pattern that a regular expression is, if it is one of the published ones.
    init?(_ source: String, _ dialect: RegularExpression.Dialect) {
        guard let known = Self.published[source] else { return nil }
        self = known
        // To Oniguruma this is any number of numbers.
        if dialect == .oniguruma, source.contains("{1,3}+") { digits = 0 }
    }

    init(
        family: Family, digits: UInt8 = 0, isolatesDigits: Bool = false, hasContractions: Bool = true,
        joinsFinalSpace: Bool = false
    ) {
        self.family = family
        self.digits = digits
        self.isolatesDigits = isolatesDigits
        self.hasContractions = hasContractions
        self.joinsFinalSpace = joinsFinalSpace
    }

    private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let ending = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
    private static let opening = #"[^\r\n\p{L}\p{N}]?"#
    private static let closing = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    private static let published: [String: WordPattern] = {
        var known: [String: WordPattern] = [:]
        known[#"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#] = gpt2
        known[#"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#] = gpt2
        for end in ["$", #"\z"#] {
            known[#"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++"# + end + #"|\s+(?!\S)|\s"#] =
                gpt2
        }
        for (numbers, digits) in [(#"\p{N}{1,3}"#, 3 as UInt8), (#"\p{N}"#, 1), (#"\p{N}+"#, 0)] {
            let family = WordPattern(family: .cl100k, digits: digits)
            let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
            let letters = #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#
            known[#"(?i:'s|'t|'re|'ve|'m|'ll|'d)"# + letters + numbers + tail] = family
            known[#"'(?i:[sdmt]|ll|ve|re)"# + letters + numbers + tail] = family
            let cased = opening + upper + "*" + lower + "+"
            let capital = opening + upper + "+" + lower + "*"
            known[cased + ending + "|" + capital + ending + "|" + numbers + closing] =
                WordPattern(family: .o200k, digits: digits)
            known[cased + "|" + capital + "|" + numbers + closing] =
                WordPattern(family: .o200k, digits: digits, hasContractions: false)
        }
        // As tiktoken has it, and as Oniguruma has the same.
        for (numbers, end) in [(#"\p{N}{1,3}+"#, "$"), (#"(?>\p{N}{1,3})"#, #"\z"#)] {
            let possessive =
                #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|"# + numbers
                + #"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++"# + end + #"|\s*[\r\n]|\s+(?!\S)|\s"#
            known[possessive] = WordPattern(family: .cl100k, digits: 3, joinsFinalSpace: true)
        }
        return known
    }()

    /// As the C code wants it.
    var native: edic_tok_pattern {
        unsafe edic_tok_pattern(
            family: edic_tok_family(rawValue: family.rawValue) ?? .gpt2, digits: digits,
            isolates_digits: isolatesDigits ? 1 : 0, contractions: hasContractions ? 1 : 0,
            joins_final_space: joinsFinalSpace ? 1 : 0, keeps_controls: 0, cuts_ideographs: 0,
            keeps_separators: 0, separators: nil)
    }

    /// The words of a text, in order.
    func words(in text: [UInt8]) -> [Range<Int>] {
        var words: [Range<Int>] = []
        while true {
            let more = self.words(
                in: text, from: words.last?.upperBound ?? 0, most: min(max(text.count, 64), 4096))
            if more.isEmpty { return words }
            words += more
        }
    }

    /// At most `most` words from byte `start` on, where a word begins. Chunks are cut at bytes whose flag of the 256 is set.
    func words(
        in text: [UInt8], from start: Int, most: Int, separators: [UInt8] = [], keepsSeparators: Bool = false
    ) -> [Range<Int>] {
        guard start < text.count else { return [] }
        var begins = [UInt32](repeating: 0, count: most)
        var ends = begins
        var at = start
        let count = unsafe separators.withUnsafeBufferPointer { separators in
            var pattern = unsafe native
            unsafe pattern.separators = separators.isEmpty ? nil : separators.baseAddress
            unsafe pattern.keeps_separators = keepsSeparators ? 1 : 0
            return unsafe text.withUnsafeBufferPointer {
                unsafe edic_tok_split(&pattern, $0.baseAddress, $0.count, start, &begins, &ends, most, &at)
            }
        }
        return (0..<count).map { Int(begins[$0])..<Int(ends[$0]) }
    }

    /// Makes the kernels of one instruction set run; false where the machine lacks it. For tests.
    static func useKernels(_ name: String) -> Bool { unsafe edic_tok_use_kernels(name) != 0 }
}
