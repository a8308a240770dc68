extension Span<UInt8> {
    /// The little-endian integer whose first byte is at `offset`; traps outside the span.
    func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, at offset: Int) -> T {
        precondition(offset >= 0 && offset <= count - MemoryLayout<T>.size, "byte \(offset) is outside \(count) bytes")
        return unsafe T(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// `count` little-endian numbers of 32 bits, the first of which is at `offset`; traps outside the span.
    func littleEndianWords(at offset: Int, count words: Int) -> [UInt32] {
        precondition(
            offset >= 0 && words >= 0 && words <= (count - offset) / 4, "\(words) words are not in \(count) bytes")
        return unsafe withUnsafeBytes { bytes in
            unsafe [UInt32](unsafeUninitializedCapacity: words) { target, initialized in
                if let start = bytes.baseAddress, let first = target.baseAddress {
                    unsafe UnsafeMutableRawPointer(first).copyMemory(from: start + offset, byteCount: 4 * words)
                }
                for index in 0..<words { unsafe target[index] = UInt32(littleEndian: target[index]) }
                initialized = words
            }
        }
    }
}
