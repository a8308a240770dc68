import Glibc
import Testing

@testable import EDICNumerics

@Suite struct AttentionTests {
    /// The definition, in double precision.
    private func reference(
        _ shape: AttentionShape, _ q: [Float], _ k: [Float], _ v: [Float], _ visible: [VisibleRows]
    ) -> [Double] {
        var out: [Double] = []
        for (row, seen) in visible.enumerated() {
            let rows: [Int] =
                switch seen {
                case .range(let range): Array(range)
                case .rows(let rows): rows.map { Int($0) }
                }
            for head in 0..<shape.heads {
                let query = row * shape.width + head * shape.headSize
                let offset = head / (shape.heads / shape.keyValueHeads) * shape.headSize
                let scores = rows.map { key in
                    (0..<shape.headSize).reduce(0.0) {
                        $0 + Double(q[query + $1]) * Double(k[key * shape.keyValueWidth + offset + $1])
                    } * Double(shape.scale)
                }
                let most = scores.max() ?? 0
                let total = scores.reduce(0) { $0 + exp($1 - most) }
                for d in 0..<shape.headSize {
                    out.append(
                        zip(rows, scores).reduce(0.0) { sum, pair in
                            sum + exp(pair.1 - most) / total * Double(v[pair.0 * shape.keyValueWidth + offset + d])
                        })
                }
            }
        }
        return out
    }

    private func attend(
        _ shape: AttentionShape, _ q: [Float], _ k: [Float], _ v: [Float], _ visible: [VisibleRows], _ kernels: Kernels,
        pool: WorkerPool? = nil
    ) -> [Float] {
        var out = [Float](repeating: .nan, count: q.count)
        var span = out.mutableSpan
        kernels.attend(
            shape, queries: q.span, keys: k.span, values: v.span, visible: visible, into: &span, pool: pool)
        return out
    }

    static let shapes = [
        AttentionShape(heads: 2, keyValueHeads: 2, headSize: 16),
        AttentionShape(heads: 4, keyValueHeads: 2, headSize: 8),
        AttentionShape(heads: 3, keyValueHeads: 1, headSize: 20, scale: 0.3),
        AttentionShape(heads: 1, keyValueHeads: 1, headSize: 64),
    ]

    @Test(arguments: InstructionSet.available, 0..<4)
    func memoryGivesTheSameBits(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        let ranges = [0..<1, 1..<17, 17..<17, 17..<33, 33..<100]
        let sequences = [4, 0, 1, 3, 2, 2, 4, 4, 4, 1, 1]
        let q = randomFloats(sequences.count * shape.width, seed: 11)
        let k = randomFloats(100 * shape.keyValueWidth, seed: 12)
        let v = randomFloats(100 * shape.keyValueWidth, seed: 13)
        let memory = AttentionMemory(shape, keys: k.span, values: v.span, sequences: ranges)
        let expected = attend(shape, q, k, v, sequences.map { .range(ranges[$0]) }, Kernels(isa))
        var weights: [[Float]] = []
        for pool in [nil, WorkerPool(workers: 2)] {
            for isReported in [false, true] {
                weights = []
                var out = [Float](repeating: .nan, count: q.count)
                var span = out.mutableSpan
                memory.attend(
                    queries: q.span, sequences: sequences, into: &span, kernels: Kernels(isa), pool: pool,
                    weights: isReported ? { weights.append($1) } : nil)
                #expect(out == expected)
            }
        }
        var expectedWeights: [[Float]] = []
        var out = [Float](repeating: .nan, count: q.count)
        var span = out.mutableSpan
        Kernels(isa).attend(
            shape, queries: q.span, keys: k.span, values: v.span, visible: sequences.map { .range(ranges[$0]) },
            into: &span, weights: { expectedWeights.append($1) })
        #expect(weights == expectedWeights)
    }

