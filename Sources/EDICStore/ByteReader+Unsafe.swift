internal import EDICJSON
public import SystemPackage

/// Reads a file or standard input in pieces and decompresses it on the way, whatever its name says.
///
/// The format is known by the first bytes: gzip (several members), zstd (several frames, skippable frames) and xz
/// (several streams) are decoded; anything else is passed through as it is. Memory is bounded: one input buffer, one
/// output buffer and the history the format needs, which `Limits` caps. The end of the data is reached only where every
/// stream is complete and its checksum agrees; a file that ends early or is damaged throws, naming file and byte.
public struct ByteReader: ~Copyable {
    /// What hostile or broken compressed data may cost.
    public struct Limits: Sendable, Hashable {
        /// The most bytes that may come out; nil for no limit.
        public var maximumOutput: Int?
        /// The most bytes that may come out for each compressed byte read, judged after the first 64 MiB came out.
        /// Text compresses 3 to 50 times, a bomb 1 000 times (gzip's best) and more.
        public var maximumExpansion: Int
        /// The most bytes of memory that a decoder may take for its history.
        public var maximumMemory: Int

        public init(maximumOutput: Int? = nil, maximumExpansion: Int = 900, maximumMemory: Int = 256 << 20) {
            self.maximumOutput = maximumOutput
            self.maximumExpansion = maximumExpansion
            self.maximumMemory = maximumMemory
        }
    }

    /// The format found.
    public let format: CompressionFormat
    /// The file's name for messages.
    public var name: String { file.name }
    /// Bytes given out so far: the offset in the decompressed data.
    public private(set) var offset = 0
    /// Bytes of the file used so far: the offset in the file.
    public private(set) var compressedOffset = 0

    private let file: OpenFile
    private let limits: Limits
    private let decoder: (any StreamDecoder)?
    private let input: RawBuffer
    private var inputStart = 0
    private var inputEnd = 0
    private var fileIsAtEnd = false
    private var isComplete = false
    /// Where `withChunk` and `read(into:atMost:)` decode to; allocated when first needed.
    private var output: RawBuffer?

    private static let inputCapacity = 1 << 17
    private static let outputCapacity = 1 << 18
    private static let expansionGrace = 64 << 20

    /// Opens a file.
    ///
    /// - Throws: `StoreError` when it cannot be opened, or is compressed in a way that is not supported.
    public init(_ path: FilePath, limits: Limits = Limits()) throws(StoreError) {
        try self.init(OpenFile(reading: path), limits: limits)
    }

    /// Reads from an open descriptor, which may be a pipe and which stays open afterwards.
    ///
    /// - Parameter name: what messages call the source, such as `standard input`.
    public init(_ descriptor: FileDescriptor, name: String, limits: Limits = Limits()) throws(StoreError) {
        try self.init(OpenFile(descriptor, name: name, closes: false), limits: limits)
    }

    init(_ file: OpenFile, limits: Limits) throws(StoreError) {
        let buffer = RawBuffer(count: Self.inputCapacity)
        var filled = 0
        // A pipe may give its first bytes one by one; whoever writes a short line into it waits for the answer.
        while unsafe UnsafeRawBufferPointer(buffer.slice(0, filled)).withByteSpan(CompressionFormat.isUndecided) {
            let count = try unsafe file.read(into: buffer.slice(filled, buffer.count))
            if count == 0 { break }
            filled += count
        }
        let start = unsafe UnsafeRawBufferPointer(buffer.slice(0, filled))
        let found = try unsafe start.withByteSpan { (start) throws(StoreError) in
            try CompressionFormat.detect(start, name: file.name)
        }
        let decoder: (any StreamDecoder)? =
            switch found {
            case .none: nil
            case .gzip: GzipDecoder()
            case .zstd: ZstdStreamDecoder(maximumWindow: limits.maximumMemory)
            case .xz: XZDecoder(maximumMemory: limits.maximumMemory)
            }
        guard found == .none || decoder != nil else {
            throw StoreError(.limitExceeded, "\(file.name): no memory is left to start decoding \(found.rawValue)")
        }
        self.file = file
        self.limits = limits
        self.decoder = decoder
        format = found
        input = buffer
        inputEnd = filled
    }

