private import CSystemZstd

/// Decompresses zstd frames (RFC 8878) whose size is known or bounded. For whole files, use ``ByteReader``.
@safe public struct ZstdDecompressor: ~Copyable {
    private let context: OpaquePointer

    /// - Throws: `limitExceeded` without memory.
    public init(dictionary: ZstdDictionary? = nil) throws(StoreError) {
        let noMemory = StoreError(.limitExceeded, "no memory is left to start decompressing")
        guard let context = unsafe ZSTD_createDCtx() else { throw noMemory }
        if let dictionary {
            let result = unsafe dictionary.bytes.withUnsafeBytes {
                unsafe ZSTD_DCtx_loadDictionary(context, $0.baseAddress, $0.count)
            }
            guard ZSTD_isError(result) == 0 else {
                unsafe ZSTD_freeDCtx(context)
                throw noMemory
            }
        }
        unsafe self.context = context
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    /// The content of one or more whole frames that lie one after the other.
    ///
    /// - Parameter count: the most bytes the content may have. Memory is taken as the content grows, not as the
    ///   frame claims.
    /// - Throws: `corrupt` for damaged or cut frames or a wrong dictionary, `limitExceeded` for too much content.
    public mutating func decompress(_ frames: Span<UInt8>, atMost count: Int) throws(StoreError) -> [UInt8] {
        var output: [UInt8] = []
        let failure = unsafe frames.withRawBytes { unsafe stream($0, atMost: count, &output) }
        if let failure { throw failure }
        return output
    }

    private mutating func stream(
        _ input: UnsafeRawBufferPointer, atMost count: Int, _ output: inout [UInt8]
    ) -> StoreError? {
        unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        let scratch = RawBuffer(count: ZSTD_DStreamOutSize())
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        while true {
            var target = unsafe ZSTD_outBuffer(dst: scratch.bytes.baseAddress, size: scratch.count, pos: 0)
            let hint = unsafe ZSTD_decompressStream(context, &target, &source)
            guard ZSTD_isError(hint) == 0 else { return StoreError(.corrupt, Self.reason(hint)) }
            unsafe output.append(contentsOf: scratch.slice(0, target.pos))
            guard output.count <= count else {
                return StoreError(.limitExceeded, "the content has more than the \(count) bytes that are allowed")
            }
            if unsafe source.pos == source.size {
                if hint == 0 { return nil }
                if unsafe target.pos == 0 { return StoreError(.truncated, "the zstd data ends within a frame") }
            }
        }
    }

    /// Decompresses frames into memory of exactly the size they should have.
    mutating func decompress(
        raw input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(StoreError) {
        let result = unsafe ZSTD_decompressDCtx(
            context, output.baseAddress, output.count, input.baseAddress, input.count)
        guard ZSTD_isError(result) == 0 else { throw StoreError(.corrupt, Self.reason(result)) }
        guard result == output.count else {
            throw StoreError(.corrupt, "the frame holds \(result) bytes, but the seek table says \(output.count)")
        }
    }

    private static func reason(_ result: Int) -> String {
        unsafe "zstd says: \(String(cString: ZSTD_getErrorName(result)))"
    }
}
