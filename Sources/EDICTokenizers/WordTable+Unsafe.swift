internal import CEDICTokenizers

/// The words that all callers of a tokenizer have met, with their ids.
@safe final class WordMemory: @unchecked Sendable {
    fileprivate let pointer: OpaquePointer?

    /// - Parameters:
    ///   - limit: its greatest size in bytes, but for a table that is being copied to a greater one.
    ///   - isWide: there are ids beyond 65535.
    init(limit: Int, isWide: Bool) { unsafe pointer = edic_tok_memory_create(limit, isWide ? 1 : 0) }

    deinit { unsafe edic_tok_memory_destroy(pointer) }
}

/// What one caller needs to encode words with a memory of them. Not to be used by two threads at once.
@safe final class WordTable: @unchecked Sendable {
    /// How many words are split off before they are encoded; their bounds stay in the first-level cache.
    private static let batch = 4096
    private static let room = 1 << 14

    private let memory: WordMemory
    private let cache: OpaquePointer?
    private let begins: UnsafeMutablePointer<UInt32>
    private let ends: UnsafeMutablePointer<UInt32>
    private let output: UnsafeMutablePointer<UInt32>

    init(_ memory: WordMemory) {
        self.memory = memory
        unsafe cache = memory.pointer.flatMap { unsafe edic_tok_cache_create($0) }
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

    /// What to do with a word that the C code does not encode.
    enum Answer {
        /// Its ids, and whether they are to be remembered.
        case ids([UInt32], remembers: Bool)
        /// The text cannot be encoded word by word.
        case giveUp
    }

    /// Encodes `text` word by word and appends the ids; returns false, with `ids` as before, when `elsewhere` gives up.
    ///
    /// - Parameters:
    ///   - score: Unigram: the score of the path before the text.
    ///   - elsewhere: encodes a word; it gets its range and the score of the path before it.
    func encode(
        _ text: Span<UInt8>, pattern: WordPattern, separators: [UInt8], keepsSeparators: Bool, words: NativeWords,
        score: Float = 0, into ids: inout [UInt32], elsewhere: (Range<Int>, Float) -> Answer
    ) -> Bool {
        guard let cache = unsafe cache else { return false }
        let first = ids.count
        var score = score
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe separators.withUnsafeBufferPointer { separators in
                var native = unsafe words.native
                let fused = words.fusedUnknown
                var shape = unsafe pattern.native
                unsafe shape.separators = separators.baseAddress
                unsafe shape.keeps_separators = keepsSeparators ? 1 : 0
                // Where BERT's normalizer is, control characters are its own affair.
                unsafe shape.keeps_controls = native.normalizes
                unsafe shape.cuts_ideographs = native.cuts_ideographs
                var at = 0
                while at < text.count {
                    // Positions have 32 bits: they count from the batch on.
                    let rest = unsafe UnsafeBufferPointer(rebasing: text[at...])
                    var done = 0
                    let count = unsafe edic_tok_split(
                        &shape, rest.baseAddress, rest.count, 0, begins, ends, Self.batch, &done)
                    if count == 0 { break }
                    let origin = at
                    at += done
                    guard unsafe run(cache, rest, at: origin, count, &native, fused, &score, &ids, elsewhere) else {
                        ids.removeLast(ids.count - first)
                        return false
                    }
                }
                return true
            }
        }
    }

