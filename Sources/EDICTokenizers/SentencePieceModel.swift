/// SentencePiece's BPE: characters of a whole sentence merge, the pair whose piece scores best first.
struct SentencePieceBPEModel: Sendable {
    let pieces: SentencePieces
    let unknownID: UInt32
    /// Pieces of text with different spellings.
    let distinctPieces: Int
    let table: MergeTable
    /// The symbol of each character: a piece, or beyond all pieces for a character that is only part of some.
    let symbols: CharacterSymbols
    private let protected: Trie?
    let fallback: [UInt32]

    var byteFallback: Bool { !fallback.isEmpty }

    init(pieces: SentencePieces, byteFallback: Bool) throws(TokenizerError) {
        self.pieces = pieces
        unknownID = UInt32(pieces.kinds.firstIndex(of: .unknown) ?? 0)
        let texts = pieces.kinds.indices.filter { pieces.kinds[$0].isText }
        let ranks = Self.ranks(of: texts, scores: pieces.scores)
        let merges: [Merge]
        (merges, symbols, distinctPieces) = try Self.merges(of: pieces, texts: texts, ranks: ranks)
        table = try MergeTable(expecting: merges.count)
        for merge in merges {
            try table.add(merge.left, merge.right, rank: ranks[Int(merge.result)], result: merge.result)
        }
        table.finish()
        let user = pieces.entries(of: .userDefined)
        protected = user.isEmpty ? nil : try Trie(user)
        fallback = byteFallback ? try SentencePieceBPEModel.fallback(pieces) : []
    }

    /// The rank of each piece by its score; equal scores share one.
    private static func ranks(of texts: [Int], scores: [Double]) -> [UInt32] {
        var ranks = [UInt32](repeating: 0, count: scores.count)
        var rank: UInt32 = 0
        var before: Int?
        for id in texts.sorted(by: { scores[$0] > scores[$1] }) {
            if let before, scores[before] != scores[id] { rank += 1 }
            ranks[id] = rank
            before = id
        }
        return ranks
    }

    private struct Merge {
        var left: UInt32
        var right: UInt32
        var result: UInt32
    }

    /// The last merge of each piece: as in the byte-level models, of a piece's pairs only that one can ever meet. Also the symbols
    /// of the characters, and how many pieces differ.
    private static func merges(
        of pieces: SentencePieces, texts: [Int], ranks: [UInt32]
    ) throws(TokenizerError) -> ([Merge], CharacterSymbols, Int) {
        let spellings = pieces.spellings
        let bytes = spellings.bytes
        let index = try TokenIndex(spellings, lengths: pieces.textLengths)
        var piece = PieceCharacters()
        var symbols = CharacterSymbols()
        var next = UInt32(pieces.count)
        for id in texts {
            piece.read(UInt32(id), of: spellings)
            for place in piece.scalars.indices where symbols[piece.scalars[place]] == nil {
                let own = index.id(of: bytes.span.extracting(piece.starts[place]..<piece.starts[place + 1]))
                symbols[piece.scalars[place]] = own ?? next
                if own == nil { next += 1 }
            }
        }
        let all = try MergeTable(expecting: texts.count)
        for id in texts where pieces.kinds[id] != .userDefined {
            piece.read(UInt32(id), of: spellings)
            let count = piece.scalars.count
            /// The symbol of some characters of the piece: of most there is none.
            func symbol(_ places: Range<Int>) -> UInt32? {
                guard places.count > 1 else { return symbols[piece.scalars[places.lowerBound]] }
                let range = piece.starts[places.lowerBound]..<piece.starts[places.upperBound]
                return index.id(of: bytes.span.extracting(range))
            }
            for cut in 1..<max(count, 1) {
                guard let left = symbol(0..<cut), let right = symbol(cut..<count) else { continue }
                try all.add(left, right, rank: ranks[id], result: UInt32(id))
            }
        }
        var merges: [Merge] = []
        merges.reserveCapacity(texts.count)
        var own: [UInt32] = []
        for id in texts where pieces.kinds[id] != .userDefined {
            piece.read(UInt32(id), of: spellings)
            own.removeAll(keepingCapacity: true)
            for scalar in piece.scalars { own.append(symbols[scalar] ?? .max) }
            guard let pair = all.lastPair(merging: &own) else { continue }
            merges.append(Merge(left: pair.left, right: pair.right, result: UInt32(id)))
        }
        return (merges, symbols, index.count)
    }

