import EDICNumerics
import Testing
import _EDICTestSupport

@Suite struct WeightMatrixTests {
    static let shapes: [(m: Int, rows: Int, scale: Int)] = [(1, 1, 1), (1, 17, 2), (3, 16, 1), (9, 50, 3)]

    /// Columns that are awkward for a format: odd numbers, or an odd number of blocks.
    static func columns(_ format: NumberFormat, _ scale: Int) -> Int {
        switch format.blockLength {
        case 1: 13 * scale + scale / 2
        case 32: 32 * scale
        default: 256 * ((scale + 1) / 2)
        }
    }

    @Test(.enabled(if: SharedData.isPresent), arguments: [NumberFormat.f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1])
    func blocksAreReadAsTheReferenceReadsThem(format: NumberFormat) throws {
        let name = format.rawValue.uppercased()
        let bytes = try contents(SharedData.path("goldens/gguf/blocks_\(name).bin"))
        let expected = try numpyFloats(SharedData.path("goldens/gguf/blocks_\(name).npy"))
        let matrix = try WeightMatrix(rows: 4, columns: 256, format: format, bytes: bytes.span)
        #expect(matrix.dequantized() == expected)
    }

    /// Hashes (FNV-1a over the words) of what the gguf Python package 0.19 reads from these bytes.
    @Test(arguments: [
        (NumberFormat.q4_k, 0x54fd_eba9_99ee_7275 as UInt64), (.q5_k, 0x740d_f4b6_2b1c_e395),
        (.q6_k, 0xff28_d888_6fa5_0085),
    ])
    func superblocksAreReadAsTheReferenceReadsThem(format: NumberFormat, expected: UInt64) throws {
        var generator = SeededGenerator(seed: 41)
        var bytes = (0..<4 * format.blockBytes).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        for block in stride(from: 0, to: bytes.count, by: format.blockBytes) {
            for half in format == .q6_k ? [208] : [0, 2] {
                bytes[block + half + 1] = bytes[block + half + 1] & 0x83 | 0x24
            }
        }
        let matrix = try WeightMatrix(rows: 4, columns: 256, format: format, bytes: bytes.span)
        let hash = matrix.dequantized().reduce(0xcbf2_9ce4_8422_2325 as UInt64) { hash, value in
            (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01b3
        }
        #expect(hash == expected)
    }

    /// Matrices that are stored by columns are the same as ones that are stored by rows.
    @Test(arguments: [NumberFormat.f32, .f16, .bf16])
    func turnedMatricesArePacked(format: NumberFormat) throws {
        let size = format.blockBytes
        for (rows, columns) in [(1, 3), (16, 7), (17, 1), (50, 33), (700, 100)] {
            var generator = SeededGenerator(seed: UInt64(rows))
            // No exponent of ones, which is no number.
            let turned = (0..<rows * columns * size).map { place in
                UInt8(truncatingIfNeeded: generator.next()) & (place % size == size - 1 ? 0xBF : 0xFF)
            }
            var bytes = [UInt8](repeating: 0, count: turned.count)
            for row in 0..<rows {
                for column in 0..<columns {
                    for byte in 0..<size {
                        bytes[(row * columns + column) * size + byte] = turned[(column * rows + row) * size + byte]
                    }
                }
            }
            let expected = try WeightMatrix(rows: rows, columns: columns, format: format, bytes: bytes.span)
            for pool in [nil, WorkerPool(workers: 2)] {
                let matrix = try WeightMatrix(
                    rows: rows, columns: columns, format: format, turnedBytes: turned.span, pool: pool)
                let isSame = matrix.dequantized() == expected.dequantized()
                #expect(isSame, "\(rows) × \(columns)")
                #expect(matrix.byteCount == expected.byteCount)
            }
            #expect(throws: NumericsError.self) {
                try WeightMatrix(
                    rows: rows, columns: columns, format: format, turnedBytes: turned.span.extracting(droppingLast: 1))
            }
        }
    }

    @Test(arguments: [ActivationWidth.bits16, .bits8], InstructionSet.available)
    func productsAgreeWithDoublePrecision(width: ActivationWidth, isa: InstructionSet) throws {
        for format in NumberFormat.allCases { try compare(format, width, isa) }
    }