    @Test(arguments: 0..<4)
    func theAttentionOfOneHeadIsReported(index: Int) {
        let shape = Self.shapes[index]
        let (ranges, sequences) = ([0..<17, 17..<60], [1, 0, 0, 1, 1])
        let q = randomFloats(sequences.count * shape.width, seed: 21)
        let k = randomFloats(60 * shape.keyValueWidth, seed: 22)
        let memory = AttentionMemory(shape, keys: k.span, values: k.span, sequences: ranges)
        for head in 0..<shape.heads {
            var weights: [[Float]] = []
            var out = [Float](repeating: 0, count: q.count)
            var span = out.mutableSpan
            memory.attend(
                queries: q.span, sequences: sequences, into: &span, weights: { weights.append($1) }, of: head)
            #expect(weights.count == sequences.count)
            for (row, own) in weights.enumerated() {
                let size = shape.headSize
                let keyStart = head / (shape.heads / shape.keyValueHeads) * size
                let scores = ranges[sequences[row]].map { key in
                    (0..<size).reduce(0.0) { sum, place in
                        sum + Double(q[row * shape.width + head * size + place])
                            * Double(k[key * shape.keyValueWidth + keyStart + place])
                    } * Double(shape.scale)
                }
                let exponentials = scores.map { exp($0 - (scores.max() ?? 0)) }
                let total = exponentials.reduce(0, +)
                #expect(own.count == scores.count)
                for (weight, exponential) in zip(own, exponentials) {
                    #expect(abs(Double(weight) - exponential / total) < 1e-5)
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available, 0..<4)
    func memoryOfHalvesGivesWhatRoundedFloatsGive(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        let ranges = [0..<1, 1..<17, 17..<17, 17..<33, 33..<100]
        let sequences = [4, 0, 1, 3, 2, 2, 4, 4, 4, 1, 1]
        let q = randomFloats(sequences.count * shape.width, seed: 14)
        let k = randomFloats(100 * shape.keyValueWidth, seed: 15)
        let v = randomFloats(100 * shape.keyValueWidth, seed: 16)
        func attend(_ k: [Float], _ v: [Float], _ storage: AttentionStorage) -> [Float] {
            let memory = AttentionMemory(
                shape, keys: k.span, values: v.span, sequences: ranges, storage: storage, kernels: Kernels(isa))
            var out = [Float](repeating: .nan, count: q.count)
            var span = out.mutableSpan
            memory.attend(queries: q.span, sequences: sequences, into: &span, kernels: Kernels(isa))
            return out
        }
        let isRounded = shape.headSize % 16 == 0
        func half(_ x: Float) -> Float { isRounded ? Float(Float16(x)) : x }
        let halves = attend(k, v, .halves)
        #expect(halves == attend(k.map(half), v.map(half), .floats))
        #expect(isRounded == (halves != attend(k, v, .floats)))
    }

    @Test(arguments: InstructionSet.available, 0..<4)
    func agreesWithTheDefinition(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        let rows = 40
        let visible: [VisibleRows] =
            [.range(0..<1), .range(0..<17), .range(3..<20), .range(5..<5), .range(0..<40), .range(39..<40)]
            + [.rows([39, 0, 7, 7][...]), .rows([][...]), .rows(ArraySlice((0..<40).map { Int32($0) }.reversed()))]
        let q = randomFloats(visible.count * shape.width, seed: 1)
        let k = randomFloats(rows * shape.keyValueWidth, seed: 2)
        let v = randomFloats(rows * shape.keyValueWidth, seed: 3)
        let found = attend(shape, q, k, v, visible, Kernels(isa))
        let expected = reference(shape, q, k, v, visible)
        for (a, b) in zip(found, expected) { #expect(abs(Double(a) - b) < 2e-5) }
        #expect(attend(shape, q, k, v, visible, Kernels(isa), pool: WorkerPool(workers: 2)) == found)
        for (row, seen) in visible.enumerated() {
            let own = row * shape.width..<(row + 1) * shape.width
            #expect(attend(shape, Array(q[own]), k, v, [seen], Kernels(isa)) == Array(found[own]))
        }
    }

    /// Queries that all see the same take another kernel than one alone. Lengths end before, at and behind what it takes at once.
    @Test(arguments: InstructionSet.available, [16, 32, 48, 64, 80])
    func textsGiveWhatTheirQueriesGiveAlone(isa: InstructionSet, headSize: Int) {
        let shape = AttentionShape(heads: 4, keyValueHeads: 2, headSize: headSize)
        var texts: [Range<Int>] = []
        for count in [2, 1, 7, 16, 33, 48, 70] {
            texts.append((texts.last?.upperBound ?? 0)..<(texts.last?.upperBound ?? 0) + count)
        }
        let visible = texts.flatMap { Array(repeating: VisibleRows.range($0), count: $0.count) }
        let q = randomFloats(visible.count * shape.width, seed: 4)
        let k = randomFloats(visible.count * shape.keyValueWidth, seed: 5)
        let v = randomFloats(visible.count * shape.keyValueWidth, seed: 6)
        let found = attend(shape, q, k, v, visible, Kernels(isa))
        for (a, b) in zip(found, reference(shape, q, k, v, visible)) { #expect(abs(Double(a) - b) < 2e-5) }
        #expect(attend(shape, q, k, v, visible, Kernels(isa), pool: WorkerPool(workers: 2)) == found)
        for (row, seen) in visible.enumerated() {
            let own = row * shape.width..<(row + 1) * shape.width
            #expect(attend(shape, Array(q[own]), k, v, [seen], Kernels(isa)) == Array(found[own]))
        }
    }

    @Test func rowsInAListGiveWhatARangeGives() {
        let shape = Self.shapes[1]
        let q = randomFloats(shape.width, seed: 1)
        let k = randomFloats(30 * shape.keyValueWidth, seed: 2)
        let v = randomFloats(30 * shape.keyValueWidth, seed: 3)
        let list = VisibleRows.rows((4..<29).map { Int32($0) }[...])
        #expect(attend(shape, q, k, v, [.range(4..<29)], .standard) == attend(shape, q, k, v, [list], .standard))
    }

    /// Hypotheses of several beams, some of whose pasts have much in common, some a little, some nothing.
    @Test(arguments: InstructionSet.available, [0, 3])
    func listsReadTogetherGiveTheSameBits(isa: InstructionSet, index: Int) {
        let shape = Self.shapes[index]
        var lists: [[Int32]] = []
        for (beam, length) in [1, 7, 40, 90].enumerated() {
            for query in 0..<[4, 3, 9, 3][beam] {
                // From some position on, each has rows of its own.
                let own = length - [0, 2, 5, 80][beam]
                lists.append((0..<length).map { Int32(($0 < own ? $0 * 5 : $0 * 5 + query % 5) + 7 * beam) })
            }
        }
        let visible = lists.map { VisibleRows.rows($0[...]) } + [.rows([][...]), .range(2..<30), .range(3..<31)]
        let q = randomFloats(visible.count * shape.width, seed: 21)
        let k = randomFloats(480 * shape.keyValueWidth, seed: 22)
        let v = randomFloats(480 * shape.keyValueWidth, seed: 23)
        let expected = attend(shape, q, k, v, visible, Kernels(isa))
        let seen = SeenRows(visible, readsListsTogether: true)
        #expect(seen.groups.filter { $0.shared != nil }.map(\.queries) == [0..<4, 4..<7, 7..<16])
        for pool in [nil, WorkerPool(workers: 2)] {
            var out = [Float](repeating: .nan, count: q.count)
            var span = out.mutableSpan
            Kernels(isa).attend(
                shape, queries: q.span, keys: k.span, values: v.span, seen: seen, into: &span, pool: pool)
            #expect(out == expected)
        }
    }

    @Test func weightsAreReportedInOrder() {
        let shape = Self.shapes[0]
        let q = randomFloats(3 * shape.width, seed: 1)
        let k = randomFloats(9 * shape.keyValueWidth, seed: 2)
        var out = [Float](repeating: 0, count: q.count)
        var span = out.mutableSpan
        var reported: [(Int, [Float])] = []
        Kernels.standard.attend(
            shape, queries: q.span, keys: k.span, values: k.span,
            visible: [.range(2..<9), .range(4..<5), .range(0..<9)],
            into: &span
        ) { reported.append(($0, $1)) }
        #expect(reported.map(\.0) == [0, 1, 2])
        #expect(reported.map(\.1.count) == [7, 1, 9])
        for (_, weights) in reported { #expect(abs(weights.reduce(0, +) - 1) < 1e-5) }
    }

    /// Longer than any block the kernels go through at once, in both directions, and shared out by heads.
    @Test(arguments: InstructionSet.available, [(4, 2, 72), (3, 3, 130)])
    func longPastsAgree(isa: InstructionSet, sizes: (Int, Int, Int)) throws {
        let shape = AttentionShape(heads: sizes.0, keyValueHeads: sizes.1, headSize: sizes.2)
        let rows = 170
        let visible =
            (100..<137).map { VisibleRows.range(0..<$0 + 1) } + (60..<70).map { .range($0 - 50..<$0) }
            + [.range(3..<rows)]
        let q = randomFloats(visible.count * shape.width, seed: 4)
        let k = randomFloats(rows * shape.keyValueWidth, seed: 5)
        let v = randomFloats(rows * shape.keyValueWidth, seed: 6)
        let found = attend(shape, q, k, v, visible, Kernels(isa))
        let pool = WorkerPool(workers: 2)
        #expect(attend(shape, q, k, v, visible, Kernels(isa), pool: pool) == found)
        for row in [0, 7, 40, 47] {
            let own = row * shape.width..<(row + 1) * shape.width
            let expected = reference(shape, Array(q[own]), k, v, [visible[row]])
            for (a, b) in zip(found[own], expected) { #expect(abs(Double(a) - b) < 5e-5) }
            for pool in [nil, pool] {
                let alone = attend(shape, Array(q[own]), k, v, [visible[row]], Kernels(isa), pool: pool)
                #expect(alone == Array(found[own]))
            }
        }
    }
}
