/// What a shard holds.
public enum ShardKind: String, Sendable, Hashable {
    /// Rows of JSON: ``DocumentShard``.
    case documents
    /// Token ids of documents: ``TokenShard``.
    case tokens

    fileprivate var magic: [UInt8] {
        switch self {
        case .documents: Array("EDICDOCS".utf8)
        case .tokens: Array("EDICTOKS".utf8)
        }
    }
}

/// The skippable frame before a shard's seek table: counts, digests, where each item lies, and the table of ids.
///
/// The pages DocumentShards and TokenShards describe its bytes. Items are rows or documents.
struct ShardIndex: Sendable {
    static let skippableMagic: UInt32 = 0x184D_2A5D
    static let version: UInt32 = 1
    /// Bytes before the frame hashes, with the skippable frame's header.
    static let fixedSize = 128

    var kind: ShardKind
    var itemCount = 0
    /// Data frames: those that hold content.
    var frameCount = 0
    var contentSize = 0
    var contentDigest = Digest(of: "")
    /// XXH3 of the seek table's whole frame.
    var seekTableHash: UInt64 = 0
    /// The size of the dictionary's skippable frame, 0 without a dictionary.
    var dictionaryFrameSize = 0
    var tokenWidth = 0
    var vocabularySize = 0
    var tokenizerDigest: Digest?
    /// XXH3 of each frame before the index as it lies in the file: the dictionary's, if any, and the data frames.
    var frameHashes: [UInt64] = []
    /// Rows in each data frame (documents), or tokens in each document (tokens).
    var counts: [UInt32] = []

    /// The sum of the counts before each, and at the end of all.
    func cumulativeCounts() -> [Int] {
        var sums = [0]
        sums.reserveCapacity(counts.count + 1)
        for count in counts { sums.append(sums[sums.count - 1] + Int(count)) }
        return sums
    }

    /// Frames before the first data frame.
    var leadingFrames: Int { dictionaryFrameSize > 0 ? 1 : 0 }
    /// The size of everything up to the checksum of the head, with it.
    var headSize: Int { Self.fixedSize + 8 * frameHashes.count + 4 * counts.count + 8 }
    /// The size of the table of ids with its checksum.
    var idTableSize: Int { 12 * itemCount + 8 }
    /// The size of the whole frame.
    var size: Int { headSize + idTableSize }
}

extension ShardIndex {
    /// The bytes of the frame.
    func encoded(ids: [IDTable.Entry]) throws(StoreError) -> [UInt8] {
        guard size - SeekTable.skippableHeaderSize <= Int(UInt32.max) else {
            throw StoreError(.limitExceeded, "a shard of \(itemCount) items is too large for its index; cut it in two")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        bytes.append(littleEndian: Self.skippableMagic)
        bytes.append(littleEndian: UInt32(size - SeekTable.skippableHeaderSize))
        bytes += kind.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt32(frameCount))
        bytes.append(littleEndian: UInt64(itemCount))
        bytes.append(littleEndian: UInt64(contentSize))
        bytes += contentDigest.bytes
        bytes.append(littleEndian: seekTableHash)
        bytes.append(littleEndian: UInt32(dictionaryFrameSize))
        bytes.append(littleEndian: UInt32(tokenWidth))
        bytes.append(littleEndian: UInt64(vocabularySize))
        bytes += tokenizerDigest?.bytes ?? [UInt8](repeating: 0, count: 32)
        for hash in frameHashes { bytes.append(littleEndian: hash) }
        for count in counts { bytes.append(littleEndian: count) }
        bytes.append(littleEndian: xxh3(bytes.span))
        let idStart = bytes.count
        for entry in ids { bytes.append(littleEndian: entry.hash) }
        for entry in ids { bytes.append(littleEndian: entry.item) }
        bytes.append(littleEndian: xxh3(bytes.span.extracting(idStart..<bytes.count)))
        return bytes
    }

