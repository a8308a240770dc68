extension Span<UInt8> {
    /// The little-endian integer whose first byte is at `offset`; traps outside the span.
    func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, at offset: Int) -> T {
        precondition(offset >= 0 && offset <= count - MemoryLayout<T>.size, "byte \(offset) is outside \(count) bytes")
        return unsafe T(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
