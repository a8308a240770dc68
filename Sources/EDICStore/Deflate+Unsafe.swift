private import CSystemZlib

/// Raw deflate data (RFC 1951), as members of ZIP archives hold it. `.gz` files are read by ``ByteReader``.
public enum Deflate {
    /// The bytes that `packed` unpacks to.
    ///
    /// - Parameters:
    ///   - size: how many bytes there must be; so much memory is taken at once, so check that it is believable.
    ///   - checksum: their CRC-32, as ZIP's directory says it.
    ///   - name: what an error calls the data.
    /// - Throws: `corrupt` if the data is no deflate stream of exactly this size and checksum.
    public static func unpack(
        _ packed: Span<UInt8>, size: Int, checksum: UInt32, name: String
    ) throws(StoreError) -> [UInt8] {
        var failure: String?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            unsafe packed.withUnsafeBufferPointer { packed in
                unsafe count = inflateAll(UnsafeRawBufferPointer(packed), into: buffer, failure: &failure)
            }
        }
        if failure == nil, bytes.count != size { failure = "\(bytes.count) bytes come out, where \(size) should" }
        if failure == nil, crc(of: bytes.span) != checksum { failure = "the unpacked bytes fail their checksum" }
        if let failure {
            throw StoreError(.corrupt, "\(name): the deflate data is damaged (\(failure)); fetch the file again")
        }
        return bytes
    }

    /// The CRC-32 of ZIP and gzip.
    public static func crc(of bytes: Span<UInt8>) -> UInt32 {
        unsafe bytes.withUnsafeBufferPointer { unsafe UInt32(crc32_z(0, $0.baseAddress, $0.count)) }
    }

    /// Unpacks until the stream ends or `output` is full, and returns how many bytes were written.
    private static func inflateAll(
        _ packed: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<UInt8>, failure: inout String?
    ) -> Int {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        defer { unsafe stream.deallocate() }
        // Minus 15: the largest window there is, and no header.
        guard unsafe edic_inflate_init2(stream, -15) == Z_OK else {
            failure = "zlib has no memory"
            return 0
        }
        defer { unsafe inflateEnd(stream) }
        // One byte more than is wanted, so that data that goes on is seen.
        var excess: UInt8 = 0
        var consumed = 0
        var produced = 0
        while true {
            let input = unsafe UnsafeRawBufferPointer(rebasing: packed[consumed...])
            let room = output.count - produced
            let status: Int32 = unsafe withUnsafeMutablePointer(to: &excess) { excess in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
                unsafe stream.pointee.avail_in = UInt32(clamping: input.count)
                unsafe stream.pointee.next_out = room > 0 ? output.baseAddress.map { unsafe $0 + produced } : excess
                unsafe stream.pointee.avail_out = room > 0 ? UInt32(clamping: room) : 1
                return unsafe inflate(stream, Z_NO_FLUSH)
            }
            unsafe consumed += Int(UInt32(clamping: input.count) - stream.pointee.avail_in)
            let written = unsafe Int((room > 0 ? UInt32(clamping: room) : 1) - stream.pointee.avail_out)
            if room == 0, written > 0 {
                failure = "more than \(output.count) bytes come out"
                return produced
            }
            produced += written
            switch status {
            case Z_STREAM_END: return produced
            case Z_OK where consumed < packed.count || written > 0: continue
            case Z_OK, Z_BUF_ERROR:
                failure = "it ends before its end mark"
                return produced
            default:
                failure = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib error \(status)"
                return produced
            }
        }
    }
}
