internal import EDICJSON
internal import Synchronization

/// The immutable inside of a ``Tokenizer``, with what it remembers of words.
final class TokenizerCore: Sendable {
    let parts: TokenizerParts
    /// The tokens by id: the model's, overlaid by the added ones.
    let vocabulary: Vocabulary
    let specialIDs: Set<UInt32>
    let addedIDs: Set<UInt32>
    let plan: EncodingPlan?
    /// Find the tokens that stand in a text as given; where none is normalized, what is looked for in normalized text comes
    /// second, in what the others leave.
    private let rawMatchers: [AddedTokenMatcher]
    private let normalizedMatcher: AddedTokenMatcher?
    /// What the added tokens are decoded to whose normalized text is another, as in the reference.
    private let decodedContents: [UInt32: [UInt8]]
    /// Where a normalized text is the text with other spaces: what each of its added tokens has between spaces. A text
    /// without all of these has none of the tokens.
    private let normalizedCores: AddedTokenMatcher?
    /// Finds ids by spelling; made when first asked for, since few who encode ever ask.
    private let index = Mutex<TokenIndex?>(nil)
    /// What all callers remember, made with the first of them, and the tables that none of them works with.
    private let tables = Mutex<(memory: WordMemory?, idle: [WordTable])>((nil, []))

    init(_ parts: TokenizerParts) throws(TokenizerError) {
        self.parts = parts
        var vocabulary = parts.model.vocabulary
        for token in parts.addedTokens { try vocabulary.set(Array(token.content.utf8).span, id: Int(token.id)) }
        self.vocabulary = vocabulary
        addedIDs = Set(parts.addedTokens.map(\.id))
        specialIDs = Set(parts.addedTokens.filter(\.isSpecial).map(\.id))
        let raw = parts.addedTokens.filter { !$0.isNormalized }
        var normalized = parts.addedTokens.filter(\.isNormalized)
        var matchers = [try AddedTokenMatcher(raw.map { ($0, Array($0.content.utf8)) })]
        if parts.normalizer == nil {
            matchers.append(try AddedTokenMatcher(normalized.map { ($0, Array($0.content.utf8)) }))
            normalized = []
        }
        rawMatchers = matchers.compactMap(\.self)
        let contents = normalized.map { token in
            let text = AlignedText(Array(token.content.utf8), at: 0, tracking: false)
            return (token: token, content: parts.normalizer?.apply(text).bytes ?? text.bytes)
        }
        normalizedMatcher = try AddedTokenMatcher(contents)
        var renamed: [UInt32: [UInt8]] = [:]
        for (token, content) in contents where !content.elementsEqual(token.content.utf8) {
            renamed[token.id] = content
        }
        if case .json = parts.source { decodedContents = renamed } else { decodedContents = [:] }
        plan = EncodingPlan(parts)
        joinsBytes = decodedContents.isEmpty && Self.joinsBytes(parts)
        if case .unigram(let model) = parts.model, case .json = parts.source {
            byteRunsAreOne = !model.fallback.isEmpty
            unknownAsText = model.unknownID
        } else {
            byteRunsAreOne = false
            unknownAsText = nil
        }
        mindsOrigins =
            parts.preTokenizer?.marksFirst == true
            && (parts.normalizer != nil || parts.preTokenizer?.isSequence == true)
        var cores: [(AddedToken, [UInt8])] = []
        for token in normalized where plan?.changesOnlySpaces == true {
            let content = token.content.unicodeScalars.split { $0 == " " || $0 == "\u{2581}" }
            guard let core = content.max(by: { $0.count < $1.count }) else {
                cores = []
                break
            }
            cores.append((token, Array(String(core).utf8)))
        }
        normalizedCores = try AddedTokenMatcher(cores)
    }

    /// Whether a text's first word is another where a step before took away what stood before it, or put something there.
    private let mindsOrigins: Bool
    /// Whether each byte of characters that no piece has stands for all these characters, as in the reference's Unigram.
    private let byteRunsAreOne: Bool
    /// The token of unknown text that the reference spells as that text.
    private let unknownAsText: UInt32?
    /// Whether tokens are bytes that only stand side by side in a decoded text.
    let joinsBytes: Bool

