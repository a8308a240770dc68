import EDICNumerics
import Testing

@Suite struct AttentionHistoryTests {
    static let shapes = [
        AttentionShape(heads: 2, keyValueHeads: 2, headSize: 16),
        AttentionShape(heads: 4, keyValueHeads: 2, headSize: 8),
        AttentionShape(heads: 6, keyValueHeads: 2, headSize: 48, scale: 0.3),
        AttentionShape(heads: 1, keyValueHeads: 1, headSize: 64),
        AttentionShape(heads: 8, keyValueHeads: 1, headSize: 80),
    ]

    /// Rows of queries, keys and values, the same for the same seed.
    private func inputs(_ shape: AttentionShape, rows: Int, seed: UInt64) -> (q: [Float], k: [Float], v: [Float]) {
        (
            randomFloats(rows * shape.width, seed: seed), randomFloats(rows * shape.keyValueWidth, seed: seed + 1),
            randomFloats(rows * shape.keyValueWidth, seed: seed + 2)
        )
    }

    /// Reads `parts` of a text one after the other and gives what all its queries found.
    private func read(
        _ parts: [Int], _ shape: AttentionShape, _ storage: AttentionStorage, _ q: [Float], _ k: [Float],
        _ v: [Float], window: Int?, _ kernels: Kernels, pool: WorkerPool? = nil, reserving room: Int? = nil
    ) -> [Float] {
        var history = AttentionHistory(shape, storage: storage)
        if let room { history.reserve(room) }
        var found: [Float] = []
        for part in parts {
            let rows = history.count..<history.count + part
            let own = rows.lowerBound * shape.keyValueWidth..<rows.upperBound * shape.keyValueWidth
            let queries = Array(q[rows.lowerBound * shape.width..<rows.upperBound * shape.width])
            var out = [Float](repeating: .nan, count: queries.count)
            var span = out.mutableSpan
            history.read(
                keys: k.span.extracting(own), values: v.span.extracting(own), queries: queries.span, window: window,
                into: &span, kernels: kernels, pool: pool)
            found += out
        }
        return found
    }

    @Test(arguments: InstructionSet.available, 0..<5)
    func aTextInPartsGivesWhatItsRowsGive(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        let rows = 150
        let (q, k, v) = inputs(shape, rows: rows, seed: 1)
        for window in [nil, 1, 19] {
            let visible = (0..<rows).map { VisibleRows.range(max(0, $0 + 1 - (window ?? rows))..<$0 + 1) }
            var expected = [Float](repeating: .nan, count: q.count)
            var span = expected.mutableSpan
            Kernels(isa).attend(
                shape, queries: q.span, keys: k.span, values: v.span, visible: visible, into: &span)
            for parts in [[rows], [1, 15, 1, 16, 33, 83, 1], [100] + Array(repeating: 1, count: 50)] {
                for pool in [nil, WorkerPool(workers: 2)] {
                    let found = read(parts, shape, .floats, q, k, v, window: window, Kernels(isa), pool: pool)
                    // Not ==, of which a failure would compute the difference of the lists, for minutes.
                    #expect(found.elementsEqual(expected), "window \(window ?? 0), parts of \(parts[0])")
                }
            }
        }
    }

    /// Room that was made before, enough or not, shows in no number.
    @Test(arguments: [AttentionStorage.floats, .halves, .words], [1, 40, 150, 1000])
    func reservedRoomDoesNotShow(storage: AttentionStorage, room: Int) {
        let shape = Self.shapes[2]
        let rows = 150
        let (q, k, v) = inputs(shape, rows: rows, seed: 1)
        let parts = [1, 15, 1, 16, 33, 83, 1]
        let plain = read(parts, shape, storage, q, k, v, window: nil, .standard)
        let reserved = read(parts, shape, storage, q, k, v, window: nil, .standard, reserving: room)
        #expect(reserved.elementsEqual(plain))
    }

    @Test(arguments: InstructionSet.available, 0..<5)
    func halvesGiveWhatRoundedFloatsGive(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        let rows = 70
        let (q, keys, values) = inputs(shape, rows: rows, seed: 4)
        var (k, v) = (keys, values)
        k[3] = 3e-6
        v[2] = 1e9
        v[5] = -1e9
        // Sizes that are no whole vectors stay floats.
        let isRounded = shape.headSize % 16 == 0
        func half(_ x: Float) -> Float { isRounded ? Float(Float16(max(-65504, min(65504, x)))) : x }
        let (roundedKeys, roundedValues) = (k.map(half), v.map(half))
        let whole = read([rows], shape, .halves, q, k, v, window: nil, Kernels(isa))
        let rounded = read([rows], shape, .floats, q, roundedKeys, roundedValues, window: nil, Kernels(isa))
        #expect(whole.elementsEqual(rounded))
        let unrounded = read([rows], shape, .floats, q, k, v, window: nil, Kernels(isa))
        #expect(isRounded == !whole.elementsEqual(unrounded))
        let singly = read(Array(repeating: 1, count: rows), shape, .halves, q, k, v, window: nil, Kernels(isa))
        #expect(whole.elementsEqual(singly))
    }

