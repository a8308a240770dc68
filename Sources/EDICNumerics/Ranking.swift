extension Kernels {
    /// The `count` largest numbers' indices, largest first, the lower index first among equals. NaN is never chosen.
    ///
    /// Complexity: O(n + k log k · log n) for numbers in random order.
    public func top(_ count: Int, of x: Span<Float>) -> [Int] {
        // A heap whose root is the worst of the best so far.
        var heap: [Int] = []
        heap.reserveCapacity(min(count, x.count))
        func isWorse(_ a: Int, _ b: Int) -> Bool { x[a] < x[b] || (x[a] == x[b] && a > b) }
        func sink(_ start: Int) {
            var parent = start
            while true {
                var child = 2 * parent + 1
                guard child < heap.count else { return }
                if child + 1 < heap.count, isWorse(heap[child + 1], heap[child]) { child += 1 }
                guard isWorse(heap[child], heap[parent]) else { return }
                heap.swapAt(child, parent)
                parent = child
            }
        }
        guard count > 0 else { return [] }
        for index in x.indices {
            if heap.count < count {
                guard x[index] == x[index] else { continue }
                heap.append(index)
                if heap.count == count {
                    for parent in (0..<count / 2).reversed() { sink(parent) }
                }
            } else if x[index] > x[heap[0]] {
                heap[0] = index
                sink(0)
            }
        }
        return heap.sorted { isWorse($1, $0) }
    }
}
