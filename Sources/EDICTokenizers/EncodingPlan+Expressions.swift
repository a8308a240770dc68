internal import EDICJSON

/// Byte-level BPE over words cut by expressions that are not worked out by hand, such as DeepSeek's.
///
/// A text is cut before its spaces, where no word of these expressions goes on; what stands between is encoded by all parts
/// once and remembered.
extension EncodingPlan {
    /// Behind which characters a space always begins another word.
    ///
    /// An expression must take each of them into a word whatever stands before, and never a space behind it.
    enum WordEnd: Sendable, Equatable {
        /// All but white space; the line's end behind a mark may be one word with it.
        case anything(marksTakeLineEnds: Bool)
        case lettersNumbersAndPunctuation
        /// ASCII, letters with case up to Cyrillic, and quotation marks.
        case europeanText

        var marksTakeLineEnds: Bool { self == .anything(marksTakeLineEnds: true) }
    }

    /// The cuts of published tokenizers whose expressions are of this kind, each in turn, with where their words end.
    private static let published: [[String]: WordEnd] = {
        var published: [[String]: WordEnd] = [:]
        let named: [(String, WordEnd)] = [
            ("deepseek-v3", .anything(marksTakeLineEnds: true)), ("qwen35", .anything(marksTakeLineEnds: true)),
            ("default", .anything(marksTakeLineEnds: false)), ("falcon", .anything(marksTakeLineEnds: false)),
            ("deepseek-coder", .lettersNumbersAndPunctuation), ("deepseek-llm", .europeanText),
        ]
        for (name, end) in named {
            if let sources = (try? GGUFPreTokenizer(named: name)).flatMap({ sources(of: $0.preTokenizer) }) {
                published[sources] = end
            }
        }
        return published
    }()

    static func wordEnd(_ preTokenizer: PreTokenizer?) -> WordEnd? {
        preTokenizer.flatMap(sources).flatMap { published[$0] }
    }

    /// The expressions by which each word is cut in turn; nil where it is cut in other ways.
    private static func sources(of preTokenizer: PreTokenizer) -> [String]? {
        switch preTokenizer {
        case .sequence(let steps):
            var all: [String] = []
            for step in steps {
                guard let sources = sources(of: step) else { return nil }
                all += sources
            }
            return all
        case .split(.regularExpression(let expression), .isolated, inverted: false)
        where expression.dialect == .oniguruma:
            // A tokenizer.json may have the characters themselves.
            return [
                expression.source.unicodeScalars.reduce(into: "") { source, scalar in
                    switch scalar {
                    case "\r": source += "\\r"
                    case "\n": source += "\\n"
                    default: source.unicodeScalars.append(scalar)
                    }
                }
            ]
        case .digits(individual: true): return [#"\p{N}"#]
        case .byteLevel(addsPrefixSpace: false, let usesPattern, mapsBytes: false):
            return usesPattern ? ["byte-level"] : []
        default: return nil
        }
    }

    /// Appends the ids of a text; only stretches with a space behind what may not end a word are encoded step by step.
    func encodeByExpressions(
        _ text: Span<UInt8>, _ end: WordEnd, _ core: TokenizerCore, _ table: WordTable, _ ids: inout [UInt32]
    ) {
        if encodeBetweenSpaces(text, end, core, table, &ids) { return }
        var begin = 0
        while begin < text.count {
            var cut = min(begin + 256, text.count)
            while cut < text.count, text[cut] != 0x20 || !Self.closes(text.extracting(begin..<cut), end) { cut += 1 }
            let stretch = text.extracting(begin..<cut)
            if !encodeBetweenSpaces(stretch, end, core, table, &ids) {
                core.encodeSlowly(Array(copying: stretch), at: begin, .ordinaryText, tracking: false) { id, _, _ in
                    ids.append(id)
                }
            }
            begin = cut
        }
    }

    private func encodeBetweenSpaces(
        _ text: Span<UInt8>, _ end: WordEnd, _ core: TokenizerCore, _ table: WordTable, _ ids: inout [UInt32]
    ) -> Bool {
        table.encode(text, rules, into: &ids) { range, _ in
            let stretch = text.extracting(range)
            // The text's end ends a word in any case, but what that makes of it holds only there.
            let closes = Self.closes(stretch, end)
            guard closes || range.upperBound == text.count else { return .giveUp }
            var found: [UInt32] = []
            if let words = Self.plainWords(in: stretch, end) {
                for word in words {
                    found += core.parts.model.encode(Array(copying: stretch.extracting(word))).map(\.id)
                }
                return .ids(found, remembers: closes)
            }
            core.encodeSlowly(Array(copying: stretch), at: 0, .ordinaryText, tracking: false) { id, _, _ in
                found.append(id)
            }
            return .ids(found, remembers: closes)
        }
    }

    /// Whether a space behind the last character would begin another word.
    private static func closes(_ text: Span<UInt8>, _ end: WordEnd) -> Bool {
        guard text.count > 0 else { return false }
        var at = text.count - 1
        while at > 0, at > text.count - 4, text[at] & 0xC0 == 0x80 { at -= 1 }
        let (last, length) = decodeScalar(text, at)
        // Bytes that are no text stand for themselves.
        guard at + length == text.count, last != "\u{FFFD}", !last.isWhiteSpace else { return false }
        switch end {
        case .anything: return true
        case .lettersNumbersAndPunctuation:
            return last.isLetter || last.isNumber
                || [.pc, .pd, .ps, .pe, .pi, .pf, .po].contains(last.category)
        case .europeanText:
            return 0x21...0x7E ~= last.value || 0x2018...0x201F ~= last.value || isPlainLetter(last)
        }
    }

    /// Letters with case that all of these expressions know.
    private static func isPlainLetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x530 && (scalar.category == .lu || scalar.category == .ll)
    }

    /// The words of what is letters after a space or alone, marks that end a sentence or a part of one, a line's end and so on:
    /// all of these expressions cut it alike, but for `marksTakeLineEnds`. Nil where it is anything else.
    private static func plainWords(in text: Span<UInt8>, _ end: WordEnd) -> [Range<Int>]? {
        var words: [Range<Int>] = []
        var begin = 0
        var at = text.count > 1 && text[0] == 0x20 ? 1 : 0
        func close() {
            if begin < at { words.append(begin..<at) }
            begin = at
        }
        while true {
            let letters = at
            while at < text.count {
                let (scalar, length) = decodeScalar(text, at)
                // DeepSeek LLM's third expression cuts ASCII from other letters.
                guard isPlainLetter(scalar), scalar.isASCII || end != .europeanText else { break }
                at += length
            }
            guard at > letters else { return nil }
            close()
            while at < text.count, [0x21, 0x29, 0x2C, 0x2E, 0x3A, 0x3B, 0x3F].contains(text[at]) { at += 1 }
            let hasMarks = at > begin
            if at == text.count {
                close()
                return words
            }
            guard text[at] == 0x0A else { return nil }
            if !hasMarks || !end.marksTakeLineEnds { close() }
            at += 1
            close()
        }
    }
}
