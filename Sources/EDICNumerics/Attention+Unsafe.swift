internal import CEDICKernels

/// Scaled dot-product attention with several heads (Vaswani et al. 2017), any number of which may share one head of
/// keys and values (Ainslie et al. 2023).
public struct AttentionShape: Sendable {
    /// Query heads.
    public let heads: Int
    /// Heads of keys and values; divides ``heads``.
    public let keyValueHeads: Int
    /// Numbers in a head.
    public let headSize: Int
    /// What scores are multiplied by.
    public let scale: Float

    /// - Parameter scale: by default 1 / √headSize.
    public init(heads: Int, keyValueHeads: Int, headSize: Int, scale: Float? = nil) {
        precondition(keyValueHeads > 0 && heads % keyValueHeads == 0 && headSize > 0, "heads do not share out")
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        self.scale = scale ?? 1 / Float(headSize).squareRoot()
    }

    /// Numbers in a row of keys or of values.
    public var keyValueWidth: Int { keyValueHeads * headSize }
    /// Numbers in a row of queries or of the output.
    public var width: Int { heads * headSize }
}

/// Rows of keys and values that a query sees.
public enum VisibleRows: Sendable {
    case range(Range<Int>)
    /// In the order of their positions.
    case rows(ArraySlice<Int32>)

    /// How many rows there are.
    public var count: Int {
        switch self {
        case .range(let range): range.count
        case .rows(let rows): rows.count
        }
    }
}

/// What keys and values that wait for many queries are kept as.
public enum AttentionStorage: Sendable {
    case floats
    /// IEEE binary16: half of the memory, eleven bits of each number. Heads whose size is no multiple of 16 are kept as
    /// floats all the same.
    case halves
    /// Whole numbers of 16 bits with one scale for each position and head, which are multiplied two at a time: up to 8191 for
    /// a key and a weight, 4095 for a value, and 8191 to 1023 for a query, by the size of its head. Only ``AttentionHistory``
    /// computes with them; an ``AttentionMemory`` keeps halves. Heads that are larger than 256, or whose size is no multiple of
    /// 16, are kept as floats.
    case words

    /// Half of the memory of floats, in the form that this machine's kernels are fastest with.
    public static var compact: Self { unsafe Kernels.standard.table.pointee.prefers_words != 0 ? .words : .halves }
}

extension Kernels {
    /// For each query row and head, softmax(q · Kᵀ · scale) · V over the rows it sees.
    ///
    /// A query's result depends on what it sees and on nothing else in the call, to the last bit. A query that sees
    /// nothing gets zeros. Consecutive queries that see ranges share the reading of keys and values.
    ///
    /// Complexity: O(heads · headSize · Σ visible.count).
    ///
    /// - Parameters:
    ///   - queries: `visible.count` rows of `shape.width` numbers.
    ///   - keys: rows of `shape.keyValueWidth` numbers, and `values` likewise.
    ///   - visible: for each query, the rows it sees.
    ///   - weights: called once for each query, in order, with the mean over the heads of its attention, where wanted.
    public func attend(
        _ shape: AttentionShape, queries: Span<Float>, keys: Span<Float>, values: Span<Float>, visible: [VisibleRows],
        into out: inout MutableSpan<Float>, pool: WorkerPool? = nil, weights: ((Int, [Float]) -> Void)? = nil
    ) {
        attend(
            shape, queries: queries, keys: keys, values: values, seen: SeenRows(visible), into: &out, pool: pool,
            weights: weights)
    }

    /// The same for queries of which it is known what they see together.
    public func attend(
        _ shape: AttentionShape, queries: Span<Float>, keys: Span<Float>, values: Span<Float>, seen: SeenRows,
        into out: inout MutableSpan<Float>, pool: WorkerPool? = nil, weights: ((Int, [Float]) -> Void)? = nil
    ) {
        let sharesLists = seen.groups.contains { $0.shared != nil }
        precondition(
            !sharesLists || weights == nil && shape.heads == shape.keyValueHeads,
            "lists are read together only where heads share nothing and no weights are wanted")
        precondition(
            queries.count == seen.visible.count * shape.width && out.count == queries.count, "shapes differ")
        precondition(keys.count == values.count, "as many keys as values are expected")
        precondition(seen.limit <= keys.count / shape.keyValueWidth, "no such row")
        unsafe queries.withUnsafeBufferPointer { queries in
            unsafe keys.withUnsafeBufferPointer { keys in
                unsafe values.withUnsafeBufferPointer { values in
                    unsafe out.withUnsafeMutableBufferPointer { out in
                        guard let q = queries.baseAddress, let target = out.baseAddress else { return }
                        guard let k = keys.baseAddress, let v = values.baseAddress else {
                            return unsafe out.update(repeating: 0)
                        }
                        let call = unsafe AttentionCall(
                            kernels: self, shape: shape, queries: q, keys: k, values: v,
                            ahead: keys.count > Self.nearFloats ? shape.headSize : 0, visible: seen.visible, out: target
                        )
                        unsafe call.run(seen.groups, pool, weights)
                    }
                }
            }
        }
    }