    var isByteLevel: Bool { Self.isByteLevel(parts) }

    private static func isByteLevel(_ parts: TokenizerParts) -> Bool {
        if case .bytePair(let model) = parts.model { return model.isByteLevel }
        return false
    }

    private static func joinsBytes(_ parts: TokenizerParts) -> Bool {
        guard isByteLevel(parts) else { return false }
        // What a tokenizer.json has no decoder for is not joined.
        guard case .json = parts.source else { return true }
        // Its decoder takes the letters of an added token for bytes, too.
        return parts.decoder?.isByteLevel == true
            && parts.addedTokens.allSatisfy { token in
                let text = Array(token.content.utf8)
                return ByteAlphabet.bytes(of: text.span).map { $0 == text } ?? true
            }
    }

    func spelling(of id: UInt32) -> [UInt8]? {
        guard let token = vocabulary[id] else { return nil }
        return isByteLevel && !addedIDs.contains(id) ? Array(ByteAlphabet.text(of: token).utf8) : token
    }

    /// What a decoder gets for a token.
    private func decoded(_ id: UInt32) -> [UInt8]? { decodedContents[id] ?? spelling(of: id) }

    func id(spelled spelling: [UInt8]) -> UInt32? {
        if isByteLevel, let bytes = ByteAlphabet.bytes(of: spelling.span), let id = id(of: bytes),
            !addedIDs.contains(id)
        {
            return id
        }
        return id(of: spelling)
    }

    private func id(of token: [UInt8]) -> UInt32? {
        let index = index.withLock { index in
            if index == nil { index = try? vocabulary.index() }
            return index
        }
        // Without memory for the index, one by one.
        return index.map { $0.id(of: token.span) } ?? vocabulary.first(token)
    }

    // MARK: Encoding

    /// The parts of a text between the tokens that stand in it as given.
    func rawParts(_ text: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy) -> [AddedTokenMatcher.Part]? {
        var parts: [AddedTokenMatcher.Part]?
        for matcher in rawMatchers where matcher.firstCandidate(in: text, from: 0) != nil {
            let isWanted = { (token: AddedToken) in policy == .recognized || !token.isSpecial }
            guard let found = parts else {
                parts = matcher.split(text, isWanted)
                continue
            }
            parts = found.flatMap { part in
                guard case .text(let range) = part else { return [part] }
                return matcher.split(text.extracting(range), isWanted).map { $0.shifted(by: range.lowerBound) }
            }
        }
        return parts
    }

    /// Whether added tokens are also looked for in the normalized text.
    var matchesNormalized: Bool { normalizedMatcher != nil }

    /// Takes a token, where it comes from, and what it is of the normalized text where that may be another than its spelling.
    typealias Emission = (UInt32, Range<Int>, ArraySlice<UInt8>?) -> Void

    /// Encodes a part of a text step by step, with each token's origin; `encodeWord` stands in for the model's own way.
    func encodeSlowly(
        _ bytes: [UInt8], at offset: Int, _ policy: Tokenizer.SpecialTokenPolicy, tracking: Bool,
        encodeWord: (([UInt8]) -> [ModelToken])? = nil, _ emit: Emission
    ) {
        var text = AlignedText(bytes, at: offset, tracking: tracking || mindsOrigins)
        if let normalizer = parts.normalizer { text = normalizer.apply(text) }
        guard let normalizedMatcher else {
            encodeNormalized(text, isFirst: offset == 0 && isFirst(text), encodeWord, emit)
            return
        }
        for part in normalizedMatcher.split(text.bytes.span, { policy == .recognized || !$0.isSpecial }) {
            switch part {
            case .token(let id, let range): emit(id, text.origin(of: range), text.bytes[range])
            case .text(let range):
                let isFirst = offset == 0 && (mindsOrigins ? isFirst(text[range]) : range.lowerBound == 0)
                encodeNormalized(text[range], isFirst: isFirst, encodeWord, emit)
            }
        }
    }

    /// Whether a normalized text begins with what the text as given begins with; without origins that is not told.
    private func isFirst(_ text: AlignedText) -> Bool { text.begins.first ?? 0 == 0 }

