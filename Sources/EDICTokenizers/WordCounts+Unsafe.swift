internal import CEDICTokenizers

/// Words and how often each occurred, in 64 bits. Not to be used by two threads at once.
@safe final class WordCounts: @unchecked Sendable {
    private let pointer: OpaquePointer

    init() throws(TokenizerError) {
        guard let made = unsafe edic_tok_counts_create() else { throw .outOfMemory }
        unsafe pointer = made
    }

    deinit { unsafe edic_tok_counts_destroy(pointer) }

    var count: Int { unsafe edic_tok_counts_size(pointer) }
    /// The memory in use, in bytes.
    var memory: Int { unsafe edic_tok_counts_memory(pointer) }

    /// Counts the words of a text.
    func add(_ text: Span<UInt8>, _ pattern: WordPattern, separators: [UInt8]) throws(TokenizerError) {
        let done = unsafe text.withUnsafeBufferPointer { text in
            unsafe separators.withUnsafeBufferPointer { separators in
                var native = unsafe pattern.native
                unsafe native.separators = separators.baseAddress
                guard let base = text.baseAddress else { return Int32(1) }
                return unsafe edic_tok_counts_add_text(pointer, &native, base, text.count, 1)
            }
        }
        guard done != 0 else { throw .outOfMemory }
    }

    func add(_ word: [UInt8], count: UInt64) throws(TokenizerError) {
        guard unsafe edic_tok_counts_add(pointer, word, word.count, count) != 0 else { throw .outOfMemory }
    }

    /// Visits the words in the order of their bytes.
    func forEachSorted(
        _ body: (Span<UInt8>, UInt64) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        let count = count
        var words = unsafe [UnsafePointer<UInt8>?](repeating: nil, count: count)
        var lengths = [UInt32](repeating: 0, count: count)
        var occurrences = [UInt64](repeating: 0, count: count)
        guard count > 0 else { return }
        guard unsafe edic_tok_counts_sorted(pointer, &words, &lengths, &occurrences) != 0 else { throw .outOfMemory }
        for index in 0..<count {
            let word = unsafe UnsafeBufferPointer(start: words[index], count: Int(lengths[index]))
            try unsafe body(word.span, occurrences[index])
        }
    }
}

/// Learns merges; ids of results come from `name`, nil where a pair must not merge.
func learnMerges(
    _ symbols: inout [UInt32], offsets: [UInt64], counts: [UInt64], leastCount: UInt64, most: Int,
    name: @escaping (UInt32, UInt32) -> UInt32?
) throws(TokenizerError) -> [(left: UInt32, right: UInt32, result: UInt32)] {
    final class Naming {
        let name: (UInt32, UInt32) -> UInt32?
        init(_ name: @escaping (UInt32, UInt32) -> UInt32?) { self.name = name }
    }
    guard most > 0, !counts.isEmpty else { return [] }
    let naming = Naming(name)
    var lefts = [UInt32](repeating: 0, count: most)
    var rights = lefts
    var results = lefts
    let learned = unsafe withExtendedLifetime(naming) {
        unsafe edic_tok_train(
            &symbols, offsets, counts, counts.count, leastCount, most,
            { context, left, right in
                guard let context = unsafe context else { return .max }
                return unsafe Unmanaged<Naming>.fromOpaque(context).takeUnretainedValue().name(left, right) ?? .max
            }, Unmanaged.passUnretained(naming).toOpaque(), &lefts, &rights, &results)
    }
    guard learned <= most else { throw .outOfMemory }
    return (0..<learned).map { (lefts[$0], rights[$0], results[$0]) }
}
