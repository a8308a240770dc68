internal import EDICNumerics
internal import EDICStore
internal import SystemPackage

/// An ARPA file, read into memory: as KenLM, SRILM and others write it, plain or compressed.
struct ARPAText: Sendable {
    /// The n-grams of one order as listed.
    struct Order: Sendable {
        /// `order` words each, in the order of the text.
        var words = GrowingLane<UInt32>()
        var probabilities = GrowingLane<Float>()
        var backoffs = GrowingLane<Float>()
        /// The line of the first; nil where lines without n-grams lie between them.
        var firstLine: Int?
    }

    private(set) var vocabulary: VocabularyList
    private(set) var orders: [Order]

    private enum Section {
        case preamble, counts
        case grams(Int)
        case end
    }

    /// Reads the file at `path`.
    ///
    /// `<unk>` missing is added with log probability -100, as KenLM does; words come in the order of the file behind
    /// the reserved ones.
    init(_ path: FilePath) throws(NgramError) {
        var reader: LineReader
        do {
            reader = try LineReader(ByteReader(path))
        } catch {
            throw NgramError(.inputOutput, error.message, cause: error)
        }
        var parser = Parser(name: "\(path)")
        while true {
            do {
                guard try reader.advance() else { break }
            } catch {
                throw NgramError(.corrupt, error.message, cause: error)
            }
            let number = reader.number
            let done = try reader.withLine { line throws(NgramError) in try parser.take(line, number) }
            if done { break }
        }
        (vocabulary, orders) = try parser.finish()
    }

    private struct Parser {
        let name: String
        var section = Section.preamble
        var declared: [Int] = []
        var words = WordTable()
        /// The id of each word of the table, and how many ids there are.
        var unigramIDs: [UInt32] = []
        var orders: [Order] = []
        var line = 0

        init(name: String) {
            self.name = name
            for word in VocabularyList.reserved { _ = words.intern(Array(word.utf8).span) }
        }

        func corrupt(_ what: String) -> NgramError {
            NgramError(.corrupt, "\(name), line \(line): \(what)")
        }

        /// Takes a line; true after the last.
        mutating func take(_ text: Span<UInt8>, _ number: Int) throws(NgramError) -> Bool {
            line = number
            var end = text.count
            while end > 0, Self.isBlank(text[end - 1]) { end -= 1 }
            if end == 0 { return false }
            var start = 0
            while Self.isBlank(text[start]) { start += 1 }
            // A byte order mark may come first.
            if number == 1, end >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { start = 3 }
            if start < end, text[start] == 0x5C, try takeHeading(text, start..<end) { return isEnd }
            switch section {
            case .preamble: break
            case .counts: try takeCount(text, end)
            case .grams(let order): try takeGram(text, end, order)
            case .end: return true
            }
            return false
        }

        private var isEnd: Bool { if case .end = section { true } else { false } }

        /// Whether the line is a heading; a word that begins with a backslash is none.
        private mutating func takeHeading(_ text: Span<UInt8>, _ range: Range<Int>) throws(NgramError) -> Bool {
            guard range.count <= 16 else { return false }
            let heading = String(decoding: range.map { text[$0] }, as: UTF8.self)
            if heading == "\\data\\" {
                guard case .preamble = section else { throw corrupt("a second \\data\\") }
                section = .counts
                return true
            }
            if heading == "\\end\\" {
                try checkCount()
                guard orders.count == declared.count else {
                    throw corrupt("\\end\\ where the \(orders.count + 1)-grams were expected")
                }
                section = .end
                return true
            }
            guard heading.hasSuffix("-grams:"), let order = Int(heading.dropFirst().dropLast(7)) else { return false }
            if case .preamble = section { throw corrupt("n-grams before \\data\\") }
            try checkCount()
            guard order == orders.count + 1, order <= declared.count else {
                throw corrupt("\(order)-grams where \(orders.count + 1)-grams were expected")
            }
            orders.append(Order())
            section = .grams(order)
            return true
        }

        private func checkCount() throws(NgramError) {
            guard let last = orders.last else { return }
            guard last.probabilities.count == declared[orders.count - 1] else {
                throw corrupt(
                    "the \(orders.count)-grams end after \(last.probabilities.count) of \(declared[orders.count - 1])")
            }
        }

