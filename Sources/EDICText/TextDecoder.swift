/// What decoding found: how much went wrong, and where.
public struct DecodingReport: Equatable, Sendable {
    /// A run of bytes that is no character of the charset; U+FFFD stands in its place.
    public struct Invalid: Equatable, Sendable {
        /// The offset of its first byte in the input (in GB18030 it may be up to three bytes off).
        public let offset: Int
        /// How many bytes one U+FFFD replaces.
        public let length: Int

        public init(offset: Int, length: Int) {
            self.offset = offset
            self.length = length
        }
    }

    /// The bytes read, the byte order mark included.
    public internal(set) var byteCount = 0
    /// How many sequences were invalid: the number of U+FFFD that decoding put in.
    public internal(set) var invalidCount = 0
    /// The first of them; ``TextDecoder/init(_:sampleLimit:)`` says how many.
    public internal(set) var invalidSamples: [Invalid] = []
    /// Whether the input began with a byte order mark, which is not in the output.
    public internal(set) var hadByteOrderMark = false
    /// Whether the input ends inside a character, as a cut file does. That end counts as invalid too.
    public internal(set) var endsInsideCharacter = false

    public init() {}
}

/// Decodes a stream of bytes to UTF-8, chunk by chunk, wherever the chunks are cut.
///
/// Every sequence that the charset does not know becomes one U+FFFD and is counted and placed; in UTF-8 a sequence is
/// the "maximal subpart" of the Unicode standard, as in browsers. A byte order mark at the beginning is removed (and
/// decides between the byte orders where the charset leaves them open).
///
/// ```swift
/// var decoder = try TextDecoder(.init(named: "windows-1250")!)
/// while let chunk = file.next() { try decoder.decode(chunk, into: &text) }
/// try decoder.finish(into: &text)
/// print(decoder.report.invalidCount)
/// ```
public struct TextDecoder: ~Copyable {
    /// What the bytes are decoded from.
    public let charset: Charset
    /// What was found so far.
    public private(set) var report = DecodingReport()

    private let sampleLimit: Int
    /// For charsets of one byte a character.
    private let table: SingleByteTable?
    /// For the legacy charsets that take more.
    private let converter: ICUConverter?
    /// Bytes of a character, or of a byte order mark, that is not complete yet.
    private var pending: [UInt8] = []
    private var isAtStart = true
    /// The byte order in use, for UTF-16 and UTF-32.
    private var isBigEndian = true

    /// - Parameter sampleLimit: How many invalid sequences the report places.
    public init(_ charset: Charset, sampleLimit: Int = 16) throws(TextError) {
        // All that throws comes before the first property: a noncopyable value cannot be given up half made.
        let isSingleByte = charset.form == .singleByte || charset.form == .builtIn
        let table = isSingleByte ? try SingleByteTable(charset) : nil
        let converter = charset.form == .multiByte ? try ICUConverter(charset.name) : nil
        self.charset = charset
        self.sampleLimit = sampleLimit
        self.table = table
        self.converter = converter
        switch charset.form {
        case .utf16(let isBigEndian?), .utf32(let isBigEndian?): self.isBigEndian = isBigEndian
        default: break
        }
    }

    /// Decodes a whole input at once.
    public static func decode(
        _ bytes: Span<UInt8>, as charset: Charset, sampleLimit: Int = 16
    ) throws(TextError) -> (text: [UInt8], report: DecodingReport) {
        var decoder = try TextDecoder(charset, sampleLimit: sampleLimit)
        var text: [UInt8] = []
        try decoder.decode(bytes, into: &text)
        try decoder.finish(into: &text)
        return (text, decoder.report)
    }

    /// Appends the UTF-8 of the next bytes of the input. What belongs to an unfinished character is kept for later.
    public mutating func decode(_ chunk: Span<UInt8>, into output: inout [UInt8]) throws(TextError) {
        try step(chunk, isLast: false, into: &output)
    }

    /// Ends the input: an unfinished character becomes U+FFFD.
    public mutating func finish(into output: inout [UInt8]) throws(TextError) {
        try step(Span(), isLast: true, into: &output)
    }

