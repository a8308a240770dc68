internal import CEDICTokenizers

/// The words that all callers of a tokenizer have met, with their ids.
///
/// Unchecked: the C code, which works with it through each caller's cache, has a lock for its tables and atomic words in them.
@safe final class WordMemory: @unchecked Sendable {
    fileprivate let pointer: OpaquePointer?

    /// - Parameters:
    ///   - limit: its greatest size in bytes, but for a table that is being copied to a greater one.
    ///   - isWide: there are ids beyond 65535.
    init(limit: Int, isWide: Bool) { unsafe pointer = edic_tok_memory_create(limit, isWide ? 1 : 0) }

    deinit { unsafe edic_tok_memory_destroy(pointer) }
}

/// What one caller needs to encode words with a memory of them.
///
/// Unchecked: it is used by one thread at a time, as `TokenizerCore` takes it out of its idle ones for each call.
@safe final class WordTable: @unchecked Sendable {
    /// How many words are split off before they are encoded; their bounds stay in the first-level cache.
    private static let batch = 4096
    private static let room = 1 << 14

    private let memory: WordMemory
    private let cache: OpaquePointer?
    private let begins: UnsafeMutablePointer<UInt32>
    private let ends: UnsafeMutablePointer<UInt32>
    private let output: UnsafeMutablePointer<UInt32>
    /// Of each text that begins in a batch its first word, and where its ids begin.
    private let starts: UnsafeMutablePointer<UInt32>
    private let places: UnsafeMutablePointer<UInt32>

    init(_ memory: WordMemory) {
        self.memory = memory
        unsafe cache = memory.pointer.flatMap { unsafe edic_tok_cache_create($0) }
        unsafe begins = .allocate(capacity: Self.batch)
        unsafe ends = .allocate(capacity: Self.batch)
        unsafe output = .allocate(capacity: Self.room)
        unsafe starts = .allocate(capacity: Self.batch)
        unsafe places = .allocate(capacity: Self.batch)
    }

    deinit {
        unsafe edic_tok_cache_destroy(cache)
        unsafe begins.deallocate()
        unsafe ends.deallocate()
        unsafe output.deallocate()
        unsafe starts.deallocate()
        unsafe places.deallocate()
    }

    /// What to do with a word that the C code does not encode.
    enum Answer {
        /// Its ids, and whether they are to be remembered.
        case ids([UInt32], remembers: Bool)
        /// The text cannot be encoded word by word.
        case giveUp
    }

    /// How texts are cut into words, and what encodes those.
    struct Rules {
        var pattern: WordPattern
        /// Of chunks, a flag for each byte.
        var separators: [UInt8] = []
        var keepsSeparators = false
        var words: NativeWords
    }

    /// Encodes `text` word by word and appends the ids; returns false, with `ids` as before, when `elsewhere` gives up.
    ///
    /// - Parameters:
    ///   - score: Unigram: the score of the path before the text.
    ///   - elsewhere: encodes a word; it gets its range and the score of the path before it.
    func encode(
        _ text: Span<UInt8>, _ rules: Rules, score: Float = 0, into ids: inout [UInt32],
        elsewhere: (Range<Int>, Float) -> Answer
    ) -> Bool {
        var bounds: [Int] = []
        return encode(
            [0..<text.count], in: text, rules, score: score, into: &ids, bounds: &bounds, elsewhere: elsewhere)
    }

