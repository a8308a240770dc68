import EDICNumerics
import Glibc
import Testing

@Suite struct KernelsTests {
    static let lengths = [1, 7, 15, 16, 17, 31, 33, 64, 100]

    /// Changes a copy of `x` in place.
    private func changed(_ x: [Float], _ body: (inout MutableSpan<Float>) -> Void) -> [Float] {
        var copy = x
        var span = copy.mutableSpan
        body(&span)
        return copy
    }

    private func expectClose(
        _ found: [Float], _ expected: [Double], within tolerance: Double, _ comment: Comment = "",
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(found.count == expected.count, comment, sourceLocation: location)
        for (index, (a, b)) in zip(found, expected).enumerated() {
            let near = abs(Double(a) - b) <= tolerance * max(1, abs(b))
            #expect(near, "\(comment) at \(index): \(a), expected \(b)", sourceLocation: location)
        }
    }

    @Test(arguments: InstructionSet.available, lengths)
    func normsAndSoftmax(isa: InstructionSet, n: Int) {
        let kernels = Kernels(isa)
        let x = randomFloats(2 * n, seed: UInt64(n), scale: 3)
        let gain = randomFloats(n, seed: 2)
        let bias = randomFloats(n, seed: 3)
        var layer: [Double] = []
        var rms: [Double] = []
        var soft: [Double] = []
        for row in 0..<2 {
            let own = x[row * n..<(row + 1) * n].map(Double.init)
            let mean = own.reduce(0, +) / Double(n)
            let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
            let square = own.reduce(0) { $0 + $1 * $1 } / Double(n)
            let most = own.max() ?? 0
            let total = own.reduce(0) { $0 + exp($1 - most) }
            for index in 0..<n {
                layer.append(
                    (own[index] - mean) / (variance + 1e-5).squareRoot() * Double(gain[index]) + Double(bias[index]))
                rms.append(own[index] / (square + 1e-5).squareRoot() * Double(gain[index]))
                soft.append(exp(own[index] - most) / total)
            }
        }
        let zeros = [Float](repeating: 0, count: 2 * n)
        expectClose(
            changed(zeros) { kernels.layerNorm(x.span, gain: gain.span, bias: bias.span, epsilon: 1e-5, into: &$0) },
            layer,
            within: 2e-5, "layer norm")
        expectClose(
            changed(zeros) { kernels.layerNorm(x.span, gain: gain.span, bias: nil, epsilon: 1e-5, into: &$0) },
            layer.indices.map { layer[$0] - Double(bias[$0 % n]) }, within: 2e-5, "layer norm without bias")
        expectClose(
            changed(zeros) { kernels.rmsNorm(x.span, gain: gain.span, epsilon: 1e-5, into: &$0) }, rms, within: 1e-5,
            "RMS norm")
        expectClose(changed(x) { kernels.softmax(&$0, rowsOf: n) }, soft, within: 1e-6, "softmax")
        let exact = log(x.reduce(0.0) { $0 + exp(Double($1)) })
        expectClose([kernels.logSumExp(x.span)], [exact], within: 1e-6, "log sum exp")
    }

    @Test(arguments: InstructionSet.available)
    func maskedScoresVanish(isa: InstructionSet) {
        let x: [Float] = [1, -.infinity, 1, -.infinity, -1e30]
        #expect(changed(x) { Kernels(isa).softmax(&$0, rowsOf: 5) } == [0.5, 0, 0.5, 0, 0])
    }

    @Test(arguments: InstructionSet.available, lengths)
    func elementwiseAndReductions(isa: InstructionSet, n: Int) {
        let kernels = Kernels(isa)
        let x = randomFloats(n, seed: UInt64(n), scale: 4)
        let y = randomFloats(n, seed: 77)
        #expect(changed(x) { kernels.add(y.span, to: &$0) } == x.indices.map { x[$0] + y[$0] })
        #expect(changed(x) { kernels.multiply(&$0, by: y.span) } == x.indices.map { x[$0] * y[$0] })
        #expect(changed(x) { kernels.scale(&$0, by: 0.3) } == x.map { $0 * 0.3 })
        let exact = x.indices.reduce(0.0) { $0 + Double(x[$1]) * Double(y[$1]) }
        expectClose([kernels.dot(x.span, y.span)], [exact], within: 2e-5, "dot")
        let most = x.max() ?? 0
        #expect(kernels.maximum(x.span) == most)
        #expect(kernels.argmax(x.span) == x.firstIndex(of: most))
    }

