/// The words, n-grams and labels of a fastText model, and how a text becomes rows of its input matrix.
struct FastTextDictionary: Sendable {
    private(set) var labels: [String] = []
    private(set) var labelCounts: [Int] = []
    /// Above every row number that ``forEachRow(of:_:)`` gives.
    let rowLimit: Int

    private let buckets: UInt32
    private let shortest: Int
    private let longest: Int
    private let wordNgrams: Int
    private var wordCount = 0
    /// The words one after the other, and where each begins.
    private var wordBytes: [UInt8] = []
    private var wordStarts: [Int] = [0]
    /// Open addressing by hash: word number + 1, 0 for a free slot.
    private var slots: [UInt32]
    /// The n-gram buckets that pruning left, and the rows they moved to; nil if nothing was pruned.
    private var pruned: PrunedBuckets?

    private static let labelPrefix = Array("__label__".utf8)
    private static let endOfLine = Array("</s>".utf8)

    init(
        _ reader: inout ByteReader, buckets: Int, shortest: Int, longest: Int, wordNgrams: Int
    ) throws(LanguageIDError) {
        let size = try reader.int32()
        let words = try reader.int32()
        let labelCount = try reader.int32()
        _ = try reader.integer(Int64.self)
        let prunedCount = try reader.int64()
        guard words >= 0, labelCount > 0, size == words + labelCount, size <= reader.remaining / 10,
            0...Int(Int32.max) ~= buckets, 0...64 ~= longest, shortest >= 0, 1...5 ~= wordNgrams,
            prunedCount <= reader.remaining / 8
        else {
            throw LanguageIDError(
                code: .malformedModel,
                message: "byte \(reader.offset): a dictionary of \(words) words, \(labelCount) labels")
        }
        self.buckets = UInt32(buckets)
        self.shortest = shortest
        self.longest = longest
        self.wordNgrams = wordNgrams
        slots = [UInt32](repeating: 0, count: max(16, (2 * words).nextPowerOfTwo))
        wordCount = words
        rowLimit = words + (prunedCount >= 0 ? prunedCount : longest > 0 || wordNgrams > 1 ? buckets : 0)
        for number in 0..<size { try readEntry(&reader, isLabel: number >= words) }
        try checkLabelCounts()
        if prunedCount >= 0 { pruned = try PrunedBuckets(&reader, count: prunedCount) }
        fillSlots()
    }

    private mutating func readEntry(_ reader: inout ByteReader, isLabel: Bool) throws(LanguageIDError) {
        let word = try reader.zeroTerminated()
        let count = try reader.int64()
        guard try (reader.integer(UInt8.self) == 1) == isLabel else {
            throw LanguageIDError(
                code: .malformedModel, message: "byte \(reader.offset): words and labels are out of order")
        }
        if isLabel {
            labels.append(
                String(decoding: word.starts(with: Self.labelPrefix) ? word.dropFirst(9) : word, as: UTF8.self))
            labelCounts.append(count)
        } else {
            wordBytes.append(contentsOf: word)
            wordStarts.append(wordBytes.count)
        }
    }

    /// The Huffman tree takes 10^15 for "not made yet", as fastText does, so the counts must stay below.
    private func checkLabelCounts() throws(LanguageIDError) {
        var total = 0
        for count in labelCounts {
            guard count >= 0, count < 1_000_000_000_000_000 - total else {
                throw LanguageIDError(code: .malformedModel, message: "a label's count of \(count) cannot be")
            }
            total += count
        }
    }

    private mutating func fillSlots() {
        for number in 0..<wordCount {
            let range = wordStarts[number]..<wordStarts[number + 1]
            var hash = Hash()
            for byte in wordBytes[range] { hash.add(byte) }
            var slot = Int(hash.value) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(number) + 1
        }
    }

    /// FNV-1a over sign-extended bytes, as fastText computes it.
    struct Hash {
        private(set) var value: UInt32 = 2_166_136_261

        @inline(__always) mutating func add(_ byte: UInt8) {
            value = (value ^ UInt32(bitPattern: Int32(Int8(bitPattern: byte)))) &* 16_777_619
        }
    }

