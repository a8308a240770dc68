internal import EDICNumerics

/// The codes that stand for words inside the estimator: a word's id plus one, so that zero can mean "no word".
enum GramCode {
    static let none: UInt32 = 0
    static let unknown: UInt32 = 1
    static let begin: UInt32 = 2
    static let end: UInt32 = 3
    static let firstWord: UInt32 = 4
}

/// Takes in sentences and turns them into blocks of word numbers, on all workers.
///
/// Text is cut into blocks at line ends. Words are numbered as they come; ``finish(limit:)`` gives every word its id:
/// most frequent first, equal counts by the words' bytes. So ids do not depend on the workers.
struct NgramIntake: ~Copyable {
    private let pool: WorkerPool
    private let memory: KeptMemory
    private let memoryLimit: Int
    private let blockSize: Int
    private let words: SharedWords
    private var blocks: [KeptLane<UInt8>] = []
    private var waiting: [(text: Lane<UInt8>, count: Int)] = []
    private var text: GrowingLane<UInt8>
    private var sentences: UInt64 = 0
    /// Token ids of the caller's own words: the number of each, its occurrences, and what was added lately.
    private var givenNumbers: [UInt32] = []
    private var givenCounts: [UInt64] = []
    private var givenCodes = GrowingLane<UInt32>()
    private(set) var byteCount = 0
    /// Bytes that must be readable behind a text.
    private static let padding = 16

    init(pool: WorkerPool, memory: KeptMemory, memoryLimit: Int) {
        self.pool = pool
        self.memory = memory
        self.memoryLimit = memoryLimit
        // Each worker has a block and its codes; together they stay far below the limit.
        let share = memoryLimit / (64 * max(1, pool.workers))
        blockSize = max(1 << 16, min(4 << 20, share))
        words = SharedWords(workers: pool.workers)
        text = GrowingLane(capacity: blockSize + Self.padding)
    }

    /// Adds a piece of text of any length; lines may go on in the next piece.
    mutating func add(piece: Span<UInt8>) throws(NgramError) {
        byteCount += piece.count
        var start = 0
        while start < piece.count {
            let taken = min(piece.count - start, max(blockSize - text.count, 1 << 16))
            let part = piece.extracting(start..<start + taken)
            unsafe part.withUnsafeBufferPointer { part in
                guard let source = part.baseAddress else { return }
                unsafe text.append(copying: source, count: part.count)
            }
            start += taken
            if text.count >= blockSize { try cut() }
        }
    }

    /// Ends a line that the text so far leaves open.
    mutating func endLine() {
        if text.count > 0, text[text.count - 1] != 0x0A { text.append(0x0A) }
    }

    /// Adds a sentence of numbers of the words given by ``give(words:)``.
    mutating func add(numbers: Span<UInt32>) throws(NgramError) {
        for index in 0..<numbers.count where numbers[index] >= UInt32(givenNumbers.count) {
            throw NgramError(
                .invalidArgument,
                "token id \(numbers[index]): the vocabulary given holds only \(givenNumbers.count) tokens")
        }
        for index in 0..<numbers.count {
            let number = Int(numbers[index])
            givenCounts[number] &+= 1
            givenCodes.append(givenNumbers[number] + GramCode.firstWord)
        }
        givenCodes.append(GramCode.end)
        sentences += 1
        if givenCodes.count >= blockSize / 4 { try flushGiven() }
    }

    /// Names the caller's own words, whose numbers are their places.
    mutating func give(words list: [String]) throws(NgramError) {
        var seen: Set<UInt32> = []
        for (place, word) in list.enumerated() {
            let bytes = Array(word.utf8)
            for byte in bytes where TextSplitter.isSeparator(byte) {
                throw NgramError(
                    .invalidArgument, "token \(place): contains a separator (byte \(byte)), which no model can hold")
            }
            let number = words.add(bytes)
            guard !bytes.isEmpty, seen.insert(number).inserted else {
                throw NgramError(.invalidArgument, "token \(place): is empty or appears twice in the vocabulary given")
            }
            givenNumbers.append(number)
        }
        givenCounts = Array(repeating: 0, count: list.count)
    }

    private mutating func flushGiven() throws(NgramError) {
        guard givenCodes.count > 0 else { return }
        var scratch = GrowingLane<UInt8>()
        let packed = packedNumbers(givenCodes.lane, count: givenCodes.count, scratch: &scratch)
        blocks.append(try KeptLane(packed, in: memory))
        givenCodes.removeAll()
    }

    /// Sets aside the complete lines of the text and goes on with the rest.
    private mutating func cut() throws(NgramError) {
        var end = text.count
        while end > 0 && text[end - 1] != 0x0A { end -= 1 }
        guard end > 0 else { return }
        try setAside(end)
    }

    private mutating func setAside(_ end: Int) throws(NgramError) {
        let rest = text.count - end
        var next = GrowingLane<UInt8>(capacity: max(blockSize, rest) + Self.padding)
        unsafe next.append(copying: text.lane.pointer + end, count: rest)
        text.grow(to: text.count + Self.padding)
        for index in end..<end + Self.padding { text[index] = 0x0A }
        waiting.append((text.lane, end))
        text = next
        if waiting.count >= pool.workers * 2 { try processWaiting() }
    }

