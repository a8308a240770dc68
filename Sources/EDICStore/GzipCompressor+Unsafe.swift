private import CSystemZlib

/// Compresses into gzip members (RFC 1952), which may lie one after the other, on the calling thread.
public enum GzipCompressor {
    /// The input as one member without a name and a time.
    ///
    /// - Parameter level: 0 to 9; higher is smaller and slower.
    public static func compress(_ input: Span<UInt8>, level: Int = 6) throws(StoreError) -> [UInt8] {
        guard (0...9).contains(level), input.count < 1 << 31 else {
            throw StoreError(.invalidArgument, "gzip: levels are 0 to 9, members below 2 GB")
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        defer { unsafe stream.deallocate() }
        guard unsafe edic_deflate_init2(stream, Int32(level)) == Z_OK else {
            throw StoreError(.limitExceeded, "no memory is left to start compressing")
        }
        defer { unsafe deflateEnd(stream) }
        let output = RawBuffer(count: unsafe Int(deflateBound(stream, UInt(input.count))))
        let isDone = unsafe input.withRawBytes { raw in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: raw.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = UInt32(raw.count)
            unsafe stream.pointee.next_out = output.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(output.count)
            return unsafe deflate(stream, Z_FINISH) == Z_STREAM_END
        }
        guard isDone else { throw StoreError(.limitExceeded, "gzip cannot compress the input") }
        return unsafe [UInt8](output.slice(0, Int(stream.pointee.total_out)))
    }
}
