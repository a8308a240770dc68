private import CSystemZstd

/// Compresses with zstd (RFC 8878), frame by frame, on the calling thread.
///
/// The bytes depend on the input, the level, the dictionary and the version of libzstd, and on nothing else.
@safe public struct ZstdCompressor: ~Copyable {
    /// The levels that the linked libzstd knows. 1 to 19 are usual; negative ones are faster and larger.
    public static var levels: ClosedRange<Int> { Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel()) }

    private let context: OpaquePointer

    /// - Parameters:
    ///   - checksum: whether frames end in the checksum of their content.
    /// - Throws: `invalidArgument` for a level outside `levels`.
    public init(level: Int = 3, dictionary: ZstdDictionary? = nil, checksum: Bool = true) throws(StoreError) {
        guard Self.levels.contains(level) else {
            throw StoreError(
                .invalidArgument,
                "there is no zstd level \(level): choose from \(Self.levels.lowerBound) to \(Self.levels.upperBound)")
        }
        let noMemory = StoreError(.limitExceeded, "no memory is left to start compressing")
        guard let context = unsafe ZSTD_createCCtx() else { throw noMemory }
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0)
        if let dictionary {
            let result = unsafe dictionary.bytes.withUnsafeBytes {
                unsafe ZSTD_CCtx_loadDictionary(context, $0.baseAddress, $0.count)
            }
            guard ZSTD_isError(result) == 0 else {
                unsafe ZSTD_freeCCtx(context)
                throw noMemory
            }
        }
        unsafe self.context = context
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    /// The input as one frame that states its size.
    public mutating func compress(_ input: Span<UInt8>) throws(StoreError) -> [UInt8] {
        var frame: [UInt8] = []
        try compress(input, appendingTo: &frame)
        return frame
    }

    /// Appends the input as one frame that states its size.
    public mutating func compress(_ input: Span<UInt8>, appendingTo output: inout [UInt8]) throws(StoreError) {
        let scratch = RawBuffer(count: Self.bound(input.count))
        let count = unsafe try input.withRawBytes { (raw) throws(StoreError) in
            try unsafe compress(raw: raw, into: scratch.bytes)
        }
        unsafe output.append(contentsOf: scratch.slice(0, count))
    }

    /// Appends what is ready of a frame that grows with every call; `endFrame` ends it.
    public mutating func write(_ input: Span<UInt8>, appendingTo output: inout [UInt8]) throws(StoreError) {
        unsafe try input.withRawBytes { (raw) throws(StoreError) in
            try unsafe stream(raw, ZSTD_e_continue, &output)
        }
    }

    /// Ends the frame that `write` began, or makes an empty one.
    public mutating func endFrame(appendingTo output: inout [UInt8]) throws(StoreError) {
        try unsafe stream(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_end, &output)
    }

    /// The most bytes that a frame of `count` bytes may take.
    static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    /// Compresses into memory of at least `bound` bytes and returns the size of the frame.
    mutating func compress(
        raw input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Int {
        let result = unsafe ZSTD_compress2(
            context, output.baseAddress, output.count, input.baseAddress, input.count)
        try Self.check(result)
        return result
    }

    private mutating func stream(
        _ input: UnsafeRawBufferPointer, _ end: ZSTD_EndDirective, _ output: inout [UInt8]
    ) throws(StoreError) {
        let scratch = RawBuffer(count: ZSTD_CStreamOutSize())
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        while true {
            var target = unsafe ZSTD_outBuffer(dst: scratch.bytes.baseAddress, size: scratch.count, pos: 0)
            let left = unsafe ZSTD_compressStream2(context, &target, &source, end)
            try Self.check(left)
            unsafe output.append(contentsOf: scratch.slice(0, target.pos))
            if unsafe end == ZSTD_e_end ? left == 0 : source.pos == source.size { return }
        }
    }

    private static func check(_ result: Int) throws(StoreError) {
        guard ZSTD_isError(result) == 0 else {
            throw unsafe StoreError(
                .limitExceeded, "zstd cannot compress: \(String(cString: ZSTD_getErrorName(result)))")
        }
    }
}
