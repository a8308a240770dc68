internal import CEDICKernels

/// Keys and values of sequences that many queries look at, one after the other: what an encoder leaves to a decoder.
///
/// Each head of a sequence lies by itself, its keys already turned into lanes, so that a query reads memory in its order
/// and turns nothing. With ``AttentionStorage/floats``, results are those of
/// ``Kernels/attend(_:queries:keys:values:visible:into:pool:weights:)``, to the last bit.
public struct AttentionMemory: Sendable {
    /// The heads that keys and values are of.
    public let shape: AttentionShape

    /// For each sequence: how many rows it has, and at which number its first head begins.
    private let places: [(count: Int, start: Int)]
    private let isHalves: Bool
    private let storage: Storage

    private final class Storage: Sendable {
        let bytes: AlignedBuffer<UInt8>
        init(_ count: Int) { bytes = AlignedBuffer(uninitialized: count) }
    }

    /// - Parameters:
    ///   - keys: rows of `shape.keyValueWidth` numbers, and `values` likewise.
    ///   - sequences: the rows of each sequence.
    ///
    /// Complexity: O(rows of all sequences · `shape.keyValueWidth`).
    @inline(never)  // Inlined, its span of a caller's buffer may make Swift 6.3 fail.
    public init(
        _ shape: AttentionShape, keys: Span<Float>, values: Span<Float>, sequences: [Range<Int>],
        storage kept: AttentionStorage = .floats, kernels: Kernels = .standard
    ) {
        let (width, size) = (shape.keyValueWidth, shape.headSize)
        precondition(keys.count == values.count, "as many keys as values are expected")
        precondition(
            sequences.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= keys.count / width }, "no such row")
        self.shape = shape
        isHalves = kept != .floats && size % 16 == 0
        var places: [(count: Int, start: Int)] = []
        var end = 0
        for rows in sequences {
            places.append((rows.count, end))
            end += shape.keyValueHeads * Self.headStride(rows.count, size)
        }
        self.places = places
        let unit = isHalves ? 2 : 4
        storage = Storage(end * unit)
        let target = unsafe storage.bytes.unsafePointer
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe values.withUnsafeBufferPointer { values in
                guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                for (rows, place) in zip(sequences, places) {
                    let groups = (rows.count + 15) / 16
                    for head in 0..<shape.keyValueHeads {
                        let turned = unsafe target + (place.start + head * Self.headStride(rows.count, size)) * unit
                        // Lanes without a key are multiplied all the same.
                        if rows.count % 16 > 0 {
                            unsafe (turned + 16 * (groups - 1) * size * unit).update(
                                repeating: 0, count: 16 * size * unit)
                        }
                        let row = rows.lowerBound * width + head * size
                        var call = unsafe ek_kept(
                            keys: keys + row, values: values + row, stride: width, count: rows.count, head_size: size,
                            turned: turned, rows: turned + 16 * groups * size * unit, position: 0,
                            halves: isHalves ? 1 : 0)
                        unsafe kernels.table.pointee.keep(&call)
                    }
                }
            }
        }
    }

    /// Numbers to ask for ahead of what is read: one sequence after the other leaves memory no time to answer.
    private var ahead: Int { storage.bytes.count > 4 * Kernels.nearFloats ? (isHalves ? 8192 : 4096) : 0 }

    private static func headStride(_ rows: Int, _ size: Int) -> Int { ((rows + 15) / 16 * 16 + rows) * size }

    /// For each query row and head, softmax(q · Kᵀ · scale) · V over a sequence.
    ///
    /// - Parameters:
    ///   - queries: `sequences.count` rows of `shape.width` numbers.
    ///   - sequences: which one each query looks at.
    ///   - weights: called once for each query, in order, with its attention, where wanted.
    ///   - head: whose attention `weights` is called with; nil: the mean over the heads.
    public func attend(
        queries: Span<Float>, sequences: [Int], into out: inout MutableSpan<Float>, kernels: Kernels = .standard,
        pool: WorkerPool? = nil, weights: ((Int, [Float]) -> Void)? = nil, of head: Int? = nil
    ) {
        precondition(head.map { (0..<shape.heads).contains($0) } ?? true, "no such head")
        precondition(
            queries.count == sequences.count * shape.width && out.count == queries.count, "shapes differ")
        let work = sequences.reduce(0) { $0 + places[$1].count } * shape.width
        let heads = shape.keyValueHeads
        unsafe queries.withUnsafeBufferPointer { queries in
            unsafe out.withUnsafeMutableBufferPointer { out in
                guard let query = queries.baseAddress, let target = out.baseAddress else { return }
                let call = unsafe MemoryCall(
                    kernels: kernels, shape: shape, queries: query, bytes: storage.bytes.unsafePointer,
                    isHalves: isHalves, ahead: ahead, out: target)
                let groups = groups(sequences)
                if weights == nil, let pool, pool.workers > 1, work > 1 << 15 {
                    pool.forEach(groups: groups.count, heads: heads) { index, own in
                        let group = groups[index]
                        unsafe call.attend(
                            group, places[sequences[group.lowerBound]], heads: own, report: nil, of: nil)
                    }
                    return
                }
                for group in groups {
                    unsafe call.attend(
                        group, places[sequences[group.lowerBound]], heads: 0..<heads, report: weights, of: head)
                }
            }
        }
    }

    /// Neighbouring queries that look at one sequence read it together; with heads that share keys, those of one query do.
    private func groups(_ sequences: [Int]) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        for row in sequences.indices {
            if shape.heads == shape.keyValueHeads, row > 0, sequences[row] == sequences[row - 1] {
                groups[groups.count - 1] = groups[groups.count - 1].lowerBound..<row + 1
            } else {
                groups.append(row..<row + 1)
            }
        }
        return groups
    }

    /// One call's pointers, which several workers use.
    ///
    /// Unchecked: each works on other queries or heads, whose outputs lie apart; all else is only read.
    @unsafe private struct MemoryCall: @unchecked Sendable {
        let kernels: Kernels
        let shape: AttentionShape
        let queries: UnsafePointer<Float>
        let bytes: UnsafePointer<UInt8>
        let isHalves: Bool
        let ahead: Int
        let out: UnsafeMutablePointer<Float>

        /// - Parameters:
        ///   - group: queries; one only where heads share keys and values.
        ///   - heads: of keys and values, with all query heads that share them.
        func attend(
            _ group: Range<Int>, _ place: (count: Int, start: Int), heads: Range<Int>,
            report: ((Int, [Float]) -> Void)?, of reported: Int?
        ) {
            let (size, width) = unsafe (shape.headSize, shape.width)
            let together = unsafe shape.heads / shape.keyValueHeads
            let rows = max(together, group.count)
            let rowStride = together > 1 ? size : width
            let stride = AttentionMemory.headStride(place.count, size)
            let unit = unsafe isHalves ? 2 : 4
            let scoreStride = (place.count + 31) / 16 * 16
            let scores = AlignedBuffer<Float>(uninitialized: rows * scoreStride)
            // Where what each sees begins, and where it ends.
            let bounds = AlignedBuffer<Int32>(uninitialized: 2 * rows)
            unsafe bounds.unsafePointer.update(repeating: 0, count: rows)
            unsafe (bounds.unsafePointer + rows).update(repeating: Int32(place.count), count: rows)
            var means = [Float](repeating: 0, count: report == nil ? 0 : group.count * place.count)
            for head in heads {
                let own = group.lowerBound * width + head * together * size
                let keys = unsafe bytes + (place.start + head * stride) * unit
                var call = unsafe ek_attention(
                    queries: queries + own, query_stride: rowStride, rows: rows, head_size: size, keys: keys,
                    key_stride: 0, values: keys + (place.count + 15) / 16 * 16 * size * unit, value_stride: size,
                    value_size: size, ahead: ahead, list: nil, first: bounds.unsafePointer,
                    last: bounds.unsafePointer + rows, own: nil, own_stride: 0, listed: 0, scale: shape.scale,
                    scores: scores.unsafePointer, score_stride: scoreStride, out: out + own, out_stride: rowStride,
                    halves: isHalves ? 1 : 0)
                unsafe kernels.table.pointee.attend(&call)
                // Each row of scores is one of the group, or one head of a single query.
                for row in 0..<(report == nil ? 0 : rows) {
                    let start = together > 1 ? 0 : row * place.count
                    let isReported = reported.map { $0 == head * together + (together > 1 ? row : 0) }
                    if isReported == false { continue }
                    let share = unsafe isReported == true ? 1 : Float(shape.heads)
                    for position in 0..<place.count {
                        means[start + position] += scores[row * scoreStride + position] / share
                    }
                }
            }
            guard let report else { return }
            for (index, row) in group.enumerated() {
                report(row, Array(means[index * place.count..<(index + 1) * place.count]))
            }
        }
    }
}
