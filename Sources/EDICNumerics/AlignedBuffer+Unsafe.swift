internal import Glibc

/// Memory for a fixed number of plain values, starting on a cache line, owned and freed by this value.
///
/// ```swift
/// var scores = AlignedBuffer<Float>(count: 4096)
/// scores[7] = 1
/// ```
///
/// Unchecked: it owns its memory alone; who writes through ``unsafePointer`` must see to who else does.
@safe public struct AlignedBuffer<Element: BitwiseCopyable & Sendable>: ~Copyable, @unchecked Sendable {
    /// Bytes between the starts of two cache lines, and the widest vector.
    public static var alignment: Int { 64 }

    /// How many values there are.
    public let count: Int

    private let base: UnsafeMutablePointer<Element>
    private let origin: Origin

    private enum Origin {
        case aligned
        /// Somewhere in memory that begins so many bytes before.
        case within(Int)
        /// A mapping of its own.
        case mapped
    }

    /// Up to here, in bytes, memory is taken as it comes and a line more of it, since asking for aligned memory takes several
    /// times as long.
    private static var small: Int { 1 << 14 }

    /// Zeroed memory for `count` values.
    ///
    /// - Parameter hugePages: asks for 2 MiB pages before the memory is first touched; worth it for buffers of many
    ///   megabytes that are read all over.
    public init(count: Int, hugePages: Bool = false) {
        self.init(uninitialized: count, hugePages: hugePages)
        if count > 0 { unsafe memset(base, 0, Self.byteCount(count)) }
    }

    /// Memory that whoever asks for it fills before it is read.
    ///
    /// - Parameter hugeBytes: how many of the first bytes are asked for as huge pages; nil: all.
    init(uninitialized count: Int, hugePages: Bool = false, hugeBytes: Int? = nil) {
        self.count = count
        guard count > 0 else {
            origin = .aligned
            // Never read or written: there is no element.
            unsafe base = UnsafeMutablePointer(bitPattern: Self.alignment).unsafelyUnwrapped
            return
        }
        let size = Self.byteCount(count)
        if size <= Self.small {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size + Self.alignment, alignment: 16)
            let start = unsafe memory.alignedUp(toMultipleOf: Self.alignment)
            unsafe origin = .within(start - memory)
            unsafe base = start.bindMemory(to: Element.self, capacity: count)
            return
        }
        origin = .aligned
        let hugePage = 2 << 20
        let alignment = hugePages && size >= hugePage ? hugePage : Self.alignment
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: alignment)
        if alignment == hugePage { unsafe madvise(memory, min(size, hugeBytes ?? size), MADV_HUGEPAGE) }
        unsafe base = memory.bindMemory(to: Element.self, capacity: count)
    }

    /// Zeroed memory for `count` values, which takes up pages only as they are written to and goes back to the system at once:
    /// for room that may stay empty.
    init(reserving count: Int) {
        let memory =
            count > 0
            ? unsafe mmap(nil, Self.byteCount(count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : nil
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            self.init(count: count)
            return
        }
        unsafe self.init(mapping: memory.bindMemory(to: Element.self, capacity: count), count)
    }

    private init(mapping base: UnsafeMutablePointer<Element>, _ count: Int) {
        self.count = count
        unsafe self.base = base
        origin = .mapped
    }

    /// Whole vectors, so that a kernel may read a full one at the end.
    private static func byteCount(_ count: Int) -> Int {
        precondition(count >= 0, "a buffer cannot have \(count) values")
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow && size < 1 << 60, "a buffer of \(count) values does not fit the address space")
        return (max(size, 1) + alignment - 1) / alignment * alignment
    }

    /// A copy of `values`.
    public init(_ values: Span<Element>) {
        self.init(count: values.count)
        unsafe values.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe base.update(from: start, count: source.count) }
        }
    }

    deinit {
        guard count > 0 else { return }
        switch origin {
        case .aligned: unsafe base.deallocate()
        case .within(let offset): unsafe (UnsafeMutableRawPointer(base) - offset).deallocate()
        case .mapped: unsafe munmap(base, Self.byteCount(count))
        }
    }

    /// The value at an index, which is checked.
    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "index \(index) is outside 0 ..< \(count)")
            return unsafe base[index]
        }
        set {
            precondition(index >= 0 && index < count, "index \(index) is outside 0 ..< \(count)")
            unsafe base[index] = newValue
        }
    }

    /// The values in place.
    public var span: Span<Element> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeStart: base, count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The values in place, to change.
    public var mutableSpan: MutableSpan<Element> {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableSpan(_unsafeStart: base, count: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// The values, valid while this buffer lives. Threads may write to different parts at once.
    @unsafe public var unsafePointer: UnsafeMutablePointer<Element> { unsafe base }
}
