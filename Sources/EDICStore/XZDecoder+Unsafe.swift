private import CSystemLZMA

/// Decodes .xz: any number of streams one after the other with stream padding, every integrity check verified.
@safe final class XZDecoder: StreamDecoder {
    /// On the heap, because liblzma keeps state behind the structure and the address must stay.
    private let stream: UnsafeMutablePointer<lzma_stream>
    private var isComplete = false

    /// - Parameter maximumMemory: the most bytes the decoder may allocate.
    init?(maximumMemory: Int) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: edic_lzma_stream())
        let flags = edic_lzma_concatenated
        guard unsafe lzma_stream_decoder(stream, UInt64(clamping: maximumMemory), flags) == LZMA_OK else { return nil }
    }

    deinit {
        unsafe lzma_end(stream)
        unsafe stream.deallocate()
    }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(DecoderFailure) -> DecoderStep {
        if isComplete { return DecoderStep(consumed: 0, produced: 0, isComplete: true) }
        unsafe stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_in = input.count
        unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = output.count
        // liblzma decides that concatenated streams are over only when told that no input follows.
        let status = unsafe lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
        let consumed = unsafe input.count - stream.pointee.avail_in
        let produced = unsafe output.count - stream.pointee.avail_out
        func failure(_ code: StoreError.Code, _ reason: String) -> DecoderFailure {
            DecoderFailure(code: code, reason: reason, consumed: consumed)
        }
        switch status {
        case LZMA_OK, LZMA_BUF_ERROR:
            return DecoderStep(consumed: consumed, produced: produced, isComplete: false)
        case LZMA_STREAM_END:
            isComplete = true
            return DecoderStep(consumed: consumed, produced: produced, isComplete: true)
        case LZMA_MEMLIMIT_ERROR:
            let needed = unsafe lzma_memusage(stream) >> 20
            throw failure(.limitExceeded, "decoding needs \(needed) MiB of memory, more than the limit allows")
        case LZMA_FORMAT_ERROR: throw failure(.corrupt, "bytes that are not xz follow the last stream")
        case LZMA_OPTIONS_ERROR: throw failure(.unsupported, "the xz stream uses options that liblzma does not support")
        case LZMA_DATA_ERROR: throw failure(.corrupt, "the xz data contradicts its format or its checksum")
        case LZMA_MEM_ERROR: throw failure(.limitExceeded, "memory is exhausted")
        default: throw failure(.corrupt, "liblzma error \(status.rawValue)")
        }
    }
}
