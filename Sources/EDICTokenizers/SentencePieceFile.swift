/// A SentencePiece `.model` file: the protocol buffer `ModelProto`.
struct SentencePieceFile: Sendable {
    enum Kind: Int, Sendable {
        case unigram = 1
        case bpe, word, char
    }

    var pieces = SentencePieces()
    var kind = Kind.unigram
    var byteFallback = false
    var treatsWhitespaceAsSuffix = false
    var unknownSurface = " \u{2047} "
    var normalizerName = ""
    var characterMap: [UInt8] = []
    var addsDummyPrefix = true
    var removesExtraWhitespace = true
    var escapesWhitespace = true
    /// Special ids as the trainer set them; -1: none.
    var ids = (unknown: 0, beginning: 1, end: 2, padding: -1)

    init() {}

    init(_ data: [UInt8]) throws(TokenizerError) {
        guard data.count < Int(UInt32.max) else { throw .malformed("a SentencePiece model of more than 4 GiB") }
        // A piece takes 16 bytes at least; room that is not used takes no memory.
        pieces.reserveCapacity(data.count / 16)
        var reader = ProtocolBufferReader(0..<data.count)
        while let (field, value) = try reader.next(of: data.span) {
            switch (field, value) {
            case (1, .bytes(let range)): try readPiece(data.span, range)
            case (2, .bytes(let range)): try readTrainer(data, range)
            case (3, .bytes(let range)): try readNormalizer(data, range)
            default: break
            }
        }
        guard !pieces.isEmpty else { throw .malformed("no pieces in the SentencePiece model") }
        guard pieces.kinds.contains(.unknown) else {
            throw .malformed("the SentencePiece model has no piece of the kind UNKNOWN")
        }
    }

    private mutating func readPiece(_ data: Span<UInt8>, _ range: Range<Int>) throws(TokenizerError) {
        var text = 0..<0
        var score = 0.0
        var kind = SentencePiece.Kind.normal
        var reader = ProtocolBufferReader(range)
        while let (field, value) = try reader.next(of: data) {
            switch (field, value) {
            case (1, .bytes(let bytes)): text = bytes
            case (2, .fixed32(let bits)): score = Double(Float(bitPattern: bits))
            case (3, .varint(let number)):
                guard let known = SentencePiece.Kind(rawValue: Int(truncatingIfNeeded: number)) else {
                    throw .malformed("byte \(range.lowerBound): piece kind \(number) is not between 1 and 6")
                }
                kind = known
            default: break
            }
        }
        guard !text.isEmpty else { throw .malformed("byte \(range.lowerBound): an empty piece") }
        guard score.isFinite else { throw .malformed("byte \(range.lowerBound): a score that is no number") }
        pieces.append(data.extracting(text), score: score, kind: kind)
    }

