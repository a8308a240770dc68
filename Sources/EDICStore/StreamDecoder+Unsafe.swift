/// One step of a decompressor: what it took, what it gave, and whether it stands between two streams.
struct DecoderStep {
    var consumed: Int
    var produced: Int
    /// Whether the input may end here: no stream has begun, or the last one is complete.
    var isComplete: Bool
}

/// A decompressor that works in pieces. Each compressed format has one, in a file of its own.
protocol StreamDecoder: AnyObject {
    /// Decodes some of `input` into `output`. `isLast` says that no input follows what is given.
    /// Throws `DecoderFailure` when the bytes contradict the format.
    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(DecoderFailure) -> DecoderStep
}

/// Why a decompressor stopped; the reader adds the file and the byte.
struct DecoderFailure: Error {
    var code: StoreError.Code
    var reason: String
    /// Bytes of the input taken before the failure was seen.
    var consumed: Int
}
