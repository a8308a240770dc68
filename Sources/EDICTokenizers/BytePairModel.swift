/// Byte-pair encoding (Sennrich et al. 2016): symbols of a word merge pair by pair, the lowest rank first.
struct BytePairModel: Sendable {
    struct Options: Sendable, Equatable {
        var unknown: UInt32?
        var fusesUnknown = false
        var byteFallback = false
        /// A word that is a token is that token, whatever the merges say.
        var ignoresMerges = false
        var continuingPrefix: [UInt8] = []
        var endOfWordSuffix: [UInt8] = []
    }

    let vocabulary: Vocabulary
    /// The merges in order of rank, as ids; empty where ranks come from the vocabulary.
    let merges: [(left: UInt32, right: UInt32)]
    let options: Options
    let table: MergeTable
    /// Whether tokens are byte strings (else UTF-8 text).
    let isByteLevel: Bool
    /// Byte-level: the id of each byte, `.max` where there is none.
    let byteIDs: [UInt32]
    let index: TokenIndex
    /// Byte-level, where merges are ignored: the tokens that their bytes do not merge to.
    let exceptions: Trie?
    /// The ids of the characters.
    let characters: [UInt32: UInt32]
    /// The ids of `<0x00>` … `<0xFF>`, `.max` for those that are not there; none where bytes are all there is.
    private let byteTokens: [UInt32]
    /// The ids of `<0x00>` … `<0xFF>`, or none.
    let fallback: [UInt32]

    /// With merges given by rank. `vocabulary` holds raw bytes where `isByteLevel` is set.
    init(
        vocabulary: Vocabulary, index: TokenIndex, merges: [(left: UInt32, right: UInt32)], results: [UInt32],
        isByteLevel: Bool, options: Options
    ) throws(TokenizerError) {
        table = try MergeTable(expecting: merges.count)
        for (rank, merge) in merges.enumerated() {
            try table.add(merge.left, merge.right, rank: UInt32(rank), result: results[rank])
        }
        byteIDs = (0..<256).map { index.id(of: [UInt8($0)].span) ?? .max }
        table.finish(bytes: isByteLevel ? byteIDs : nil)
        self.vocabulary = vocabulary
        self.merges = merges
        self.isByteLevel = isByteLevel
        self.options = options
        self.index = index
        exceptions =
            isByteLevel && options.ignoresMerges ? try Self.exceptions(vocabulary, index, table, byteIDs) : nil
        // Bytes need neither.
        characters = isByteLevel ? [:] : Self.characters(of: vocabulary)
        byteTokens = isByteLevel ? [] : Self.byteTokens(in: index)
        fallback = byteTokens.contains(.max) ? [] : byteTokens
    }

    /// tiktoken's way: any two neighbours whose bytes together are a token merge, the lowest id first.
    init(ranked vocabulary: Vocabulary) throws(TokenizerError) {
        index = try vocabulary.index()
        let found = index
        let bytes = (0..<256).map { found.id(of: [UInt8($0)].span) ?? .max }
        // Of a token's pairs only the last one of its own merging can ever meet: where two neighbours meet, nothing
        // around them took part, so the token's bytes alone merge the same way. With the pairs of all lower ids there,
        // two parts are left of nearly every token.
        table = try MergeTable(expecting: vocabulary.count)
        var others: [(key: [UInt8], id: UInt32, score: Double)] = []
        var symbols: [UInt32] = []
        for id in 0..<UInt32(vocabulary.count) {
            guard let token = vocabulary[id], token.count > 1, index.id(of: token.span) == id else { continue }
            symbols.removeAll(keepingCapacity: true)
            for byte in token { symbols.append(bytes[Int(byte)]) }
            if !symbols.contains(.max) { table.apply(to: &symbols) }
            let parts = symbols.count == 2 ? (left: symbols[0], right: symbols[1]) : found.lastPair(of: token)
            guard let parts, parts.left != .max, parts.right != .max else {
                others.append((token, id, 0))
                continue
            }
            try table.add(parts.left, parts.right, rank: id, result: id)
        }
        table.finish(bytes: bytes)
        byteIDs = bytes
        self.vocabulary = vocabulary
        merges = []
        isByteLevel = true
        options = Options(ignoresMerges: true)
        exceptions = others.isEmpty ? nil : try Trie(others)
        characters = [:]
        byteTokens = []
        fallback = []
    }

