internal import CEDICNgramIndex
internal import Glibc

/// A model in the module's own format, open for look-ups where its bytes lie.
///
/// Unchecked: everything is filled in by the initialiser, and only read from then on.
@safe final class GramIndex: @unchecked Sendable {
    let header: GramIndexHeader
    let bytes: ByteView
    let order: Int
    let wordCount: Int
    /// What the look-ups in C see.
    private let core: UnsafeMutablePointer<edic_index_index>
    /// The lists of values, with an element for every code.
    private var kept: [Lane<Float>] = []

    /// Opens a model: checks its header and that all its parts lie inside. Takes the same time for any size.
    init(_ bytes: ByteView, name: String) throws(NgramError) {
        header = try GramIndexHeader(bytes, name: name)
        self.bytes = bytes
        order = header.order
        wordCount = header.vocabularyCount
        unsafe core = .allocate(capacity: 1)
        // A set of zeros is an empty one.
        unsafe memset(core, 0, MemoryLayout<edic_index_index>.size)
        let isQuantised = header.unigramProbabilities.count > 0
        let layout = header.vocabulary
        guard wordCount >= 3, wordCount < 1 << 28, layout.slotCount > wordCount, layout.slotCount < 1 << 32,
            bytes.part(from: layout.slots, count: layout.slotCount * 4) != nil,
            bytes.part(from: layout.starts, count: VocabularyParts.startCount(wordCount) * 4) != nil,
            bytes.part(from: layout.words, count: layout.wordBytes) != nil,
            bytes.part(from: header.unigrams, count: wordCount * (isQuantised ? 4 : 8)) != nil
        else { throw .damaged(name, "the vocabulary lies outside the file") }
        let base = unsafe bytes.pointer
        unsafe core.pointee.order = UInt32(order)
        unsafe core.pointee.words = UInt32(wordCount)
        unsafe core.pointee.unigrams = base + header.unigrams
        unsafe core.pointee.slots = base + layout.slots
        unsafe core.pointee.slot_count = UInt64(layout.slotCount)
        unsafe core.pointee.starts = base + layout.starts
        unsafe core.pointee.text = base + layout.words
        unsafe core.pointee.text_size = UInt64(layout.wordBytes)
        unsafe core.pointee.id_bits = UInt32(VocabularyParts.idBits(wordCount))
        if isQuantised {
            guard let probabilities = unsafe values(header.unigramProbabilities, codes: 1 << 16),
                let backoffs = unsafe values(header.unigramBackoffs, codes: 1 << 16)
            else { throw .damaged(name, "the values of the unigrams lie outside the file") }
            unsafe core.pointee.probabilities = unsafe probabilities
            unsafe core.pointee.backoffs = unsafe backoffs
        }
        for (place, part) in header.orders.enumerated() {
            guard addLevel(place, part) else {
                throw .damaged(name, "the \(place + 2)-grams lie outside the file")
            }
        }
        unsafe core.pointee.begin = id(Array("<s>".utf8).span) ?? 0
    }

    deinit { unsafe core.deallocate() }

    private func withLevels<Result>(_ body: (UnsafeMutableBufferPointer<edic_index_level>) -> Result) -> Result {
        unsafe withUnsafeMutableBytes(of: &core.pointee.levels) {
            unsafe body($0.bindMemory(to: edic_index_level.self))
        }
    }

    private func withSets<Result>(
        _ level: inout edic_index_level, _ body: (UnsafeMutableBufferPointer<edic_index_set>) -> Result
    ) -> Result {
        unsafe withUnsafeMutableBytes(of: &level.sets) { unsafe body($0.bindMemory(to: edic_index_set.self)) }
    }

    /// The values of a list, followed by zeros up to as many as there can be codes.
    private func values(_ values: GramIndexHeader.Values, codes: Int) -> UnsafePointer<Float>? {
        guard values.count <= codes, let view = bytes.part(from: values.offset, count: values.count * 4) else {
            return nil
        }
        let lane = Lane<Float>(zeros: codes)
        for place in 0..<values.count { lane[place] = view.float(at: place * 4) }
        kept.append(lane)
        return unsafe UnsafePointer(lane.pointer)
    }

    private func addLevel(_ place: Int, _ part: GramIndexHeader.Order) -> Bool {
        var probabilities: UnsafePointer<Float>?
        var backoffs: UnsafePointer<Float>?
        let isQuantised = part.probabilities.count > 0
        if isQuantised {
            unsafe probabilities = values(part.probabilities, codes: 1 << 16)
            unsafe backoffs = values(part.backoffs, codes: 1 << 16)
            guard unsafe probabilities != nil, unsafe backoffs != nil else { return false }
        }
        for shape in part.sets {
            guard let set = unsafe set(shape, isQuantised: isQuantised) else { return false }
            let index = GramClasses.index(of: UInt32(truncatingIfNeeded: shape.firstWord))
            guard GramClasses.firstWord(index) == shape.firstWord else { return false }
            unsafe withLevels { levels in
                unsafe withSets(&levels[place]) { sets in unsafe sets[index] = set }
            }
        }
        unsafe withLevels { levels in
            unsafe levels[place].probabilities = unsafe probabilities
            unsafe levels[place].backoffs = unsafe backoffs
        }
        return true
    }

