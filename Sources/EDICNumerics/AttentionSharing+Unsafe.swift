// What all calls of attention do alike.

extension WorkerPool {
    /// Calls `body` for each group with all heads, a part of them at a time: about two parts a worker.
    func forEach(groups: Int, heads: Int, _ body: @Sendable (_ group: Int, _ heads: Range<Int>) -> Void) {
        let part = max(1, heads / (2 * workers))
        let parts = (heads + part - 1) / part
        forEach(count: groups * parts) { index, _ in
            let first = index % parts * part
            body(index / parts, first..<min(heads, first + part))
        }
    }
}

/// Calls `body` with pointers to the first position that each row sees, and behind the last one.
@inline(__always)
func withPointers(
    _ first: [Int32], _ last: [Int32], _ body: (UnsafePointer<Int32>, UnsafePointer<Int32>) -> Void
) {
    unsafe first.withUnsafeBufferPointer { first in
        unsafe last.withUnsafeBufferPointer { last in
            guard let first = first.baseAddress, let last = last.baseAddress else {
                preconditionFailure("attention of no rows")
            }
            unsafe body(first, last)
        }
    }
}
