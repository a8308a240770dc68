import Testing
import _EDICTestSupport

@testable import EDICNumerics

@Suite struct SparseProductTests {
    /// Inputs that are 0 are left out where many are, which shows in no result.
    @Test(arguments: InstructionSet.available, [0, 0.1, 0.5, 0.9])
    func zerosAreLeftOut(isa: InstructionSet, share: Float) throws {
        let (m, few, rows, columns) = (66, 18, 512, 328)
        var matrix = try randomMatrix(.int8, rows: rows, columns: columns, seed: 15)
        matrix.activations = .bits8
        var sparse = matrix
        sparse.expectsZeros = true
        let x = zeroed(randomFloats(m * columns, seed: 17), share)
        let expected = matrix.product(x, rows: m, Kernels(isa))
        #expect(sparse.product(x, rows: m, Kernels(isa)) == expected)
        #expect(sparse.product(x, rows: m, Kernels(isa), pool: WorkerPool(workers: 3)) == expected)
        for some in [1, 2, few] {
            #expect(
                sparse.product(Array(x[..<(some * columns)]), rows: some, Kernels(isa))
                    == Array(expected[..<(some * rows)]))
        }
    }

    @Test(arguments: InstructionSet.available, [1, 66])
    func biasAndEpilogueAreHeeded(isa: InstructionSet, m: Int) throws {
        let (rows, columns) = (256, 300)
        var matrix = try randomMatrix(.int8, rows: rows, columns: columns, seed: 3)
        matrix.activations = .bits8
        var sparse = matrix
        sparse.expectsZeros = true
        let (x, bias) = (zeroed(randomFloats(m * columns, seed: 4), 0.1), randomFloats(rows, seed: 5, scale: 20))
        for epilogue in [[], .relu, .accumulate] as [WeightMatrix.Epilogue] {
            let before = randomFloats(m * rows, seed: 6)
            let results = [matrix, sparse].map { weights in
                var y = before
                var out = y.mutableSpan
                weights.multiply(
                    x.span, rows: m, into: &out, bias: bias.span, epilogue: epilogue, kernels: Kernels(isa))
                return y
            }
            #expect(results[0] == results[1])
        }
    }

    /// The weights are held twice only for single rows and for many, where an instruction set gains from it and inputs are 0.
    @Test(arguments: InstructionSet.available)
    func weightsAreHeldTwiceOnlyWhereThatPays(isa: InstructionSet) throws {
        let columns = 300
        for (m, share, pays) in [(1, 0.2, true), (1, 0.9, false), (20, 0.1, false), (66, 0.1, true), (66, 0.9, false)] {
            var matrix = try randomMatrix(.int8, rows: 256, columns: columns, seed: 3)
            matrix.activations = .bits8
            matrix.expectsZeros = true
            _ = matrix.product(zeroed(randomFloats(m * columns, seed: 4), Float(share)), rows: m, Kernels(isa))
            #expect(matrix.isHeldTwice == (pays && isa == .avx512vnni), "\(m) rows, \(share)")
        }
    }

    /// Numbers of which about `share` are not 0.
    private func zeroed(_ numbers: [Float], _ share: Float) -> [Float] {
        var generator = SeededGenerator(seed: 16)
        return numbers.map { Float.random(in: 0..<1, using: &generator) < share ? $0 : 0 }
    }
}
