private import Glibc

extension Span where Element == UInt8 {
    /// The offset of the first `byte` at or after `start`.
    func firstIndex(ofByte byte: UInt8, from start: Int = 0) -> Int? {
        unsafe withRawBytes { raw in
            guard let base = raw.baseAddress, start < raw.count else { return nil }
            guard let found = unsafe memchr(base + start, Int32(byte), raw.count - start) else { return nil }
            return unsafe UnsafeRawPointer(found) - base
        }
    }
}
