internal import EDICNumerics
internal import Glibc
internal import Synchronization

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
/// Text is cut into blocks at line ends. Each worker has a vocabulary of its own; ``finish()`` merges them and gives
/// every word its id: most frequent first, equal counts by first appearance. So ids do not depend on the workers.
struct NgramIntake: ~Copyable {
    /// A part of the text as word codes: local to its table until the merge, final afterwards.
    struct Block: Sendable {
        let table: Int
        let codes: Lane<UInt32>
    }

    /// One worker's words, how often and where first each was seen.
    final class LocalTable: @unchecked Sendable {
        var words = WordTable()
        var counts = GrowingLane<UInt64>()
        var firsts = GrowingLane<UInt64>()

        @inline(__always)
        func add(_ word: UnsafePointer<UInt8>, _ length: Int, at position: UInt64) -> UInt32 {
            let (number, isNew) = unsafe words.intern(word, length)
            if isNew {
                counts.append(1)
                firsts.append(position)
            } else {
                counts[number] &+= 1
            }
            return UInt32(truncatingIfNeeded: number) &+ GramCode.firstWord
        }
    }

    private let pool: WorkerPool
    private let blockSize: Int
    private var tables: [LocalTable]
    private var blocks: [Block] = []
    private var waiting: [Lane<UInt8>] = []
    private var text: GrowingLane<UInt8>
    private var givenCodes = GrowingLane<UInt32>()
    private var sentencesGiven = 0
    private(set) var byteCount = 0

    init(pool: WorkerPool, blockSize: Int = 4 << 20) {
        self.pool = pool
        self.blockSize = blockSize
        tables = (0..<pool.workers).map { _ in LocalTable() }
        text = GrowingLane(capacity: blockSize + TextSplitter.padding)
    }

    /// Adds a piece of text of any length; lines may go on in the next piece.
    mutating func add(piece: Span<UInt8>) {
        byteCount += piece.count
        unsafe piece.withUnsafeBufferPointer { piece in
            guard var source = piece.baseAddress else { return }
            var left = piece.count
            while left > 0 {
                let taken = min(left, max(blockSize - text.count, 1 << 16))
                unsafe text.append(copying: source, count: taken)
                unsafe source += taken
                left -= taken
                if text.count >= blockSize { cut() }
            }
        }
    }

    /// Ends a line that the text so far leaves open.
    mutating func endLine() {
        if text.count > 0, text[text.count - 1] != 0x0A { text.append(0x0A) }
    }

    /// Adds a sentence of numbers into the table made by ``give(words:)``.
    mutating func add(numbers: Span<UInt32>) throws(NgramError) {
        let known = UInt32(tables[tables.count - 1].words.count)
        let table = tables[tables.count - 1]
        let sequence = UInt64(blocks.count + waiting.count) << 32
        for index in 0..<numbers.count {
            let number = numbers[index]
            guard number < known else {
                throw NgramError(
                    .invalidArgument, "token id \(number): the vocabulary given holds only \(known) tokens")
            }
            if table.counts[Int(number)] == 0 { table.firsts[Int(number)] = sequence | UInt64(givenCodes.count) }
            table.counts[Int(number)] &+= 1
            givenCodes.append(number + GramCode.firstWord)
        }
        givenCodes.append(GramCode.end)
        if givenCodes.count >= blockSize / 4 { flushGiven() }
    }

    /// Makes a table of the caller's own words, whose numbers are their places.
    mutating func give(words: [String]) throws(NgramError) {
        let table = LocalTable()
        for (place, word) in words.enumerated() {
            let bytes = Array(word.utf8)
            for byte in bytes where TextSplitter.isSeparator(byte) {
                throw NgramError(
                    .invalidArgument, "token \(place): contains a separator (byte \(byte)), which no model can hold")
            }
            guard !bytes.isEmpty, table.words.intern(bytes.span).isNew else {
                throw NgramError(.invalidArgument, "token \(place): is empty or appears twice in the vocabulary given")
            }
            table.counts.append(0)
            table.firsts.append(0)
        }
        tables.append(table)
    }

    private mutating func flushGiven() {
        guard givenCodes.count > 0 else { return }
        processWaiting()
        blocks.append(Block(table: tables.count - 1, codes: givenCodes.lane.copyFirst(givenCodes.count)))
        givenCodes.removeAll()
    }

    /// Sets aside the complete lines of the text and goes on with the rest.
    private mutating func cut() {
        var end = text.count
        while end > 0 && text[end - 1] != 0x0A { end -= 1 }
        guard end > 0 else { return }
        setAside(end)
    }

    private mutating func setAside(_ end: Int) {
        let block = Lane<UInt8>(uninitialized: end + TextSplitter.padding)
        unsafe block.pointer.update(from: text.lane.pointer, count: end)
        for index in end..<block.count { block[index] = 0x0A }
        var rest = GrowingLane<UInt8>(capacity: blockSize + TextSplitter.padding)
        unsafe rest.append(copying: text.lane.pointer + end, count: text.count - end)
        text = rest
        waiting.append(block)
        if waiting.count >= pool.workers * 2 { processWaiting() }
    }

