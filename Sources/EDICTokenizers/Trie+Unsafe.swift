internal import CEDICTokenizers

/// Byte strings with an id and a score each, for finding those a text begins with. Immutable.
@safe final class Trie: @unchecked Sendable {
    let pointer: OpaquePointer
    let count: Int

    /// Keys must be distinct and not empty; of equal keys only the first is kept.
    init(_ entries: [(key: [UInt8], id: UInt32, score: Double)]) throws(TokenizerError) {
        // Sorted by their first eight bytes as one number; only where those agree are the keys themselves compared.
        var order: [(prefix: UInt64, index: Int)] = []
        order.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() where !entry.key.isEmpty {
            var prefix: UInt64 = 0
            for byte in entry.key.prefix(8) { prefix = prefix << 8 | UInt64(byte) }
            order.append((prefix << UInt64(8 * max(0, 8 - entry.key.count)), index))
        }
        order.sort { a, b in
            if a.prefix != b.prefix { return a.prefix < b.prefix }
            let (left, right) = (entries[a.index].key, entries[b.index].key)
            return left == right ? a.index < b.index : left.lexicographicallyPrecedes(right)
        }
        var keys: [UInt8] = []
        keys.reserveCapacity(entries.reduce(1) { $0 + $1.key.count })
        var offsets: [UInt64] = [0]
        var ids: [UInt32] = []
        var scores: [Double] = []
        offsets.reserveCapacity(order.count + 1)
        ids.reserveCapacity(order.count)
        scores.reserveCapacity(order.count)
        var last: Int?
        for (_, index) in order {
            if let last, entries[last].key == entries[index].key { continue }
            last = index
            keys += entries[index].key
            offsets.append(UInt64(keys.count))
            ids.append(entries[index].id)
            scores.append(entries[index].score)
        }
        count = ids.count
        keys.append(0)
        guard let made = unsafe edic_tok_trie_create(keys, offsets, ids, scores, count) else { throw .outOfMemory }
        unsafe pointer = made
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
