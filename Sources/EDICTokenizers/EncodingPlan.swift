internal import EDICJSON

/// How texts are encoded word by word with remembered words, where a tokenizer's parts allow it.
///
/// It holds where the ids of a text are the ids of its words in a row, each word's depending on its bytes alone.
final class EncodingPlan: Sendable {
    enum Kind: Sendable {
        /// Byte-level BPE over the words of a known pattern.
        case bytes(BytePairModel, composes: Bool, prefixesSpace: Bool)
        /// The same over words cut by expressions.
        case byExpressions(WordEnd, composes: Bool)
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
    enum SpacePrefix: Sendable {
        case never, always
        /// Where it has none yet; of a text with added tokens between maybe only the first part.
        case missing(onlyFirst: Bool)
    }

    let kind: Kind
    /// Whether the normalizer only puts ▁ for spaces and one before the text.
    var changesOnlySpaces: Bool { if case .spaced = kind { true } else { false } }
    let rules: WordTable.Rules
    /// Whether a ▁ before a text is what a space before it becomes, as far as its first word goes.
    let takesSpaceForPrefix: Bool
    /// Tokens with a space after something else, as they stand in a text: no cut may be within one.
    let spanning: [[UInt8]]

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
            guard let (pattern, prefix) = Self.bytePattern(parts.preTokenizer) else {
                guard let end = Self.wordEnd(parts.preTokenizer) else { return nil }
                self.init(
                    kind: .byExpressions(end, composes: composes), pattern: WordPattern(family: .chunks),
                    separators: Self.flags([0x20]), keepsSeparators: true)
                return
            }
            self.init(
                kind: .bytes(model, composes: composes, prefixesSpace: prefix), pattern: pattern,
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
        if !normalizer.removesExtraWhitespace, spanning.isEmpty, normalizer.map == nil,
            case .sentencePieceBPE(let model) = model, model.byteFallback, Self.haveNoLineEnds(pieces.spellings)
        {
            cuts.append(0x0A)
        }
        let native = NativeSentence(model, normalizer)
        let words = native.map { NativeWords.Kind.sentence($0, prefixes: normalizer.removesExtraWhitespace) }
        self.init(
            kind: .sentencePiece(normalizer, native), pattern: WordPattern(family: .chunks),
            words: NativeWords(kind: words ?? .elsewhere), separators: Self.flags(cuts),
            keepsSeparators: !normalizer.removesExtraWhitespace, spanning: spanning,
            takesSpaceForPrefix: normalizer.map == nil
                && !pieces.contains {
                    $0.kind == .userDefined && ($0.bytes.first == 0x20 || $0.bytes.starts(with: space))
                })
    }

    /// Keys that span a space would see across a cut; other white space that becomes a space cuts as well.
    private static func bytesBecomingSpaces(_ map: CharacterMap) -> [UInt8] {
        [0x09, 0x0A, 0x0D].filter { byte in
            guard let match = map.longestMatch([byte, 0x41].span, 0), match.length == 1 else { return false }
            return map.bytes(of: match.value).elementsEqual([0x20])
        }
    }

