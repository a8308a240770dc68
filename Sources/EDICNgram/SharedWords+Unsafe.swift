internal import CEDICNgram
internal import EDICNumerics

/// The words of a text, numbered as they come, filled by all workers at once.
///
/// Unchecked: the C table is made for several threads (atomic reads, a lock for each part), and each worker has a splitter.
@safe final class SharedWords: @unchecked Sendable {
    @unsafe private let words: OpaquePointer
    @unsafe private let splitters: [OpaquePointer]

    /// A table that meets chosen words must not be slow, so its hash is different each time.
    init(workers: Int) {
        guard let words = unsafe edic_ngram_words_create(UInt64.random(in: .min ... .max)) else {
            preconditionFailure("no memory for a table of words")
        }
        unsafe self.words = words
        unsafe splitters = (0..<workers).map { _ in
            guard let splitter = unsafe edic_ngram_splitter_create(words) else {
                preconditionFailure("no memory for a cache of words")
            }
            return unsafe splitter
        }
    }

    deinit {
        for index in unsafe splitters.indices { unsafe edic_ngram_splitter_destroy(splitters[index]) }
        unsafe edic_ngram_words_destroy(words)
    }

    var count: Int { Int(unsafe edic_ngram_words_count(words)) }
    /// Bytes of memory in use.
    var memory: Int { unsafe edic_ngram_words_memory(words) }

    /// Splits text, behind whose first `count` bytes 16 more are readable, into `codes`, which has room for `count` + 1;
    /// returns how many there are, nil when memory is exhausted.
    func split(_ text: Lane<UInt8>, count: Int, worker: Int, into codes: Lane<UInt32>) -> Int? {
        precondition(text.count >= count + 16 && codes.count > count, "too little room")
        let found = unsafe edic_ngram_split(splitters[worker], text.pointer, count, codes.pointer)
        return found == .max ? nil : found
    }

    /// The number of a word, new or known.
    func add(_ word: [UInt8]) -> UInt32 {
        let padded = word + [UInt8](repeating: 0, count: 16)
        return unsafe padded.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return UInt32.max }
            return unsafe edic_ngram_words_add(words, start, word.count, 0)
        }
    }

    func find(_ word: [UInt8]) -> UInt32? {
        guard !word.isEmpty else { return nil }
        let padded = word + [UInt8](repeating: 0, count: 16)
        let number = unsafe padded.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return UInt32.max }
            return unsafe edic_ngram_words_find(words, start, word.count)
        }
        return number == .max ? nil : number
    }

    /// The finished table, with `more` occurrences added by number.
    func list(addingOccurrences more: [(number: UInt32, count: UInt64)]) -> ListedWords {
        let list = ListedWords(words: self, count: count)
        unsafe list.records.withPointer { unsafe edic_ngram_words_list(words, $0) }
        for (number, count) in more where count > 0 { list.add(count, to: Int(number)) }
        return list
    }
}

/// All words by number.
@safe struct ListedWords: Sendable {
    /// Addresses of the words' records.
    fileprivate struct Records: Sendable {
        let addresses: Lane<UInt>

        func withPointer(_ body: (UnsafeMutablePointer<UnsafePointer<edic_ngram_word>>) -> Void) {
            unsafe addresses.withBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                unsafe body(start.assumingMemoryBound(to: UnsafePointer<edic_ngram_word>.self))
            }
        }

        func record(_ number: Int) -> UnsafePointer<edic_ngram_word> {
            guard let record = unsafe UnsafePointer<edic_ngram_word>(bitPattern: addresses[number]) else {
                preconditionFailure("every number has a word")
            }
            return unsafe record
        }
    }

    fileprivate let records: Records
    private let words: SharedWords

    fileprivate init(words: SharedWords, count: Int) {
        self.words = words
        records = Records(addresses: Lane(zeros: count))
    }

    var count: Int { records.addresses.count }

    fileprivate func add(_ occurrences: UInt64, to number: Int) {
        unsafe edic_ngram_word_add(records.record(number), occurrences)
    }

    func occurrences(_ number: Int) -> UInt64 { unsafe records.record(number).pointee.count }

    /// Sorts numbers: most frequent words first, equally frequent ones by their bytes.
    func sort(_ order: Lane<UInt32>) {
        let scratch = Lane<UInt64>(uninitialized: order.count * 4)
        unsafe records.withPointer { records in
            unsafe edic_ngram_words_sort(UnsafePointer(records), order.pointer, order.count, scratch.pointer)
        }
    }

    /// The vocabulary of these words, after the reserved ones.
    func vocabulary(_ order: Lane<UInt32>, pool: WorkerPool) -> VocabularyList {
        let grain = 1 << 14
        let chunks = (order.count + grain - 1) / grain
        let records = records
        let sizes = pool.map(count: chunks) { chunk, _ in
            var size = 0
            for place in chunk * grain..<min(order.count, (chunk + 1) * grain) {
                size += unsafe Int(records.record(Int(order[place])).pointee.length)
            }
            return size
        }
        let reserved = Array(VocabularyList.reserved.joined().utf8)
        var firsts: [Int] = []
        var total = reserved.count
        for size in sizes {
            firsts.append(total)
            total += size
        }
        let bytes = Lane<UInt8>(uninitialized: total + VocabularyList.padding)
        let starts = Lane<Int>(uninitialized: order.count + VocabularyList.reserved.count + 1)
        for (place, byte) in reserved.enumerated() { bytes[place] = byte }
        var end = 0
        for (id, word) in VocabularyList.reserved.enumerated() {
            starts[id] = end
            end += word.utf8.count
        }
        let chunkFirsts = firsts
        pool.forEach(count: chunks) { chunk, _ in
            var end = chunkFirsts[chunk]
            for place in chunk * grain..<min(order.count, (chunk + 1) * grain) {
                let record = unsafe records.record(Int(order[place]))
                let length = unsafe Int(record.pointee.length)
                starts[place + VocabularyList.reserved.count] = end
                unsafe (bytes.pointer + end).update(from: edic_ngram_word_bytes(record), count: length)
                end += length
            }
        }
        starts[starts.count - 1] = total
        return VocabularyList(bytes: bytes.part(0..<total), starts: starts)
    }
}

/// Numbers packed in one to five bytes each.
func packedNumbers(_ numbers: Lane<UInt32>, count: Int, scratch: inout GrowingLane<UInt8>) -> Lane<UInt8> {
    precondition(count <= numbers.count, "outside the lane")
    scratch.removeAll()
    scratch.grow(to: count * 5)
    let size = unsafe edic_ngram_pack(numbers.pointer, count, scratch.lane.pointer)
    return scratch.lane.copyFirst(size)
}