    /// Appends up to `count` decompressed bytes to `bytes` and returns how many, 0 at the end.
    ///
    /// Fewer than `count` bytes do not mean the end.
    public mutating func read(into bytes: inout [UInt8], atMost count: Int) throws(StoreError) -> Int {
        try withChunk(atMost: count) { chunk in
            bytes.append(copying: chunk)
            return chunk.count
        }
    }

    /// Decodes the next piece, at most `count` bytes (and at most 256 KiB), and calls `body` with it; with an empty
    /// span at the end.
    public mutating func withChunk<Result: ~Copyable>(
        atMost count: Int = .max, _ body: (Span<UInt8>) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let buffer = output.take() ?? RawBuffer(count: Self.outputCapacity)
        var failure: StoreError?
        var produced = 0
        do {
            produced = try unsafe fill(buffer.slice(0, max(0, min(count, buffer.count))))
        } catch {
            failure = error
        }
        if let failure {
            output = consume buffer
            throw failure
        }
        let chunk = unsafe UnsafeRawBufferPointer(buffer.slice(0, produced))
        output = consume buffer
        return try unsafe chunk.withByteSpan(body)
    }

    /// Everything that is left, if it is at most `count` bytes.
    ///
    /// - Throws: `limitExceeded` when there is more.
    public mutating func readAll(atMost count: Int) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        while try read(into: &bytes, atMost: .max) > 0 {
            if bytes.count > count {
                throw StoreError(.limitExceeded, "\(name): holds more than the \(count) bytes that are allowed here")
            }
        }
        return bytes
    }

    /// Decodes into `target` and returns how many bytes, 0 only at the end (or for an empty target).
    mutating func fill(_ target: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        guard target.count > 0 else { return 0 }
        let produced = try unsafe decoder == nil ? pass(into: target) : decode(into: target)
        offset += produced
        try checkLimits()
        return produced
    }

    private mutating func pass(into target: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        var count = 0
        if inputStart < inputEnd {
            count = min(target.count, inputEnd - inputStart)
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(input.slice(inputStart, inputStart + count)))
            inputStart += count
        } else if !fileIsAtEnd {
            count = try unsafe file.read(into: target)
            fileIsAtEnd = count == 0
        }
        compressedOffset += count
        return count
    }

    private mutating func decode(into target: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        guard let decoder else { return 0 }
        while true {
            if inputStart == inputEnd && !fileIsAtEnd {
                inputStart = 0
                inputEnd = try unsafe file.read(into: input.bytes)
                fileIsAtEnd = inputEnd == 0
            }
            let available = unsafe UnsafeRawBufferPointer(input.slice(inputStart, inputEnd))
            let step: DecoderStep
            do {
                step = try unsafe decoder.decode(available, into: target, isLast: fileIsAtEnd)
            } catch {
                throw StoreError(
                    error.code,
                    "\(name): \(format.rawValue) data damaged near byte \(compressedOffset + error.consumed): "
                        + error.reason)
            }
            inputStart += step.consumed
            compressedOffset += step.consumed
            if step.produced > 0 { return step.produced }
            if fileIsAtEnd && step.consumed == 0 {
                if step.isComplete { return 0 }
                throw StoreError(
                    .truncated,
                    "\(name): \(format.rawValue) data ends at byte \(compressedOffset), in the middle of a stream: "
                        + "the file was cut")
            }
        }
    }

    private func checkLimits() throws(StoreError) {
        if let most = limits.maximumOutput, offset > most {
            throw StoreError(
                .limitExceeded,
                "\(name): holds more than the \(most) bytes that are allowed (limit of decompressed bytes)")
        }
        if decoder != nil, offset > Self.expansionGrace, offset / max(1, limits.maximumExpansion) > compressedOffset {
            throw StoreError(
                .limitExceeded,
                "\(name): byte \(compressedOffset) expanded to \(offset) bytes, more than "
                    + "\(limits.maximumExpansion) for one; it looks like a decompression bomb")
        }
    }
}
