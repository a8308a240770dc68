internal import CEDICKernels

/// Keys and values of one text that grows, as a decoder reads it: every new query looks at what came before it.
///
/// Each head lies by itself, its keys already turned into lanes, so that a query reads memory in its order and turns
/// nothing. With ``AttentionStorage/floats``, results are those of
/// ``Kernels/attend(_:queries:keys:values:visible:into:pool:weights:)`` over the same rows, to the last bit.
///
/// ```swift
/// var history = AttentionHistory(shape, storage: .halves)
/// history.read(keys: keys.span, values: values.span, queries: queries.span, into: &out)
/// ```
public struct AttentionHistory: Sendable {
    public let shape: AttentionShape
    /// Positions kept.
    public private(set) var count = 0

    private let isHalves: Bool
    /// Whether room takes up memory only once it is written to.
    private var isReserved = false
    private var rows: Rows

    /// Room for a number of positions: for each head its turned keys, then its values.
    private final class Rows: Sendable {
        let capacity: Int
        let bytes: AlignedBuffer<UInt8>

        init(capacity: Int, bytesPerPosition: Int, isReserved: Bool = false) {
            self.capacity = capacity
            // Zeros: a group's lanes that hold no key yet, or one that was removed, are multiplied all the same.
            let count = capacity * bytesPerPosition
            bytes = isReserved ? AlignedBuffer(reserving: count) : AlignedBuffer(count: count)
        }
    }

    public init(_ shape: AttentionShape, storage: AttentionStorage = .floats) {
        self.shape = shape
        isHalves = storage == .halves && shape.headSize % 16 == 0
        rows = Rows(capacity: 0, bytesPerPosition: 0)
    }

    private var bytesPerNumber: Int { isHalves ? 2 : 4 }
    /// Bytes of one head's keys, and of its values.
    private func headBytes(_ rows: Rows) -> Int { rows.capacity * shape.headSize * bytesPerNumber }

