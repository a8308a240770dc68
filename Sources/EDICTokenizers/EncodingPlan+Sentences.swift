internal import EDICJSON

/// Sentences whose parts between spaces are encoded by remembered words, with a ▁ before the first or before each.
extension EncodingPlan {
    /// - Parameters:
    ///   - prefix: whether the text gets a space before it.
    ///   - chunk: encodes a part, with a space before it or not, after a path of this score, or gives up.
    func encodeSentence(
        _ text: Span<UInt8>, prefix: Bool, _ native: NativeSentence?, _ table: WordTable, _ ids: inout [UInt32],
        chunk: ([UInt8], Bool, Double) -> (ids: [UInt32], score: Float)?
    ) -> Bool {
        let first = ids.count
        guard var wholes = wholes(in: text)?[...] else { return false }
        var score: Float = 0
        var at = 0
        // Where spaces are kept, only the first part may have a prefix; where they are not, only it may lack one. Then it
        // is like no other, and what is not there in the end is not the first.
        while prefix == rules.keepsSeparators, ids.count == first, at < text.count {
            var end = at
            while end < text.count, rules.separators[Int(text[end])] == 1 { end += 1 }
            while end < text.count, rules.separators[Int(text[end])] == 0 { end += 1 }
            if let whole = wholes.first, whole.lowerBound < end {
                end = whole.upperBound
                wholes.removeFirst()
            }
            let part = text.extracting(at..<end)
            if let after = native?.encodeBeginning(part, prefix: prefix, into: &ids) {
                score = after
            } else {
                guard let found = chunk(Array(copying: part), prefix, 0) else { return false }
                ids += found.ids
                score = found.score
            }
            at = end
        }
        for whole in wholes {
            let part = Array(copying: text.extracting(whole))
            guard encodeWords(text.extracting(at..<whole.lowerBound), score, native, table, &ids, chunk: chunk),
                let found = chunk(part, false, 0)
            else {
                ids.removeLast(ids.count - first)
                return false
            }
            ids += found.ids
            at = whole.upperBound
        }
        let done = encodeWords(text.extracting(at..<text.count), score, native, table, &ids, chunk: chunk)
        if !done { ids.removeLast(ids.count - first) }
        return done
    }

    /// The same for many texts of one buffer, with `bounds`. Where spaces are kept, each text that gets a ▁ gets a space.
    func encodeSentences(
        _ texts: ArraySlice<Range<Int>>, in bytes: Span<UInt8>, _ native: NativeSentence?, _ table: WordTable,
        _ ids: inout [UInt32], _ bounds: inout [Int], prefix: (Span<UInt8>) -> Bool,
        chunk: ([UInt8], Bool, Double) -> (ids: [UInt32], score: Float)?
    ) -> Bool {
        guard spanning.isEmpty else { return false }
        let prefixed = texts.map { prefix(bytes.extracting($0)) }
        func encodeAll(_ texts: ArraySlice<Range<Int>>, in bytes: Span<UInt8>) -> Bool {
            table.encode(texts, in: bytes, rules, into: &ids, bounds: &bounds) { range, before in
                encodeChunk(bytes.extracting(range), before, native, chunk)
            }
        }
        if prefixed.allSatisfy({ $0 != rules.keepsSeparators }) { return encodeAll(texts, in: bytes) }
        guard rules.keepsSeparators, takesSpaceForPrefix else { return false }
        var spaced: [UInt8] = []
        var ranges: [Range<Int>] = []
        for (text, hasPrefix) in zip(texts, prefixed) {
            let begin = spaced.count
            if hasPrefix, !text.isEmpty { spaced.append(0x20) }
            spaced += Array(copying: bytes.extracting(text))
            ranges.append(begin..<spaced.count)
        }
        return encodeAll(ranges[...], in: spaced.span)
    }

    func addsPrefix(_ rule: SpacePrefix, to text: Span<UInt8>, isFirst: Bool) -> Bool {
        switch rule {
        case .never: return false
        case .always: return true
        case .missing(let onlyFirst):
            let mark = SentencePieceNormalizer.space
            let hasMark = text.count >= 3 && mark.indices.allSatisfy { text[$0] == mark[$0] }
            return (isFirst || !onlyFirst) && !hasMark && !(text.count > 0 && text[0] == 0x20)
        }
    }