    private mutating func step(_ chunk: Span<UInt8>, isLast: Bool, into output: inout [UInt8]) throws(TextError) {
        // Joining the few bytes left over with the whole chunk costs a copy of it, so join with its beginning only.
        var rest = chunk
        if !pending.isEmpty || isAtStart {
            let joint = min(chunk.count, 16)
            var head = pending
            for i in 0..<joint { head.append(chunk[i]) }
            if isAtStart {
                // A byte order mark has at most four bytes.
                if head.count < 4, !isLast {
                    pending = head
                    return
                }
                let mark = takeByteOrderMark(head)
                report.byteCount += mark
                head.removeFirst(mark)
                isAtStart = false
            }
            pending = []
            let consumed = try run(head.span, isLast: isLast && joint == chunk.count, into: &output)
            report.byteCount += consumed
            let left = head.count - consumed
            if left > joint || joint == chunk.count {
                pending = Array(head[consumed...])
                return
            }
            rest = chunk.extracting((joint - left)...)
        }
        let consumed = try run(rest, isLast: isLast, into: &output)
        report.byteCount += consumed
        for i in consumed..<rest.count { pending.append(rest[i]) }
    }

    /// The length of the byte order mark that `head` begins with; sets the byte order by it.
    private mutating func takeByteOrderMark(_ head: [UInt8]) -> Int {
        func begins(with mark: [UInt8]) -> Bool { head.starts(with: mark) }
        var length = 0
        switch charset.form {
        case .utf8: length = begins(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        case .utf16(let order):
            if begins(with: [0xFE, 0xFF]), order != false {
                (length, isBigEndian) = (2, true)
            } else if begins(with: [0xFF, 0xFE]), order != true {
                (length, isBigEndian) = (2, false)
            }
        case .utf32(let order):
            if begins(with: [0, 0, 0xFE, 0xFF]), order != false {
                (length, isBigEndian) = (4, true)
            } else if begins(with: [0xFF, 0xFE, 0, 0]), order != true {
                (length, isBigEndian) = (4, false)
            }
        case .singleByte, .builtIn, .multiByte: break
        }
        report.hadByteOrderMark = length > 0
        return length
    }

    /// Decodes as many bytes as form whole characters (all, if `isLast`), and returns how many those are.
    private mutating func run(_ bytes: Span<UInt8>, isLast: Bool, into output: inout [UInt8]) throws(TextError) -> Int {
        switch charset.form {
        case .utf8: return runUTF8(bytes, isLast: isLast, into: &output)
        case .utf16: return runUTF16(bytes, isLast: isLast, into: &output)
        case .utf32: return runUTF32(bytes, isLast: isLast, into: &output)
        case .singleByte, .builtIn: return runSingleByte(bytes, into: &output)
        case .multiByte: return try runMultiByte(bytes, isLast: isLast, into: &output)
        }
    }

    private mutating func noteInvalid(at offset: Int, length: Int, into output: inout [UInt8]) {
        output.append(contentsOf: [0xEF, 0xBF, 0xBD])
        if report.invalidSamples.count < sampleLimit {
            report.invalidSamples.append(.init(offset: report.byteCount + offset, length: length))
        }
        report.invalidCount += 1
    }

    // MARK: - UTF-8

    private mutating func runUTF8(_ bytes: Span<UInt8>, isLast: Bool, into output: inout [UInt8]) -> Int {
        var at = 0
        while at < bytes.count {
            // Blocks small enough for the cache; a bad one is then searched for the place.
            var end = min(bytes.count, at + 1 << 16)
            let tail = UTF8Validation.unfinishedTail(bytes.extracting(at..<end))
            end -= tail
            if end > at {
                let block = bytes.extracting(at..<end)
                if ICU.isWellFormedUTF8(block) {
                    output.append(copying: block)
                } else {
                    repairUTF8(block, at: at, into: &output)
                }
                at = end
            }
            guard tail > 0, end + tail == bytes.count else { continue }
            if isLast {
                noteInvalid(at: at, length: tail, into: &output)
                report.endsInsideCharacter = true
                at += tail
            }
            break
        }
        return at
    }

    private mutating func repairUTF8(_ block: Span<UInt8>, at base: Int, into output: inout [UInt8]) {
        var at = 0
        while at < block.count {
            let rest = block.extracting(at...)
            guard let bad = UTF8Validation.firstInvalid(in: rest) else {
                output.append(copying: rest)
                return
            }
            output.append(copying: rest.extracting(..<bad.lowerBound))
            noteInvalid(at: base + at + bad.lowerBound, length: bad.count, into: &output)
            at += bad.upperBound
        }
    }

    // MARK: - UTF-16 and UTF-32

    private mutating func runUTF16(_ bytes: Span<UInt8>, isLast: Bool, into output: inout [UInt8]) -> Int {
        let high = isBigEndian ? 0 : 1
        let low = 1 - high
        func unit(_ i: Int) -> UInt32 { UInt32(bytes[i + high]) << 8 | UInt32(bytes[i + low]) }
        output.reserveCapacity(output.count + bytes.count / 2 + bytes.count / 4)
        var at = 0
        while at + 2 <= bytes.count {
            let first = unit(at)
            if first & 0xF800 != 0xD800 {
                output.append(utf8Of: first)
                at += 2
            } else if first >= 0xDC00 {
                noteInvalid(at: at, length: 2, into: &output)
                at += 2
            } else if at + 4 <= bytes.count {
                let second = unit(at + 2)
                if second & 0xFC00 == 0xDC00 {
                    output.append(utf8Of: 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
                    at += 4
                } else {
                    noteInvalid(at: at, length: 2, into: &output)
                    at += 2
                }
            } else {
                break
            }
        }
        return finishUnits(bytes, at, isLast: isLast, into: &output)
    }

    private mutating func runUTF32(_ bytes: Span<UInt8>, isLast: Bool, into output: inout [UInt8]) -> Int {
        var at = 0
        while at + 4 <= bytes.count {
            var value: UInt32 = 0
            for k in 0..<4 { value = value << 8 | UInt32(bytes[at + (isBigEndian ? k : 3 - k)]) }
            if Unicode.Scalar(value) != nil {
                output.append(utf8Of: value)
            } else {
                noteInvalid(at: at, length: 4, into: &output)
            }
            at += 4
        }
        return finishUnits(bytes, at, isLast: isLast, into: &output)
    }

    private mutating func finishUnits(
        _ bytes: Span<UInt8>, _ at: Int, isLast: Bool, into output: inout [UInt8]
    ) -> Int {
        guard isLast, at < bytes.count else { return at }
        noteInvalid(at: at, length: bytes.count - at, into: &output)
        report.endsInsideCharacter = true
        return bytes.count
    }

    // MARK: - Legacy charsets

    private mutating func runSingleByte(_ bytes: Span<UInt8>, into output: inout [UInt8]) -> Int {
        guard let table else { return bytes.count }
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + 1 << 14)
            at += ICU.convert(bytes.extracting(at..<end), by: table.entries, into: &output)
            if at < end {
                noteInvalid(at: at, length: 1, into: &output)
                at += 1
            }
        }
        return at
    }