    private func compare(_ format: NumberFormat, _ width: ActivationWidth, _ isa: InstructionSet) throws {
        for (index, shape) in Self.shapes.enumerated() {
            let columns = Self.columns(format, shape.scale)
            var matrix = try randomMatrix(format, rows: shape.rows, columns: columns, seed: UInt64(index))
            matrix.activations = width
            let weights = matrix.dequantized()
            // Where pairs of byte products are summed in 16 bits, weights of 8 bits leave activations 7.
            let isShort = isa == .avx2 && [.int8, .q8_0].contains(format)
            let steps = width == .bits16 ? 65278 : isShort ? 128.0 : 254
            let x = randomFloats(shape.m * columns, seed: 99, scale: 3)
            let y = matrix.product(x, rows: shape.m, Kernels(isa))
            for row in 0..<shape.m {
                for output in 0..<shape.rows {
                    var exact = 0.0
                    var bound = 1e-6
                    let run = format == .int8 ? columns : 32
                    let quantised = ![.f32, .f16, .bf16].contains(format)
                    for start in stride(from: 0, to: columns, by: run) {
                        let inputs = start..<min(columns, start + run)
                        let largest = inputs.map { abs(x[row * columns + $0]) }.max() ?? 0
                        for input in inputs {
                            let (w, a) = (Double(weights[output * columns + input]), Double(x[row * columns + input]))
                            exact += w * a
                            bound += abs(w) * (quantised ? Double(largest) / steps : 0) + abs(w * a) * 1e-6
                            // Scale times number, and minimum, are rounded apart: their sum may be much smaller.
                            if format.blockLength > 1 { bound += 1e-5 * Double(largest) }
                        }
                    }
                    let error = abs(exact - Double(y[row * shape.rows + output]))
                    #expect(error <= bound, "\(format) \(shape) row \(row) output \(output): \(error) > \(bound)")
                }
            }
        }
    }

    /// Neighbours that are alike leave activations fewer steps where their products are added in 16 bits.
    @Test(arguments: InstructionSet.available)
    func alikeActivationsKeepTheirBound(isa: InstructionSet) throws {
        let columns = 64
        var matrix = try randomMatrix(.int8, rows: 16, columns: columns, seed: 5)
        matrix.activations = .bits8
        let weights = matrix.dequantized()
        var x = [Float](repeating: 1, count: columns)
        for (place, value) in zip(stride(from: 0, to: columns, by: 3), [Float(0.97), 0.951, 0.93, 0.99]) {
            x[place] = value
        }
        let y = matrix.product(x, rows: 1, Kernels(isa))
        for output in 0..<16 {
            let own = weights[output * columns..<(output + 1) * columns]
            let exact = zip(own, x).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let bound = own.reduce(1e-5) { $0 + abs(Double($1)) } / (isa == .avx2 ? 30 : 254)
            #expect(abs(exact - Double(y[output])) <= bound, "output \(output)")
        }
    }