    private func encodeNormalized(
        _ text: AlignedText, isFirst: Bool, _ encodeWord: (([UInt8]) -> [ModelToken])?,
        _ emit: Emission
    ) {
        guard !text.bytes.isEmpty else { return }
        var pieces = [PreTokenizer.Piece(text: text, isFirst: isFirst)]
        if let preTokenizer = parts.preTokenizer { pieces = preTokenizer.apply(pieces) }
        for piece in pieces where !piece.text.bytes.isEmpty {
            let tokens = encodeWord?(piece.text.bytes) ?? parts.model.encode(piece.text.bytes)
            var begin = 0
            var next = 0
            while next < tokens.count {
                let first = next
                next += 1
                if byteRunsAreOne, isByte(tokens[first], from: begin) {
                    while next < tokens.count, isByte(tokens[next], from: tokens[next - 1].end) { next += 1 }
                }
                let range = begin..<tokens[next - 1].end
                let origin = piece.text.origin(of: range)
                for token in tokens[first..<next] {
                    emit(token.id, origin, token.id == unknownAsText ? piece.text.bytes[range] : nil)
                }
                begin = range.upperBound
            }
        }
    }

    /// Whether a token is one of the bytes of what no piece has.
    private func isByte(_ token: ModelToken, from begin: Int) -> Bool {
        token.end == begin + 1 && vocabulary.length(of: token.id) == 6
    }