    /// Calls `body` with the row of each word and n-gram of the first line of `utf8`, and of the end of the line.
    func forEachRow(of utf8: Span<UInt8>, _ body: (Int) -> Void) {
        var hashes: [UInt32] = []
        // A word between the marks that fastText puts around it.
        var marked: [UInt8] = []
        var at = 0
        while at < utf8.count {
            while at < utf8.count, utf8[at] != 0x0A, Self.isSpace(utf8[at]) { at += 1 }
            guard at < utf8.count, utf8[at] != 0x0A else { break }
            let start = at
            var hash = Hash()
            marked.removeAll(keepingCapacity: true)
            marked.append(UInt8(ascii: "<"))
            while at < utf8.count, !Self.isSpace(utf8[at]) {
                marked.append(utf8[at])
                hash.add(utf8[at])
                at += 1
            }
            let number = find(utf8.extracting(start..<at), hash.value)
            if number == nil, marked.dropFirst().starts(with: Self.labelPrefix) { continue }
            if let number { body(number) }
            if longest > 0, !marked.dropFirst().elementsEqual(Self.endOfLine) {
                marked.append(UInt8(ascii: ">"))
                forEachSubword(marked.span, body)
            }
            if wordNgrams > 1 { hashes.append(hash.value) }
        }
        var hash = Hash()
        for byte in Self.endOfLine { hash.add(byte) }
        if let number = find(Self.endOfLine.span, hash.value) { body(number) }
        if wordNgrams > 1 {
            hashes.append(hash.value)
            forEachWordNgram(hashes, body)
        }
    }

    /// fastText's white space: the blanks of ASCII and the zero byte.
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte || byte == 0 }

    private func find(_ word: Span<UInt8>, _ hash: UInt32) -> Int? {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            let start = wordStarts[number]
            if wordStarts[number + 1] - start == word.count {
                var k = 0
                while k < word.count, wordBytes[start + k] == word[k] { k += 1 }
                if k == word.count { return number }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func forEachSubword(_ word: Span<UInt8>, _ body: (Int) -> Void) {
        let count = word.count
        for i in 0..<count where word[i] & 0xC0 != 0x80 {
            var hash = Hash()
            var j = i
            var length = 1
            while j < count, length <= longest {
                hash.add(word[j])
                j += 1
                while j < count, word[j] & 0xC0 == 0x80 {
                    hash.add(word[j])
                    j += 1
                }
                // The marks alone are no n-grams.
                if length >= shortest, length > 1 || (i > 0 && j < count) { giveRow(hash.value, body) }
                length += 1
            }
        }
    }

    private func forEachWordNgram(_ hashes: [UInt32], _ body: (Int) -> Void) {
        for i in hashes.indices {
            var hash = UInt64(bitPattern: Int64(Int32(bitPattern: hashes[i])))
            for j in i + 1..<max(i + 1, min(hashes.count, i + wordNgrams)) {
                hash = hash &* 116_049_371 &+ UInt64(bitPattern: Int64(Int32(bitPattern: hashes[j])))
                giveBucket(UInt32(hash % UInt64(buckets)), body)
            }
        }
    }

    @inline(__always) private func giveRow(_ hash: UInt32, _ body: (Int) -> Void) {
        guard buckets > 0 else { return }
        giveBucket(hash % buckets, body)
    }

    @inline(__always) private func giveBucket(_ bucket: UInt32, _ body: (Int) -> Void) {
        if let pruned {
            if let row = pruned.row(of: bucket) { body(wordCount + Int(row)) }
        } else {
            body(wordCount + Int(bucket))
        }
    }
}

/// The buckets that pruning left: open addressing, half full at most.
private struct PrunedBuckets: Sendable {
    private var keys: [UInt32]
    private var rows: [UInt32]
    private let shift: UInt32

    init(_ reader: inout ByteReader, count: Int) throws(LanguageIDError) {
        let size = max(16, (2 * count).nextPowerOfTwo)
        keys = [UInt32](repeating: .max, count: size)
        rows = [UInt32](repeating: 0, count: size)
        shift = 32 - UInt32(size.trailingZeroBitCount)
        for _ in 0..<count {
            let bucket = try reader.integer(UInt32.self)
            let row = try reader.integer(UInt32.self)
            guard row < UInt32(count) else {
                throw LanguageIDError(
                    code: .malformedModel, message: "byte \(reader.offset): n-gram row \(row) of \(count)")
            }
            insert(bucket, row)
        }
    }

    private func slot(_ key: UInt32) -> Int { Int((key &* 2_654_435_769) >> shift) }

    private mutating func insert(_ key: UInt32, _ row: UInt32) {
        guard key != .max else { return }
        var place = slot(key)
        while keys[place] != .max, keys[place] != key { place = (place + 1) & (keys.count - 1) }
        keys[place] = key
        rows[place] = row
    }

    func row(of key: UInt32) -> UInt32? {
        var place = slot(key)
        while keys[place] != .max {
            if keys[place] == key { return rows[place] }
            place = (place + 1) & (keys.count - 1)
        }
        return nil
    }
}

extension Int {
    /// The smallest power of two that is not less.
    var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
