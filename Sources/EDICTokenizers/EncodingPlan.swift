/// How texts are encoded word by word with remembered words, where a tokenizer's parts allow it.
///
/// It holds where the ids of a text are the ids of its words in a row, each word's depending on its bytes alone.
final class EncodingPlan: Sendable {
    private enum Kind: Sendable {
        /// Byte-level BPE over the words of a known pattern.
        case bytes(composes: Bool, prefixesSpace: Bool)
        /// Words cut coarsely; each goes through all the parts.
        case wholeParts
        /// SentencePiece, cut at spaces.
        case sentencePiece(SentencePieceNormalizer, NativeSentence?)
        /// BPE over characters with spaces as ▁, cut at spaces.
        case spaced(SpacePrefix, NativeSentence)
        /// Metaspace pre-tokenization, cut at spaces.
        case metaspace
    }

    /// When a text gets a ▁ before it.
    private enum SpacePrefix: Sendable {
        case never, always
        /// Where it has none yet; of a text with added tokens between maybe only the first part.
        case missing(onlyFirst: Bool)
    }

    private let kind: Kind
    /// Whether the normalizer only puts ▁ for spaces and one before the text.
    var changesOnlySpaces: Bool { if case .spaced = kind { true } else { false } }
    private let pattern: WordPattern
    private let words: NativeWords
    private let separators: [UInt8]
    private let keepsSeparators: Bool
    /// Tokens with a space after something else, as they stand in a text: no cut may be within one.
    private let spanning: [[UInt8]]

    convenience init?(_ parts: TokenizerParts) {
        switch parts.model {
        case .bytePair(let model) where model.mergesCharacters:
            guard let prefix = Self.spacePrefix(parts.normalizer, parts.preTokenizer) else { return nil }
            self.init(prefix, model, parts.model)
        case .bytePair(let model) where model.isByteLevel:
            var composes = false
            switch parts.normalizer {
            case nil: break
            case .form(.nfc): composes = true
            default: return nil
            }
            guard let (pattern, prefix) = Self.bytePattern(parts.preTokenizer) else { return nil }
            self.init(
                kind: .bytes(composes: composes, prefixesSpace: prefix), pattern: pattern,
                words: NativeWords(kind: .bytes(model)))
        case .wordPiece(let model):
            var cleaning: NativeWords.BERTCleaning?
            switch parts.normalizer {
            case nil: break
            case .bert(_, let cutsIdeographs, let stripsAccents, let lowercases):
                cleaning = NativeWords.BERTCleaning(
                    stripsAccents: stripsAccents, lowercases: lowercases, cutsIdeographs: cutsIdeographs)
            default: return nil
            }
            guard case .bert? = parts.preTokenizer else { return nil }
            self.init(
                kind: .wholeParts, pattern: .bert, words: NativeWords(kind: .wordPiece(model, cleaning)))
        case .sentencePieceBPE(let model):
            guard case .sentencePiece(let normalizer)? = parts.normalizer, parts.preTokenizer == nil else { return nil }
            self.init(normalizer, pieces: model.pieces, parts.model)
        case .unigram(let model):
            switch (parts.normalizer, parts.preTokenizer) {
            case (.sentencePiece(let normalizer)?, nil):
                self.init(normalizer, pieces: model.pieces, parts.model)
            case (let normalizer, let preTokenizer?):
                guard Self.isMetaspacePerWord(normalizer, preTokenizer) else { return nil }
                let maps = Self.characterMaps(in: normalizer)
                self.init(
                    kind: .metaspace, pattern: WordPattern(family: .chunks),
                    words: NativeWords(kind: Self.plainWords(parts.model, model, maps)),
                    separators: Self.flags([0x20] + (maps.first.map(Self.bytesBecomingSpaces) ?? [])))
            default: return nil
            }
        default: return nil
        }
    }

