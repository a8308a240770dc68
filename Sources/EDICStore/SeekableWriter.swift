internal import EDICJSON
public import SystemPackage

/// Writes a file in the zstd seekable format: any `zstd -d` reads it, and ``SeekableReader`` reads parts of it.
public struct SeekableWriter: ~Copyable {
    private var frames: FramedFileWriter
    private var pending: [UInt8] = []
    private let frameSize: Int

    /// Begins a file that appears under its name when it is finished.
    ///
    /// - Parameters:
    ///   - frameSize: the bytes of content in each frame; smaller frames cost compression, larger ones cost time when a part is read.
    ///   - isDurable: as for ``AtomicFile``.
    public init(
        _ path: FilePath, frameSize: Int = 256 << 10, level: Int = 3, dictionary: ZstdDictionary? = nil,
        isDurable: Bool = true
    ) throws(StoreError) {
        guard (1...SeekTable.maximumFrameSize).contains(frameSize) else {
            throw StoreError(.invalidArgument, "\(path): frames may have 1 byte to 1 GiB, not \(frameSize)")
        }
        let frames = try FramedFileWriter(path, level: level, dictionary: dictionary, isDurable: isDurable)
        self.frames = frames
        self.frameSize = frameSize
    }

    /// Adds content, cutting frames where they are full.
    public mutating func write(_ bytes: Span<UInt8>) throws(StoreError) {
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + frameSize - pending.count)
            pending.append(copying: bytes.extracting(position..<end))
            position = end
            if pending.count == frameSize { try endFrame() }
        }
    }

    /// Ends the current frame early, for instance at the border of a record.
    public mutating func endFrame() throws(StoreError) {
        guard !pending.isEmpty else { return }
        // Swapped out, because a span of one property bars writing to another.
        var content: [UInt8] = []
        swap(&content, &pending)
        try frames.writeFrame(content.span)
        content.removeAll(keepingCapacity: true)
        swap(&content, &pending)
    }

    /// Writes the seek table and makes the file appear.
    @discardableResult
    public consuming func finish() throws(StoreError) -> AtomicFile.Written {
        try endFrame()
        return try frames.finish()
    }
}
