internal import EDICNumerics
public import SystemPackage

/// For each source word, the target words its translation may need: a smaller output layer.
///
/// Marian's binary format: magic, checksum, the two limits it was made with, the lengths of both tables (u64 each), an
/// offset per source word (u64) and the target words (u32).
public struct LexicalShortlist: Sendable {
    /// How many of the most frequent target words are always allowed.
    public let frequentCount: Int
    /// How many source words there are.
    private let sourceCount: Int
    /// The whole file, which stays where it is: a sentence needs a few pages of it.
    private let file: Storage

    private enum Storage: Sendable {
        case mapped(MappedRegion)
        case owned([UInt8])

        func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
            switch self {
            case .mapped(let region): region.withBytes(body)
            case .owned(let bytes): body(bytes.span)
            }
        }
    }

    static let magic: UInt64 = 0xF11A_48D5_0134_17F5
    private static let headerSize = 48

    /// Maps a file and checks its checksum and its indices.
    ///
    /// - Parameter targetVocabulary: how many words the target has; every index must be below it.
    public init(_ path: FilePath, targetVocabulary: Int) throws(ModelError) {
        let region = try MappedFile.open(path).whole()
        (frequentCount, sourceCount) = try region.withBytes { bytes throws(ModelError) in
            try Self.check(bytes, file: path.string, targetVocabulary: targetVocabulary) { region.release($0) }
        }
        file = .mapped(region)
    }

    init(_ bytes: [UInt8], file: String, targetVocabulary: Int) throws(ModelError) {
        (frequentCount, sourceCount) = try Self.check(bytes.span, file: file, targetVocabulary: targetVocabulary)
        self.file = .owned(bytes)
    }

    /// - Parameter done: is told what has been read to the end.
    private static func check(
        _ bytes: Span<UInt8>, file: String, targetVocabulary: Int, done: (Range<Int>) -> Void = { _ in }
    ) throws(ModelError) -> (frequentCount: Int, sourceCount: Int) {
        var cursor = ByteCursor(file: file)
        guard try cursor.read(UInt64.self, from: bytes, "the magic number") == magic else {
            throw ModelError(.malformed, "\(file): does not begin as a binary shortlist; text shortlists are not read")
        }
        let checksum = try cursor.read(UInt64.self, from: bytes, "the checksum")
        let first = try cursor.read(UInt64.self, from: bytes, "the number of frequent words")
        _ = try cursor.read(UInt64.self, from: bytes, "the number of best words")
        let offsetCount = try cursor.read(UInt64.self, from: bytes, "the length of the offsets")
        let targetCount = try cursor.read(UInt64.self, from: bytes, "the length of the words")
        guard offsetCount > 0, offsetCount <= UInt64(bytes.count / 8), targetCount <= UInt64(bytes.count / 4),
            UInt64(headerSize) + offsetCount * 8 + targetCount * 4 == UInt64(bytes.count)
        else {
            throw ModelError(
                .malformed,
                "\(file): \(offsetCount) offsets and \(targetCount) words do not make \(bytes.count) bytes; "
                    + "the file is truncated or damaged, fetch it again")
        }
        // Piece by piece, so that what was read need not stay.
        let wordsBegin = headerSize + 8 * Int(offsetCount)
        var hash = Checksum()
        var last: UInt64 = 0
        var fall: (offset: UInt64, last: UInt64)?
        var largest: UInt32 = 0
        let step = 1 << 19
        for start in stride(from: 16, to: bytes.count, by: step) {
            let end = min(start + step, bytes.count)
            hash.add(bytes, start..<end)
            for place in stride(from: max(start, headerSize), to: min(end, wordsBegin), by: 8) {
                let offset = bytes.littleEndian(UInt64.self, at: place)
                if fall == nil, offset < last || offset > targetCount { fall = (offset, last) }
                last = offset
            }
            for place in stride(from: max(start, wordsBegin), to: end, by: 4) {
                largest = max(largest, bytes.littleEndian(UInt32.self, at: place))
            }
            done(start..<end)
        }
        guard hash.value == checksum else {
            throw ModelError(.malformed, "\(file): the checksum does not fit; the file is damaged, fetch it again")
        }
        if let fall {
            throw ModelError(
                .malformed, "\(file): offset \(fall.offset) follows \(fall.last) of \(targetCount) words")
        }
        if targetCount > 0, largest >= targetVocabulary {
            throw ModelError(
                .mismatch, "\(file): lists word \(largest), but the target vocabulary has \(targetVocabulary)")
        }
        return (Int(min(first, UInt64(targetVocabulary))), Int(offsetCount) - 1)
    }

    /// Marian's hash over whole 64-bit words; a last half word is not part of it.
    private struct Checksum {
        var value: UInt64 = 0

        mutating func add(_ bytes: Span<UInt8>, _ range: Range<Int>) {
            for place in stride(from: range.lowerBound, to: range.upperBound - 7, by: 8) {
                let word = bytes.littleEndian(UInt64.self, at: place)
                value ^= word &+ 0x9E37_79B9 &+ (value << 6) &+ (value >> 2)
            }
        }
    }

    /// The target words allowed for a sentence, ascending, a multiple of eight of them where the vocabulary allows.
    ///
    /// - Parameter sharedVocabulary: source and target words have the same numbers, so that names can be copied.
    public func words(
        for source: some Sequence<Int>, vocabulary: Int, sharedVocabulary: Bool
    ) -> [Int32] {
        var allowed = Allowed(vocabulary: vocabulary)
        for word in 0..<min(frequentCount, vocabulary) { allowed.insert(word) }
        for word in source where word >= 0 {
            if sharedVocabulary, word < vocabulary { allowed.insert(word) }
            guard word < sourceCount else { continue }
            file.withBytes { bytes in
                let wordsBegin = Self.headerSize + 8 * (sourceCount + 1)
                let place = Self.headerSize + 8 * word
                let begin = Int(bytes.littleEndian(UInt64.self, at: place))
                let end = Int(bytes.littleEndian(UInt64.self, at: place + 8))
                for index in begin..<end {
                    let target = Int(bytes.littleEndian(UInt32.self, at: wordsBegin + 4 * index))
                    if target < vocabulary { allowed.insert(target) }
                }
            }
        }
        var candidate = frequentCount
        while allowed.count % 8 != 0, candidate < vocabulary {
            allowed.insert(candidate)
            candidate += 1
        }
        return allowed.words
    }

    /// A set of words, a bit for each: going through all of them was longer than through a sentence's lists.
    private struct Allowed {
        private(set) var count = 0
        private var bits: [UInt64]

        init(vocabulary: Int) { bits = [UInt64](repeating: 0, count: (vocabulary + 63) / 64) }

        mutating func insert(_ word: Int) {
            let bit: UInt64 = 1 << UInt64(word % 64)
            if bits[word / 64] & bit == 0 { count += 1 }
            bits[word / 64] |= bit
        }

        /// In rising order.
        var words: [Int32] {
            [Int32](capacity: count) { words in
                for (place, own) in bits.enumerated() {
                    var left = own
                    while left != 0 {
                        words.append(Int32(64 * place + left.trailingZeroBitCount))
                        left &= left - 1
                    }
                }
            }
        }
    }
}