    /// Encodes a part of a text that has no added tokens in it.
    func encodePart(
        _ text: Span<UInt8>, isFirst: Bool, _ policy: Tokenizer.SpecialTokenPolicy, into ids: inout [UInt32]
    ) {
        if let plan, parts.normalizer == nil || !mayHoldNormalizedTokens(text) {
            let isDone = withTable { plan.encode(text, isFirst: isFirst, core: self, table: $0, into: &ids) }
            if isDone { return }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        bytes.append(copying: text)
        encodeSlowly(bytes, at: isFirst ? 0 : 1, policy, tracking: false) { id, _, _ in ids.append(id) }
    }

    func mayHoldNormalizedTokens(_ text: Span<UInt8>) -> Bool {
        normalizedCores?.isAnywhere(in: text) ?? matchesNormalized
    }

    /// Calls `body` with a table that nobody else works with meanwhile.
    func withTable<Result>(_ body: (WordTable) -> Result) -> Result {
        let isWide = vocabulary.count > 1 << 16
        let table = tables.withLock { tables in
            if let table = tables.idle.popLast() { return table }
            let memory = tables.memory ?? WordMemory(limit: Tokenizer.wordMemory, isWide: isWide)
            tables.memory = memory
            return WordTable(memory)
        }
        defer { tables.withLock { $0.idle.append(table) } }
        return body(table)
    }

    /// Appends the ids of a text, without what a post-processor puts around it.
    func encode(_ text: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy, into ids: inout [UInt32]) {
        ids.reserveForText(bytes: text.count)
        guard let parts = rawParts(text, policy) else {
            encodePart(text, isFirst: true, policy, into: &ids)
            return
        }
        for part in parts {
            switch part {
            case .token(let id, _): ids.append(id)
            case .text(let range):
                encodePart(text.extracting(range), isFirst: range.lowerBound == 0, policy, into: &ids)
            }
        }
    }

    /// The same for many texts of one buffer, in their order; `bounds` gets where in `ids` each one's begin.
    func encode(
        _ texts: ArraySlice<Range<Int>>, in bytes: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy,
        into ids: inout [UInt32], bounds: inout [Int]
    ) {
        if texts.count > 1, encodeTogether(texts, in: bytes, policy, into: &ids, bounds: &bounds) { return }
        if texts.count > 8 {
            // One text of many may be what stands in the way.
            let middle = texts.startIndex + texts.count / 2
            encode(texts[..<middle], in: bytes, policy, into: &ids, bounds: &bounds)
            return encode(texts[middle...], in: bytes, policy, into: &ids, bounds: &bounds)
        }
        for text in texts {
            bounds.append(ids.count)
            encode(bytes.extracting(text), policy, into: &ids)
        }
    }

    private func encodeTogether(
        _ texts: ArraySlice<Range<Int>>, in bytes: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy,
        into ids: inout [UInt32], bounds: inout [Int]
    ) -> Bool {
        guard let plan, let first = texts.first, let last = texts.last else { return false }
        let whole = bytes.extracting(first.lowerBound..<last.upperBound)
        guard rawParts(whole, policy) == nil, parts.normalizer == nil || !mayHoldNormalizedTokens(whole) else {
            return false
        }
        return withTable { plan.encode(texts, in: bytes, core: self, table: $0, into: &ids, bounds: &bounds) }
    }

    /// A text's ids with their offsets.
    func encoding(_ text: [UInt8], _ policy: Tokenizer.SpecialTokenPolicy) -> Encoding {
        var encoding = Encoding()
        let trims = !parts.postProcessor.trims.isEmpty
        func append(_ id: UInt32, _ origin: Range<Int>, _ content: ArraySlice<UInt8>?) {
            encoding.append(id, origin)
            if trims { encoding.spaces.append(spaces(of: id, content)) }
        }
        for part in rawParts(text.span, policy) ?? (text.isEmpty ? [] : [.text(0..<text.count)]) {
            switch part {
            case .token(let id, let range): append(id, range, text[range])
            case .text(let range):
                encodeSlowly(Array(text[range]), at: range.lowerBound, policy, tracking: true, append)
            }
        }
        return encoding
    }

    // MARK: Decoding

    /// The bytes that a token stands for.
    func bytes(of id: UInt32) -> [UInt8]? {
        guard let token = vocabulary[id] else { return nil }
        if isByteLevel || addedIDs.contains(id) { return token }
        if parts.decoder?.isByteLevel == true, let bytes = ByteAlphabet.bytes(of: token.span) { return bytes }
        if let byte = Decoder.byteValue(token) { return [byte] }
        switch parts.model {
        case .unigram, .sentencePieceBPE:
            return Normalizer.replace(.literal(SentencePieceNormalizer.space), with: [0x20])
                .apply(AlignedText(token, at: 0, tracking: false)).bytes
        default: return token
        }
    }

    /// The byte that a token stands for in a run of such tokens; nil where a token is text.
    func byte(of id: UInt32) -> UInt8? {
        if let decoder = parts.decoder {
            return decoder.joinsBytes ? decoded(id).flatMap { Decoder.byteValue($0) } : nil
        }
        guard case .sentencePiece(let file) = parts.source else { return nil }
        return file.byte(of: id)
    }

    /// Whether a damaged byte leaves the others of its run as they are: as for sentencepiece, not for tokenizers.
    var sparesGoodBytes: Bool { parts.decoder == nil }

    /// Whether an id has any part in a decoded text, if only as what stands between others.
    func isDecoded(_ id: UInt32, skippingSpecialTokens: Bool) -> Bool {
        if parts.decoder == nil, case .sentencePiece(let file) = parts.source { return Int(id) < file.pieces.count }
        return vocabulary.range(of: id) != nil && !(skippingSpecialTokens && specialIDs.contains(id))
    }

    func decode(_ ids: some Sequence<UInt32>, skippingSpecialTokens: Bool) -> [UInt8] {
        func isWanted(_ id: UInt32) -> Bool { !skippingSpecialTokens || !specialIDs.contains(id) }
        if joinsBytes {
            var text: [UInt8] = []
            for id in ids where isWanted(id) {
                if let range = vocabulary.range(of: id) { text += vocabulary.bytes[range] }
            }
            return text
        }
        var texts: [[UInt8]] = []
        for id in ids where isWanted(id) {
            if let token = decoded(id) { texts.append(token) }
        }
        guard let decoder = parts.decoder else {
            if case .sentencePiece(let file) = parts.source { return file.decode(ids) }
            return Array(texts.joined(separator: [0x20]))
        }
        return Array(decoder.apply(texts).joined())
    }
}

extension [UInt32] {
    /// Makes room for the ids of a long text, which growing step by step would copy several times.
    mutating func reserveForText(bytes: Int) {
        // Two for seven bytes are more than most tokenizers make of most text; what is not used is never touched.
        let room = bytes / 7 * 2
        guard bytes > 1 << 16, capacity - count < room else { return }
        // Who appends text after text copies no more than by appending ids.
        reserveCapacity(Swift.max(count + room, 2 * capacity))
    }
}