    private convenience init?(_ normalizer: SentencePieceNormalizer, pieces: SentencePieces, _ model: Model) {
        guard normalizer.escapesWhitespace, !normalizer.treatsWhitespaceAsSuffix else { return nil }
        let space = SentencePieceNormalizer.space
        // A cut before a space is safe when no piece has a space after something else.
        var hasSpace = false
        var spanning: [[UInt8]] = []
        for id in pieces.indices where pieces.kinds[id].isText && pieces.concernsSpaces(id) {
            let piece = pieces[id]
            if piece.bytes == space, piece.kind == .normal { hasSpace = true }
            var rest = piece.bytes[...]
            while rest.starts(with: space) { rest = rest.dropFirst(3) }
            if !Pattern.literal(space).matches(in: Array(rest)).isEmpty {
                // Few such pieces are looked for in the text, where it is as it was and scores do not add up.
                guard piece.kind == .normal, spanning.count < Self.mostSpanning, normalizer.map == nil,
                    !normalizer.removesExtraWhitespace, case .sentencePieceBPE = model
                else { return nil }
                spanning.append(Self.spaced(rest))
            }
            // The user's symbols are also found in the text as it is, and no cut may be within one.
            if piece.kind == .userDefined {
                let word = normalizer.removesExtraWhitespace ? rest : rest.drop { $0 == 0x20 }
                if word.contains(0x20) || word.starts(with: space) { return nil }
            }
        }
        guard hasSpace else { return nil }
        var cuts: [UInt8] = [0x20]
        if normalizer.removesExtraWhitespace, let map = normalizer.map {
            cuts += Self.bytesBecomingSpaces(map).filter { byte in
                !pieces.entries(of: .userDefined).contains { $0.key.contains(byte) }
            }
        }
        let native = NativeSentence(model, normalizer)
        let words = native.map { NativeWords.Kind.sentence($0, prefixes: normalizer.removesExtraWhitespace) }
        self.init(
            kind: .sentencePiece(normalizer, native), pattern: WordPattern(family: .chunks),
            words: NativeWords(kind: words ?? .elsewhere), separators: Self.flags(cuts),
            keepsSeparators: !normalizer.removesExtraWhitespace, spanning: spanning)
    }

    /// Keys that span a space would see across a cut; other white space that becomes a space cuts as well.
    private static func bytesBecomingSpaces(_ map: CharacterMap) -> [UInt8] {
        [0x09, 0x0A, 0x0D].filter { byte in
            guard let match = map.longestMatch([byte, 0x41].span, 0), match.length == 1 else { return false }
            return map.bytes(of: match.value).elementsEqual([0x20])
        }
    }

    private static let mostSpanning = 8

    /// A piece as it stands in a text.
    private static func spaced(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        Normalizer.replace(.literal(SentencePieceNormalizer.space), with: [0x20])
            .apply(AlignedText(Array(piece), at: 0, tracking: false)).bytes
    }

    private convenience init?(_ prefix: SpacePrefix, _ model: BytePairModel, _ whole: Model) {
        let space = SentencePieceNormalizer.space
        // A cut before a space is safe when no merge has a space after something else, and bytes do not merge.
        guard model.index.id(of: space.span) != nil else { return nil }
        var isKnown = [Bool](repeating: false, count: model.vocabulary.count)
        var isByte = isKnown
        for id in model.fallback { isByte[Int(id)] = true }
        var spanning: [[UInt8]] = []
        for merge in model.merges {
            if isByte[Int(merge.left)] || isByte[Int(merge.right)] { return nil }
            guard let result = model.table.merge(merge.left, merge.right)?.result, let token = model.vocabulary[result]
            else { return nil }
            if isKnown[Int(result)] { continue }
            isKnown[Int(result)] = true
            var begin = 0
            while token[begin...].starts(with: space) { begin += 3 }
            let mark = token.indices.dropFirst(begin).first {
                token[$0] == space[0] && token[$0...].starts(with: space)
            }
            if mark != nil { spanning.append(Self.spaced(token[begin...])) }
            if spanning.count > Self.mostSpanning { return nil }
        }
        var normalizer = SentencePieceNormalizer()
        normalizer.removesExtraWhitespace = false
        guard let native = NativeSentence(whole, normalizer) else { return nil }
        self.init(
            kind: .spaced(prefix, native), pattern: WordPattern(family: .chunks),
            words: NativeWords(kind: .sentence(native, prefixes: false)), separators: Self.flags([0x20]),
            keepsSeparators: true, spanning: spanning)
    }

    private static func spacePrefix(_ normalizer: Normalizer?, _ preTokenizer: PreTokenizer?) -> SpacePrefix? {
        let space = SentencePieceNormalizer.space
        switch (normalizer, preTokenizer) {
        // Spaces that are no more cut nothing.
        case (.replace(.literal([0x20]), space)?, nil),
            (.replace(.literal([0x20]), space)?, .split(.literal([0x20]), _, _)?):
            return .never
        case (.sequence(let steps)?, nil) where steps.count == 2:
            guard case (.prepend(space), .replace(.literal([0x20]), space)) = (steps[0], steps[1]) else { return nil }
            return .always
        case (nil, .metaspace(space, let scheme, splits: false)?):
            return scheme == .never ? .never : .missing(onlyFirst: scheme == .first)
        default: return nil
        }
    }

