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
    /// The heads that keys and values are of.
    public let shape: AttentionShape
    /// Positions kept.
    public private(set) var count = 0

    private let form: Form
    /// Whether room takes up memory only once it is written to.
    private var isReserved = false
    private var rows: Rows

    /// What a head's numbers are kept as: turned keys, values, and for words the scales of both. Of each of these parts,
    /// positions come in groups of 64 at most.
    private struct Form {
        struct Part {
            /// Bytes of a position, and of a position's parts before this one.
            let bytes, start: Int
        }

        let storage: AttentionStorage
        let keys, values, keyScales, valueScales: Part

        init(_ shape: AttentionShape, _ wanted: AttentionStorage) {
            let size = shape.headSize
            let isWords = size <= Int(ek_word_size) && shape.heads / shape.keyValueHeads <= Int(ek_word_rows)
            switch wanted {
            case .words where size % 16 == 0 && isWords: self.init(.words, (size + 31) / 32 * 64, 2 * size, scale: 4)
            case .halves where size % 16 == 0: self.init(.halves, 2 * size, 2 * size)
            default: self.init(.floats, 4 * size, 4 * size)
            }
        }

        private init(_ storage: AttentionStorage, _ key: Int, _ value: Int, scale: Int = 0) {
            self.storage = storage
            keys = Part(bytes: key, start: 0)
            values = Part(bytes: value, start: key)
            keyScales = Part(bytes: scale, start: key + value)
            valueScales = Part(bytes: scale, start: key + value + scale)
        }

        var bytesPerPosition: Int { valueScales.start + valueScales.bytes }
    }

    /// Room for a number of positions, a multiple of 64: for each head the parts of its form.
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

    /// An empty history.
    public init(_ shape: AttentionShape, storage: AttentionStorage = .floats) {
        self.shape = shape
        form = Form(shape, storage)
        rows = Rows(capacity: 0, bytesPerPosition: 0)
    }

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
                            bytes: rows.bytes.unsafePointer, form: form, capacity: rows.capacity, position: position,
                            window: window ?? .max, out: target)
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
        let capacity = needed > rows.capacity ? max((needed + 63) / 64 * 64, 2 * rows.capacity) : rows.capacity
        let larger = Rows(
            capacity: capacity, bytesPerPosition: shape.keyValueHeads * form.bytesPerPosition, isReserved: isReserved)
        // Each part's groups follow one another whatever the capacity.
        let kept = (count + 63) / 64 * 64
        for head in 0..<(kept > 0 ? shape.keyValueHeads : 0) {
            for part in [form.keys, form.values, form.keyScales, form.valueScales] {
                let start = head * form.bytesPerPosition + part.start
                let to = unsafe larger.bytes.unsafePointer + start * larger.capacity
                unsafe to.update(from: rows.bytes.unsafePointer + start * rows.capacity, count: kept * part.bytes)
            }
        }
        rows = larger
    }

    /// One call's pointers, which several workers use.
    ///
    /// Unchecked: each works on other queries or heads, whose outputs and kept rows lie apart; all else is only read.
    @unsafe private struct HistoryCall: @unchecked Sendable {
        let kernels: Kernels
        let shape: AttentionShape
        let keys: UnsafePointer<Float>
        let values: UnsafePointer<Float>
        let queries: UnsafePointer<Float>
        /// Positions, and queries.
        let new: Int
        let bytes: UnsafeMutablePointer<UInt8>
        let form: Form
        let capacity: Int
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

        /// Where a head's part begins, or a position of it that is a multiple of 64.
        private func place(_ part: Form.Part, of head: Int, at position: Int = 0) -> UnsafeMutablePointer<UInt8> {
            unsafe bytes + (head * form.bytesPerPosition + part.start) * capacity + position * part.bytes
        }

        private func words(_ part: Form.Part, of head: Int, at position: Int = 0) -> UnsafeMutablePointer<Int16> {
            unsafe UnsafeMutableRawPointer(place(part, of: head, at: position)).assumingMemoryBound(to: Int16.self)
        }

        private func scales(_ part: Form.Part, of head: Int, at position: Int = 0) -> UnsafeMutablePointer<Float> {
            unsafe UnsafeMutableRawPointer(place(part, of: head, at: position)).assumingMemoryBound(to: Float.self)
        }

        /// Puts by the new keys and values of some heads.
        private func keep(heads: Range<Int>) {
            let size = unsafe shape.headSize
            for head in heads {
                if unsafe form.storage == .words {
                    var call = unsafe ek_word_kept(
                        keys: keys + head * size, values: values + head * size, stride: shape.keyValueWidth,
                        count: new, head_size: size, turned: words(form.keys, of: head),
                        rows: words(form.values, of: head),
                        key_scales: scales(form.keyScales, of: head), value_scales: scales(form.valueScales, of: head),
                        position: position)
                    unsafe kernels.table.pointee.keep_words(&call)
                    continue
                }
                var call = unsafe ek_kept(
                    keys: keys + head * size, values: values + head * size, stride: shape.keyValueWidth, count: new,
                    head_size: size, turned: place(form.keys, of: head), rows: place(form.values, of: head),
                    position: position,
                    halves: form.storage == .halves ? 1 : 0)
                unsafe kernels.table.pointee.keep(&call)
            }
        }

        /// - Parameter heads: of keys and values, with all query heads that share them.
        private func attend(_ group: Range<Int>, _ heads: Range<Int>) {
            let (size, width) = unsafe (shape.headSize, shape.width)
            let perHead = unsafe shape.heads / shape.keyValueHeads
            // The heads of a single query that share keys and values go together, as if they were several queries.
            let together = group.count == 1 ? perHead : 1
            // Positions count from the first group that any of the queries sees.
            let start = unsafe max(0, position + group.lowerBound + 1 - window) / 64 * 64
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
            let scoreStride = (length + 63) / 64 * 64 + 16
            let scores = AlignedBuffer<Float>(uninitialized: first.count * scoreStride)
            let stride = together > 1 ? size : width
            for head in heads {
                for query in Swift.stride(from: head * perHead, to: (head + 1) * perHead, by: together) {
                    let own = group.lowerBound * width + query * size
                    unsafe withPointers(first, last) { first, last in
                        if unsafe form.storage == .words {
                            var call = unsafe ek_word_attention(
                                queries: queries + own, query_stride: stride, rows: group.count * together,
                                head_size: size, keys: words(form.keys, of: head, at: start),
                                values: words(form.values, of: head, at: start),
                                key_scales: scales(form.keyScales, of: head, at: start),
                                value_scales: scales(form.valueScales, of: head, at: start), first: first, last: last,
                                scale: shape.scale, scores: scores.unsafePointer, score_stride: scoreStride,
                                out: out + own, out_stride: stride)
                            return unsafe kernels.table.pointee.attend_words(&call)
                        }
                        var call = unsafe ek_attention(
                            queries: queries + own, query_stride: stride, rows: group.count * together,
                            head_size: size, keys: place(form.keys, of: head, at: start), key_stride: 0,
                            values: place(form.values, of: head, at: start),
                            value_stride: size, value_size: size, ahead: 0, list: nil, first: first, last: last,
                            own: nil, own_stride: 0, listed: 0, scale: shape.scale, scores: scores.unsafePointer,
                            score_stride: scoreStride, out: out + own, out_stride: stride,
                            halves: form.storage == .halves ? 1 : 0)
                        unsafe kernels.table.pointee.attend(&call)
                    }
                }
            }
        }
    }
}
