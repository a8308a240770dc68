internal import EDICNumerics
public import SystemPackage

/// For each source word, the target words its translation may need: a smaller output layer.
///
/// Marian's binary format: magic, checksum, the two limits it was made with, the lengths of both tables (u64 each), an
/// offset per source word (u64) and the target words (u32).
public struct LexicalShortlist: Sendable {
    /// How many of the most frequent target words are always allowed.
    public let frequentCount: Int
    private let offsets: [Int]
    private let targets: [UInt32]

    static let magic: UInt64 = 0xF11A_48D5_0134_17F5

    /// Reads a file and checks its checksum and its indices.
    ///
    /// - Parameter targetVocabulary: how many words the target has; every index must be below it.
    public init(_ path: FilePath, targetVocabulary: Int) throws(ModelError) {
        let file = try MappedFile.open(path)
        let name = path.string
        self = try file.whole().withBytes { bytes throws(ModelError) in
            try LexicalShortlist(bytes, file: name, targetVocabulary: targetVocabulary)
        }
    }

    init(_ bytes: Span<UInt8>, file: String, targetVocabulary: Int) throws(ModelError) {
        var cursor = ByteCursor(file: file)
        guard try cursor.read(UInt64.self, from: bytes, "the magic number") == Self.magic else {
            throw ModelError(.malformed, "\(file): does not begin as a binary shortlist; text shortlists are not read")
        }
        let checksum = try cursor.read(UInt64.self, from: bytes, "the checksum")
        let first = try cursor.read(UInt64.self, from: bytes, "the number of frequent words")
        _ = try cursor.read(UInt64.self, from: bytes, "the number of best words")
        let offsetCount = try cursor.read(UInt64.self, from: bytes, "the length of the offsets")
        let targetCount = try cursor.read(UInt64.self, from: bytes, "the length of the words")
        guard offsetCount > 0, offsetCount <= UInt64(bytes.count / 8), targetCount <= UInt64(bytes.count / 4),
            48 + offsetCount * 8 + targetCount * 4 == UInt64(bytes.count)
        else {
            throw ModelError(
                .malformed,
                "\(file): \(offsetCount) offsets and \(targetCount) words do not make \(bytes.count) bytes; "
                    + "the file is truncated or damaged, fetch it again")
        }
        guard Self.checksum(of: bytes, from: 16) == checksum else {
            throw ModelError(.malformed, "\(file): the checksum does not fit; the file is damaged, fetch it again")
        }
        var offsets: [Int] = []
        offsets.reserveCapacity(Int(offsetCount))
        var last: UInt64 = 0
        for index in 0..<Int(offsetCount) {
            let offset = bytes.littleEndian(UInt64.self, at: 48 + 8 * index)
            guard offset >= last, offset <= targetCount else {
                throw ModelError(.malformed, "\(file): offset \(offset) follows \(last) of \(targetCount) words")
            }
            offsets.append(Int(offset))
            last = offset
        }
        let targets = bytes.littleEndianWords(at: 48 + 8 * Int(offsetCount), count: Int(targetCount))
        if let largest = targets.max(), largest >= targetVocabulary {
            throw ModelError(
                .mismatch, "\(file): lists word \(largest), but the target vocabulary has \(targetVocabulary)")
        }
        frequentCount = Int(min(first, UInt64(targetVocabulary)))
        self.offsets = offsets
        self.targets = targets
    }

    /// Marian's hash over the whole 64-bit words from `start`; a last half word is not part of it.
    private static func checksum(of bytes: Span<UInt8>, from start: Int) -> UInt64 {
        var hash: UInt64 = 0
        var offset = start
        while offset + 8 <= bytes.count {
            let word = bytes.littleEndian(UInt64.self, at: offset)
            hash ^= word &+ 0x9E37_79B9 &+ (hash << 6) &+ (hash >> 2)
            offset += 8
        }
        return hash
    }

    /// The target words allowed for a sentence, ascending, a multiple of eight of them where the vocabulary allows.
    ///
    /// - Parameter sharedVocabulary: source and target words have the same numbers, so that names can be copied.
    public func words(
        for source: some Sequence<Int>, vocabulary: Int, sharedVocabulary: Bool
    ) -> [Int32] {
        var allowed = [Bool](repeating: false, count: vocabulary)
        for word in 0..<min(frequentCount, vocabulary) { allowed[word] = true }
        for word in source where word >= 0 {
            if sharedVocabulary, word < vocabulary { allowed[word] = true }
            guard word + 1 < offsets.count else { continue }
            for target in targets[offsets[word]..<offsets[word + 1]] where target < vocabulary {
                allowed[Int(target)] = true
            }
        }
        var words: [Int32] = []
        var count = 0
        for word in allowed.indices where allowed[word] { count += 1 }
        var candidate = frequentCount
        while count % 8 != 0, candidate < vocabulary {
            if !allowed[candidate] {
                allowed[candidate] = true
                count += 1
            }
            candidate += 1
        }
        words.reserveCapacity(count)
        for word in allowed.indices where allowed[word] { words.append(Int32(word)) }
        return words
    }
}