    /// With no line's end in any token, each is encoded as a byte, which merges with nothing: a text may be cut before it.
    private static func haveNoLineEnds(_ vocabulary: Vocabulary) -> Bool { !vocabulary.bytes.contains(0x0A) }

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
        let endsAtLines = spanning.isEmpty && model.fallback.count == 256 && Self.haveNoLineEnds(model.vocabulary)
        let cuts: [UInt8] = endsAtLines ? [0x20, 0x0A] : [0x20]
        self.init(
            kind: .spaced(prefix, native), pattern: WordPattern(family: .chunks),
            words: NativeWords(kind: .sentence(native, prefixes: false)), separators: Self.flags(cuts),
            keepsSeparators: true, spanning: spanning, takesSpaceForPrefix: true)
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
        keepsSeparators: Bool = false, spanning: [[UInt8]] = [], takesSpaceForPrefix: Bool = false
    ) {
        self.kind = kind
        rules = WordTable.Rules(
            pattern: pattern, separators: separators, keepsSeparators: keepsSeparators, words: words)
        self.spanning = spanning
        self.takesSpaceForPrefix = takesSpaceForPrefix
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
            return WordPattern(expression.source, expression.dialect).map { ($0, false) }
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
        case .bytes(let model, let composes, let prefixesSpace):
            let isComposed = !composes || isSurelyComposed(text)
            let lacksSpace = prefixesSpace && text.count > 0 && text[0] != 0x20
            if isComposed, !lacksSpace { return encodeBytes(text, model, table, &ids) }
            var bytes = Array(copying: text)
            if !isComposed {
                bytes = composed(bytes)
            }
            return encodeBytes((lacksSpace ? [0x20] + bytes : bytes).span, model, table, &ids)
        case .byExpressions(let end, let composes):
            if composes, !isSurelyComposed(text) {
                encodeByExpressions(composed(Array(copying: text)).span, end, core, table, &ids)
            } else {
                encodeByExpressions(text, end, core, table, &ids)
            }
            return true
        case .wholeParts:
            return table.encode(text, rules, into: &ids) { range, _ in
                encodeWord(Array(copying: text.extracting(range)), core)
            }
        case .metaspace:
            if encodeIndependentWords(text, core, table, &ids) { return true }
            return encodeStretches(text, core, table, &ids)
        case .spaced(let rule, let native):
            let prefix = addsPrefix(rule, to: text, isFirst: isFirst)
            return encodeSentence(text, prefix: prefix, native, table, &ids) { word, prefix, _ in
                self.spaced(word, prefix: prefix, core)
            }
        case .sentencePiece(let normalizer, let native):
            return encodeSentence(text, prefix: normalizer.addsDummyPrefix, native, table, &ids) {
                self.encodeChunk($0, prefix: $1, normalizer, core, $2)
            }
        }
    }

    private func encodeBytes(_ text: Span<UInt8>, _ model: BytePairModel, _ table: WordTable, _ ids: inout [UInt32])
        -> Bool
    {
        table.encode(text, rules, into: &ids) { range, _ in
            .ids(model.ids(ofBytes: text.extracting(range)), remembers: false)
        }
    }

    /// The same for many texts of one buffer; `bounds` gets where in `ids` each one's begin. False, with nothing appended, where
    /// they must be encoded one by one.
    func encode(
        _ texts: ArraySlice<Range<Int>>, in bytes: Span<UInt8>, core: TokenizerCore, table: WordTable,
        into ids: inout [UInt32], bounds: inout [Int]
    ) -> Bool {
        func encodeAll(_ elsewhere: (Range<Int>, Float) -> WordTable.Answer) -> Bool {
            table.encode(texts, in: bytes, rules, into: &ids, bounds: &bounds, elsewhere: elsewhere)
        }
        switch kind {
        case .bytes(let model, let composes, let prefixesSpace):
            let whole = bytes.extracting((texts.first?.lowerBound ?? 0)..<(texts.last?.upperBound ?? 0))
            guard !prefixesSpace, !composes || isSurelyComposed(whole) else { return false }
            return encodeAll { range, _ in
                .ids(model.ids(ofBytes: bytes.extracting(range)), remembers: false)
            }
        case .byExpressions: return false
        case .wholeParts: return encodeAll { range, _ in encodeWord(Array(copying: bytes.extracting(range)), core) }
        case .metaspace:
            return encodeAll { range, _ in
                let word = Array(copying: bytes.extracting(range))
                return Self.standsAlone(word) ? encodeWord(word, core) : .giveUp
            }
        case .sentencePiece(let normalizer, let native):
            return encodeSentences(
                texts, in: bytes, native, table, &ids, &bounds, prefix: { _ in normalizer.addsDummyPrefix },
                chunk: { self.encodeChunk($0, prefix: $1, normalizer, core, $2) })
        case .spaced(let rule, let native):
            return encodeSentences(
                texts, in: bytes, native, table, &ids, &bounds,
                prefix: { self.addsPrefix(rule, to: $0, isFirst: true) },
                chunk: { word, prefix, _ in self.spaced(word, prefix: prefix, core) })
        }
    }

    private func composed(_ text: [UInt8]) -> [UInt8] {
        NormalizationForm.nfc.apply(AlignedText(text, at: 0, tracking: false)).bytes
    }

    private func isSurelyComposed(_ text: Span<UInt8>) -> Bool {
        for at in text.indices where text[at] >= 0xCC { return false }
        return true
    }
}