    /// Reads the head of the index of a shard of this kind (nil: of any kind) and checks it against the seek table.
    /// Takes memory in proportion to the file's size.
    init(readingFrom file: OpenFile, table: SeekTable, kind expected: ShardKind?) throws(StoreError) {
        let name = file.name
        let notAShard = "\(name): has no shard index before its seek table; it is seekable zstd, but not a shard"
        guard table.frameCount > 0 else { throw StoreError(.unsupported, notAShard) }
        let range = table.fileRange(table.frameCount - 1)
        func damaged(_ reason: String) -> StoreError { .damaged(name, "the index", range, reason) }
        guard range.count >= Self.fixedSize else { throw StoreError(.unsupported, notAShard) }
        let fixed = try file.bytes(at: range.lowerBound, count: Self.fixedSize)
        guard fixed.span.littleEndian(at: 0, as: UInt32.self) == Self.skippableMagic else {
            throw StoreError(.unsupported, notAShard, bytes: range)
        }
        guard Int(fixed.span.littleEndian(at: 4, as: UInt32.self)) == range.count - SeekTable.skippableHeaderSize else {
            throw damaged("its size is not what the seek table says")
        }
        switch Array(fixed[8..<16]) {
        case ShardKind.documents.magic: kind = .documents
        case ShardKind.tokens.magic: kind = .tokens
        default: throw damaged("it does not begin with EDICDOCS or EDICTOKS")
        }
        if let expected, kind != expected {
            throw StoreError(.unsupported, "\(name): is a shard of \(kind.rawValue), not of \(expected.rawValue)")
        }
        let version = fixed.span.littleEndian(at: 16, as: UInt32.self)
        guard version == Self.version else {
            throw StoreError(
                .unsupported, "\(name): has version \(version) of the shard format; this program reads \(Self.version)",
                bytes: range)
        }
        let items = fixed.span.littleEndian(at: 24, as: UInt64.self)
        frameCount = Int(fixed.span.littleEndian(at: 20, as: UInt32.self))
        dictionaryFrameSize = Int(fixed.span.littleEndian(at: 80, as: UInt32.self))
        let leading = dictionaryFrameSize > 0 ? 1 : 0
        // Every item takes 12 bytes of the table of ids, so what does not fit is refused before it is read.
        guard items <= UInt64(range.count / 12), frameCount + leading + 1 == table.frameCount else {
            throw damaged("it claims \(items) items and \(frameCount) frames, which the file does not hold")
        }
        itemCount = Int(items)
        contentSize = Int(clamping: fixed.span.littleEndian(at: 32, as: UInt64.self))
        guard let digest = Digest(bytes: fixed.span.extracting(40..<72)) else { throw damaged("it has no digest") }
        contentDigest = digest
        seekTableHash = fixed.span.littleEndian(at: 72, as: UInt64.self)
        tokenWidth = Int(fixed.span.littleEndian(at: 84, as: UInt32.self))
        vocabularySize = Int(clamping: fixed.span.littleEndian(at: 88, as: UInt64.self))
        tokenizerDigest = kind == .tokens ? Digest(bytes: fixed.span.extracting(96..<128)) : nil
        let countCount = kind == .documents ? frameCount : itemCount
        let headSize = Self.fixedSize + 8 * (frameCount + leading) + 4 * countCount + 8
        guard headSize + 12 * itemCount + 8 == range.count else {
            throw damaged("it has \(range.count) bytes, which is not what its counts need")
        }
        let head = try file.bytes(at: range.lowerBound, count: headSize)
        let bytes = head.span
        guard xxh3(bytes.extracting(0..<(headSize - 8))) == bytes.littleEndian(at: headSize - 8, as: UInt64.self) else {
            throw damaged("its head does not have its checksum")
        }
        frameHashes = (0..<(frameCount + leading)).map {
            bytes.littleEndian(at: Self.fixedSize + 8 * $0, as: UInt64.self)
        }
        let countStart = Self.fixedSize + 8 * frameHashes.count
        counts = (0..<countCount).map { bytes.littleEndian(at: countStart + 4 * $0, as: UInt32.self) }
        try check(table, range, name, fileSize: try file.size())
    }

    /// What must hold between the index and the seek table, whoever wrote them.
    private func check(_ table: SeekTable, _ range: Range<Int>, _ name: String, fileSize: Int) throws(StoreError) {
        func damaged(_ reason: String) -> StoreError { .damaged(name, "the index", range, reason) }
        guard table.hash == seekTableHash else {
            let tableRange = range.upperBound..<fileSize
            throw .damaged(name, "the seek table", tableRange, "it does not have its checksum in the index")
        }
        guard contentSize == table.contentSize else {
            throw damaged("it counts \(contentSize) bytes of content, the seek table \(table.contentSize)")
        }
        guard dictionaryFrameSize == 0 || table.fileRange(0).count == dictionaryFrameSize else {
            throw damaged("it says that the dictionary takes \(dictionaryFrameSize) bytes, the seek table disagrees")
        }
        var sum = 0
        for count in counts { sum += Int(count) }
        switch kind {
        case .documents:
            guard sum == itemCount else { throw damaged("its frames hold \(sum) rows, but it counts \(itemCount)") }
        case .tokens:
            guard tokenWidth == 2 || tokenWidth == 4, sum * tokenWidth == contentSize else {
                throw damaged("its documents have \(sum) tokens of \(tokenWidth) bytes in \(contentSize) bytes")
            }
        }
    }
}