    func encodeWords(
        _ words: Span<UInt8>, _ score: Float, _ native: NativeSentence?, _ table: WordTable, _ ids: inout [UInt32],
        chunk: ([UInt8], Bool, Double) -> (ids: [UInt32], score: Float)?
    ) -> Bool {
        table.encode(words, rules, score: score, into: &ids) { range, before in
            encodeChunk(words.extracting(range), before, native, chunk)
        }
    }

    func encodeChunk(
        _ word: Span<UInt8>, _ before: Float, _ native: NativeSentence?,
        _ chunk: ([UInt8], Bool, Double) -> (ids: [UInt32], score: Float)?
    ) -> WordTable.Answer {
        // Sums of `Float` depend on what came before: choices made with it are not remembered.
        let prefix = !rules.keepsSeparators
        if let long = native?.encodeLong(word, prefix: prefix, before: Double(before)) {
            return .ids(long, remembers: false)
        }
        guard let found = chunk(Array(copying: word), prefix, Double(before)) else { return .giveUp }
        return .ids(found.ids, remembers: false)
    }

    /// The parts of a text, from spaces to the next, that a token with a space inside may be in, and which are not cut; nil
    /// where the text has a ▁ of its own, which may be that space.
    private func wholes(in text: Span<UInt8>) -> [Range<Int>]? {
        if spanning.isEmpty { return [] }
        var wholes: [Range<Int>] = []
        let mark = SentencePieceNormalizer.space
        for at in text.indices where text[at] == 0x20 || text[at] == mark[0] {
            if text[at] == mark[0] {
                if at + 3 <= text.count, text[at + 1] == mark[1], text[at + 2] == mark[2] { return nil }
                continue
            }
            for token in spanning {
                let before = token.firstIndex(of: 0x20) ?? 0
                guard at >= before, token.count <= text.count - (at - before),
                    token.indices.allSatisfy({ text[at - before + $0] == token[$0] })
                else { continue }
                var begin = at - before
                while begin > 0, text[begin] != 0x20 { begin -= 1 }
                while begin > 0, text[begin - 1] == 0x20 { begin -= 1 }
                var end = at - before + token.count
                if text[end - 1] == 0x20 {
                    while end < text.count, text[end] == 0x20 { end += 1 }
                }
                while end < text.count, text[end] != 0x20 { end += 1 }
                if let last = wholes.last, last.upperBound > begin {
                    wholes[wholes.count - 1] = min(last.lowerBound, begin)..<max(last.upperBound, end)
                } else {
                    wholes.append(begin..<end)
                }
            }
        }
        return wholes
    }

    /// The ids of a part of a sentence after a path of score `before`; nil where the part is not independent of the rest.
    func encodeChunk(
        _ word: [UInt8], prefix: Bool, _ normalizer: SentencePieceNormalizer, _ core: TokenizerCore, _ before: Double
    ) -> (ids: [UInt32], score: Float)? {
        if !Pattern.literal(SentencePieceNormalizer.space).matches(in: word).isEmpty { return nil }
        let space = SentencePieceNormalizer.space
        let normal = normalizer.apply(AlignedText(word, at: 0, tracking: false), dummyPrefix: prefix).bytes
        // A space at the end may go into one piece with those that follow.
        if rules.keepsSeparators, word.last != 0x20, normal.suffix(3).elementsEqual(space) { return nil }
        switch core.parts.model {
        case .unigram(let model):
            var tokens: [ModelToken] = []
            model.encode(normal, startingAt: before, into: &tokens)
            if tokens.contains(where: { $0.id == model.unknownID }) { return nil }
            return (tokens.map(\.id), tokens.reduce(0) { $0 + Float(model.pieceScore($1.id)) })
        case .sentencePieceBPE(let model):
            let tokens = core.parts.model.encode(normal)
            if !model.byteFallback, tokens.contains(where: { $0.id == model.unknownID }) { return nil }
            return (tokens.map(\.id), 0)
        default: return nil
        }
    }

    /// The ids of a part of a text whose spaces become ▁; nil where the next part may change them.
    func spaced(_ word: [UInt8], prefix: Bool, _ core: TokenizerCore) -> (ids: [UInt32], score: Float)? {
        let space = SentencePieceNormalizer.space
        if word.suffix(3).elementsEqual(space) { return nil }
        let normal = (prefix ? space : []) + word.flatMap { $0 == 0x20 ? space : [$0] }
        return (core.parts.model.encode(normal).map(\.id), 0)
    }
}
