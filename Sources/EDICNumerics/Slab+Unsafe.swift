internal import Glibc
internal import Synchronization

/// Memory for the weights of a matrix, cut from slabs of huge pages.
///
/// A model has hundreds of matrices of some hundred kilobytes; touching each for the first time page by page of 4 KiB
/// took a third of the time of opening it.
struct SlabPart: Sendable {
    /// Memory that several parts share; it lives as long as the last of them.
    private final class Slab: Sendable {
        let memory: AlignedBuffer<UInt8>
        init(byteCount: Int, hugeBytes: Int? = nil) {
            memory = AlignedBuffer(uninitialized: byteCount, hugePages: true, hugeBytes: hugeBytes)
        }
    }

    /// The slab that has room, and how much of it is taken. The slab itself is held by its parts.
    private struct Open: Sendable {
        weak var slab: Slab?
        var used = 0
        /// What further parts will take; 0 where nothing is known of them.
        var expected = 0

        /// Gives back the pages of what is not taken: a huge page is there as a whole, and weights may have filled a part.
        func releaseRest() {
            guard let slab else { return }
            let page = sysconf(Int32(_SC_PAGESIZE))
            let start = unsafe Int(bitPattern: slab.memory.unsafePointer)
            let first = (start + used + page - 1) / page * page
            let end = (start + slab.memory.count) / page * page
            guard first < end, let rest = unsafe UnsafeMutableRawPointer(bitPattern: first) else { return }
            unsafe madvise(rest, end - first, MADV_DONTNEED)
        }
    }

    private static let slabSize = 16 << 20
    private static let hugePage = 2 << 20
    private static let open = Mutex(Open())

    let count: Int
    private let slab: Slab
    private let offset: Int

    /// Uninitialised memory that starts on a cache line.
    ///
    /// - Parameter isShared: parts that live about equally long share slabs; others get memory of their own.
    init(byteCount: Int, isShared: Bool) {
        count = byteCount
        guard isShared, byteCount < Self.hugePage else {
            slab = Slab(byteCount: byteCount)
            offset = 0
            return
        }
        let room = (byteCount + 63) / 64 * 64
        (slab, offset) = Self.open.withLock { open in
            defer { open.expected = max(0, open.expected - room) }
            if let slab = open.slab, slab.memory.count - open.used >= room {
                open.used += room
                return (slab, open.used - room)
            }
            open.releaseRest()
            // No huge page that will not be filled: it would be there as a whole.
            let filled = open.expected / Self.hugePage * Self.hugePage
            let slab = Slab(byteCount: Self.slabSize, hugeBytes: open.expected > 0 ? filled : nil)
            open = Open(slab: slab, used: room, expected: open.expected)
            return (slab, 0)
        }
    }

    /// Says how large the parts will be that are asked for next.
    static func expect(_ byteCounts: some Sequence<Int>) {
        let shared = byteCounts.reduce(0) { $1 < hugePage ? $0 + $1 : $0 }
        open.withLock { $0.expected = shared }
    }

    /// Gives back the memory that the next parts would have taken.
    static func releaseRest() {
        open.withLock { open in
            open.releaseRest()
            open.expected = 0
        }
    }

    /// Valid while this part lives.
    @unsafe var start: UnsafeMutablePointer<UInt8> { unsafe slab.memory.unsafePointer + offset }
}
