private import CSystemZlib

/// Decodes gzip (RFC 1952): any number of members one after the other, and zero padding after the last.
@safe final class GzipDecoder: StreamDecoder {
    private enum Position { case betweenMembers, inMember, inPadding }

    /// On the heap, because zlib keeps the address of the stream it was initialised with.
    private let stream: UnsafeMutablePointer<z_stream>
    private var position = Position.betweenMembers
    private var members = 0

    init?() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 + 16: the largest window there is, and gzip's header and checksum required.
        guard unsafe edic_inflate_init2(stream, 31) == Z_OK else { return nil }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(DecoderFailure) -> DecoderStep {
        var skipped = 0
        if position != .inMember {
            // tar and tape tools pad the last member with zeros.
            while skipped < input.count, unsafe input[skipped] == 0, members > 0 { skipped += 1 }
            if skipped > 0 { position = .inPadding }
            if skipped == input.count { return DecoderStep(consumed: skipped, produced: 0, isComplete: true) }
            guard position == .betweenMembers else {
                throw DecoderFailure(
                    code: .corrupt, reason: "bytes that are not gzip follow the last member", consumed: skipped)
            }
            position = .inMember
        }
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = UInt32(clamping: input.count)
        unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(clamping: output.count)
        let status = unsafe inflate(stream, Z_NO_FLUSH)
        let consumed = unsafe Int(UInt32(clamping: input.count) - stream.pointee.avail_in)
        let produced = unsafe Int(UInt32(clamping: output.count) - stream.pointee.avail_out)
        switch status {
        case Z_OK, Z_BUF_ERROR:
            return DecoderStep(consumed: consumed, produced: produced, isComplete: false)
        case Z_STREAM_END:
            members += 1
            position = .betweenMembers
            unsafe inflateReset(stream)
            return DecoderStep(consumed: consumed, produced: produced, isComplete: true)
        default:
            let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib error \(status)"
            throw DecoderFailure(
                code: .corrupt,
                reason: members > 0 && produced == 0 && reason == "incorrect header check"
                    ? "bytes that are not gzip follow the last member" : reason,
                consumed: consumed)
        }
    }
}