    /// The characters of one piece after another, in the same memory.
    private struct PieceCharacters {
        /// Where among all bytes each begins, and the last one ends.
        private(set) var starts: [Int] = []
        private(set) var scalars: [UInt32] = []

        mutating func read(_ id: UInt32, of spellings: Vocabulary) {
            starts.removeAll(keepingCapacity: true)
            scalars.removeAll(keepingCapacity: true)
            guard let range = spellings.range(of: id) else { return }
            let text = spellings.bytes.span.extracting(range)
            var at = 0
            while at < text.count {
                let (scalar, length) = decodeScalar(text, at)
                starts.append(range.lowerBound + at)
                scalars.append(scalar.value)
                at += length
            }
            starts.append(range.upperBound)
        }
    }

    /// The ids of the pieces `<0x00>` … `<0xFF>`.
    static func fallback(_ pieces: SentencePieces) throws(TokenizerError) -> [UInt32] {
        let lengths = pieces.kinds.indices.map { id in
            pieces.kinds[id] == .byte ? pieces.spellings.lengths[id] : Vocabulary.unused
        }
        let ids = BytePairModel.fallback(in: try TokenIndex(pieces.spellings, lengths: lengths))
        guard ids.count == 256 else {
            throw .malformed("byte fallback is on, but not every piece <0x00>…<0xFF> is there")
        }
        return ids
    }

    /// Encodes a normalized sentence or a part of it; `merge` merges in another way than the table, for sampling.
    func encode(_ text: [UInt8], into tokens: inout [ModelToken], merge: SymbolMerging? = nil) {
        var run: [UInt32] = []
        var sizes: [UInt32] = []
        var at = 0
        var begin = 0
        while at < text.count {
            if let protected, let match = protected.longestPrefix(of: text.span.extracting(at..<text.count)) {
                flush(&run, &sizes, text, begin, &tokens, merge)
                at += match.length
                tokens.append(ModelToken(id: match.id, end: at))
                begin = at
                continue
            }
            let (scalar, length) = decodeScalar(text.span, at)
            // A character no piece has merges with nothing.
            run.append(symbols[scalar.value] ?? .max - 1)
            sizes.append(UInt32(length))
            at += length
        }
        flush(&run, &sizes, text, begin, &tokens, merge)
    }

    private func flush(
        _ run: inout [UInt32], _ sizes: inout [UInt32], _ text: [UInt8], _ begin: Int, _ tokens: inout [ModelToken],
        _ merge: SymbolMerging?
    ) {
        if let merge { merge(table, &run, &sizes) } else { table.apply(to: &run, sizes: &sizes) }
        var at = begin
        for (symbol, size) in zip(run, sizes) {
            let end = at + Int(size)
            if Int(symbol) < pieces.count {
                tokens.append(ModelToken(id: symbol, end: end))
            } else if fallback.isEmpty {
                // A run of unknown characters is one token.
                if at > 0, let last = tokens.indices.last, tokens[last].id == unknownID { tokens.removeLast() }
                tokens.append(ModelToken(id: unknownID, end: end))
            } else {
                for index in at..<end { tokens.append(ModelToken(id: fallback[Int(text[index])], end: index + 1)) }
            }
            at = end
        }
        run.removeAll(keepingCapacity: true)
        sizes.removeAll(keepingCapacity: true)
    }
}

/// Unigram (Kudo 2018): the segmentation whose pieces' log-probabilities sum highest.
struct UnigramModel: Sendable {
    let pieces: SentencePieces
    /// `.max` where no text can be unknown and no piece is there for it.
    let unknownID: UInt32
    let lattice: UnigramLattice
    let fallback: [UInt32]
    /// Whether runs of unknown characters are one unknown token.
    let fusesUnknown: Bool

    /// What a piece of the user's own adds to a path for each byte, less 0.1 (sentencepiece 0.2.3), so that it is chosen before
    /// any other.
    static let userBonus = 0.1

