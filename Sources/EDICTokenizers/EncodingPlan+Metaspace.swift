internal import EDICJSON

/// Texts whose runs between spaces are encoded for themselves, each with a ▁ before it, as in a tokenizer.json with Metaspace.
extension EncodingPlan {
    /// Whether each run without spaces is encoded for itself, with one ▁ before it.
    static func isMetaspacePerWord(_ normalizer: Normalizer?, _ preTokenizer: PreTokenizer) -> Bool {
        let space = SentencePieceNormalizer.space
        var collapses = false
        switch normalizer {
        case nil, .precompiled?: break
        case .sequence(let steps)?:
            for step in steps {
                switch step {
                case .precompiled: break
                case .strip(left: true, right: true): break
                case .replace(.regularExpression(let expression), let content)
                where expression.source == " {2,}" && (content == [0x20] || content == space):
                    collapses = content == [0x20]
                default: return false
                }
            }
            // Without the strip, a space at an end would be a word.
            if case .strip? = steps.last {} else { collapses = false }
        default: return false
        }
        switch preTokenizer {
        case .metaspace(space, .always, splits: true): return collapses
        case .sequence(let steps) where steps.count == 2:
            if case .whitespaceSplit = steps[0], case .metaspace(space, .always, splits: true) = steps[1] {
                return true
            }
            return false
        default: return false
        }
    }

    /// Whether a word between spaces is normalized the same by itself: it holds no ▁, it does not begin with a character
    /// that is one grapheme with the space before, and at neither end is white space that stripping takes at the text's.
    static func standsAlone(_ word: [UInt8]) -> Bool {
        if !Pattern.literal(SentencePieceNormalizer.space).matches(in: word).isEmpty { return false }
        let first = decodeScalar(word.span, 0).scalar
        var at = word.count - 1
        while at > 0, word[at] & 0xC0 == 0x80 { at -= 1 }
        let last = decodeScalar(word.span, at).scalar
        // The reference's character maps make tabs and line ends spaces, and may drop what stands behind the others.
        for end in [first, last] where end.isWhiteSpace && ![0x09, 0x0A, 0x0D].contains(end.value) { return false }
        for other in [[0x0B], [0x0C], [0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9]] as [[UInt8]]
        where !Pattern.literal(other).matches(in: word).isEmpty { return false }
        guard first.value >= 0x80 else { return true }
        switch first.category {
        case .lu, .ll, .lt, .nd, .nl, .no, .pc, .pd, .ps, .pe, .pi, .pf, .po, .sm, .sc, .so: return true
        case .lo: return first.value != 0xE33 && first.value != 0xEB3
        default: return false
        }
    }

    /// Appends the ids of a text whose words have the same ones by themselves; false, with nothing appended, if one has not.
    func encodeIndependentWords(
        _ text: Span<UInt8>, _ core: TokenizerCore, _ table: WordTable, _ ids: inout [UInt32]
    ) -> Bool {
        table.encode(text, rules, into: &ids) { range, _ in
            let word = Array(copying: text.extracting(range))
            return Self.standsAlone(word) ? encodeWord(word, core) : .giveUp
        }
    }

    /// A word's ids by all parts of the tokenizer.
    func encodeWord(_ word: [UInt8], _ core: TokenizerCore) -> WordTable.Answer {
        var found: [UInt32] = []
        core.encodeSlowly(word, at: 0, .ordinaryText, tracking: false) { id, _, _ in found.append(id) }
        return .ids(found, remembers: true)
    }

    /// The ids of a text, some of whose words are not the same by themselves: only stretches around those are encoded slowly.
    func encodeStretches(
        _ text: Span<UInt8>, _ core: TokenizerCore, _ table: WordTable, _ ids: inout [UInt32]
    ) -> Bool {
        var begin = 0
        while begin < text.count {
            let end = Self.spaceBetweenLetters(in: text, from: begin + 256)
            let stretch = text.extracting(begin..<end)
            if !encodeIndependentWords(stretch, core, table, &ids) {
                core.encodeSlowly(Array(copying: stretch), at: 0, .ordinaryText, tracking: false) { id, _, _ in
                    ids.append(id)
                }
            }
            begin = end + 1
        }
        return true
    }

    /// A single space from `start` on where a text may be cut, since no normalizer joins it with what it stands between;
    /// the text's end where there is none.
    static func spaceBetweenLetters(in text: Span<UInt8>, from start: Int) -> Int {
        func isLetter(_ at: Int) -> Bool {
            switch decodeScalar(text, at).scalar.category {
            case .lu, .ll, .nd: true
            default: false
            }
        }
        var at = start
        while at + 1 < text.count {
            if text[at] == 0x20 {
                var last = at - 1
                while last > at - 4, text[last] & 0xC0 == 0x80 { last -= 1 }
                if isLetter(last), isLetter(at + 1) { return at }
            }
            at += 1
        }
        return text.count
    }
}