    /// Keeps the next positions, and finds what their queries take from all they see: for each query row and head,
    /// softmax(q · Kᵀ · scale) · V over the positions up to its own.
    ///
    /// A query's result depends on what it sees and on nothing else in the call, to the last bit.
    ///
    /// Complexity: O(heads · headSize · queries · ``count``); memory grows by doubling.
    ///
    /// - Parameters:
    ///   - keys: a row of `shape.keyValueWidth` numbers for each new position, and `values` likewise.
    ///   - queries: a row of `shape.width` numbers for each.
    ///   - window: how many positions a query sees, its own included; nil for all.
    public mutating func read(
        keys: Span<Float>, values: Span<Float>, queries: Span<Float>, window: Int? = nil,
        into out: inout MutableSpan<Float>, kernels: Kernels = .standard, pool: WorkerPool? = nil
    ) {
        let new = keys.count / shape.keyValueWidth
        precondition(keys.count == new * shape.keyValueWidth && values.count == keys.count, "whole rows are expected")
        precondition(queries.count == new * shape.width && out.count == queries.count, "shapes differ")
        precondition((window ?? 1) > 0, "a query sees at least itself")
        guard new > 0 else { return }
        makeRoom(for: count + new)
        let position = count
        count += new
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe values.withUnsafeBufferPointer { values in
                unsafe queries.withUnsafeBufferPointer { queries in
                    unsafe out.withUnsafeMutableBufferPointer { out in
                        guard let key = keys.baseAddress, let value = values.baseAddress,
                            let query = queries.baseAddress, let target = out.baseAddress
                        else { return }
                        let call = unsafe HistoryCall(
                            kernels: kernels, shape: shape, keys: key, values: value, queries: query, new: new,
                            bytes: rows.bytes.unsafePointer, headBytes: headBytes(rows), isHalves: isHalves,
                            position: position, window: window ?? .max, out: target)
                        unsafe call.run(pool)
                    }
                }
            }
        }
    }

    /// Makes room for so many positions, which takes up memory as they are read.
    ///
    /// A text whose length is known is not copied as it grows.
    ///
    /// - Parameter positions: how many there will be, those kept included; more can be read.
    public mutating func reserve(_ positions: Int) {
        isReserved = true
        makeRoom(for: positions)
    }

    /// Forgets the latest positions; the next ones take their places. Memory stays.
    ///
    /// Complexity: O(1).
    ///
    /// - Parameter positions: how many, at most ``count``.
    public mutating func removeLast(_ positions: Int) {
        precondition((0...count).contains(positions), "no more is forgotten than was kept")
        count -= positions
    }

    /// Rows of its own with room for `needed` positions, twice as many as before where there was not enough.
    private mutating func makeRoom(for needed: Int) {
        guard needed > rows.capacity || !isKnownUniquelyReferenced(&rows) else { return }
        let capacity = needed > rows.capacity ? max(64, (needed + 15) / 16 * 16, 2 * rows.capacity) : rows.capacity
        let larger = Rows(
            capacity: capacity, bytesPerPosition: 2 * shape.keyValueWidth * bytesPerNumber, isReserved: isReserved)
        // A head's groups of keys follow one another whatever the capacity.
        let kept = (count + 15) / 16 * 16 * shape.headSize * bytesPerNumber
        for part in 0..<2 * shape.keyValueHeads where kept > 0 {
            let to = unsafe larger.bytes.unsafePointer + part * headBytes(larger)
            unsafe to.update(from: rows.bytes.unsafePointer + part * headBytes(rows), count: kept)
        }
        rows = larger
    }

    /// One call's pointers, which several workers use for different queries and heads.
    @unsafe private struct HistoryCall: @unchecked Sendable {
        let kernels: Kernels
        let shape: AttentionShape
        let keys: UnsafePointer<Float>
        let values: UnsafePointer<Float>
        let queries: UnsafePointer<Float>
        /// Positions, and queries.
        let new: Int
        let bytes: UnsafeMutablePointer<UInt8>
        let headBytes: Int
        let isHalves: Bool
        /// Of the first query.
        let position: Int
        let window: Int
        let out: UnsafeMutablePointer<Float>

        func run(_ pool: WorkerPool?) {
            let heads = unsafe shape.keyValueHeads
            let groups = unsafe stride(from: 0, to: new, by: SeenRows.groupSize).map {
                unsafe $0..<min(new, $0 + SeenRows.groupSize)
            }
            let work = unsafe min(position + new, window) * new * shape.width
            guard let pool, pool.workers > 1, work > 1 << 15 else {
                unsafe keep(heads: 0..<heads)
                for group in groups { unsafe attend(group, 0..<heads) }
                return
            }
            if groups.count > 1 { pool.forEach(groups: 1, heads: heads) { unsafe keep(heads: $1) } }
            // Late groups see more than early ones, so they go first. One group's heads are kept as they are asked for.
            pool.forEach(groups: groups.count, heads: heads) { group, own in
                if groups.count == 1 { unsafe keep(heads: own) }
                unsafe attend(groups[groups.count - 1 - group], own)
            }
        }

        /// Puts by the new keys and values of some heads.
        private func keep(heads: Range<Int>) {
            let size = unsafe shape.headSize
            for head in heads {
                let turned = unsafe bytes + 2 * head * headBytes
                var call = unsafe ek_kept(
                    keys: keys + head * size, values: values + head * size, stride: shape.keyValueWidth, count: new,
                    head_size: size, turned: turned, rows: turned + headBytes, position: position,
                    halves: isHalves ? 1 : 0)
                unsafe kernels.table.pointee.keep(&call)
            }
        }

        /// - Parameter heads: of keys and values, with all query heads that share them.
        private func attend(_ group: Range<Int>, _ heads: Range<Int>) {
            let (size, width) = unsafe (shape.headSize, shape.width)
            let perHead = unsafe shape.heads / shape.keyValueHeads
            // The heads of a single query that share keys and values go together, as if they were several queries.
            let together = group.count == 1 ? perHead : 1
            // Positions count from the first group of keys that any of the queries sees.
            let start = unsafe max(0, position + group.lowerBound + 1 - window) / 16 * 16
            var first: [Int32] = []
            var last: [Int32] = []
            for row in group {
                let end = unsafe position + row + 1
                for _ in 0..<together {
                    unsafe first.append(Int32(max(0, end - window) - start))
                    last.append(Int32(end - start))
                }
            }
            let length = unsafe position + group.upperBound - start
            // Room for what the kernel writes behind the positions; whole cache lines.
            let scoreStride = (length + 31) / 16 * 16
            let scores = AlignedBuffer<Float>(uninitialized: first.count * scoreStride)
            let stride = together > 1 ? size : width
            let unit = unsafe isHalves ? 2 : 4
            for head in heads {
                let keys = unsafe bytes + 2 * head * headBytes + start * size * unit
                for query in Swift.stride(from: head * perHead, to: (head + 1) * perHead, by: together) {
                    let own = group.lowerBound * width + query * size
                    unsafe withPointers(first, last) { first, last in
                        var call = unsafe ek_attention(
                            queries: queries + own, query_stride: stride, rows: group.count * together,
                            head_size: size, keys: keys, key_stride: 0, values: keys + headBytes,
                            value_stride: size, value_size: size, ahead: 0, list: nil, first: first, last: last,
                            own: nil, own_stride: 0, listed: 0, scale: shape.scale, scores: scores.unsafePointer,
                            score_stride: scoreStride, out: out + own, out_stride: stride, halves: isHalves ? 1 : 0)
                        unsafe kernels.table.pointee.attend(&call)
                    }
                }
            }
        }
    }
}
