internal import CEDICTokenizers

/// Byte strings with an id and a score each, for finding those a text begins with.
///
/// Unchecked: nothing is written once it is made.
@safe final class Trie: @unchecked Sendable {
    let pointer: OpaquePointer
    /// How many different keys there are.
    let count: Int

    /// Empty keys are left out; of equal keys only the first is kept.
    convenience init(_ entries: [(key: [UInt8], id: UInt32, score: Double)]) throws(TokenizerError) {
        var keys = Vocabulary()
        keys.reserve(entries.count, bytes: entries.reduce(0) { $0 + $1.key.count })
        for entry in entries { keys.append(entry.key.span) }
        try self.init(keys, ids: entries.map(\.id), scores: entries.map(\.score))
    }

    /// - Parameters:
    ///   - lengths: where given, the keys' lengths, with ``Vocabulary/unused`` for those that are left out.
    ///   - ids: by default the vocabulary's.
    ///   - scores: by default all 0.
    init(
        _ keys: Vocabulary, lengths: [UInt32]? = nil, ids: [UInt32]? = nil, scores: [Double]? = nil
    ) throws(TokenizerError) {
        precondition(ids?.count ?? keys.count == keys.count && scores?.count ?? keys.count == keys.count)
        var distinct = 0
        let made = unsafe keys.withStrings(lengths: lengths) { strings in
            unsafe Self.withPointer(ids) { ids in
                unsafe Self.withPointer(scores) { scores in
                    unsafe edic_tok_trie_create(&strings, ids, scores, &distinct)
                }
            }
        }
        guard let made = unsafe made else { throw .outOfMemory }
        unsafe pointer = made
        count = distinct
    }

    private static func withPointer<Element, Result>(
        _ array: [Element]?, _ body: (UnsafePointer<Element>?) -> Result
    ) -> Result {
        guard let array else { return body(nil) }
        return unsafe array.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }

    deinit { unsafe edic_tok_trie_destroy(pointer) }

    /// The id of exactly these bytes.
    func id(of key: Span<UInt8>) -> UInt32? {
        let id = unsafe key.withUnsafeBufferPointer {
            unsafe edic_tok_trie_find(pointer, $0.baseAddress, $0.count)
        }
        return id == .max ? nil : id
    }

    /// The longest key that `text` begins with.
    func longestPrefix(of text: Span<UInt8>) -> (id: UInt32, length: Int)? {
        var length = 0
        let id = unsafe text.withUnsafeBufferPointer {
            unsafe edic_tok_trie_longest(pointer, $0.baseAddress, $0.count, &length)
        }
        return id == .max ? nil : (id, length)
    }

    /// Every key that `text` begins with, the shortest first.
    func prefixes(of text: Span<UInt8>) -> [(id: UInt32, length: Int)] {
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 512) { buffer in
            guard let base = buffer.baseAddress else { return [] }
            let found = unsafe text.withUnsafeBufferPointer {
                unsafe edic_tok_trie_prefixes(pointer, $0.baseAddress, $0.count, base, base + 256, 256)
            }
            return (0..<found).map { unsafe (buffer[$0], Int(buffer[256 + $0])) }
        }
    }
}

/// What Unigram needs beside its trie, as the C code wants it.
@safe struct UnigramLattice: Sendable {
    let trie: Trie
    let unknownID: UInt32
    let unknownScore: Double
    let userBonus: Double
    let singlePrecision: Bool

    var native: edic_tok_unigram {
        unsafe edic_tok_unigram(
            trie: trie.pointer, unknown_id: unknownID, unknown_score: unknownScore, user_bonus: userBonus,
            single_precision: singlePrecision ? 1 : 0)
    }

    /// The best segmentation of `text`: ids, the end of each piece, and the least lead of a choice over its runner-up.
    func best(_ text: Span<UInt8>, startingAt start: Double = 0) -> (ids: [UInt32], ends: [UInt32], margin: Double) {
        guard text.count > 0 else { return ([], [], .infinity) }
        var model = unsafe native
        var ids = [UInt32](repeating: 0, count: text.count)
        var ends = ids
        var margin = 0.0
        let count = unsafe text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return 0 }
            return unsafe edic_tok_unigram_best(&model, base, text.count, start, &ids, &ends, &margin)
        }
        guard count <= ids.count else { return ([unknownID], [UInt32(text.count)], .infinity) }
        ids.removeLast(ids.count - count)
        ends.removeLast(ends.count - count)
        return (ids, ends, margin)
    }
}