    private mutating func processWaiting() {
        guard !waiting.isEmpty else { return }
        let first = blocks.count
        let texts = waiting
        let tables = tables
        blocks += pool.map(count: texts.count) { index, worker in
            Self.process(texts[index], tables[worker], worker: worker, sequence: UInt64(first + index) << 32)
        }
        waiting = []
    }

    private static func process(_ text: Lane<UInt8>, _ table: LocalTable, worker: Int, sequence: UInt64) -> Block {
        var codes = GrowingLane<UInt32>(capacity: text.count / 5 + 16)
        unsafe TextSplitter.forEachWord(text.pointer, text.count - TextSplitter.padding) { word, length in
            codes.append(unsafe table.add(word, length, at: sequence | UInt64(codes.count)))
        } line: {
            codes.append(GramCode.end)
        }
        return Block(table: worker, codes: codes.lane.copyFirst(codes.count))
    }

    /// Everything taken in, with final ids.
    struct Result: Sendable {
        let vocabulary: VocabularyList
        /// How many words, from the first id on, may be kept; all unless the vocabulary is limited.
        let keptWords: Int
        let blocks: [Lane<UInt32>]
        /// How often each code was seen, `</s>` included.
        let codeCounts: [UInt64]
        /// Occurrences of `<s>`, `</s>` and `<unk>` as words of the text, which were left out.
        let reservedSkipped: UInt64
    }

    /// `limit` has the only words to keep: they get the first ids.
    consuming func finish(limit: Set<String>? = nil) -> Result {
        if text.count > 0 {
            endLine()
            setAside(text.count)
        }
        processWaiting()
        flushGiven()

        struct Seen {
            var count: UInt64
            var first: UInt64
        }
        var merged = WordTable(capacity: tables.map(\.words.count).max() ?? 0)
        var seen: [Seen] = []
        var numbers: [[UInt32]] = []
        for table in tables {
            var mapping: [UInt32] = []
            mapping.reserveCapacity(table.words.count)
            let arena = table.words.arena
            for number in 0..<table.words.count {
                let range = table.words.range(of: number)
                let (global, isNew) = unsafe merged.internUnpadded(arena.pointer + range.lowerBound, range.count)
                let count = table.counts[number]
                let first = table.firsts[number]
                if isNew {
                    seen.append(Seen(count: count, first: first))
                } else {
                    if count > 0 {
                        seen[global].first = seen[global].count == 0 ? first : min(seen[global].first, first)
                    }
                    seen[global].count += count
                }
                mapping.append(UInt32(global))
            }
            numbers.append(mapping)
        }

        var reserved: Set<Int> = []
        for name in VocabularyList.reserved {
            if let number = merged.find(Array(name.utf8).span) { reserved.insert(number) }
        }
        let reservedSkipped = reserved.reduce(0) { $0 + seen[$1].count }
        var order = (0..<UInt32(seen.count)).filter { seen[Int($0)].count > 0 && !reserved.contains(Int($0)) }
        order.sort { left, right in
            let left = seen[Int(left)]
            let right = seen[Int(right)]
            return left.count != right.count ? left.count > right.count : left.first < right.first
        }
        var kept = order.count
        if let limit {
            let within = order.filter { limit.contains(merged.text(of: Int($0))) }
            let outside = order.filter { !limit.contains(merged.text(of: Int($0))) }
            kept = within.count
            order = within + outside
        }
        // Reserved words become "no word" and are dropped when n-grams are formed.
        var codeOf = [UInt32](repeating: GramCode.none, count: seen.count)
        var codeCounts = [UInt64](repeating: 0, count: order.count + Int(GramCode.firstWord))
        for (place, number) in order.enumerated() {
            codeOf[Int(number)] = UInt32(place) + GramCode.firstWord
            codeCounts[place + Int(GramCode.firstWord)] = seen[Int(number)].count
        }
        let vocabulary = VocabularyList(words: merged, order: order)

        let mappings = numbers.map { table in Lane(table.map { codeOf[Int($0)] }) }
        let blocks = blocks
        let ends = pool.map(count: blocks.count) { index, _ in
            let block = blocks[index]
            let mapping = mappings[block.table]
            var ends: UInt64 = 0
            for place in 0..<block.codes.count {
                let code = block.codes[place]
                if code == GramCode.end {
                    ends &+= 1
                } else {
                    block.codes[place] = mapping[Int(code &- GramCode.firstWord)]
                }
            }
            return ends
        }
        codeCounts[Int(GramCode.end)] = ends.reduce(0, +)
        return Result(
            vocabulary: vocabulary, keptWords: kept + VocabularyList.reserved.count, blocks: blocks.map(\.codes),
            codeCounts: codeCounts,
            reservedSkipped: reservedSkipped)
    }
}