    private mutating func runMultiByte(
        _ bytes: Span<UInt8>, isLast: Bool, into output: inout [UInt8]
    ) throws(TextError) -> Int {
        var at = 0
        while true {
            guard let result = try converter?.convert(bytes.extracting(at...), isLast: isLast, into: &output) else {
                return bytes.count
            }
            at += result.consumed
            if result.invalid > 0 {
                noteInvalid(at: at - result.invalid, length: result.invalid, into: &output)
                if isLast, at == bytes.count, result.isDone { report.endsInsideCharacter = true }
            }
            if result.isDone { return at }
        }
    }
}

/// The UTF-8 of each byte of a charset, packed: up to three bytes, the first lowest, and their number in the top byte.
struct SingleByteTable {
    let entries: [UInt32]

    init(_ charset: Charset) throws(TextError) {
        guard let scalars = charset.scalars() else {
            throw TextError(
                code: .unknownCharset, message: "this ICU has no table for the charset \(charset.name); name another")
        }
        entries = scalars.map { scalar in
            guard let scalar, scalar.value < 0x10000 else { return 0 }
            var packed: UInt32 = 0
            var count: UInt32 = 0
            for byte in scalar.utf8 {
                packed |= UInt32(byte) << (8 * count)
                count += 1
            }
            return packed | count << 24
        }
    }
}

extension [UInt8] {
    /// Appends the UTF-8 of a scalar value, which must be one.
    fileprivate mutating func append(utf8Of value: UInt32) {
        if value < 0x80 {
            append(UInt8(truncatingIfNeeded: value))
        } else if value < 0x800 {
            append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
            append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        } else {
            if value < 0x10000 {
                append(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
            } else {
                append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
                append(UInt8(truncatingIfNeeded: 0x80 | value >> 12 & 0x3F))
            }
            append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
            append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        }
    }
}