    private init(
        kind: Kind, pattern: WordPattern, words: NativeWords = NativeWords(kind: .elsewhere), separators: [UInt8] = [],
        keepsSeparators: Bool = false, spanning: [[UInt8]] = []
    ) {
        self.kind = kind
        self.pattern = pattern
        self.words = words
        self.separators = separators
        self.keepsSeparators = keepsSeparators
        self.spanning = spanning
    }

    private static func flags(_ bytes: [UInt8]) -> [UInt8] {
        var flags = [UInt8](repeating: 0, count: 256)
        for byte in bytes { flags[Int(byte)] = 1 }
        return flags
    }

    private static func bytePattern(_ preTokenizer: PreTokenizer?) -> (WordPattern, prefixesSpace: Bool)? {
        switch preTokenizer {
        case .byteLevel(let prefix, usesPattern: true, mapsBytes: false): return (.gpt2, prefix)
        case .split(.regularExpression(let expression), .isolated, inverted: false):
            return WordPattern(source: expression.source).map { ($0, false) }
        case .sequence(let steps) where steps.count == 2:
            switch (steps[0], steps[1]) {
            case (.split, .byteLevel(false, usesPattern: false, mapsBytes: false)): return bytePattern(steps[0])
            case (.digits(let individual), .byteLevel(false, usesPattern: true, mapsBytes: false)):
                return (WordPattern(family: .gpt2, digits: individual ? 1 : 0, isolatesDigits: true), false)
            default: return nil
            }
        default: return nil
        }
    }

