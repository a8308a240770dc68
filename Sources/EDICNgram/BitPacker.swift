/// Packs values of any width one after another, lowest bits first, into the bytes of a lane from a byte offset on.
struct BitPacker {
    private let bytes: Lane<UInt8>
    private var place: Int
    private var waiting: UInt64 = 0
    private var count: UInt64 = 0

    init(_ bytes: Lane<UInt8>, at offset: Int) {
        self.bytes = bytes
        place = offset
    }

    /// Adds the lowest `width` bits of `value`; at most 56.
    @inline(__always)
    mutating func add(_ value: UInt64, width: Int) {
        waiting |= (value & ones(width)) << count
        count += UInt64(width)
        while count >= 8 {
            bytes[place] = UInt8(truncatingIfNeeded: waiting)
            place += 1
            waiting >>= 8
            count -= 8
        }
    }

    /// Writes out the bits of a last, partial byte.
    mutating func finish() {
        guard count > 0 else { return }
        bytes[place] = UInt8(truncatingIfNeeded: waiting)
        place += 1
        waiting = 0
        count = 0
    }
}
