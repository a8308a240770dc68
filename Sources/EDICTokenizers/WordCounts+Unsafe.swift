internal import CEDICTokenizers
internal import EDICNumerics

/// What text is cut into before it is counted.
enum CountedUnits: Sendable {
    /// The words of a pattern, line by line; a line's end belongs to the line.
    case words(WordPattern)
    /// SentencePiece's: runs of one script between white space, with a space before the first of a word.
    case runs
}

/// Words and how often each occurred, in 64 bits.
///
/// Unchecked: each worker counts into a table of its own; several read one only when no worker counts any more.
@safe final class WordCounts: @unchecked Sendable {
    fileprivate let pointer: OpaquePointer

    init() throws(TokenizerError) {
        guard let made = unsafe edic_tok_counts_create() else { throw .outOfMemory }
        unsafe pointer = made
    }

    fileprivate init(_ made: OpaquePointer) { unsafe pointer = made }

    deinit { unsafe edic_tok_counts_destroy(pointer) }

    var count: Int { unsafe edic_tok_counts_size(pointer) }
    /// The memory in use, in bytes.
    var memory: Int { unsafe edic_tok_counts_memory(pointer) }

    func removeAll() { unsafe edic_tok_counts_clear(pointer) }

    func add(_ word: [UInt8], count: UInt64) throws(TokenizerError) {
        guard unsafe edic_tok_counts_add(pointer, word, word.count, count) != 0 else { throw .outOfMemory }
    }

    /// Counts the units of a text.
    func add(_ text: Span<UInt8>, as units: CountedUnits) throws(TokenizerError) {
        try unsafe text.withUnsafeBufferPointer { text throws(TokenizerError) in try unsafe add(text, as: units) }
    }

    fileprivate func add(_ text: UnsafeBufferPointer<UInt8>, as units: CountedUnits) throws(TokenizerError) {
        guard let base = text.baseAddress else { return }
        let done: Int32
        switch units {
        case .words(let pattern):
            var native = unsafe pattern.native
            done = unsafe edic_tok_counts_add_lines(pointer, &native, base, text.count)
        case .runs: done = unsafe edic_tok_counts_add_runs(pointer, ScriptTable.shared.scripts, base, text.count)
        }
        guard done != 0 else { throw .outOfMemory }
    }

    /// Counts a text by all workers of a pool, each in its own table. Lines are not cut.
    static func add(
        _ text: Span<UInt8>, as units: CountedUnits, to tables: [WordCounts], pool: WorkerPool
    ) throws(TokenizerError) {
        let ranges = blocks(text, size: 1 << 18)
        if ranges.count <= 1 || pool.workers == 1 {
            for range in ranges { try tables[0].add(text.extracting(range), as: units) }
            return
        }
        try unsafe text.withUnsafeBufferPointer { text throws(TokenizerError) in
            // It is only read, and the pool is done with it when `forEach` returns.
            nonisolated(unsafe) let text = unsafe text
            try pool.forEach(count: ranges.count) { index, worker throws(TokenizerError) in
                let block = unsafe UnsafeBufferPointer(rebasing: text[ranges[index]])
                try unsafe tables[worker].add(block, as: units)
            }
        }
    }

    private static func blocks(_ text: Span<UInt8>, size: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < text.count {
            var end = min(start + size, text.count)
            while end < text.count, text[end - 1] != 0x0A { end += 1 }
            ranges.append(start..<end)
            start = end
        }
        return ranges
    }

    /// Adds up tables by all workers: those of a group first, then all, each group with its weight in 2^-20.
    static func sum(
        _ groups: [(tables: [WordCounts], weight: UInt64)], pool: WorkerPool
    ) throws(TokenizerError) -> [WordCounts] {
        let partBits: UInt32 = 6
        let all = groups.flatMap(\.tables)
        let sizes = groups.map(\.tables.count)
        let weights = groups.map(\.weight)
        return try pool.map(count: 1 << partBits) { part, _ throws(TokenizerError) in
            let tables = unsafe all.map { unsafe $0.pointer }
            guard let made = unsafe edic_tok_counts_collect(tables, sizes, weights, sizes.count, part, partBits) else {
                throw TokenizerError.outOfMemory
            }
            return unsafe WordCounts(made)
        }
    }
}

/// The words to learn from.
///
/// Unchecked: only ``sort(pool:)`` writes, each worker to buckets of its own.
@safe final class WordList: @unchecked Sendable {
    let pointer: OpaquePointer
    /// What the words lie in.
    private let tables: [WordCounts]
    private let bytes: UnsafeMutableBufferPointer<UInt8>?

    init(_ tables: [WordCounts]) throws(TokenizerError) {
        let pointers = unsafe tables.map { unsafe $0.pointer }
        guard let made = unsafe edic_tok_word_list_create(pointers, tables.count) else { throw .outOfMemory }
        unsafe pointer = made
        self.tables = tables
        unsafe bytes = nil
    }