    /// The same for several texts of one buffer, in their order; `bounds` gets where in `ids` each one's begin, but for the
    /// first where that goes on after a path of some score.
    func encode(
        _ texts: ArraySlice<Range<Int>>, in bytes: Span<UInt8>, _ rules: Rules, score: Float? = nil,
        into ids: inout [UInt32], bounds: inout [Int], elsewhere: (Range<Int>, Float) -> Answer
    ) -> Bool {
        guard let cache = unsafe cache else { return false }
        let before = (ids: ids.count, bounds: bounds.count)
        let done = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe rules.separators.withUnsafeBufferPointer { separators in
                var native = unsafe rules.words.native
                var shape = unsafe rules.pattern.native
                unsafe shape.separators = separators.baseAddress
                unsafe shape.keeps_separators = rules.keepsSeparators ? 1 : 0
                // Where BERT's normalizer is, control characters are its own affair.
                unsafe shape.keeps_controls = native.normalizes
                unsafe shape.cuts_ideographs = native.cuts_ideographs
                var place = Place(text: texts.startIndex, byte: 0, isNew: score == nil)
                var score = score ?? 0
                while place.text < texts.endIndex {
                    if place.isNew { place.byte = texts[place.text].lowerBound }
                    let origin = place.byte
                    let rest = unsafe UnsafeBufferPointer(rebasing: bytes[origin...])
                    let filled = unsafe split(texts, rest, at: origin, &shape, from: &place)
                    guard
                        unsafe run(
                            cache, rest, at: origin, filled, &native, rules.words.fusedUnknown, &score, &ids, &bounds,
                            elsewhere)
                    else { return false }
                }
                return true
            }
        }
        if done { return true }
        ids.removeLast(ids.count - before.ids)
        bounds.removeLast(bounds.count - before.bounds)
        return false
    }

    /// How far texts are split into words.
    private struct Place {
        var text: Int
        var byte: Int
        /// Whether nothing of the text is split yet.
        var isNew: Bool
    }

    /// Splits off a batch of words; positions have 32 bits and count from `origin` on. Returns how many words, and how many
    /// texts begin among them.
    private func split(
        _ texts: ArraySlice<Range<Int>>, _ rest: UnsafeBufferPointer<UInt8>, at origin: Int,
        _ shape: inout edic_tok_pattern, from place: inout Place
    ) -> (words: Int, texts: Int) {
        var filled = (words: 0, texts: 0)
        while place.text < texts.endIndex, filled.words < Self.batch, filled.texts < Self.batch {
            let text = texts[place.text]
            if place.isNew {
                // Texts may lie far apart.
                if filled.words > 0, text.lowerBound - origin >= Int(UInt32.max) / 2 { break }
                unsafe starts[filled.texts] = UInt32(filled.words)
                filled.texts += 1
                place.byte = text.lowerBound
                place.isNew = false
            }
            var done = 0
            let found = unsafe edic_tok_split(
                &shape, rest.baseAddress, text.upperBound - origin, place.byte - origin, begins + filled.words,
                ends + filled.words, Self.batch - filled.words, &done)
            filled.words += found
            place.byte = origin + done
            if found > 0, place.byte < text.upperBound { break }
            place.text += 1
            place.isNew = true
        }
        return filled
    }

    private func run(
        _ cache: OpaquePointer, _ text: UnsafeBufferPointer<UInt8>, at origin: Int, _ filled: (words: Int, texts: Int),
        _ native: inout edic_tok_words, _ fused: UInt32?, _ score: inout Float, _ ids: inout [UInt32],
        _ bounds: inout [Int], _ elsewhere: (Range<Int>, Float) -> Answer
    ) -> Bool {
        var job = unsafe edic_tok_job(
            s: text.baseAddress, n: text.count, begins: begins, ends: ends, count: filled.words, next: 0, out: output,
            capacity: Self.room, written: 0, score: score, starts: starts, places: places, start_count: filled.texts,
            placed: 0)
        var resumes: Int32 = 0
        while true {
            let noted = unsafe job.placed
            let progress = unsafe edic_tok_cache_run(cache, &native, &job, resumes)
            var taken = 0
            for text in unsafe noted..<job.placed {
                let place = unsafe Int(places[text])
                append(taken..<place, fused, to: &ids)
                bounds.append(ids.count)
                taken = place
            }
            unsafe append(taken..<job.written, fused, to: &ids)
            unsafe job.written = 0
            resumes = 1
            switch progress {
            case .done:
                // What has no words begins where all others end.
                for _ in unsafe job.placed..<filled.texts { bounds.append(ids.count) }
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

    /// Appends a part of the output. The ids of a word are written at once, and a run of unknown ids is always within a word.
    private func append(_ part: Range<Int>, _ fused: UInt32?, to ids: inout [UInt32]) {
        let begin = unsafe output + part.lowerBound
        var count = part.count
        if let fused { count = unsafe edic_tok_fuse(begin, count, fused) }
        unsafe ids.append(contentsOf: UnsafeBufferPointer(start: begin, count: count))
    }
}

/// The tables that let the C code encode words by itself.
///
/// Unchecked: nothing is written once it is made, and what it points to is immutable too.
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
            unsafe words.unknown_id = model.options.unknown ?? .max
            unsafe words.fuses_unknown = model.options.fusesUnknown ? 1 : 0
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
