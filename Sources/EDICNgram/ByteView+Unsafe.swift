internal import EDICNumerics
internal import Glibc

/// Bytes of a model, mapped from a file or in memory; every access is checked against the bounds.
///
/// Unchecked: nobody writes to the bytes while there is a view of them, and `owner` keeps them.
@safe struct ByteView: @unchecked Sendable {
    private let base: UnsafeRawPointer
    let count: Int
    private let owner: any AnyObject & Sendable

    /// All of a mapped file.
    init(_ file: MappedFile) throws(NumericsError) {
        let region = try file.region(0..<file.count)
        let bytes = unsafe region.unsafeBytes
        unsafe base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        count = file.count
        owner = file
    }

    init(_ lane: Lane<UInt8>) {
        unsafe base = UnsafeRawPointer(lane.pointer)
        count = lane.count
        owner = Box(lane)
    }

    private init(base: UnsafeRawPointer, count: Int, owner: any AnyObject & Sendable) {
        unsafe self.base = base
        self.count = count
        self.owner = owner
    }

    func part(_ range: Range<Int>) -> ByteView? {
        guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
        return unsafe ByteView(base: base + range.lowerBound, count: range.count, owner: owner)
    }

    func part(from start: Int, count: Int) -> ByteView? {
        guard start >= 0, count >= 0, start <= self.count, count <= self.count - start else { return nil }
        return part(start..<start + count)
    }

    /// The little-endian value at a byte offset, which need not be aligned.
    @inline(__always)
    func load<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at offset: Int) -> Value {
        precondition(offset >= 0 && offset <= count - MemoryLayout<Value>.size, "outside the model")
        return unsafe Value(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    @inline(__always)
    func float(at offset: Int) -> Float { Float(bitPattern: load(UInt32.self, at: offset)) }

    /// Up to 57 bits from a bit offset; eight bytes from there must lie inside.
    @inline(__always)
    func bits(at offset: Int, mask: UInt64) -> UInt64 {
        (load(UInt64.self, at: offset >> 3) >> UInt64(offset & 7)) & mask
    }

    /// The bytes where they lie; valid while the view is.
    @unsafe var pointer: UnsafePointer<UInt8> { unsafe base.assumingMemoryBound(to: UInt8.self) }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }

    private final class Box: Sendable {
        let lane: Lane<UInt8>
        init(_ lane: Lane<UInt8>) { self.lane = lane }
    }
}