    @Test(arguments: InstructionSet.available)
    func activations(isa: InstructionSet) {
        let kernels = Kernels(isa)
        let x: [Float] = (-200...200).map { Float($0) / 10 } + [-100, 100, 1e4, -1e4, 1e-6, -1e-6]
        func check(_ activation: Activation, _ reference: (Double) -> Double) {
            let found = changed(x) { kernels.apply(activation, to: &$0) }
            expectClose(found, x.map { reference(Double($0)) }, within: 1e-6, "\(activation)")
        }
        check(.identity) { $0 }
        check(.relu) { max(0, $0) }
        check(.silu) { $0 / (1 + exp(-$0)) }
        check(.sigmoid) { 1 / (1 + exp(-$0)) }
        check(.tanh) { tanh($0) }
        check(.geluSigmoid) { $0 / (1 + exp(-1.702 * $0)) }
        check(.geluErf) { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }
        check(.geluTanh) { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
        check(.xielu(positive: 0.8, negative: 1.5, beta: 0.5, epsilon: -1e-6)) {
            $0 > 0 ? 0.8 * $0 * $0 + 0.5 * $0 : (expm1(min($0, -1e-6)) - $0) * 1.5 + 0.5 * $0
        }
        let up = randomFloats(x.count, seed: 4)
        let gated = changed(x) { kernels.siluGate(&$0, up: up.span) }
        expectClose(
            gated, x.indices.map { Double(x[$0]) / (1 + exp(-Double(x[$0]))) * Double(up[$0]) }, within: 2e-6, "gate")
    }

    @Test(arguments: InstructionSet.available, [2, 8, 16, 20, 64])
    func rotation(isa: InstructionSet, rotated: Int) {
        let headSize = rotated + 4
        let x = randomFloats(3 * headSize, seed: 12)
        let angles = (0..<rotated / 2).map { Double($0) * 0.7 + 0.1 }
        let (cosines, sines) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
        for interleaved in [false, true] {
            let found = changed(x) {
                Kernels(isa).rotate(
                    &$0, headSize: headSize, cosines: cosines.span, sines: sines.span, interleaved: interleaved)
            }
            var expected = x.map(Double.init)
            for head in 0..<3 {
                for pair in angles.indices {
                    let a = head * headSize + (interleaved ? 2 * pair : pair)
                    let b = interleaved ? a + 1 : a + angles.count
                    expected[a] = Double(x[a]) * cos(angles[pair]) - Double(x[b]) * sin(angles[pair])
                    expected[b] = Double(x[a]) * sin(angles[pair]) + Double(x[b]) * cos(angles[pair])
                }
            }
            expectClose(found, expected, within: 1e-6, "interleaved \(interleaved)")
        }
    }

    @Test func topIsASortedPrefix() {
        for n in [0, 1, 5, 100] {
            var x = randomFloats(n, seed: 3).map { ($0 * 4).rounded() }
            if n > 50 { x[50] = .nan }
            let sorted = x.indices.filter { !x[$0].isNaN }.sorted { x[$0] > x[$1] || (x[$0] == x[$1] && $0 < $1) }
            for count in [0, 1, 3, 99, 1000] {
                #expect(Kernels.standard.top(count, of: x.span) == Array(sorted.prefix(count)))
            }
        }
    }

    @Test func instructionSetsAreNamed() throws {
        #expect(InstructionSet.available.first == .generic)
        #expect(InstructionSet.available.contains(.detected))
        if unsafe getenv(InstructionSet.environmentVariable) == nil {
            #expect(try InstructionSet.chosen() == .detected)
        }
    }

    @Test func unusableInstructionSetsAreErrors() async {
        await #expect(processExitsWith: .success) {
            for name in ["avx1024", "neon", ""] where !InstructionSet.available.map(\.rawValue).contains(name) {
                unsafe setenv(InstructionSet.environmentVariable, name, 1)
                do throws(NumericsError) {
                    _ = try InstructionSet.chosen()
                    exit(1)
                } catch {
                    guard error.code == .unsupportedInstructionSet, error.message.hasPrefix("EDIC_ISA=\(name):") else {
                        exit(2)
                    }
                }
            }
            unsafe setenv(InstructionSet.environmentVariable, "generic", 1)
            guard try InstructionSet.chosen() == .generic, InstructionSet.standard == .generic else { exit(3) }
        }
    }

    @Test func workersDoNotShow() {
        let kernels = Kernels.standard
        let pool = WorkerPool(workers: 2)
        let (rows, width) = (40, 2050)
        let x = randomFloats(rows * width, seed: 1)
        let other = randomFloats(rows * width, seed: 2)
        let gain = randomFloats(width, seed: 3)
        func both(_ change: (inout MutableSpan<Float>, WorkerPool?) -> Void) {
            var alone = x
            var shared = x
            var span = alone.mutableSpan
            change(&span, nil)
            span = shared.mutableSpan
            change(&span, pool)
            #expect(alone == shared && alone != x)
        }
        both { kernels.rmsNorm(x.span, gain: gain.span, epsilon: 1e-5, into: &$0, pool: $1) }
        both { kernels.layerNorm(x.span, gain: gain.span, bias: gain.span, epsilon: 1e-5, into: &$0, pool: $1) }
        both { kernels.add(other.span, to: &$0, pool: $1) }
        both { kernels.siluGate(&$0, up: other.span, pool: $1) }
        both { kernels.apply(.geluErf, to: &$0, pool: $1) }
        let angles = randomFloats(rows * 20, seed: 4)
        both {
            kernels.rotate(
                &$0, rows: rows, headSize: 41, cosines: angles.span, sines: angles.span, interleaved: true, pool: $1)
        }
    }
}
