internal import Glibc

/// Fixed storage of plain values that several workers may share, each writing its own part.
///
/// A copy is another view of the same storage, which lives as long as any view. Every access is checked against the
/// bounds.
///
/// Unchecked: that two workers keep to different elements is what their owner must see to.
@safe struct Lane<Element: BitwiseCopyable>: @unchecked Sendable {
    private let base: UnsafeMutablePointer<Element>
    let count: Int
    fileprivate let owner: LaneOwner

    /// Storage of `count` elements, all bits zero.
    init(zeros count: Int) {
        owner = LaneOwner(bytes: count * MemoryLayout<Element>.stride)
        unsafe base = owner.start.bindMemory(to: Element.self, capacity: max(1, count))
        self.count = count
    }

    fileprivate init(base: UnsafeMutablePointer<Element>, count: Int, owner: LaneOwner) {
        unsafe self.base = base
        self.count = count
        self.owner = owner
    }

    init(_ values: [Element]) {
        self.init(uninitialized: values.count)
        unsafe values.withUnsafeBufferPointer { values in
            if let start = values.baseAddress { unsafe base.update(from: start, count: values.count) }
        }
    }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "outside the lane")
            return unsafe base[index]
        }
        nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "outside the lane")
            unsafe base[index] = newValue
        }
    }

    /// The part at `range`, sharing the storage.
    func part(_ range: Range<Int>) -> Lane {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside the lane")
        return unsafe Lane(base: base + range.lowerBound, count: range.count, owner: owner)
    }

    /// The bytes of all elements, sharing the storage.
    var bytes: Lane<UInt8> {
        let size = count * MemoryLayout<Element>.stride
        let start = unsafe UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt8.self)
        return unsafe Lane<UInt8>(base: start, count: size, owner: owner)
    }

    /// The elements where they lie; valid while the lane is.
    @unsafe var pointer: UnsafeMutablePointer<Element> { unsafe base }

    /// The bytes of all elements.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(
            UnsafeMutableRawBufferPointer(start: base, count: count * MemoryLayout<Element>.stride))
    }

    func copyFirst(_ count: Int) -> Lane {
        let copy = Lane(uninitialized: count)
        precondition(count <= self.count)
        unsafe copy.base.update(from: base, count: count)
        return copy
    }

    /// Storage whose elements hold whatever memory held; each must be written before it is read.
    init(uninitialized count: Int) {
        owner = LaneOwner(uninitialized: count * MemoryLayout<Element>.stride)
        unsafe base = owner.start.bindMemory(to: Element.self, capacity: max(1, count))
        self.count = count
    }

    func fill(_ value: Element) { unsafe base.update(repeating: value, count: count) }
}

/// Owns the memory of lanes.
///
/// Large ones are mapped, so that their memory goes back to the system at once, and in huge pages where it is very large.
///
/// Unchecked: it only holds the address; see ``Lane`` for what lies there.
@safe private final class LaneOwner: @unchecked Sendable {
    @unsafe let start: UnsafeMutableRawPointer
    /// The size of a mapping; 0 for memory of the heap.
    private let mapped: Int
    private static let mappedFrom = 1 << 18
    private static let hugeFrom = 1 << 23

    convenience init(bytes: Int) { self.init(bytes, isZeroed: true) }

    convenience init(uninitialized bytes: Int) { self.init(bytes, isZeroed: false) }

    private init(_ bytes: Int, isZeroed: Bool) {
        mapped = bytes >= Self.mappedFrom ? bytes : 0
        var memory: UnsafeMutableRawPointer?
        if mapped > 0 {
            unsafe memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            if unsafe memory == MAP_FAILED { unsafe memory = nil }
            if bytes >= Self.hugeFrom, let memory = unsafe memory {
                _ = unsafe madvise(memory, bytes, Int32(MADV_HUGEPAGE))
            }
        } else {
            unsafe memory = isZeroed ? calloc(max(1, bytes), 1) : malloc(max(1, bytes))
        }
        guard let memory = unsafe memory else { preconditionFailure("no memory for \(bytes) bytes") }
        unsafe start = memory
    }

    deinit {
        if mapped > 0 {
            unsafe munmap(start, mapped)
        } else {
            unsafe free(start)
        }
    }
}

/// Shared storage that grows; not for several workers at once.
struct GrowingLane<Element: BitwiseCopyable> {
    private(set) var lane: Lane<Element>
    private(set) var count = 0

    init(capacity: Int = 16) { lane = Lane(uninitialized: max(1, capacity)) }

    @inline(__always)
    mutating func append(_ value: Element) {
        if count == lane.count { grow(to: count + 1) }
        lane[count] = value
        count += 1
    }

    mutating func grow(to needed: Int) {
        guard needed > lane.count else { return }
        let larger = Lane<Element>(uninitialized: max(needed, lane.count * 2))
        unsafe larger.pointer.update(from: lane.pointer, count: count)
        lane = larger
    }

    mutating func append(copying source: UnsafePointer<Element>, count added: Int) {
        grow(to: count + added)
        unsafe (lane.pointer + count).update(from: source, count: added)
        count += added
    }

    @inline(__always)
    subscript(index: Int) -> Element {
        get { lane[index] }
        nonmutating set { lane[index] = newValue }
    }

    /// Counts in `added` elements that were written directly behind the last.
    mutating func advance(by added: Int) {
        precondition(count + added <= lane.count, "outside the lane")
        count += added
    }

    mutating func append(copying source: Lane<Element>) {
        unsafe append(copying: source.pointer, count: source.count)
    }

    mutating func removeAll() { count = 0 }
}

/// Copies all of `part` into `whole` from `start` on.
func copy<Element: BitwiseCopyable>(_ part: Lane<Element>, into whole: Lane<Element>, at start: Int) {
    precondition(start >= 0 && part.count <= whole.count - start, "outside the lane")
    unsafe (whole.pointer + start).update(from: part.pointer, count: part.count)
}
