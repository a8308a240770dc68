import EDICNumerics
import Glibc
import Testing

@Suite struct BestScoresTests {
    /// Rows of rounded numbers, so that some are equal.
    private func scores(rows: Int, columns: Int) -> [Float] {
        randomFloats(rows * columns, seed: 5, scale: 3).map { ($0 * 16).rounded() / 16 }
    }

    @Test(arguments: InstructionSet.available, [1, 15, 768, 2000])
    func agreeWithTheDefinition(isa: InstructionSet, columns: Int) {
        let (rows, kernels) = (3, Kernels(isa))
        let all = scores(rows: rows, columns: columns)
        let question = BestScores.Question(count: 6, picked: [0, nil, columns - 1])
        let found = BestScores(question, of: all.span, rows: rows, kernels: kernels)
        for row in 0..<rows {
            let own = Array(all[row * columns..<(row + 1) * columns])
            let wanted = own.indices.sorted { own[$0] != own[$1] ? own[$0] > own[$1] : $0 < $1 }.prefix(6)
            #expect(found.best(of: row).map(\.column) == Array(wanted))
            #expect(found.best(of: row).map(\.value) == wanted.map { own[$0] })
            let most = Double(own.max() ?? 0)
            let exact = most + log(own.reduce(0) { $0 + exp(Double($1) - most) })
            #expect(abs(Double(found.logSumExp(of: row)) - exact) < 1e-6 * max(1, abs(exact)))
        }
        #expect(found.picked(of: 0) == all[0])
        #expect(found.picked(of: 1) == nil)
        #expect(found.picked(of: 2) == all[all.count - 1])
    }

    @Test func whatIsNoNumberIsNeverBest() {
        var all = scores(rows: 1, columns: 900)
        (all[3], all[800], all[801]) = (.nan, .nan, 100)
        for column in 0..<700 where column != 3 { all[column] = -.infinity }
        let found = BestScores(.init(count: 2, wantsLogSumExp: false), of: all.span, rows: 1)
        #expect(found.best(of: 0).first?.column == 801)
        let none = [Float](repeating: -.infinity, count: 20)
        let nothing = BestScores(.init(count: 2), of: none.span, rows: 1)
        #expect(nothing.best(of: 0).isEmpty)
        #expect(nothing.logSumExp(of: 0) == -.infinity)
    }

    /// The products' scores, whatever is read together and by how many threads.
    @Test(arguments: InstructionSet.available, [NumberFormat.int8, .f32])
    func productsAreReadAsIfTheyLayInMemory(isa: InstructionSet, format: NumberFormat) throws {
        let (rows, columns, width, kernels) = (200, 2500, 64, Kernels(isa))
        var weights = try randomMatrix(format, rows: columns, columns: width, seed: 8)
        weights.activations = .bits8
        let (bias, x) = (randomFloats(columns, seed: 9), randomFloats(rows * width, seed: 10))
        var all = [Float](repeating: 0, count: rows * columns)
        var output = all.mutableSpan
        weights.multiply(x.span, rows: rows, into: &output, bias: bias.span, kernels: kernels)
        let question = BestScores.Question(count: 5, picked: (0..<rows).map { $0 % 3 == 0 ? nil : 11 * $0 })
        let wanted = BestScores(question, of: all.span, rows: rows, kernels: kernels)
        for pool in [nil, WorkerPool(workers: 2), WorkerPool(workers: 3)] {
            var input = ProductInput(kernels: kernels)
            input.load(x.span, rows: rows, for: [weights])
            let found = BestScores(question, of: weights, input, bias: bias.span, pool: pool)
            for row in 0..<rows {
                #expect(found.best(of: row) == wanted.best(of: row))
                #expect(found.logSumExp(of: row) == wanted.logSumExp(of: row))
                #expect(found.picked(of: row) == wanted.picked(of: row))
            }
            // A row alone.
            input.load(x.span.extracting(7 * width..<8 * width), rows: 1, for: [weights])
            let alone = BestScores(.init(count: 5), of: weights, input, bias: bias.span, pool: pool)
            #expect(alone.best(of: 0) == wanted.best(of: 7))
            #expect(alone.logSumExp(of: 0) == wanted.logSumExp(of: 7))
        }
    }
}