    private func set(_ shape: GramSetShape, isQuantised: Bool) -> edic_index_set? {
        guard shape.isSound(within: bytes.count) else { return nil }
        // Codes of more than 16 bits have no lists; floats have 32.
        guard
            isQuantised
                ? shape.probabilityBits <= 16 && shape.backoffBits <= 16
                : shape.probabilityBits == 32 && (shape.backoffBits == 0 || shape.backoffBits == 32)
        else { return nil }
        let base = unsafe bytes.pointer
        return unsafe edic_index_set(
            lines: base + shape.lines, entries: base + shape.entries, count: UInt64(shape.count),
            key_mask: ones(shape.keyBits), remainder_mask: ones(shape.remainderBits),
            multiplier: edic_index_multiplier(UInt64(shape.seed)), first_word: UInt32(shape.firstWord),
            first_number: UInt32(shape.firstNumber), word_bits: UInt8(shape.wordBits),
            remainder_bits: UInt8(shape.remainderBits), fold: UInt8(shape.fold), entry_bits: UInt8(shape.entryBits),
            probability_bits: UInt8(shape.probabilityBits), backoff_bits: UInt8(shape.backoffBits))
    }

    var counts: [Int] { [wordCount] + header.orders.map(\.count) }

    var quantisation: NgramQuantisation? {
        guard header.unigramProbabilities.count > 0 else { return nil }
        let shapes = header.orders.flatMap(\.sets)
        return NgramQuantisation(
            probabilityBits: shapes.map(\.probabilityBits).max() ?? 0,
            backoffBits: shapes.map(\.backoffBits).max() ?? 0)
    }

    // MARK: Words

    /// The id of a word, or nil.
    func id(_ word: Span<UInt8>) -> UInt32? {
        unsafe word.withUnsafeBufferPointer { word in
            guard let start = word.baseAddress else { return nil }
            let id = unsafe edic_index_find_word(core, start, word.count)
            return id == .max ? nil : id
        }
    }

    func bytes(of id: UInt32) -> [UInt8] {
        var length: Int64 = -1
        let start = unsafe Int(edic_index_word_place(core, id, &length))
        guard length >= 0 else { return [] }
        return (start..<start + Int(length)).map { bytes.load(UInt8.self, at: header.vocabulary.words + $0) }
    }

    // MARK: Batches

    /// Scores ids one after another; see `edic_index_score_batch`. `ids` may hold `EDIC_INDEX_BEGIN`.
    @inline(__always)
    func score(
        _ ids: UnsafeBufferPointer<UInt32>, after context: inout edic_index_context,
        _ body: (Int, edic_index_score) -> Void
    ) {
        unsafe withUnsafeTemporaryAllocation(of: edic_index_score.self, capacity: Int(EDIC_INDEX_BATCH)) { scores in
            guard let target = scores.baseAddress, let source = ids.baseAddress else { return }
            var start = 0
            while start < ids.count {
                let count = min(Int(EDIC_INDEX_BATCH), ids.count - start)
                unsafe edic_index_score_batch(core, &context, source + start, count, target)
                for place in 0..<count { unsafe body(start + place, scores[place]) }
                start += count
            }
        }
    }

    /// Scores the words of a text; `body` gets where each word lies, its id and its score. Line ends have no length; at
    /// one, the ids `end` and `begin` come one after another. Seven readable bytes must follow the text.
    @inline(__always)
    func scoreText(
        _ text: UnsafePointer<UInt8>, _ size: Int, end: UInt32, begin: UInt32,
        _ body: (edic_index_word, UInt32, edic_index_score) -> Void
    ) {
        let most = Int(EDIC_INDEX_BATCH)
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: most) { ids in
            unsafe withUnsafeTemporaryAllocation(of: edic_index_word.self, capacity: most) { words in
                guard let firstID = ids.baseAddress, let firstWord = words.baseAddress else { return }
                var context = context(after: begin)
                var position = 0
                var isOpen: Int32 = 0
                while true {
                    let count = unsafe edic_index_read_words(
                        core, text, size, &position, &isOpen, end, begin, firstID, firstWord)
                    if count == 0 { break }
                    unsafe score(UnsafeBufferPointer(start: firstID, count: count), after: &context) { place, score in
                        unsafe body(words[place], ids[place], score)
                    }
                }
            }
        }
    }

    /// The log probability of every word after a state, by id.
    func distribution(after state: NgramState) -> [Float] {
        let most = Int(EDIC_INDEX_BATCH)
        var context = edic_index_context(state)
        var all: [Float] = []
        all.reserveCapacity(wordCount)
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: most) { ids in
            unsafe withUnsafeTemporaryAllocation(of: edic_index_score.self, capacity: most) { scores in
                guard let source = ids.baseAddress, let target = scores.baseAddress else { return }
                for start in stride(from: 0, to: wordCount, by: most) {
                    let count = min(most, wordCount - start)
                    for place in 0..<count { unsafe ids[place] = UInt32(start + place) }
                    unsafe edic_index_score_alternatives(core, &context, source, count, target)
                    for place in 0..<count { unsafe all.append(scores[place].probability) }
                }
            }
        }
        return all
    }

    /// The context that `EDIC_INDEX_BEGIN` or `EDIC_INDEX_NOTHING` makes.
    func context(after id: UInt32) -> edic_index_context {
        var context = edic_index_context()
        var score = edic_index_score()
        var id = id
        unsafe edic_index_score_batch(core, &context, &id, 1, &score)
        return context
    }
}

extension GramIndex: NgramSearch {
    @inline(__always)
    func unigram(_ word: UInt32) -> GramWeights {
        let found = unsafe edic_index_unigram(core, word)
        return GramWeights(
            probability: found.probability, backoff: found.backoff, node: GramNode(first: UInt64(found.number)))
    }

    @inline(__always)
    func extend(_ node: GramNode, order: Int, word: UInt32) -> GramWeights? {
        var found = edic_index_weights()
        guard
            unsafe edic_index_extend(core, UInt32(order), UInt32(truncatingIfNeeded: node.first), word, &found) != 0
        else { return nil }
        return GramWeights(
            probability: found.probability, backoff: found.backoff, node: GramNode(first: UInt64(found.number)))
    }
}