    /// Keys, and values, that stay in a core's caches from one step to the next; of more, the next ones are asked for early.
    static let nearFloats = 1 << 16
}

/// One call's pointers, which several workers use.
///
/// Unchecked: each works on other queries or heads, whose outputs lie apart; all else is only read.
@unsafe private struct AttentionCall: @unchecked Sendable {
    let kernels: Kernels
    let shape: AttentionShape
    let queries: UnsafePointer<Float>
    let keys: UnsafePointer<Float>
    let values: UnsafePointer<Float>
    /// From a head to the next.
    let ahead: Int
    let visible: [VisibleRows]
    let out: UnsafeMutablePointer<Float>

    func run(_ groups: [SeenRows.Group], _ pool: WorkerPool?, _ weights: ((Int, [Float]) -> Void)?) {
        if let weights {
            for group in groups { unsafe attend(group, 0..<shape.keyValueHeads, report: weights) }
            return
        }
        let work = unsafe visible.reduce(0) { $0 + $1.count } * shape.width
        let heads = unsafe shape.keyValueHeads
        if let pool, work > 1 << 18, groups.count >= 8 * pool.workers {
            pool.forEach(count: groups.count) { index, _ in unsafe attend(groups[index], 0..<heads, report: nil) }
        } else if let pool, pool.workers > 1, work > 1 << 15, heads > 1 {
            // Few groups, of which the last see most: each is shared out by its heads.
            pool.forEach(groups: groups.count, heads: heads) { unsafe attend(groups[$0], $1, report: nil) }
        } else {
            for group in groups { unsafe attend(group, 0..<heads, report: nil) }
        }
    }

    /// - Parameter heads: of keys and values, with all query heads that share them.
    private func attend(_ group: SeenRows.Group, _ heads: Range<Int>, report: ((Int, [Float]) -> Void)?) {
        if let shared = group.shared { return unsafe attend(group.queries, heads, shared) }
        unsafe attend(group.queries, heads, report: report)
    }

    private func attend(_ group: Range<Int>, _ heads: Range<Int>, report: ((Int, [Float]) -> Void)?) {
        if report == nil, let rows = unsafe sharedRows(of: group) { return unsafe attendDense(group, heads, rows) }
        var first: [Int32] = []
        var last: [Int32] = []
        var list: ArraySlice<Int32>?
        // Positions count from the first row any query of the group sees.
        var start = Int.max
        for row in group {
            if case .range(let range) = unsafe visible[row], !range.isEmpty { start = min(start, range.lowerBound) }
        }
        if start == .max { start = 0 }
        for row in group {
            switch unsafe visible[row] {
            case .range(let range):
                first.append(range.isEmpty ? 0 : Int32(range.lowerBound - start))
                last.append(range.isEmpty ? 0 : Int32(range.upperBound - start))
            case .rows(let rows):
                first.append(0)
                last.append(Int32(rows.count))
                list = rows
                start = 0
            }
        }
        let length = Int(last.max() ?? 0)
        let perKeyValueHead = unsafe shape.heads / shape.keyValueHeads
        // The heads of a single query that share keys and values go together, as if they were several queries.
        let together = group.count == 1 ? perKeyValueHead : 1
        let rows = group.count * together
        if together > 1 {
            first = Array(repeating: first[0], count: together)
            last = Array(repeating: last[0], count: together)
        }
        // Room for what the kernel writes behind the positions; whole cache lines.
        let scoreStride = (length + 31) / 16 * 16
        let scores = AlignedBuffer<Float>(uninitialized: rows * scoreStride)
        var means = [Float](repeating: 0, count: report == nil ? 0 : group.count * length)
        let width = unsafe shape.keyValueWidth
        let stride = unsafe together > 1 ? shape.headSize : shape.width
        let queryHeads = heads.lowerBound * perKeyValueHead..<heads.upperBound * perKeyValueHead
        for head in Swift.stride(from: queryHeads.lowerBound, to: queryHeads.upperBound, by: together) {
            let offset = unsafe head / perKeyValueHead * shape.headSize + start * width
            let own = unsafe group.lowerBound * shape.width + head * shape.headSize
            unsafe withPointers(first, last) { first, last in
                unsafe Self.withPointer(to: list) { list in
                    var call = unsafe ek_attention(
                        queries: queries + own, query_stride: stride, rows: rows,
                        head_size: shape.headSize, keys: keys + offset, key_stride: width, values: values + offset,
                        value_stride: width, value_size: shape.headSize, ahead: rows == 1 ? ahead : 0, list: list,
                        first: first, last: last, own: nil, own_stride: 0, listed: 0, scale: shape.scale,
                        scores: scores.unsafePointer, score_stride: scoreStride, out: out + own,
                        out_stride: stride, halves: 0)
                    unsafe kernels.table.pointee.attend(&call)
                }
            }
            // Each row of scores is one of the group, or one head of a single query.
            for row in 0..<(report == nil ? 0 : rows) {
                let place = together > 1 ? 0 : row * length
                for position in 0..<length {
                    unsafe means[place + position] += scores[row * scoreStride + position] / Float(shape.heads)
                }
            }
        }
        if let report {
            for (index, row) in group.enumerated() {
                report(row, Array(means[index * length + Int(first[index])..<index * length + Int(last[index])]))
            }
        }
    }

