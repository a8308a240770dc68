internal import Synchronization
public import SystemPackage

/// Reads parts of a file in the zstd seekable format. Many threads may use one reader.
///
/// Opening reads the seek table and checks it against the file; a table that claims more than the file can hold is
/// refused before memory is taken for it. Reading checks every frame against its checksums.
public final class SeekableReader: Sendable {
    let file: OpenFile
    let table: SeekTable
    private let dictionary: ZstdDictionary?
    /// Decompressors that no thread uses at the moment.
    private let idle = Mutex<[FrameDecoder]>([])

    /// The path as it was given.
    public var name: String { file.name }
    /// Bytes of content in all frames.
    public var contentSize: Int { table.contentSize }
    /// Frames in the file, without the seek table but with skippable ones, which have no content.
    public var frameCount: Int { table.frameCount }

    /// Opens a file.
    ///
    /// - Throws: `StoreError`, for instance `corrupt` when the file does not end in a seek table.
    public convenience init(_ path: FilePath, dictionary: ZstdDictionary? = nil) throws(StoreError) {
        let file = try OpenFile(reading: path)
        self.init(file, table: try SeekTable(readingFrom: file), dictionary: dictionary)
    }

    init(_ file: OpenFile, table: SeekTable, dictionary: ZstdDictionary?) {
        self.file = file
        self.table = table
        self.dictionary = dictionary
    }

    /// The frame that holds the byte of content at `offset`. Takes time logarithmic in the number of frames.
    public func frame(containing offset: Int) -> Int {
        precondition((0..<contentSize).contains(offset), "offset outside the content")
        return table.frame(containing: offset)
    }

    /// The bytes of content that a frame holds.
    public func contentRange(ofFrame frame: Int) -> Range<Int> { table.contentRange(frame) }

    /// The bytes of the file that a frame takes.
    public func fileRange(ofFrame frame: Int) -> Range<Int> { table.fileRange(frame) }

    /// The content of one frame.
    public func content(ofFrame frame: Int) throws(StoreError) -> [UInt8] {
        var decoder = idle.withLock { $0.popLast() }
        if decoder == nil { decoder = try FrameDecoder(dictionary: dictionary) }
        guard let decoder else { return [] }
        let content = try decoder.content(ofFrame: frame, table: table, file: file)
        idle.withLock { $0.append(decoder) }
        return content
    }

    /// Some bytes of the content, which may span frames. Reads only the frames that hold them.
    public func content(in range: Range<Int>) throws(StoreError) -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= contentSize else {
            throw StoreError(.invalidArgument, "\(name): has \(contentSize) bytes of content, not bytes \(range)")
        }
        var bytes: [UInt8] = []
        guard !range.isEmpty else { return bytes }
        bytes.reserveCapacity(range.count)
        var frame = table.frame(containing: range.lowerBound)
        while frame < frameCount, table.contentRange(frame).lowerBound < range.upperBound {
            let held = table.contentRange(frame)
            let wanted = held.clamped(to: range)
            if !wanted.isEmpty {
                let content = try content(ofFrame: frame)
                bytes += content[(wanted.lowerBound - held.lowerBound)..<(wanted.upperBound - held.lowerBound)]
            }
            frame += 1
        }
        return bytes
    }
}