    private mutating func processWaiting() throws(NgramError) {
        guard !waiting.isEmpty else { return }
        // What the vocabulary takes up is not left for blocks.
        memory.allow(max(0, min(memoryLimit * 2 / 5, memoryLimit - Self.needed(words: words) - EstimationMemory.base)))
        let texts = waiting
        waiting = []
        let words = words
        let memory = memory
        let results = try pool.map(count: texts.count) { index, worker throws(NgramError) in
            let (text, count) = texts[index]
            let codes = Lane<UInt32>(uninitialized: count + 1)
            guard let found = words.split(text, count: count, worker: worker, into: codes) else {
                throw NgramError(.limitExceeded, "text: memory is exhausted by \(words.count) different words")
            }
            var ends: UInt64 = 0
            for place in 0..<found where codes[place] == GramCode.end { ends &+= 1 }
            var scratch = GrowingLane<UInt8>()
            let packed = packedNumbers(codes, count: found, scratch: &scratch)
            return (try KeptLane(packed, in: memory), ends)
        }
        for (block, ends) in results {
            blocks.append(block)
            sentences += ends
        }
        for block in blocks where memory.isOver { try block.evict() }
    }

    /// About how many bytes the vocabulary takes up at most, its sorting included.
    private static func needed(words: SharedWords) -> Int { words.memory + words.count * 60 }

    /// Everything taken in, with final ids.
    struct Result: Sendable {
        let vocabulary: VocabularyList
        /// How many words, from the first id on, may be kept; all unless the vocabulary is limited.
        let keptWords: Int
        /// The text as packed numbers, which `codes` turns into codes.
        let blocks: [KeptLane<UInt8>]
        let codes: Lane<UInt32>
        /// How often each code was seen, `</s>` included.
        let codeCounts: Lane<UInt64>
        /// Occurrences of `<s>`, `</s>` and `<unk>` as words of the text, which were left out.
        let reservedSkipped: UInt64
    }

    /// `limit` has the only words to keep, `largest` says how many at most: they get the first ids.
    consuming func finish(limit: [String]? = nil, largest: Int? = nil) throws(NgramError) -> Result {
        if text.count > 0 {
            endLine()
            try setAside(text.count)
        }
        try processWaiting()
        try flushGiven()
        let needed = Self.needed(words: words)
        guard needed <= memoryLimit else {
            throw NgramError(
                .limitExceeded,
                "memory limit of \(memoryLimit >> 20) MB: the \(words.count) words alone need \(needed >> 20) MB; give more memory"
            )
        }
        let list = words.list(addingOccurrences: givenNumbers.indices.map { (givenNumbers[$0], givenCounts[$0]) })
        var reservedSkipped: UInt64 = 0
        var reserved: Set<Int> = []
        for name in VocabularyList.reserved {
            guard let number = words.find(Array(name.utf8)) else { continue }
            reserved.insert(Int(number))
            reservedSkipped += list.occurrences(Int(number))
        }
        var seen = Lane<UInt32>(uninitialized: list.count)
        var count = 0
        for number in 0..<list.count where list.occurrences(number) > 0 && !reserved.contains(number) {
            seen[count] = UInt32(number)
            count += 1
        }
        seen = seen.part(0..<count)
        list.sort(seen)
        let within = limit.map { limitWords(&seen, $0, list) } ?? count
        let kept = min(within, largest ?? within)

        // Reserved words become "no word" and are dropped when n-grams are formed.
        let first = Int(GramCode.firstWord)
        let codes = Lane<UInt32>(zeros: list.count + first)
        codes[Int(GramCode.end)] = GramCode.end
        let codeCounts = Lane<UInt64>(zeros: count + first)
        for place in 0..<count {
            let number = Int(seen[place])
            codes[number + first] = UInt32(place + first)
            codeCounts[place + first] = list.occurrences(number)
        }
        codeCounts[Int(GramCode.end)] = sentences
        return Result(
            vocabulary: list.vocabulary(seen, pool: pool), keptWords: kept + VocabularyList.reserved.count,
            blocks: blocks, codes: codes, codeCounts: codeCounts, reservedSkipped: reservedSkipped)
    }

    /// Puts the words of `limit` first, both parts as they were; says how many they are.
    private borrowing func limitWords(_ seen: inout Lane<UInt32>, _ limit: [String], _ list: ListedWords) -> Int {
        let isKept = Lane<Bool>(zeros: list.count)
        for word in limit {
            if let number = words.find(Array(word.utf8)) { isKept[Int(number)] = true }
        }
        let ordered = Lane<UInt32>(uninitialized: seen.count)
        var end = 0
        for place in 0..<seen.count where isKept[Int(seen[place])] {
            ordered[end] = seen[place]
            end += 1
        }
        let kept = end
        for place in 0..<seen.count where !isKept[Int(seen[place])] {
            ordered[end] = seen[place]
            end += 1
        }
        seen = ordered
        return kept
    }
}