    private mutating func readTrainer(_ data: [UInt8], _ range: Range<Int>) throws(TokenizerError) {
        var reader = ProtocolBufferReader(range)
        while let (field, value) = try reader.next(of: data.span) {
            switch (field, value) {
            case (3, .varint(let number)):
                guard let known = Kind(rawValue: Int(truncatingIfNeeded: number)) else {
                    throw .malformed("SentencePiece model type \(number) is not between 1 and 4")
                }
                kind = known
            case (24, .varint(let flag)): treatsWhitespaceAsSuffix = flag != 0
            case (35, .varint(let flag)): byteFallback = flag != 0
            case (40, .varint(let id)): ids.unknown = Int(Int32(truncatingIfNeeded: id))
            case (41, .varint(let id)): ids.beginning = Int(Int32(truncatingIfNeeded: id))
            case (42, .varint(let id)): ids.end = Int(Int32(truncatingIfNeeded: id))
            case (43, .varint(let id)): ids.padding = Int(Int32(truncatingIfNeeded: id))
            case (44, .bytes(let bytes)): unknownSurface = Array(data[bytes]).decodedText
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ data: [UInt8], _ range: Range<Int>) throws(TokenizerError) {
        var reader = ProtocolBufferReader(range)
        while let (field, value) = try reader.next(of: data.span) {
            switch (field, value) {
            case (1, .bytes(let bytes)): normalizerName = Array(data[bytes]).decodedText
            case (2, .bytes(let bytes)): characterMap = Array(data[bytes])
            case (3, .varint(let flag)): addsDummyPrefix = flag != 0
            case (4, .varint(let flag)): removesExtraWhitespace = flag != 0
            case (5, .varint(let flag)): escapesWhitespace = flag != 0
            default: break
            }
        }
    }

    /// The tokenizer that the file describes.
    ///
    /// - Parameter allowsRepetition: of equal pieces the first counts; else a piece that is there twice is an error.
    func parts(allowsRepetition: Bool = false) throws(TokenizerError) -> TokenizerParts {
        var normalizer = SentencePieceNormalizer()
        normalizer.map = characterMap.isEmpty ? nil : try CharacterMap(characterMap)
        normalizer.addsDummyPrefix = addsDummyPrefix
        normalizer.removesExtraWhitespace = removesExtraWhitespace
        normalizer.escapesWhitespace = escapesWhitespace
        normalizer.treatsWhitespaceAsSuffix = treatsWhitespaceAsSuffix
        let user = pieces.entries(of: .userDefined)
        normalizer.protected = user.isEmpty ? nil : try Trie(user)
        let model: Model
        let distinct: Int
        switch kind {
        case .bpe:
            let bpe = try SentencePieceBPEModel(pieces: pieces, byteFallback: byteFallback)
            (model, distinct) = (.sentencePieceBPE(bpe), bpe.distinctPieces)
        case .unigram:
            let unigram = try UnigramModel(
                pieces: pieces, unknownID: nil,
                fallback: byteFallback ? SentencePieceBPEModel.fallback(pieces) : [], singlePrecision: true)
            (model, distinct) = (.unigram(unigram), unigram.lattice.trie.count)
        case .word, .char:
            throw TokenizerError(
                .unsupported, "SentencePiece models of type \(kind) are not supported; bpe and unigram are")
        }
        let reserved = pieces.kinds.indices.filter { !pieces.kinds[$0].isText }.map { pieces[$0].bytes }
        guard allowsRepetition || distinct == pieces.count - reserved.count && Set(reserved).count == reserved.count
        else { throw .malformed("the SentencePiece model has a piece twice") }
        var parts = TokenizerParts(model: model)
        parts.normalizer = .sentencePiece(normalizer)
        parts.source = .sentencePiece(self)
        parts.special = special
        return parts
    }

    var special: SpecialTokens {
        func id(_ name: String, _ configured: Int) -> UInt32? {
            if configured >= 0, configured < pieces.count { return UInt32(configured) }
            let bytes = Array(name.utf8)
            return pieces.ids(of: .control).first { pieces[$0].bytes == bytes }.map { UInt32($0) }
        }
        func control(_ id: UInt32?) -> UInt32? { id.flatMap { pieces.kinds[Int($0)] == .control ? $0 : nil } }
        var special = SpecialTokens()
        special.unknown = pieces.kinds.firstIndex(of: .unknown).map { UInt32($0) }
        special.beginning = control(id("<s>", ids.beginning))
        special.end = control(id("</s>", ids.end))
        special.padding = control(id("<pad>", ids.padding))
        return special
    }

    /// The text of ids, as sentencepiece decodes it.
    func decode(_ ids: some Sequence<UInt32>) -> [UInt8] {
        var text: [UInt8] = []
        var run: [UInt8] = []
        var isStart = addsDummyPrefix || removesExtraWhitespace
        for id in ids where Int(id) < pieces.count {
            if let byte = byte(of: id) {
                run.append(byte)
                isStart = false
                continue
            }
            Self.appendCharacters(of: run, to: &text)
            run.removeAll(keepingCapacity: true)
            switch pieces.kinds[Int(id)] {
            case .control: continue
            case .unknown:
                text += Array(unknownSurface.utf8)
                isStart = false
            default:
                guard let range = pieces.spellings.range(of: id) else { continue }
                let space = SentencePieceNormalizer.space
                var rest = pieces.spellings.bytes[range]
                // One space at the beginning is the dummy prefix; with extra white space removed, all are.
                if isStart, rest.starts(with: space) { rest = rest.dropFirst(3) }
                isStart = rest.isEmpty && removesExtraWhitespace
                while let byte = rest.first {
                    let isSpace = byte == space[0] && rest.starts(with: space)
                    text.append(isSpace ? 0x20 : byte)
                    rest = rest.dropFirst(isSpace ? 3 : 1)
                }
            }
        }
        Self.appendCharacters(of: run, to: &text)
        return text
    }

    /// The byte of a piece of the kind BYTE.
    func byte(of id: UInt32) -> UInt8? {
        guard Int(id) < pieces.count, pieces.kinds[Int(id)] == .byte else { return nil }
        return Decoder.byteValue(pieces[Int(id)].bytes)
    }

    /// Appends the characters of a run of bytes, and U+FFFD for each byte that is not of one.
    private static func appendCharacters(of run: [UInt8], to text: inout [UInt8]) {
        var at = 0
        while at < run.count {
            let length = utf8Length(run.span, at)
            if run[at] < 0x80 || length > 1 {
                text += run[at..<at + length]
            } else {
                text += [0xEF, 0xBF, 0xBD]
            }
            at += length
        }
    }

    /// The file's bytes.
    func encoded() -> [UInt8] {
        var writer = ProtocolBufferWriter()
        for piece in pieces {
            var message = ProtocolBufferWriter()
            message.data(1, piece.bytes)
            message.float(2, Float(piece.score))
            if piece.kind != .normal { message.varint(3, UInt64(piece.kind.rawValue)) }
            writer.data(1, message.bytes)
        }
        var trainer = ProtocolBufferWriter()
        trainer.varint(3, UInt64(kind.rawValue))
        trainer.varint(4, UInt64(pieces.count))
        if treatsWhitespaceAsSuffix { trainer.bool(24, true) }
        trainer.bool(35, byteFallback)
        trainer.int(40, ids.unknown)
        trainer.int(41, ids.beginning)
        trainer.int(42, ids.end)
        trainer.int(43, ids.padding)
        trainer.data(44, unknownSurface.utf8)
        writer.data(2, trainer.bytes)
        var normalizer = ProtocolBufferWriter()
        normalizer.data(1, normalizerName.utf8)
        if !characterMap.isEmpty { normalizer.data(2, characterMap) }
        normalizer.bool(3, addsDummyPrefix)
        normalizer.bool(4, removesExtraWhitespace)
        normalizer.bool(5, escapesWhitespace)
        writer.data(3, normalizer.bytes)
        return writer.bytes
    }
}
