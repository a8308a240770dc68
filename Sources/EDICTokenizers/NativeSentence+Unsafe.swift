internal import CEDICTokenizers
internal import Glibc

/// A SentencePiece model as the C code wants it, for parts of sentences.
///
/// Unchecked: nothing is written once it is made, and what it points to is immutable too.
@safe final class NativeSentence: @unchecked Sendable {
    let pointer: OpaquePointer
    let isUnigram: Bool
    /// The unknown id, where characters without a piece are not encoded as bytes: a run of it is one.
    let fusedUnknown: UInt32?
    /// What the C code points to.
    private let tables: (merges: MergeTable?, trie: Trie?)
    private let symbols: (protected: Trie?, others: Trie?)
    private let fallback: UnsafeMutablePointer<UInt32>
    private let scores: UnsafeMutablePointer<Float>

    /// Nil where the model is none that sentencepiece would sum in single precision, or without memory.
    ///
    /// - Parameter standsAlone: words are encoded by themselves, as tokenizers does: sums are as precise as the model's, and
    ///   unknown characters stay unknown.
    init?(_ model: Model, _ normalizer: SentencePieceNormalizer, standsAlone: Bool = false) {
        var parts = unsafe edic_tok_sentence_parts()
        var characters: [(scalar: UInt32, symbol: UInt32)] = []
        let bytes: [UInt32]
        var scoreByID: [Float] = []
        switch model {
        case .sentencePieceBPE(let model):
            characters = model.symbols.all
            bytes = model.fallback
            tables = (model.table, nil)
            unsafe parts.merges = model.table.pointer
            unsafe parts.piece_count = UInt32(model.pieces.count)
            unsafe parts.unigram.unknown_id = model.unknownID
            isUnigram = false
        case .bytePair(let model) where model.mergesCharacters:
            guard let merges = model.reachableMerges() else { return nil }
            characters = model.characters.map { ($0.key, $0.value) }
            bytes = model.fallback
            tables = (merges, nil)
            unsafe parts.merges = merges.pointer
            unsafe parts.piece_count = UInt32(model.vocabulary.count)
            unsafe parts.refuses_invalid = 1
            isUnigram = false
        case .unigram(let model) where model.lattice.singlePrecision || standsAlone:
            bytes = standsAlone ? [] : model.fallback
            scoreByID = model.pieces.indices.map { Float(model.pieceScore(UInt32($0))) }
            tables = (nil, model.lattice.trie)
            unsafe parts.unigram = model.lattice.native
            unsafe parts.piece_count = UInt32(model.pieces.count)
            isUnigram = true
        default: return nil
        }
        var others: Trie?
        if let protected = normalizer.protected {
            unsafe parts.symbols = protected.pointer
            if case .unigram(let model) = model {
                others = try? Trie(model.pieces.entries(of: .normal))
                guard let others else { return nil }
                unsafe parts.others = others.pointer
            }
        }
        symbols = (normalizer.protected, others)
        fusedUnknown = bytes.count == 256 || standsAlone ? nil : unsafe parts.unigram.unknown_id
        unsafe fallback = .allocate(capacity: 256)
        unsafe fallback.initialize(repeating: 0, count: 256)
        unsafe scores = .allocate(capacity: max(scoreByID.count, 1))
        for (index, id) in bytes.enumerated() where index < 256 { unsafe fallback[index] = id }
        for (id, score) in scoreByID.enumerated() { unsafe scores[id] = score }
        unsafe parts.removes_extra_spaces = normalizer.removesExtraWhitespace ? 1 : 0
        unsafe parts.fallback = bytes.count == 256 ? UnsafePointer(fallback) : nil
        unsafe parts.scores = isUnigram ? UnsafePointer(scores) : nil
        let scalars = characters.map(\.scalar)
        let symbols = characters.map(\.symbol)
        let map = normalizer.map?.blob ?? []
        let made = unsafe map.withUnsafeBufferPointer { map in
            // The blob begins with the size of its trie.
            let content = unsafe map.count > 4 ? map.baseAddress.map { unsafe $0 + 4 } : nil
            return unsafe edic_tok_sentence_create(
                &parts, content, normalizer.map?.trieSize ?? 0, max(0, map.count - 4), scalars, symbols, scalars.count)
        }
        guard let made = unsafe made else {
            unsafe fallback.deallocate()
            unsafe scores.deallocate()
            return nil
        }
        unsafe pointer = made
    }

    deinit {
        unsafe edic_tok_sentence_destroy(pointer)
        unsafe fallback.deallocate()
        unsafe scores.deallocate()
    }

    /// Normalizes and encodes the beginning of a sentence and appends its ids; returns the score of the path, nil with
    /// nothing appended where it must be done step by step.
    func encodeBeginning(_ text: Span<UInt8>, prefix: Bool, into ids: inout [UInt32]) -> Float? {
        guard text.count < 256 else {
            guard var found = encodeLong(text, prefix: prefix, before: 0) else { return nil }
            let score = isUnigram ? unsafe edic_tok_sentence_advance(pointer, 0, found, found.count) : 0
            if let fusedUnknown {
                let left = unsafe edic_tok_fuse(&found, found.count, fusedUnknown)
                found.removeLast(found.count - left)
            }
            ids += found
            return score
        }
        return unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1024) { room in
            guard let base = room.baseAddress else { return nil }
            var doubt: UInt8 = 0
            let count = unsafe text.withUnsafeBufferPointer {
                unsafe edic_tok_sentence_encode(
                    pointer, $0.baseAddress, $0.count, prefix ? 1 : 0, 0, base, 1024, &doubt)
            }
            guard (0...1024).contains(count) else { return nil }
            let score = isUnigram ? unsafe edic_tok_sentence_advance(pointer, 0, base, count) : 0
            var left = count
            if let fusedUnknown { left = unsafe edic_tok_fuse(base, count, fusedUnknown) }
            unsafe ids.append(contentsOf: UnsafeBufferPointer(start: base, count: left))
            return score
        }
    }

    /// Normalizes and encodes a part of any length after a path of score `before`; nil where it must be done step by step.
    func encodeLong(_ text: Span<UInt8>, prefix: Bool, before: Double) -> [UInt32]? {
        var ids: UnsafeMutablePointer<UInt32>?
        let count = unsafe text.withUnsafeBufferPointer {
            unsafe edic_tok_sentence_encode_long(pointer, $0.baseAddress, $0.count, prefix ? 1 : 0, before, &ids)
        }
        defer { unsafe free(ids) }
        guard count >= 0, let ids = unsafe ids else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: ids, count: count))
    }
}
