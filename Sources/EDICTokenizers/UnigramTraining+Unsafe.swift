internal import CEDICTokenizers
internal import EDICNumerics
internal import Glibc

/// Learns Unigram pieces from words, by all workers of a pool; see `unigram.c`.
///
/// Unchecked: workers have chunks and scratch memory of their own; what is between two rounds is done by one thread.
@safe final class UnigramTraining: @unchecked Sendable {
    struct Settings: Sendable {
        /// How many substrings to begin with.
        var seeds = 1_000_000
        var longestPiece = 16
        /// How much of the pieces each round keeps.
        var shrinkingFactor = 0.75
        var steps = 2
    }

    struct Piece: Sendable {
        /// Symbols, which are characters.
        var symbols: [UInt32]
        /// The logarithm of its probability.
        var score: Double
    }

    private let trainer: OpaquePointer
    private let corpus: SymbolCells
    private let pool: WorkerPool

    /// - Parameter characters: how often each symbol occurs; symbols are numbered without gaps.
    init(_ corpus: SymbolCells, characters: [UInt64], settings: Settings, pool: WorkerPool) throws(TokenizerError) {
        self.corpus = corpus
        self.pool = pool
        var places = [UInt32](repeating: 0, count: characters.count)
        for (place, symbol) in corpus.cells.enumerated() where symbol != SymbolCells.wall {
            places[Int(symbol)] = UInt32(truncatingIfNeeded: place)
        }
        let found = try Self.substrings(corpus, symbols: characters.count, longest: settings.longestPiece, pool)
        let made = unsafe edic_tok_unigram_trainer_create(
            corpus.cells, corpus.cells.count, corpus.counts, characters, places, UInt32(characters.count), found,
            found.count, settings.seeds, pool.workers)
        guard let made = unsafe made else { throw .outOfMemory }
        unsafe trainer = made
    }

    deinit { unsafe edic_tok_unigram_trainer_destroy(trainer) }

    private static func substrings(
        _ corpus: SymbolCells, symbols: Int, longest: Int, _ pool: WorkerPool
    ) throws(TokenizerError) -> [edic_tok_substring] {
        let suffixes = try Suffixes(corpus, symbols: symbols, longest: longest)
        // Buckets together until there is enough for a thread to do.
        var cuts = [0]
        for bucket in 0..<suffixes.buckets
        where suffixes.before(bucket + 1) - suffixes.before(cuts[cuts.count - 1]) > 20_000 { cuts.append(bucket + 1) }
        cuts.append(suffixes.buckets)
        let bounds = cuts
        let found = try pool.map(count: bounds.count - 1) { index, _ throws(TokenizerError) in
            try suffixes.substrings(in: bounds[index]..<bounds[index + 1])
        }
        return Array(found.joined())
    }

    private enum Kind { case words, pieces }

    private func chunks(of kind: Kind) -> Int {
        unsafe edic_tok_unigram_trainer_chunks(trainer, kind == .pieces ? 1 : 0)
    }

    /// Works on every chunk; `work` says whether memory sufficed.
    private func forEachChunk(
        of kind: Kind, _ work: @Sendable (Int, Int) -> Int32
    ) throws(TokenizerError) {
        try pool.forEach(count: chunks(of: kind), grain: 4) { chunk, worker throws(TokenizerError) in
            guard work(chunk, worker) != 0 else { throw TokenizerError.outOfMemory }
        }
    }

    /// Learns about `most` pieces, the characters first; `progress` is called with the number of pieces after each
    /// round and says whether to go on.
    func learn(_ most: Int, _ settings: Settings, progress: (Int) -> Bool) throws(TokenizerError) -> [Piece] {
        try forEachChunk(of: .words) { chunk, _ in unsafe edic_tok_unigram_trainer_build(self.trainer, 0, chunk) }
        try forEachChunk(of: .pieces) { chunk, _ in unsafe edic_tok_unigram_trainer_build(self.trainer, 1, chunk) }
        unsafe edic_tok_unigram_trainer_built(trainer)
        while true {
            for _ in 0..<max(settings.steps, 1) {
                try forEachChunk(of: .words) { chunk, worker in
                    unsafe edic_tok_unigram_trainer_expect(self.trainer, chunk, worker)
                }
                _ = unsafe edic_tok_unigram_trainer_maximize(trainer)
            }
            let count = unsafe edic_tok_unigram_trainer_living(trainer)
            guard progress(count) else { throw .interrupted }
            if count <= most { return pieces() }
            try forEachChunk(of: .words) { chunk, worker in
                unsafe edic_tok_unigram_trainer_count_best(self.trainer, chunk, worker)
            }
            unsafe edic_tok_unigram_trainer_counted(trainer)
            try forEachChunk(of: .pieces) { chunk, worker in
                unsafe edic_tok_unigram_trainer_lose(self.trainer, chunk, worker)
            }
            let next = max(most, Int(Double(count) * settings.shrinkingFactor))
            guard unsafe edic_tok_unigram_trainer_prune(trainer, next) != 0 else { throw .outOfMemory }
            try forEachChunk(of: .words) { chunk, _ in
                unsafe edic_tok_unigram_trainer_rename(self.trainer, 0, chunk)
                return 1
            }
            try forEachChunk(of: .pieces) { chunk, _ in
                unsafe edic_tok_unigram_trainer_rename(self.trainer, 1, chunk)
                return 1
            }
            // Only characters are left where nothing more can go.
            if unsafe edic_tok_unigram_trainer_pieces(trainer) == count { return pieces() }
        }
    }

    private func pieces() -> [Piece] {
        let count = unsafe edic_tok_unigram_trainer_pieces(trainer)
        var starts = [UInt32](repeating: 0, count: count)
        var lengths = [UInt8](repeating: 0, count: count)
        var scores = [Double](repeating: 0, count: count)
        unsafe edic_tok_unigram_trainer_result(trainer, &starts, &lengths, &scores)
        return (0..<count).compactMap { index in
            if scores[index] == -.infinity { return nil }
            let start = Int(starts[index])
            return Piece(symbols: Array(corpus.cells[start..<start + Int(lengths[index])]), score: scores[index])
        }
    }
}

/// The suffixes of all words, in buckets.
///
/// Unchecked: nothing is written once it is made.
@safe private final class Suffixes: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let corpus: SymbolCells

    init(_ corpus: SymbolCells, symbols: Int, longest: Int) throws(TokenizerError) {
        // The C code keeps the arrays' addresses, which they keep while they are alive and unchanged.
        self.corpus = corpus
        let made = unsafe edic_tok_substrings_create(
            corpus.cells, corpus.cells.count, corpus.counts, UInt32(symbols), UInt32(longest))
        guard let made = unsafe made else { throw .outOfMemory }
        unsafe pointer = made
    }

    deinit { unsafe edic_tok_substrings_destroy(pointer) }

    var buckets: Int { unsafe edic_tok_substrings_buckets(pointer) }

    func before(_ bucket: Int) -> Int { unsafe edic_tok_substrings_before(pointer, bucket) }

    func substrings(in range: Range<Int>) throws(TokenizerError) -> [edic_tok_substring] {
        var found: UnsafeMutablePointer<edic_tok_substring>? = nil
        let count = unsafe edic_tok_substrings_find(pointer, range.lowerBound, range.upperBound, &found)
        defer { unsafe free(found) }
        guard count != .max else { throw .outOfMemory }
        return unsafe Array(UnsafeBufferPointer(start: found, count: count))
    }
}