    private static func exceptions(
        _ vocabulary: Vocabulary, _ index: TokenIndex, _ table: MergeTable, _ bytes: [UInt32]
    ) throws(TokenizerError) -> Trie? {
        var found: [(key: [UInt8], id: UInt32, score: Double)] = []
        for id in 0..<UInt32(vocabulary.count) {
            guard let token = vocabulary[id], token.count > 1, index.id(of: token.span) == id else { continue }
            var symbols = token.map { bytes[Int($0)] }
            if let pair = table.lastPair(merging: &symbols),
                table.merge(pair.left, pair.right)?.result == id
            {
                continue
            }
            found.append((token, id, 0))
        }
        return found.isEmpty ? nil : try Trie(found)
    }

    private static func characters(of vocabulary: Vocabulary) -> [UInt32: UInt32] {
        var characters: [UInt32: UInt32] = [:]
        for id in 0..<UInt32(vocabulary.count) {
            guard (1...4).contains(vocabulary.length(of: id)), let token = vocabulary[id], let first = token.first
            else { continue }
            if first < 0x80, token.count > 1 { continue }
            let (scalar, length) = decodeScalar(token.span, 0)
            if length == token.count, characters[scalar.value] == nil { characters[scalar.value] = id }
        }
        return characters
    }

    /// The ids of `<0x00>` … `<0xFF>`; empty unless all are there.
    static func fallback(in index: TokenIndex) -> [UInt32] {
        let ids = byteTokens(in: index)
        return ids.contains(.max) ? [] : ids
    }

    private static func byteTokens(in index: TokenIndex) -> [UInt32] {
        (0..<256).map { byte in index.id(of: Array(byteToken(UInt8(byte)).utf8).span) ?? .max }
    }

    static func byteToken(_ byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
    }

    /// Encodes one word; `merge` merges in another way than the table, for sampling.
    func encode(_ word: [UInt8], into tokens: inout [ModelToken], merge: SymbolMerging? = nil) {
        if options.ignoresMerges, merge == nil, let id = index.id(of: word.span) {
            tokens.append(ModelToken(id: id, end: word.count))
            return
        }
        var symbols: [UInt32] = []
        var sizes: [UInt32] = []
        symbols.reserveCapacity(word.count)
        sizes.reserveCapacity(word.count)
        appendSymbols(of: word, &symbols, &sizes)
        if let merge { merge(table, &symbols, &sizes) } else { table.apply(to: &symbols, sizes: &sizes) }
        var end = 0
        for (id, size) in zip(symbols, sizes) {
            end += Int(size)
            tokens.append(ModelToken(id: id, end: end))
        }
    }

    /// The ids alone of a byte-level word. Of one without end, tokens and where they end would be most of the work.
    func ids(ofBytes word: Span<UInt8>) -> [UInt32] {
        if options.ignoresMerges, let id = index.id(of: word) { return [id] }
        var symbols: [UInt32] = []
        symbols.reserveCapacity(word.count)
        for at in word.indices {
            let id = byteIDs[Int(word[at])]
            if id != .max {
                symbols.append(id)
            } else if let unknown = options.unknown,
                !options.fusesUnknown || at == 0 || byteIDs[Int(word[at - 1])] != .max
            {
                symbols.append(unknown)
            }
        }
        table.apply(to: &symbols)
        return symbols
    }

    /// Whether a text is its characters, or their bytes, merged by rank, whatever words it has: as in SentencePiece's BPE.
    var mergesCharacters: Bool {
        !isByteLevel && !options.ignoresMerges && options.continuingPrefix.isEmpty && options.endOfWordSuffix.isEmpty
            && options.byteFallback && fallback.count == 256
    }

    /// The merges that can ever happen: of the pairs that make a token only the last of its own merging meets, whatever is
    /// around it. Published files list every pair. Nil without memory.
    func reachableMerges() -> MergeTable? {
        guard let reachable = try? MergeTable(expecting: vocabulary.count) else { return nil }
        var ranks = [UInt32](repeating: 0, count: vocabulary.count)
        var pairs: [(left: UInt32, right: UInt32, result: UInt32)] = []
        var isSeen = [Bool](repeating: false, count: vocabulary.count)
        var symbols: [UInt32] = []
        for merge in merges {
            guard let result = table.merge(merge.left, merge.right)?.result, !isSeen[Int(result)],
                let token = vocabulary[result]
            else { continue }
            isSeen[Int(result)] = true
            symbols.removeAll(keepingCapacity: true)
            var at = 0
            while at < token.count {
                let (scalar, length) = decodeScalar(token.span, at)
                symbols.append(characters[scalar.value] ?? .max)
                at += length
            }
            guard let pair = table.lastPair(merging: &symbols), let last = table.merge(pair.left, pair.right),
                last.result == result
            else { continue }
            ranks[Int(result)] = last.rank
            pairs.append((pair.left, pair.right, result))
        }
        for pair in pairs {
            let rank = ranks[Int(pair.result)]
            guard (try? reachable.add(pair.left, pair.right, rank: rank, result: pair.result)) != nil else {
                return nil
            }
        }
        reachable.finish()
        return reachable
    }