    /// Every number as large as it can be: no sum on the way may leave its 16 or 32 bits.
    @Test(
        arguments: [NumberFormat.int8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q4_k, .q5_k, .q6_k],
        InstructionSet.available)
    func sumsOfExtremesFit(format: NumberFormat, isa: InstructionSet) throws {
        let columns = 1024
        for byte in [UInt8(0x80), 0x7F, 0xFF, 0x00] {
            var matrix: WeightMatrix
            if format == .int8 {
                let bytes = [Int8](repeating: Int8(bitPattern: byte), count: 3 * columns)
                matrix = try WeightMatrix(rows: 3, columns: columns, int8: bytes.span, scales: [0.5].span)
            } else {
                var bytes = [UInt8](repeating: byte, count: try #require(format.byteCount(of: columns)) * 3)
                for block in stride(from: 0, to: bytes.count, by: format.blockBytes) {
                    for half in format == .q6_k ? [208] : [0, 2] {
                        // A minimum is at 2 only in formats that have one.
                        if half == 2, ![.q4_1, .q5_1, .q4_k, .q5_k].contains(format) { continue }
                        bytes[block + half] = 0
                        bytes[block + half + 1] = 0x38
                    }
                }
                matrix = try WeightMatrix(rows: 3, columns: columns, format: format, bytes: bytes.span)
            }
            let weights = matrix.dequantized()
            for width in [ActivationWidth.bits16, .bits8] {
                matrix.activations = width
                for x in [Float(3), -3] {
                    let y = matrix.product(
                        [Float](repeating: x, count: 5 * columns), rows: 5, Kernels(isa))
                    let wanted = weights[..<columns].reduce(0) { $0 + Double($1) } * Double(x)
                    for value in y { #expect(abs(Double(value) - wanted) <= 1e-4 * abs(wanted) + 1e-3) }
                }
            }
        }
    }

    @Test(arguments: NumberFormat.allCases, InstructionSet.available)
    func aRowsResultDoesNotDependOnItsNeighbours(format: NumberFormat, isa: InstructionSet) throws {
        for width in [ActivationWidth.bits16, .bits8] { try compareNeighbours(format, width, isa) }
    }

    private func compareNeighbours(_ format: NumberFormat, _ width: ActivationWidth, _ isa: InstructionSet) throws {
        let columns = Self.columns(format, format.blockLength > 32 ? 1 : 3)
        let (m, rows) = (13, 50)
        var matrix = try randomMatrix(format, rows: rows, columns: columns, seed: 5)
        matrix.activations = width
        let x = randomFloats(m * columns, seed: 6)
        let kernels = Kernels(isa)
        let together = matrix.product(x, rows: m, kernels)
        for row in 0..<m {
            let alone = matrix.product(Array(x[row * columns..<(row + 1) * columns]), rows: 1, kernels)
            #expect(alone == Array(together[row * rows..<(row + 1) * rows]))
        }
        for batch in 2...8 {
            let part = matrix.product(Array(x[..<(batch * columns)]), rows: batch, kernels)
            #expect(part == Array(together[..<(batch * rows)]))
        }
        let picked = [49, 0, 17, 17, 48]
        let some = matrix.selecting(rows: picked).product(x, rows: m, kernels)
        for row in 0..<m {
            #expect(
                (0..<picked.count).map { some[row * picked.count + $0] } == picked.map { together[row * rows + $0] })
        }
    }

    /// A whole panel of sixteen rows is packed another way than part of one.
    @Test(arguments: NumberFormat.allCases.filter { $0 != .int8 })
    func rowsArePackedAloneAsTogether(format: NumberFormat) throws {
        let columns = Self.columns(format, 3)
        let bytes = randomBlocks(format, rows: 37, columns: columns, seed: 12)
        let row = bytes.count / 37
        let together = try WeightMatrix(rows: 37, columns: columns, format: format, bytes: bytes.span).dequantized()
        for index in 0..<37 {
            let own = bytes.span.extracting(index * row..<(index + 1) * row)
            let alone = try WeightMatrix(rows: 1, columns: columns, format: format, bytes: own).dequantized()
            #expect(alone == Array(together[index * columns..<(index + 1) * columns]))
        }
    }

    @Test(arguments: [ActivationWidth.bits16, .bits8])
    func someStoredRowsAreThoseOfTheWholeMatrix(width: ActivationWidth) throws {
        var generator = SeededGenerator(seed: 13)
        let (rows, columns, scale) = (70, 52, [Float(0.03)])
        // What follows the rows in the file is not theirs.
        let bytes = (0..<rows * columns + 5).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
        var whole = try WeightMatrix(
            rows: rows, columns: columns, int8Bytes: bytes.span.extracting(..<(rows * columns)), scales: scale.span)
        whole.activations = width
        let x = randomFloats(3 * columns, seed: 14)
        for count in [0, 1, 15, 16, 17, 40] {
            let picked = (0..<count).map { _ in Int.random(in: 0..<rows, using: &generator) }
            var some = try WeightMatrix(rows: picked, columns: columns, int8Bytes: bytes.span, scale: scale[0])
            some.activations = width
            #expect(some.product(x, rows: 3, .standard) == whole.selecting(rows: picked).product(x, rows: 3, .standard))
        }
        #expect(throws: NumericsError.self) {
            try WeightMatrix(rows: [0], columns: 1 << 17, int8Bytes: bytes.span, scale: 1)
        }
    }

    @Test(arguments: [NumberFormat.f32, .int8, .q4_0])
    func theResultDoesNotDependOnTheWorkers(format: NumberFormat) throws {
        let (m, rows, columns) = (5, 2048, 160)
        let matrix = try randomMatrix(format, rows: rows, columns: columns, seed: 8)
        let x = randomFloats(m * columns, seed: 9)
        let alone = matrix.product(x, rows: m, .standard)
        for workers in [2, 3] {
            #expect(matrix.product(x, rows: m, .standard, pool: WorkerPool(workers: workers)) == alone)
        }
    }

