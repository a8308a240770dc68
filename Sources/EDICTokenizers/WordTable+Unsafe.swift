internal import CEDICTokenizers

/// One caller's memory of words with the room to work in. Not to be used by two threads at once.
@safe final class WordTable: @unchecked Sendable {
    /// How many words are split off before they are encoded; their bounds stay in the first-level cache.
    private static let batch = 1024
    private static let room = 1 << 14

    private let cache: OpaquePointer?
    private let begins: UnsafeMutablePointer<UInt32>
    private let ends: UnsafeMutablePointer<UInt32>
    private let output: UnsafeMutablePointer<UInt32>

    init(limit: Int) {
        unsafe cache = edic_tok_cache_create(limit)
        unsafe begins = .allocate(capacity: Self.batch)
        unsafe ends = .allocate(capacity: Self.batch)
        unsafe output = .allocate(capacity: Self.room)
    }

    deinit {
        unsafe edic_tok_cache_destroy(cache)
        unsafe begins.deallocate()
        unsafe ends.deallocate()
        unsafe output.deallocate()
    }

    /// What to do with a word that is not remembered and that the C code does not encode.
    enum Answer {
        /// Its ids, and how close the choice was; `.max`: not to be remembered.
        case ids([UInt32], doubt: UInt8)
        /// The text cannot be encoded word by word.
        case giveUp
    }

    /// Encodes `text` word by word and appends the ids; returns false, with `ids` as before, when `elsewhere` gives up.
    ///
    /// - Parameters:
    ///   - doubt: given the ids so far, how much doubt a remembered word may have.
    ///   - elsewhere: encodes a word; it gets its range and the ids before it.
    func encode(
        _ text: Span<UInt8>, pattern: WordPattern, separators: [UInt8], keepsSeparators: Bool, words: NativeWords,
        into ids: inout [UInt32], doubt: (borrowing [UInt32]) -> UInt8,
        elsewhere: (Range<Int>, borrowing [UInt32]) -> Answer
    ) -> Bool {
        guard let cache = unsafe cache else { return false }
        let first = ids.count
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe words.withNative { native in
                unsafe separators.withUnsafeBufferPointer { separators in
                    var native = unsafe native
                    var shape = unsafe pattern.native
                    unsafe shape.separators = separators.baseAddress
                    unsafe shape.keeps_separators = keepsSeparators ? 1 : 0
                    unsafe shape.keeps_controls = 1
                    var at = 0
                    while unsafe at < text.count {
                        let from = at
                        let count = unsafe edic_tok_split(
                            &shape, text.baseAddress, text.count, from, begins, ends, Self.batch, &at)
                        if count == 0 { break }
                        guard
                            unsafe run(
                                cache, text, count, &native, &ids, doubt: doubt, elsewhere: elsewhere)
                        else {
                            ids.removeLast(ids.count - first)
                            return false
                        }
                    }
                    return true
                }
            }
        }
    }

    private func run(
        _ cache: OpaquePointer, _ text: UnsafeBufferPointer<UInt8>, _ count: Int, _ native: inout edic_tok_words,
        _ ids: inout [UInt32], doubt: (borrowing [UInt32]) -> UInt8,
        elsewhere: (Range<Int>, borrowing [UInt32]) -> Answer
    ) -> Bool {
        var job = unsafe edic_tok_job(
            s: text.baseAddress, n: text.count, begins: begins, ends: ends, count: count, next: 0, out: output,
            capacity: Self.room, written: 0, most_doubt: doubt(ids))
        var resumes: Int32 = 0
        while true {
            let progress = unsafe edic_tok_cache_run(cache, &native, &job, resumes)
            unsafe ids.append(contentsOf: UnsafeBufferPointer(start: output, count: job.written))
            unsafe job.written = 0
            resumes = 1
            switch progress {
            case .done: return true
            case .full: continue
            case .miss:
                let range = unsafe Int(begins[job.next])..<Int(ends[job.next])
                guard case .ids(let found, let closeness) = elsewhere(range, ids) else { return false }
                ids += found
                if closeness < .max, let base = unsafe text.baseAddress {
                    unsafe edic_tok_cache_insert(
                        cache, base + range.lowerBound, range.count, found, found.count, closeness)
                }
                unsafe job.next += 1
            }
        }
    }
}

/// The tables that let the C code encode words by itself.
@safe struct NativeWords: Sendable {
    var kind: Kind
    enum Kind: Sendable {
        case bytes(BytePairModel)
        case elsewhere
    }

    func withNative<R>(_ body: (edic_tok_words) -> R) -> R {
        switch kind {
        case .bytes(let model):
            return unsafe model.byteIDs.withUnsafeBufferPointer { bytes in
                unsafe body(
                    edic_tok_words(
                        kind: .bytes, merges: model.table.pointer, byte_ids: bytes.baseAddress,
                        whole: model.options.ignoresMerges ? model.index.pointer : nil, starting: nil, continuing: nil,
                        unknown_id: 0))
            }
        case .elsewhere:
            return unsafe body(
                edic_tok_words(
                    kind: .elsewhere, merges: nil, byte_ids: nil, whole: nil, starting: nil,
                    continuing: nil, unknown_id: 0))
        }
    }
}