        private mutating func takeCount(_ text: Span<UInt8>, _ end: Int) throws(NgramError) {
            let content = String(decoding: (0..<min(end, 80)).map { text[$0] }, as: UTF8.self)
            let parts = content.split(separator: "=", omittingEmptySubsequences: false)
            let left = parts[0].split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard parts.count == 2, left.count == 2, left[0] == "ngram", let order = Int(left[1]),
                let count = Int(parts[1].filter { $0 != " " }), count >= 0, count < 1 << 32
            else { throw corrupt("expected \"ngram ORDER=COUNT\"") }
            guard order == declared.count + 1, order <= 10 else {
                throw corrupt("the count of \(order)-grams; expected \(declared.count + 1), and at most 10")
            }
            declared.append(count)
        }

        private mutating func takeGram(_ text: Span<UInt8>, _ end: Int, _ order: Int) throws(NgramError) {
            // Fields: the probability, the words, perhaps a backoff weight; separated by tabs or spaces.
            var fields = InlineArray<12, Range<Int>>(repeating: 0..<0)
            var count = 0
            var place = 0
            while place < end {
                while place < end, Self.isBlank(text[place]) { place += 1 }
                let start = place
                while place < end, !Self.isBlank(text[place]) { place += 1 }
                if place == start { break }
                guard count < order + 2 else { throw corrupt("more than \(order) words") }
                fields[count] = start..<place
                count += 1
            }
            guard count > order else { throw corrupt("expected a probability and \(order) words") }
            let probability = try number(text, fields[0])
            guard probability <= 0.001 else { throw corrupt("a log probability above 0, \(probability)") }
            let backoff = count == order + 2 ? try number(text, fields[order + 1]) : 0
            if order == 1 {
                let isUnknown = Self.isCapitalUnknown(text, fields[1])
                let (number, isNew) = isUnknown ? (0, false) : words.intern(text.extracting(fields[1]))
                guard isNew || number < 3 && !unigramIDs.contains(UInt32(number)) else {
                    throw corrupt("the word appears twice")
                }
                if number < 3 { unigramIDs.append(UInt32(number)) }
                orders[0].words.append(UInt32(number))
            } else {
                for field in 1...order {
                    let isUnknown = Self.isCapitalUnknown(text, fields[field])
                    guard let number = isUnknown ? 0 : words.find(text.extracting(fields[field])) else {
                        throw corrupt("a word that is not among the unigrams")
                    }
                    orders[order - 1].words.append(UInt32(number))
                }
            }
            let earlier = orders[order - 1].probabilities.count
            if earlier == 0 {
                orders[order - 1].firstLine = line
            } else if let first = orders[order - 1].firstLine, line != first + earlier {
                orders[order - 1].firstLine = nil
            }
            // As KenLM has it, zero is the negative one.
            orders[order - 1].probabilities.append(-min(probability, 0).magnitude)
            orders[order - 1].backoffs.append(backoff)
            guard orders[order - 1].probabilities.count <= declared[order - 1] else {
                throw corrupt("more than the \(declared[order - 1]) \(order)-grams that \\data\\ declares")
            }
        }

        /// Whether a word is `<UNK>`, as some programs call the unknown word.
        @inline(__always)
        private static func isCapitalUnknown(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
            let first = range.lowerBound
            return range.count == 5 && text[first] == 0x3C && text[first + 1] == 0x55 && text[first + 2] == 0x4E
                && text[first + 3] == 0x4B && text[first + 4] == 0x3E
        }

        @inline(__always)
        private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

        private func number(_ text: Span<UInt8>, _ range: Range<Int>) throws(NgramError) -> Float {
            let value = unsafe text.extracting(range).withUnsafeBufferPointer { unsafe DecimalText.read($0) }
            guard let value, !value.isNaN, value < .infinity else { throw corrupt("expected a number") }
            return value
        }

        mutating func finish() throws(NgramError) -> (VocabularyList, [Order]) {
            guard isEnd else {
                throw NgramError(.corrupt, "\(name): ends at line \(line) without \\end\\; the file is cut off")
            }
            guard !declared.isEmpty else { throw corrupt("no n-grams are declared") }
            for (id, word) in VocabularyList.reserved.enumerated() where !unigramIDs.contains(UInt32(id)) {
                // <unk> is given a tiny probability; <s> and </s> may be absent from a model of other units.
                _ = word
                orders[0].words.append(UInt32(id))
                orders[0].probabilities.append(id == 1 ? 0 : -100)
                orders[0].backoffs.append(0)
            }
            let order = (3..<UInt32(max(3, words.count))).map(\.self)
            return (VocabularyList(words: words, order: order), orders)
        }
    }
}
