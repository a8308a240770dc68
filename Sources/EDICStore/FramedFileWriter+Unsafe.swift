internal import SystemPackage

/// Writes the frames of a seekable zstd file one after the other and the seek table at the end.
struct FramedFileWriter: ~Copyable {
    private var file: AtomicFile
    private var compressor: ZstdCompressor
    private var scratch: RawBuffer
    private var contentDigest = Digest.Builder()
    private(set) var table = SeekTable()
    /// XXH3 of every frame written, as it lies in the file.
    private(set) var frameHashes: [UInt64] = []

    let name: String

    init(_ path: FilePath, level: Int, dictionary: ZstdDictionary?, isDurable: Bool) throws(StoreError) {
        // Locals first: a value that cannot be copied must not be half made when the second call throws.
        let compressor = try ZstdCompressor(level: level, dictionary: dictionary)
        let file = try AtomicFile(path, isDurable: isDurable)
        self.compressor = compressor
        self.file = file
        scratch = RawBuffer(count: 1 << 16)
        name = path.string
    }

    /// Writes one frame. At most `SeekTable.maximumFrameSize` bytes.
    mutating func writeFrame(_ content: Span<UInt8>) throws(StoreError) {
        unsafe try content.withRawBytes { (raw) throws(StoreError) in try unsafe writeFrame(raw: raw) }
    }

    /// Writes one frame of the first `count` bytes of a buffer.
    mutating func writeFrame(_ buffer: borrowing RawBuffer, count: Int) throws(StoreError) {
        try unsafe writeFrame(raw: UnsafeRawBufferPointer(buffer.slice(0, count)))
    }

    private mutating func writeFrame(raw content: UnsafeRawBufferPointer) throws(StoreError) {
        let bound = ZstdCompressor.bound(content.count)
        if bound > scratch.count { scratch = RawBuffer(count: bound) }
        let size = try unsafe compressor.compress(raw: content, into: scratch.bytes)
        let frame = unsafe UnsafeRawBufferPointer(scratch.slice(0, size))
        unsafe contentDigest.update(raw: content)
        try unsafe write(frame, contentSize: content.count, checksum: UInt32(truncatingIfNeeded: xxh64(content)))
    }

    /// Writes a skippable frame, given with its header.
    mutating func writeSkippableFrame(_ frame: Span<UInt8>) throws(StoreError) {
        unsafe try frame.withRawBytes { (raw) throws(StoreError) in
            try unsafe write(raw, contentSize: 0, checksum: Self.emptyChecksum)
        }
    }

    /// XXH64 of no bytes, which is what the seek table says of frames without content.
    static let emptyChecksum = unsafe UInt32(truncatingIfNeeded: xxh64(UnsafeRawBufferPointer(start: nil, count: 0)))

    private mutating func write(
        _ frame: UnsafeRawBufferPointer, contentSize: Int, checksum: UInt32
    ) throws(StoreError) {
        guard table.frameCount < SeekTable.maximumFrameCount, frame.count <= Int(UInt32.max) else {
            throw StoreError(
                .limitExceeded, "\(name): the seekable format has no room for more frames; begin another file")
        }
        unsafe frameHashes.append(xxh3(frame))
        table.append(compressedSize: frame.count, contentSize: contentSize, checksum: checksum)
        try unsafe file.write(raw: frame)
    }

    /// The SHA-256 of the content of all frames so far.
    borrowing func currentContentDigest() -> Digest { contentDigest.current() }

    /// Writes the seek table and makes the file appear; nothing may be written afterwards.
    mutating func finish() throws(StoreError) -> AtomicFile.Written {
        let bytes = table.encoded()
        try file.write(bytes.span)
        return try file.complete()
    }
}