    private func run(
        _ cache: OpaquePointer, _ text: UnsafeBufferPointer<UInt8>, at origin: Int, _ count: Int,
        _ native: inout edic_tok_words, _ fused: UInt32?, _ score: inout Float, _ ids: inout [UInt32],
        _ elsewhere: (Range<Int>, Float) -> Answer
    ) -> Bool {
        var job = unsafe edic_tok_job(
            s: text.baseAddress, n: text.count, begins: begins, ends: ends, count: count, next: 0, out: output,
            capacity: Self.room, written: 0, score: score)
        var resumes: Int32 = 0
        while true {
            let progress = unsafe edic_tok_cache_run(cache, &native, &job, resumes)
            // The ids of a word are written at once, and a run of unknown ids is always within a word.
            var written = unsafe job.written
            if let fused { written = unsafe edic_tok_fuse(output, written, fused) }
            unsafe ids.append(contentsOf: UnsafeBufferPointer(start: output, count: written))
            unsafe job.written = 0
            resumes = 1
            switch progress {
            case .done:
                score = unsafe job.score
                return true
            case .full: continue
            case .miss:
                let range = unsafe Int(begins[job.next])..<Int(ends[job.next])
                let place = origin + range.lowerBound..<origin + range.upperBound
                guard case .ids(var found, let remembers) = unsafe elsewhere(place, job.score) else { return false }
                if unsafe native.is_unigram != 0, let sentence = unsafe native.sentence {
                    unsafe job.score = edic_tok_sentence_advance(sentence, job.score, found, found.count)
                }
                if remembers, let base = text.baseAddress {
                    unsafe edic_tok_cache_insert(
                        cache, base + range.lowerBound, range.count, found, found.count, 0)
                }
                if let fused {
                    let left = unsafe edic_tok_fuse(&found, found.count, fused)
                    found.removeLast(found.count - left)
                }
                ids += found
                unsafe job.next += 1
            }
        }
    }
}

/// The tables that let the C code encode words by itself. Immutable.
@safe final class NativeWords: @unchecked Sendable {
    enum Kind: Sendable {
        case bytes(BytePairModel)
        case wordPiece(WordPieceModel, BERTCleaning?)
        case sentence(NativeSentence, prefixes: Bool)
        /// Each word by itself with a ▁ before it; what is not plain is encoded elsewhere, and so are words with unknown
        /// characters where runs of those are not one id.
        case alone(NativeSentence, unknownID: UInt32, fusesUnknown: Bool)
        case elsewhere
    }

    /// How BERT's normalizer changes the letters of a word.
    struct BERTCleaning: Sendable {
        var stripsAccents: Bool
        var lowercases: Bool
        var cutsIdeographs: Bool
    }

    let native: edic_tok_words
    /// The unknown id, where a run of it is one.
    var fusedUnknown: UInt32? { if case .sentence(let sentence, _) = kind { sentence.fusedUnknown } else { nil } }
    /// What `native` points to.
    private let kind: Kind
    private let byteIDs: UnsafeMutablePointer<UInt32>

    init(kind: Kind) {
        self.kind = kind
        unsafe byteIDs = .allocate(capacity: 256)
        unsafe byteIDs.initialize(repeating: .max, count: 256)
        var words = unsafe edic_tok_words()
        switch kind {
        case .bytes(let model):
            for (byte, id) in model.byteIDs.enumerated() where byte < 256 { unsafe byteIDs[byte] = id }
            unsafe words.kind = .bytes
            unsafe words.merges = model.table.pointer
            unsafe words.byte_ids = UnsafePointer(byteIDs)
            unsafe words.whole = model.exceptions?.pointer
        case .wordPiece(let model, let cleaning):
            unsafe words.kind = .pieces
            unsafe words.starting = model.starting.pointer
            unsafe words.continuing = model.continuing.pointer
            unsafe words.unknown_id = model.unknownID
            unsafe words.longest = UInt32(clamping: model.longestWord)
            unsafe words.normalizes = cleaning == nil ? 0 : 1
            unsafe words.lowercases = cleaning?.lowercases == true ? 1 : 0
            unsafe words.strips_accents = cleaning?.stripsAccents == true ? 1 : 0
            unsafe words.cuts_ideographs = cleaning?.cutsIdeographs == true ? 1 : 0
        case .sentence(let sentence, let prefixes):
            unsafe words.kind = .sentence
            unsafe words.sentence = sentence.pointer
            unsafe words.prefixes = prefixes ? 1 : 0
            unsafe words.is_unigram = sentence.isUnigram ? 1 : 0
        case .alone(let sentence, let unknownID, let fusesUnknown):
            unsafe words.kind = .sentence
            unsafe words.sentence = sentence.pointer
            unsafe words.prefixes = 1
            unsafe words.plain_only = 1
            unsafe words.unknown_id = unknownID
            unsafe words.fuses_unknown = fusesUnknown ? 1 : 0
        case .elsewhere: unsafe words.kind = .elsewhere
        }
        unsafe native = words
    }

    deinit { unsafe byteIDs.deallocate() }
}
