internal import CEDICTokenizers

/// The pairs of symbols that merge, with their ranks.
///
/// Unchecked: whoever builds it writes to it before anybody else has it; from then on it is only read.
@safe final class MergeTable: @unchecked Sendable {
    let pointer: OpaquePointer

    init(expecting count: Int) throws(TokenizerError) {
        guard let made = unsafe edic_tok_merges_create(max(count, 1)) else { throw .outOfMemory }
        unsafe pointer = made
    }

    deinit { unsafe edic_tok_merges_destroy(pointer) }

    func add(_ left: UInt32, _ right: UInt32, rank: UInt32, result: UInt32) throws(TokenizerError) {
        guard unsafe edic_tok_merges_add(pointer, left, right, rank, result) != 0 else { throw .outOfMemory }
    }

    /// Says that all pairs are there. `bytes`, if words are made of them, are the symbols of the 256 bytes.
    func finish(bytes: [UInt32]? = nil) {
        if let bytes, bytes.count == 256 {
            unsafe edic_tok_merges_finish(pointer, bytes)
        } else {
            unsafe edic_tok_merges_finish(pointer, nil)
        }
    }

    /// The last pair that merges when `symbols` become one, which leaves no meaning in them; nil where they do not. Takes
    /// quadratic time.
    func lastPair(merging symbols: inout [UInt32]) -> (left: UInt32, right: UInt32)? {
        var left: UInt32 = 0
        var right: UInt32 = 0
        guard symbols.count > 1, unsafe edic_tok_merges_last(pointer, &symbols, symbols.count, &left, &right) != 0
        else { return nil }
        return (left, right)
    }

    func merge(_ left: UInt32, _ right: UInt32) -> (rank: UInt32, result: UInt32)? {
        var result: UInt32 = 0
        let rank = unsafe edic_tok_merges_rank(pointer, left, right, &result)
        return rank == .max ? nil : (rank, result)
    }

    /// Merges symbols in place, lowest rank first, leftmost among equals; `sizes` are summed along.
    func apply(to symbols: inout [UInt32], sizes: inout [UInt32]) {
        let count = unsafe symbols.withUnsafeMutableBufferPointer { symbols in
            unsafe sizes.withUnsafeMutableBufferPointer { sizes in
                guard let base = symbols.baseAddress else { return 0 }
                return unsafe edic_tok_merge(pointer, base, sizes.baseAddress, symbols.count)
            }
        }
        // Out of memory leaves the symbols as they are: still a valid, longer encoding.
        guard count >= 0 else { return }
        symbols.removeLast(symbols.count - count)
        sizes.removeLast(sizes.count - count)
    }

    func apply(to symbols: inout [UInt32]) {
        let count = unsafe symbols.withUnsafeMutableBufferPointer { symbols in
            guard let base = symbols.baseAddress else { return 0 }
            return unsafe edic_tok_merge(pointer, base, nil, symbols.count)
        }
        if count >= 0 { symbols.removeLast(symbols.count - count) }
    }
}