    /// Words are near floats, and one query gives the same bits as many, in any parts and on any number of threads.
    @Test(arguments: InstructionSet.available, 0..<5)
    func wordsGiveNearlyWhatFloatsGive(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        let rows = 150
        let (q, keys, values) = inputs(shape, rows: rows, seed: 7)
        var (k, v) = (keys, values)
        // Positions that take nearly all attention, or whose values are far smaller or larger than others.
        for i in 0..<shape.keyValueWidth {
            k[3 * shape.keyValueWidth + i] *= 20
            v[5 * shape.keyValueWidth + i] *= 1e-6
            v[9 * shape.keyValueWidth + i] *= 30
            k[70 * shape.keyValueWidth + i] = 0
            v[71 * shape.keyValueWidth + i] = 0
        }
        let largest = v.map(abs).max() ?? 0
        for window in [nil, 1, 19, 70] {
            let floats = read([rows], shape, .floats, q, k, v, window: window, Kernels(isa))
            let whole = read([rows], shape, .words, q, k, v, window: window, Kernels(isa))
            let furthest = zip(floats, whole).map { abs($0 - $1) }.max() ?? .nan
            // Scores of some tens, of keys of 13 bits and queries of 11, are what a weight is e to the power of. Sizes that are
            // no whole vectors stay floats.
            #expect(shape.headSize % 16 == 0 ? furthest < largest / 400 && furthest > 0 : furthest == 0)
            for parts in [[1, 15, 1, 16, 33, 83, 1], Array(repeating: 1, count: rows)] {
                for pool in [nil, WorkerPool(workers: 2)] {
                    let found = read(parts, shape, .words, q, k, v, window: window, Kernels(isa), pool: pool)
                    #expect(found.elementsEqual(whole), "window \(window ?? 0), parts of \(parts[0])")
                }
            }
        }
    }

    /// Two texts that begin alike go on from copies of one history.
    @Test func copiesGoTheirOwnWays() {
        let shape = Self.shapes[0]
        let rows = randomFloats(4 * shape.width, seed: 7)
        /// Reads some rows, which are keys, values and queries.
        func read(_ indices: [Int], _ history: inout AttentionHistory) -> [Float] {
            var last: [Float] = []
            for index in indices {
                let row = Array(rows[index * shape.width..<(index + 1) * shape.width])
                last = [Float](repeating: .nan, count: shape.width)
                var span = last.mutableSpan
                history.read(keys: row.span, values: row.span, queries: row.span, into: &span)
            }
            return last
        }
        var first = AttentionHistory(shape)
        _ = read([0], &first)
        var second = first
        let found = (read([1], &first), read([2], &second))
        let goneOn = (read([3], &first), read([3], &second))
        for (words, one, two) in [([0, 1], found.0, goneOn.0), ([0, 2], found.1, goneOn.1)] {
            var alone = AttentionHistory(shape)
            #expect(read(words, &alone) == one)
            #expect(read([3], &alone) == two)
        }
        #expect(goneOn.0 != goneOn.1)
    }

    /// What is removed is as if it had never been read, also for a copy made in between.
    @Test(arguments: InstructionSet.available, [AttentionStorage.floats, .halves, .words])
    func removedPositionsLeaveNothing(isa: InstructionSet, storage: AttentionStorage) {
        let shape = AttentionShape(heads: 4, keyValueHeads: 2, headSize: 16)
        /// Reads positions of a text, or of another one, of which each number is its own.
        func read(_ positions: Range<Int>, seed: UInt64, _ history: inout AttentionHistory) -> [Float] {
            let end = positions.upperBound
            let rows = positions.lowerBound * shape.keyValueWidth..<end * shape.keyValueWidth
            let keys = randomFloats(end * shape.keyValueWidth, seed: seed)
            let values = randomFloats(end * shape.keyValueWidth, seed: seed + 1)
            let queries = randomFloats(positions.count * shape.width, seed: seed + 2)
            var out = [Float](repeating: .nan, count: queries.count)
            var span = out.mutableSpan
            history.read(
                keys: keys.span.extracting(rows), values: values.span.extracting(rows), queries: queries.span,
                into: &span, kernels: Kernels(isa), pool: WorkerPool(workers: 2))
            return out
        }
        for (kept, removed) in [(0, 1), (0, 40), (5, 3), (15, 1), (16, 1), (17, 20), (31, 33), (60, 90)] {
            var history = AttentionHistory(shape, storage: storage)
            var other = AttentionHistory(shape, storage: storage)
            if kept > 0 {
                _ = read(0..<kept, seed: 1, &history)
                _ = read(0..<kept, seed: 1, &other)
            }
            _ = read(kept..<kept + removed, seed: 7, &history)
            let copy = history
            history.removeLast(removed)
            #expect(history.count == kept && copy.count == kept + removed)
            let found = read(kept..<kept + 50, seed: 1, &history)
            let expected = read(kept..<kept + 50, seed: 1, &other)
            #expect(found.elementsEqual(expected), "\(kept), \(removed)")
        }
    }
}
