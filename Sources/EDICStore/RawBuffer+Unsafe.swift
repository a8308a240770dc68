/// Memory of a fixed size with one owner; the buffers of readers and writers.
@safe struct RawBuffer: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    /// Memory that is not initialised: read only what was written.
    init(count: Int) {
        unsafe bytes = .allocate(byteCount: max(count, 1), alignment: 64)
    }

    deinit { unsafe bytes.deallocate() }

    var count: Int { unsafe bytes.count }

    /// The bytes from `start` up to `end`, which the caller knows to be within the buffer.
    func slice(_ start: Int, _ end: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes as a span that must not outlive the call of `body`.
    func withByteSpan<Result: ~Copyable, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let typed = unsafe self.assumingMemoryBound(to: UInt8.self)
        return try unsafe body(typed.span)
    }
}

extension Span where Element == UInt8 {
    /// Calls `body` with the memory of the span.
    func withRawBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe self.withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
            try unsafe body(UnsafeRawBufferPointer(buffer))
        }
    }
}
