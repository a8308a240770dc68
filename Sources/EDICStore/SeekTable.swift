/// The table at the end of a seekable zstd file: how large each frame is, compressed and not.
///
/// The format is the zstd project's "seekable format" 0.1.0: a skippable frame with an entry for every frame before it,
/// skippable ones too (their content counts as 0 bytes), and a footer that readers find from the end of the file.
struct SeekTable {
    /// The frame of the table and what its first and last bytes say.
    static let skippableMagic: UInt32 = 0x184D_2A5E
    static let footerMagic: UInt32 = 0x8F92_EAB1
    static let footerSize = 9
    static let skippableHeaderSize = 8
    /// The limits of the format's reference implementation.
    static let maximumFrameCount = 0x800_0000
    static let maximumFrameSize = 0x4000_0000

    /// Where each frame begins in the file, and at the end where the table begins.
    private(set) var fileOffsets = [0]
    /// Where each frame's content begins in the content of all, and at the end the size of all.
    private(set) var contentOffsets = [0]
    /// The low half of XXH64 of each frame's content; empty if the file has no checksums.
    private(set) var checksums: [UInt32] = []

    /// XXH3 of the table's own frame, for a table that was read from a file.
    private(set) var hash: UInt64 = 0

    var frameCount: Int { fileOffsets.count - 1 }
    var contentSize: Int { contentOffsets[frameCount] }
    /// The bytes of the file that a frame takes.
    func fileRange(_ frame: Int) -> Range<Int> { fileOffsets[frame]..<fileOffsets[frame + 1] }
    /// The bytes of the content that a frame holds.
    func contentRange(_ frame: Int) -> Range<Int> { contentOffsets[frame]..<contentOffsets[frame + 1] }

    mutating func append(compressedSize: Int, contentSize: Int, checksum: UInt32) {
        fileOffsets.append(fileOffsets[frameCount] + compressedSize)
        contentOffsets.append(contentOffsets[contentOffsets.count - 1] + contentSize)
        checksums.append(checksum)
    }

    /// The frame whose content holds the byte at `offset`, which is less than `contentSize`.
    func frame(containing offset: Int) -> Int {
        // The last frame that begins at or before the offset is never empty, as the next one begins after it.
        var low = 0
        var high = frameCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if contentOffsets[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }

    /// The table as the skippable frame that ends a file.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: Self.skippableMagic)
        bytes.append(littleEndian: UInt32(frameCount * 12 + Self.footerSize))
        for frame in 0..<frameCount {
            bytes.append(littleEndian: UInt32(fileRange(frame).count))
            bytes.append(littleEndian: UInt32(contentRange(frame).count))
            bytes.append(littleEndian: checksums[frame])
        }
        bytes.append(littleEndian: UInt32(frameCount))
        bytes.append(0x80)
        bytes.append(littleEndian: Self.footerMagic)
        return bytes
    }
}

extension SeekTable {
    /// Reads and checks the table of a file. Takes memory in proportion to the file's size, whatever the table claims.
    init(readingFrom file: OpenFile) throws(StoreError) {
        let size = try file.size()
        let name = file.name
        let smallest = Self.skippableHeaderSize + Self.footerSize
        guard size >= smallest else {
            throw StoreError(
                .truncated,
                "\(name): has \(size) bytes, too few for a seekable zstd file; it was cut or is something else",
                bytes: 0..<size)
        }
        let footerRange = (size - Self.footerSize)..<size
        let footer = try file.bytes(at: footerRange.lowerBound, count: footerRange.count)
        guard footer.span.littleEndian(at: 5, as: UInt32.self) == Self.footerMagic else {
            throw StoreError.damaged(
                name, "the footer of the seek table", footerRange,
                "does not end in the seekable format's magic number; the file was cut, is damaged or is something else")
        }
        let descriptor = footer[4]
        guard descriptor & 0x7C == 0 else {
            throw StoreError.damaged(
                name, "the footer of the seek table", footerRange, "sets bits that the format reserves")
        }
        let hasChecksums = descriptor & 0x80 != 0
        let entrySize = hasChecksums ? 12 : 8
        let count = Int(footer.span.littleEndian(at: 0, as: UInt32.self))
        let start = size - smallest - count * entrySize
        let range = max(start, 0)..<size
        guard count <= Self.maximumFrameCount, start >= 0 else {
            throw StoreError.damaged(name, "the seek table", range, "claims \(count) frames, more than the file holds")
        }
        let bytes = try file.bytes(at: start, count: range.count)
        guard bytes.span.littleEndian(at: 0, as: UInt32.self) == Self.skippableMagic,
            Int(bytes.span.littleEndian(at: 4, as: UInt32.self)) == range.count - Self.skippableHeaderSize
        else { throw StoreError.damaged(name, "the seek table", range, "does not begin with its frame header") }
        hash = xxh3(bytes.span)
        fileOffsets.reserveCapacity(count + 1)
        contentOffsets.reserveCapacity(count + 1)
        for frame in 0..<count {
            let entry = Self.skippableHeaderSize + frame * entrySize
            let compressed = Int(bytes.span.littleEndian(at: entry, as: UInt32.self))
            let content = Int(bytes.span.littleEndian(at: entry + 4, as: UInt32.self))
            // A block takes 4 bytes at least and gives 128 KiB at most.
            guard content <= Self.maximumFrameSize, content <= compressed << 15 else {
                throw StoreError.damaged(
                    name, "the seek table", range, "claims that frame \(frame) holds \(content) bytes in \(compressed)")
            }
            fileOffsets.append(fileOffsets[frame] + compressed)
            contentOffsets.append(contentOffsets[frame] + content)
            if hasChecksums { checksums.append(bytes.span.littleEndian(at: entry + 8, as: UInt32.self)) }
        }
        guard fileOffsets[count] == start else {
            throw StoreError.damaged(
                name, "the seek table", range,
                "describes \(fileOffsets[count]) bytes of frames, but it follows \(start)")
        }
    }
}