    /// - Parameters:
    ///   - fallback: the ids of the 256 bytes, or none.
    ///   - singlePrecision: sums are rounded to `Float`, as sentencepiece does; else `Double`, as tokenizers.
    init(pieces: SentencePieces, unknownID: UInt32?, fallback: [UInt32], singlePrecision: Bool) throws(TokenizerError) {
        self.pieces = pieces
        let unknown = unknownID ?? pieces.kinds.firstIndex(of: .unknown).map { UInt32($0) } ?? .max
        self.unknownID = unknown
        var scores = pieces.scores
        var least = Double.greatestFiniteMagnitude
        for (id, kind) in pieces.kinds.enumerated() {
            switch kind {
            case .normal:
                if !singlePrecision { scores[id] = Self.asTokenizersReads(scores[id]) }
                least = min(least, scores[id])
            case .userDefined: scores[id] = .infinity
            case .unused: scores[id] = -.infinity
            // Pieces of a tokenizer.json that come again later: the reference has their scores, too, in view.
            case .control where !singlePrecision: least = min(least, Self.asTokenizersReads(scores[id]))
            case .unknown, .control, .byte: break
            }
        }
        if least == .greatestFiniteMagnitude { least = 0 }
        let trie = try Trie(pieces.spellings, lengths: pieces.textLengths, scores: scores)
        lattice = UnigramLattice(
            trie: trie, unknownID: unknown, unknownScore: least - 10, userBonus: Self.userBonus,
            singlePrecision: singlePrecision)
        self.fallback = fallback
        fusesUnknown = true
    }

    /// A score as the reference reads it from JSON: its digits as a whole number, divided by a power of ten. That may
    /// not be the nearest number, and which of two like paths is better can depend on the last bit.
    static func asTokenizersReads(_ score: Double) -> Double {
        var digits: UInt64 = 0
        var exponent = 0
        var isFraction = false
        let text = score.magnitude.description.utf8
        for (place, byte) in zip(text.indices, text) {
            switch byte {
            case 0x30...0x39:
                digits = digits &* 10 &+ UInt64(byte - 0x30)
                if isFraction { exponent -= 1 }
            case UInt8(ascii: "."): isFraction = true
            default:
                exponent += Int(String(decoding: text[text.index(after: place)...], as: UTF8.self)) ?? 0
                return scaled(digits, exponent, score)
            }
        }
        return scaled(digits, exponent, score)
    }

    private static func scaled(_ digits: UInt64, _ exponent: Int, _ score: Double) -> Double {
        guard let power = Double("1e\(abs(exponent))"), power.isFinite else { return score }
        let magnitude = exponent < 0 ? Double(digits) / power : Double(digits) * power
        return score.sign == .minus ? -magnitude : magnitude
    }

    /// What an id adds to the score of a path. With byte fallback the first byte of a character carries the score of
    /// the unknown character.
    func pieceScore(_ id: UInt32) -> Double {
        switch pieces.kinds[Int(id)] {
        case .normal: return pieces.scores[Int(id)]
        case .userDefined: return Double(pieces.spellings.length(of: id)) * Self.userBonus - 0.1
        case .byte:
            let value = Decoder.byteValue(pieces[Int(id)].bytes) ?? 0
            return value & 0xC0 == 0x80 ? 0 : lattice.unknownScore
        default: return lattice.unknownScore
        }
    }

    /// Encodes a normalized sentence or a part of it; `start` is the score of what came before.
    /// - Returns: the least lead of any choice made over its runner-up.
    @discardableResult
    func encode(_ text: [UInt8], startingAt start: Double = 0, into tokens: inout [ModelToken]) -> Double {
        let best = lattice.best(text.span, startingAt: start)
        var at = 0
        // Where a run of unknown characters begins, and the name of the unknown piece where the text may have it.
        var runStart = 0
        let name = unknownID == .max ? nil : pieces[Int(unknownID)]
        for (index, (id, end)) in zip(best.ids, best.ends).enumerated() {
            if id == unknownID, !fallback.isEmpty {
                let goesOn = index + 1 < best.ids.count && best.ids[index + 1] == unknownID
                if !goesOn {
                    if let name, name.kind == .normal, text[runStart..<Int(end)].elementsEqual(name.bytes) {
                        tokens.append(ModelToken(id: id, end: Int(end)))
                    } else {
                        for place in runStart..<Int(end) {
                            tokens.append(ModelToken(id: fallback[Int(text[place])], end: place + 1))
                        }
                    }
                    runStart = Int(end)
                }
                at = Int(end)
                continue
            }
            runStart = Int(end)
            if id == unknownID, fusesUnknown, let last = tokens.indices.last, tokens[last].id == unknownID,
                at > 0
            {
                tokens[last].end = Int(end)
            } else {
                tokens.append(ModelToken(id: id, end: Int(end)))
            }
            at = Int(end)
        }
        return best.margin
    }
}