    /// What all queries of a group of several see, where the kernel for that is made for the shape.
    private func sharedRows(of group: Range<Int>) -> Range<Int>? {
        guard group.count > 1, group.count <= Int(ek_dense_rows), unsafe shape.headSize % 16 == 0,
            unsafe shape.headSize <= Int(ek_dense_size), case .range(let rows) = unsafe visible[group.lowerBound],
            !rows.isEmpty
        else { return nil }
        for row in group.dropFirst() {
            guard case .range(rows) = unsafe visible[row] else { return nil }
        }
        return rows
    }

    /// - Parameter heads: of keys and values, with all query heads that share them.
    private func attendDense(_ group: Range<Int>, _ heads: Range<Int>, _ rows: Range<Int>) {
        let scores = AlignedBuffer<Float>(uninitialized: (group.count + 15) / 16 * 16 * rows.count)
        let (width, keyValueWidth) = unsafe (shape.width, shape.keyValueWidth)
        let perKeyValueHead = unsafe shape.heads / shape.keyValueHeads
        for head in heads.lowerBound * perKeyValueHead..<heads.upperBound * perKeyValueHead {
            let offset = unsafe head / perKeyValueHead * shape.headSize + rows.lowerBound * keyValueWidth
            let own = unsafe group.lowerBound * width + head * shape.headSize
            var call = unsafe ek_dense_attention(
                queries: queries + own, query_stride: width, rows: group.count, head_size: shape.headSize,
                keys: keys + offset, key_stride: keyValueWidth, values: values + offset, value_stride: keyValueWidth,
                count: rows.count, scale: shape.scale, scores: scores.unsafePointer, out: out + own, out_stride: width)
            unsafe kernels.table.pointee.attend_dense(&call)
        }
    }

    /// Attends for queries that see rows of one list.
    private func attend(_ group: Range<Int>, _ heads: Range<Int>, _ shared: SeenRows.SharedRows) {
        let (rows, listed) = (group.count, shared.list.count)
        let first = [Int32](repeating: 0, count: rows)
        let last = [Int32](repeating: Int32(shared.length), count: rows)
        let scoreStride = (listed + 31) / 16 * 16
        // A row more, in which the kernel puts a query's own scores side by side.
        let scores = AlignedBuffer<Float>(uninitialized: (rows + 1) * scoreStride)
        let (width, size) = unsafe (shape.width, shape.headSize)
        unsafe Self.withPointer(to: shared.list[...]) { list in
            unsafe Self.withPointer(to: shared.places[...]) { places in
                unsafe withPointers(first, last) { first, last in
                    for head in heads {
                        let own = group.lowerBound * width + head * size
                        var call = unsafe ek_attention(
                            queries: queries + own, query_stride: width, rows: rows, head_size: size,
                            keys: keys + head * size, key_stride: width, values: values + head * size,
                            value_stride: width, value_size: size, ahead: ahead, list: list, first: first,
                            last: last, own: places, own_stride: shared.length, listed: listed,
                            scale: shape.scale, scores: scores.unsafePointer, score_stride: scoreStride,
                            out: out + own, out_stride: width, halves: 0)
                        unsafe kernels.table.pointee.attend(&call)
                    }
                }
            }
        }
    }

    private static func withPointer(to list: ArraySlice<Int32>?, _ body: (UnsafePointer<Int32>?) -> Void) {
        guard let list else { return body(nil) }
        unsafe list.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
