private import CSystemZstd

/// Decodes zstd (RFC 8878): any number of frames, skippable ones passed over.
@safe final class ZstdStreamDecoder: StreamDecoder {
    private let context: OpaquePointer
    private var isComplete = true

    /// - Parameter maximumWindow: the most bytes of history a frame may ask for; it bounds the memory taken.
    init?(maximumWindow: Int) {
        guard let context = unsafe ZSTD_createDCtx() else { return nil }
        unsafe self.context = context
        let bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax)
        let log = Int32(Int.bitWidth - 1 - max(maximumWindow, 1).leadingZeroBitCount)
        unsafe ZSTD_DCtx_setParameter(
            context, ZSTD_d_windowLogMax, min(max(log, bounds.lowerBound), bounds.upperBound))
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(DecoderFailure) -> DecoderStep {
        if unsafe isComplete && input.isEmpty { return DecoderStep(consumed: 0, produced: 0, isComplete: true) }
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = unsafe ZSTD_decompressStream(context, &target, &source)
        if ZSTD_isError(result) != 0 {
            let windowTooLarge = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge
            throw unsafe DecoderFailure(
                code: windowTooLarge ? .limitExceeded : .corrupt,
                reason: windowTooLarge
                    ? "a frame asks for more window memory than the limit allows; raise the limit or recompress"
                    : "zstd says: \(String(cString: ZSTD_getErrorName(result)))",
                consumed: source.pos)
        }
        isComplete = result == 0
        return unsafe DecoderStep(consumed: source.pos, produced: target.pos, isComplete: isComplete)
    }
}