    @Test(arguments: InstructionSet.available)
    func epilogues(isa: InstructionSet) throws {
        let (m, rows, columns) = (3, 21, 64)
        let x = randomFloats(m * columns, seed: 1)
        let bias = randomFloats(rows, seed: 2, scale: 20)
        for format in [NumberFormat.f32, .int8, .q8_0] {
            let matrix = try randomMatrix(format, rows: rows, columns: columns, seed: 3)
            let plain = matrix.product(x, rows: m, Kernels(isa))
            var input = ProductInput(kernels: Kernels(isa))
            input.load(x.span, rows: m, for: [matrix])
            var y = AlignedBuffer<Float>(count: m * rows)
            var out = y.mutableSpan
            matrix.multiply(input, into: &out, bias: bias.span, epilogue: .relu)
            let expected = plain.indices.map { max(0, plain[$0] + bias[$0 % rows]) }
            #expect(out.indices.map { out[$0] } == expected)
            matrix.multiply(input, into: &out, epilogue: .accumulate)
            #expect(out.indices.map { out[$0] } == plain.indices.map { expected[$0] + plain[$0] })
        }
    }

    @Test func shapesThatDoNotFitAreErrors() {
        let bytes = [UInt8](repeating: 0, count: 34)
        for (rows, columns) in [(1, 31), (2, 32), (0, 32), (-1, 32), (1, 0), (1 << 60, 32), (1, 1 << 20)] {
            let error = #expect(throws: NumericsError.self) {
                try WeightMatrix(rows: rows, columns: columns, format: .q8_0, bytes: bytes.span)
            }
            #expect(error?.code == .invalidShape)
        }
        #expect(throws: NumericsError.self) {
            try WeightMatrix(rows: 1, columns: 32, format: .int8, bytes: bytes.span)
        }
        #expect(throws: NumericsError.self) { try WeightMatrix(rows: 1, columns: 2, values: [1].span) }
        #expect(throws: NumericsError.self) {
            try WeightMatrix(rows: 2, columns: 1, int8: [1, 2].span, scales: [1, 1, 1].span)
        }
    }

    @Test(arguments: NumberFormat.allCases.filter { $0 != .int8 })
    func storedRowsAreThoseOfTheMatrix(format: NumberFormat) throws {
        let columns = Self.columns(format, 3)
        let bytes = randomBlocks(format, rows: 19, columns: columns, seed: 8)
        let matrix = try WeightMatrix(rows: 19, columns: columns, format: format, bytes: bytes.span)
        let size = bytes.count / 19
        var all = [Float](repeating: .nan, count: 19 * columns)
        for row in 0..<19 {
            var span = all.mutableSpan
            format.decode(bytes.span.extracting(row * size..<(row + 1) * size), into: &span, at: row * columns)
        }
        #expect(all == matrix.dequantized())
    }

    @Test(arguments: [1, 3])
    func severalMatricesAtOnceGiveWhatEachGives(rows: Int) throws {
        let columns = 512
        let matrices = try [(NumberFormat.q8_0, 1500), (.q4_0, 40), (.q4_k, 900), (.q8_0, 16)].enumerated().map {
            try randomMatrix($1.0, rows: $1.1, columns: columns, seed: UInt64($0))
        }
        let x = randomFloats(rows * columns, seed: 3)
        var input = ProductInput()
        input.load(x.span, rows: rows, for: matrices)
        var expected: [Float] = []
        for matrix in matrices {
            var one = [Float](repeating: .nan, count: rows * matrix.rows)
            var span = one.mutableSpan
            matrix.multiply(input, into: &span)
            expected += one
        }
        for pool in [nil, WorkerPool(workers: 2)] {
            var together = [Float](repeating: .nan, count: expected.count)
            var span = together.mutableSpan
            WeightMatrix.multiply(matrices, input, into: &span, pool: pool)
            #expect(together == expected)
        }
    }

    /// Blocks are packed in as many bytes as a file has them in; those of Q6_K, 1 % larger, start on cache lines.
    @Test(arguments: [NumberFormat.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q4_k, .q5_k])
    func blocksTakeWhatTheyTakeInTheirFile(format: NumberFormat) throws {
        let matrix = try randomMatrix(format, rows: 48, columns: 768, seed: 5)
        #expect(matrix.byteCount == 48 * 768 / format.blockLength * format.blockBytes)
    }

    /// What is said of the matrices to come changes where they lie, and nothing else.
    @Test(arguments: [[], [1], [3 << 20], [Int](repeating: 1 << 20, count: 3), [Int](repeating: 1 << 20, count: 40)])
    func matricesAreTheSameWhateverWasExpected(sizes: [Int]) throws {
        let expected = try randomMatrix(.q8_0, rows: 640, columns: 1024, seed: 9).dequantized()
        WeightMatrix.expect(sizes)
        defer { WeightMatrix.expect([]) }
        let matrices = try (0..<30).map { _ in try randomMatrix(.q8_0, rows: 640, columns: 1024, seed: 9) }
        WeightMatrix.releaseSpareMemory()
        #expect(matrices.allSatisfy { $0.dequantized() == expected })
    }
}