    private func appendSymbols(of word: [UInt8], _ symbols: inout [UInt32], _ sizes: inout [UInt32]) {
        var at = 0
        var pendingUnknown: UInt32 = 0
        var skipped: UInt32 = 0
        func flush(_ symbols: inout [UInt32], _ sizes: inout [UInt32]) {
            if pendingUnknown > 0, let unknown = options.unknown {
                symbols.append(unknown)
                sizes.append(pendingUnknown)
            }
            pendingUnknown = 0
        }
        while at < word.count {
            let length = isByteLevel ? 1 : utf8Length(word.span, at)
            let end = at + length
            if let id = symbol(word, at, end) {
                flush(&symbols, &sizes)
                symbols.append(id)
                sizes.append(UInt32(length) + skipped)
                skipped = 0
            } else if appendBytes(of: word, at, end, &symbols, &sizes, &skipped) {
                // Done, unless some of its bytes are no tokens.
            } else if options.unknown != nil {
                if !options.fusesUnknown { flush(&symbols, &sizes) }
                pendingUnknown += UInt32(length)
            } else {
                skipped += UInt32(length)
            }
            at = end
        }
        flush(&symbols, &sizes)
    }

    /// Appends the tokens that name the bytes of the character at `at..<end`, and of the prefix and suffix that it carries.
    ///
    /// - Parameter skipped: bytes before it that have no token; its first byte stands for them too.
    private func appendBytes(
        of word: [UInt8], _ at: Int, _ end: Int, _ symbols: inout [UInt32], _ sizes: inout [UInt32],
        _ skipped: inout UInt32
    ) -> Bool {
        guard options.byteFallback, !byteTokens.isEmpty else { return false }
        let (prefix, suffix) = marks(of: word, at, end)
        let bytes = prefix + word[at..<end] + suffix
        guard bytes.allSatisfy({ byteTokens[Int($0)] != .max }) else { return false }
        symbols += bytes.map { byteTokens[Int($0)] }
        // Those of the marks stand for no text; the reference counts them, so that all behind is amiss.
        sizes += prefix.map { _ in 0 } + [1 + skipped] + word[at + 1..<end].map { _ in 1 } + suffix.map { _ in 0 }
        skipped = 0
        return true
    }

    /// What the character at `at..<end` carries by its place in the word.
    private func marks(of word: [UInt8], _ at: Int, _ end: Int) -> (prefix: [UInt8], suffix: [UInt8]) {
        (at > 0 ? options.continuingPrefix : [], end == word.count ? options.endOfWordSuffix : [])
    }

    /// The id of the byte or character at `at..<end`, which may carry a prefix or suffix by its place in the word.
    private func symbol(_ word: [UInt8], _ at: Int, _ end: Int) -> UInt32? {
        if isByteLevel {
            let id = byteIDs[Int(word[at])]
            return id == .max ? nil : id
        }
        let (prefix, suffix) = marks(of: word, at, end)
        if prefix.isEmpty, suffix.isEmpty {
            return characters[decodeScalar(word.span, at).scalar.value]
        }
        return index.id(of: (prefix + word[at..<end] + suffix).span)
    }
}

extension TokenIndex {
    /// The last pair that merges when the bytes become one token by tiktoken's rule; nil where they do not.
    fileprivate func lastPair(of token: [UInt8]) -> (left: UInt32, right: UInt32)? {
        var cuts = Array(0...token.count)
        while cuts.count > 3 {
            var best: (id: UInt32, cut: Int)?
            for cut in 1..<cuts.count - 1 {
                let id = id(of: token.span.extracting(cuts[cut - 1]..<cuts[cut + 1])) ?? .max
                if id < best?.id ?? .max { best = (id, cut) }
            }
            guard let best else { return nil }
            cuts.remove(at: best.cut)
        }
        guard let left = id(of: token.span.extracting(0..<cuts[1])),
            let right = id(of: token.span.extracting(cuts[1]..<token.count))
        else { return nil }
        return (left, right)
    }
}