    /// A list of words that lie one after the other.
    init(bytes words: [UInt8], ends: [UInt64], counts: [UInt64]) throws(TokenizerError) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: words.count + 1)
        _ = unsafe copy.initialize(fromContentsOf: words + [0])
        guard let base = copy.baseAddress,
            let made = unsafe edic_tok_word_list_flat(base, ends, counts, counts.count)
        else {
            unsafe copy.deallocate()
            throw .outOfMemory
        }
        unsafe pointer = made
        tables = []
        unsafe bytes = copy
    }

    deinit {
        unsafe edic_tok_word_list_destroy(pointer)
        unsafe bytes?.deallocate()
    }

    var count: Int { unsafe edic_tok_word_list_count(pointer) }
    /// The bytes of all words.
    var byteCount: Int { unsafe edic_tok_word_list_bytes(pointer) }

    /// Puts the words in the order of their bytes.
    func sort(pool: WorkerPool) throws(TokenizerError) {
        guard unsafe edic_tok_word_list_bucket(pointer) != 0 else { throw .outOfMemory }
        pool.forEach(count: 65536, grain: 64) { bucket, _ in
            unsafe edic_tok_word_list_sort(pointer, bucket, bucket + 1)
        }
    }

    /// How often each Unicode scalar occurs.
    func characters() -> [UInt64] {
        var counts = [UInt64](repeating: 0, count: 0x110000)
        unsafe edic_tok_word_list_characters(pointer, &counts)
        return counts
    }

    /// The words as length, bytes and count each, some at a time.
    func pack(_ write: ([UInt8]) throws(TokenizerError) -> Void) throws(TokenizerError) {
        var from = 0
        var capacity = 1 << 20
        while from < count {
            var next = from
            let packed = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, written in
                guard let base = buffer.baseAddress else { return }
                next = unsafe edic_tok_word_list_pack(pointer, from, base, capacity, &written)
            }
            if next == from { capacity *= 2 } else { try write(packed) }
            from = next
        }
    }

    /// Visits the words.
    func forEach(_ body: ([UInt8], UInt64) -> Void) {
        for index in 0..<count {
            var length: UInt32 = 0
            var occurrences: UInt64 = 0
            let word = unsafe edic_tok_word_list_get(pointer, index, &length, &occurrences)
            body(unsafe Array(UnsafeBufferPointer(start: word, count: Int(length))), occurrences)
        }
    }
}

/// The words to learn from as symbols in a row, with walls between.
struct SymbolCells {
    var cells: [UInt32]
    /// How often each word occurs.
    var counts: [UInt64]

    static let wall = UInt32.max

    /// A symbol for each byte.
    init(_ list: WordList, bytes ids: [UInt32]) {
        cells = unsafe Array(unsafeUninitializedCapacity: list.byteCount + list.count + 1) { buffer, made in
            guard let base = buffer.baseAddress else { return }
            made = unsafe edic_tok_word_list_byte_cells(list.pointer, ids, base)
        }
        counts = (0..<list.count).map { index in
            var length: UInt32 = 0
            var count: UInt64 = 0
            _ = unsafe edic_tok_word_list_get(list.pointer, index, &length, &count)
            return count
        }
    }

    /// A symbol for each character; `ids` has 0x110000, `wall` for characters where words end.
    init(_ list: WordList, characters ids: [UInt32]) {
        var counts: [UInt64] = []
        cells = unsafe Array(unsafeUninitializedCapacity: list.byteCount * 2 + 1) { buffer, made in
            guard let base = buffer.baseAddress else { return }
            counts = unsafe Array(unsafeUninitializedCapacity: list.byteCount + 1) { numbers, words in
                guard let start = numbers.baseAddress else { return }
                made = unsafe edic_tok_word_list_character_cells(list.pointer, ids, base, start, &words)
            }
        }
        self.counts = counts
    }
}

/// Learns merges; ids of results come from `name`, nil where a pair must not merge. `symbols` is the number of symbols.
func learnMerges(
    _ corpus: inout SymbolCells, symbols: Int, leastCount: UInt64, most: Int,
    name: @escaping (UInt32, UInt32) -> UInt32?
) throws(TokenizerError) -> [(left: UInt32, right: UInt32, result: UInt32)] {
    final class Naming {
        let name: (UInt32, UInt32) -> UInt32?
        init(_ name: @escaping (UInt32, UInt32) -> UInt32?) { self.name = name }
    }
    guard most > 0, !corpus.counts.isEmpty else { return [] }
    let naming = Naming(name)
    var lefts = [UInt32](repeating: 0, count: most)
    var rights = lefts
    var results = lefts
    let learned = withExtendedLifetime(naming) {
        unsafe edic_tok_train(
            &corpus.cells, corpus.cells.count, corpus.counts, symbols, leastCount, most,
            { context, left, right in
                guard let context = unsafe context else { return .max }
                return unsafe Unmanaged<Naming>.fromOpaque(context).takeUnretainedValue().name(left, right) ?? .max
            }, Unmanaged.passUnretained(naming).toOpaque(), &lefts, &rights, &results)
    }
    guard learned <= most else { throw .outOfMemory }
    return (0..<learned).map { (lefts[$0], rights[$0], results[$0]) }
}