    /// Whether each run without spaces is encoded for itself, with one ▁ before it.
    private static func isMetaspacePerWord(_ normalizer: Normalizer?, _ preTokenizer: PreTokenizer) -> Bool {
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

    private static func characterMaps(in normalizer: Normalizer?) -> [CharacterMap] {
        let steps = if case .sequence(let steps)? = normalizer { steps } else { normalizer.map { [$0] } ?? [] }
        return steps.compactMap { if case .precompiled(let map) = $0 { map } else { nil } }
    }

    /// What encodes the plain words of a model that is not sentencepiece's own, if a character map is all that may change
    /// them.
    private static func plainWords(_ model: Model, _ unigram: UnigramModel, _ maps: [CharacterMap]) -> NativeWords.Kind
    {
        var alone = SentencePieceNormalizer()
        alone.map = maps.first
        guard maps.count < 2, let native = NativeSentence(model, alone, standsAlone: true) else { return .elsewhere }
        return .alone(native, unknownID: unigram.unknownID, fusesUnknown: unigram.fallback.isEmpty)
    }

    /// Appends the ids of a part of a text; false, with nothing appended, where it must be encoded step by step.
    func encode(
        _ text: Span<UInt8>, isFirst: Bool, core: TokenizerCore, table: WordTable, into ids: inout [UInt32]
    ) -> Bool {
        switch kind {
        case .bytes(let composes, let prefixesSpace):
            let isComposed = !composes || isSurelyComposed(text)
            let lacksSpace = prefixesSpace && text.count > 0 && text[0] != 0x20
            if isComposed, !lacksSpace { return encodeBytes(text, core, table, &ids) }
            var bytes = copy(text)
            if !isComposed {
                bytes = NormalizationForm.nfc.apply(AlignedText(bytes, at: 0, tracking: false)).bytes
            }
            return encodeBytes((lacksSpace ? [0x20] + bytes : bytes).span, core, table, &ids)
        case .wholeParts, .metaspace:
            let isMetaspace = if case .metaspace = kind { true } else { false }
            return run(text, table, &ids) { range, _ in
                let word = copy(text.extracting(range))
                if isMetaspace, !Self.standsAlone(word) { return .giveUp }
                var found: [UInt32] = []
                core.encodeSlowly(word, at: 0, .ordinaryText, tracking: false) { id, _ in found.append(id) }
                return .ids(found, remembers: true)
            }
        case .spaced(let rule, let native):
            var prefix = false
            switch rule {
            case .never: break
            case .always: prefix = true
            case .missing(let onlyFirst):
                let mark = SentencePieceNormalizer.space
                let hasMark = text.count >= 3 && mark.indices.allSatisfy { text[$0] == mark[$0] }
                prefix = (isFirst || !onlyFirst) && !hasMark && !(text.count > 0 && text[0] == 0x20)
            }
            return encodeSentence(text, prefix: prefix, native, table, &ids) { word, prefix, _ in
                self.spaced(word, prefix: prefix, core)
            }
        case .sentencePiece(let normalizer, let native):
            return encodeSentence(text, prefix: normalizer.addsDummyPrefix, native, table, &ids) {
                self.encodeChunk($0, prefix: $1, normalizer, core, $2)
            }
        }
    }

    /// Whether a word between spaces is normalized the same by itself: it holds no ▁, it does not begin with a character
    /// that is one grapheme with the space before, and at neither end is white space that stripping takes at the text's.
    private static func standsAlone(_ word: [UInt8]) -> Bool {
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

    private func encodeBytes(_ text: Span<UInt8>, _ core: TokenizerCore, _ table: WordTable, _ ids: inout [UInt32])
        -> Bool
    {
        run(text, table, &ids) { range, _ in
            .ids(core.parts.model.encode(copy(text.extracting(range))).map(\.id), remembers: false)
        }
    }

    private func run(
        _ text: Span<UInt8>, _ table: WordTable, _ ids: inout [UInt32],
        _ elsewhere: (Range<Int>, Float) -> WordTable.Answer
    ) -> Bool {
        table.encode(
            text, pattern: pattern, separators: separators, keepsSeparators: keepsSeparators, words: words, into: &ids,
            elsewhere: elsewhere)
    }

    private func isSurelyComposed(_ text: Span<UInt8>) -> Bool {
        for at in text.indices where text[at] >= 0xCC { return false }
        return true
    }

    // MARK: SentencePiece

    /// - Parameters:
    ///   - prefix: whether the text gets a space before it.
    ///   - chunk: encodes a part, with a space before it or not, after a path of this score, or gives up.
    private func encodeSentence(
        _ text: Span<UInt8>, prefix: Bool, _ native: NativeSentence?, _ table: WordTable, _ ids: inout [UInt32],
        chunk: ([UInt8], Bool, Double) -> (ids: [UInt32], score: Float)?
    ) -> Bool {
        let first = ids.count
        guard var wholes = wholes(in: text)?[...] else { return false }
        var score: Float = 0
        var at = 0
        // Where spaces are kept, only the first part may have a prefix; where they are not, only it may lack one. Then it
        // is like no other, and what is not there in the end is not the first.
        while prefix == keepsSeparators, ids.count == first, at < text.count {
            var end = at
            while end < text.count, separators[Int(text[end])] == 1 { end += 1 }
            while end < text.count, separators[Int(text[end])] == 0 { end += 1 }
            if let whole = wholes.first, whole.lowerBound < end {
                end = whole.upperBound
                wholes.removeFirst()
            }
            let part = text.extracting(at..<end)
            if let after = native?.encodeBeginning(part, prefix: prefix, into: &ids) {
                score = after
            } else {
                guard let found = chunk(copy(part), prefix, 0) else { return false }
                ids += found.ids
                score = found.score
            }
            at = end
        }
        for whole in wholes {
            let part = copy(text.extracting(whole))
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

    private func encodeWords(
        _ words: Span<UInt8>, _ score: Float, _ native: NativeSentence?, _ table: WordTable, _ ids: inout [UInt32],
        chunk: ([UInt8], Bool, Double) -> (ids: [UInt32], score: Float)?
    ) -> Bool {
        table.encode(
            words, pattern: pattern, separators: separators, keepsSeparators: keepsSeparators, words: self.words,
            score: score, into: &ids,
            elsewhere: { range, before in
                // Sums of `Float` depend on what came before: choices made with it are not remembered.
                let long = native?.encodeLong(words.extracting(range), prefix: !keepsSeparators, before: Double(before))
                if let long { return .ids(long, remembers: false) }
                let word = copy(words.extracting(range))
                guard let found = chunk(word, !keepsSeparators, Double(before)) else { return .giveUp }
                return .ids(found.ids, remembers: false)
            })
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
    private func encodeChunk(
        _ word: [UInt8], prefix: Bool, _ normalizer: SentencePieceNormalizer, _ core: TokenizerCore, _ before: Double
    ) -> (ids: [UInt32], score: Float)? {
        if !Pattern.literal(SentencePieceNormalizer.space).matches(in: word).isEmpty { return nil }
        let space = SentencePieceNormalizer.space
        let normal = normalizer.apply(AlignedText(word, at: 0, tracking: false), dummyPrefix: prefix).bytes
        // A space at the end may go into one piece with those that follow.
        if keepsSeparators, word.last != 0x20, normal.suffix(3).elementsEqual(space) { return nil }
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
    private func spaced(_ word: [UInt8], prefix: Bool, _ core: TokenizerCore) -> (ids: [UInt32], score: Float)? {
        let space = SentencePieceNormalizer.space
        if word.suffix(3).elementsEqual(space) { return nil }
        let normal = (prefix ? space : []) + word.flatMap { $0 == 0x20 ? space : [$0] }
        return (core.parts.model.encode(normal).map(\.id), 0)
    }

    private func copy(_ text: Span<UInt8>) -> [UInt8] {
        unsafe text.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
