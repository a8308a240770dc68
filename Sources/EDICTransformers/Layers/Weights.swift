internal import EDICNumerics

/// What a computation runs on.
struct Compute: Sendable {
    /// Functions of one instruction set.
    var kernels: Kernels = .standard
    /// Shares out single products; nil where whole sentences are shared out.
    var pool: WorkerPool?
    /// What ends the work early. Whoever has it looks at it after each call, since a stopped one returns rubbish.
    var stop: StopSignal?

    var isStopped: Bool { stop?.isRaised ?? false }

    func stopping(when shouldStop: (@Sendable () -> Bool)?) -> Compute {
        Compute(kernels: kernels, pool: pool, stop: StopSignal(shouldStop))
    }
}

/// A weight matrix, one row for each output.
struct Weights: Sendable {
    let matrix: WeightMatrix

    var outputs: Int { matrix.rows }
    var inputs: Int { matrix.columns }

    /// x·Wᵀ + bias: rows × inputs to rows × outputs.
    func callAsFunction(_ x: Matrix, bias: [Float]? = nil, on compute: Compute) -> Matrix {
        var y = Matrix.unfilled(rows: x.rows, columns: outputs)
        multiply(x, into: &y, bias: bias, on: compute)
        return y
    }

    /// y = x·Wᵀ + bias, or y += that.
    func multiply(
        _ x: Matrix, into y: inout Matrix, bias: [Float]?, epilogue: WeightMatrix.Epilogue = [], on compute: Compute
    ) {
        var input = ProductInput(kernels: compute.kernels)
        input.load(x.values.span, rows: x.rows, for: matrix, pool: compute.pool)
        multiply(input, into: &y, bias: bias, epilogue: epilogue, on: compute)
    }

    /// The same for inputs that several products share.
    func multiply(
        _ input: borrowing ProductInput, into y: inout Matrix, bias: [Float]?, epilogue: WeightMatrix.Epilogue = [],
        on compute: Compute
    ) {
        precondition(input.columns == inputs && y.columns == outputs && input.rows == y.rows, "shapes differ")
        var output = y.values.mutableSpan
        if let bias {
            matrix.multiply(input, into: &output, bias: bias.span, epilogue: epilogue, pool: compute.pool)
        } else {
            matrix.multiply(input, into: &output, epilogue: epilogue, pool: compute.pool)
        }
    }

    /// The same for some of the outputs only.
    func selecting(_ chosen: [Int32]) -> Weights {
        Weights(matrix: matrix.selecting(rows: chosen.map { Int($0) }))
    }

    /// The rows of these words, as embeddings: words × inputs.
    func rows(_ words: [Int]) -> Matrix {
        var embedded = Matrix(rows: words.count, columns: inputs)
        for (place, word) in words.enumerated() { copyRow(word, to: &embedded.values, at: place * inputs) }
        return embedded
    }

    /// Copies one output's weights, as an embedding, to `target` at `start`.
    func copyRow(_ row: Int, to target: inout [Float], at start: Int) {
        var all = target.mutableSpan
        matrix.copyRow(row, into: &all, at: start)
    }
}

// MARK: - From files

extension Weights {
    /// Packs a tensor of `outputs` × `inputs`, or of `inputs` × `outputs` where it is `transposed`.
    init(
        _ tensor: Tensor, outputs: Int, inputs: Int, transposed: Bool = false, precision: Precision,
        pool: WorkerPool? = nil
    ) throws(ModelError) {
        let expected = transposed ? [inputs, outputs] : [outputs, inputs]
        guard tensor.shape == expected else {
            throw ModelError(
                .mismatch, "\(tensor.file): tensor \(tensor.name): has the shape \(tensor.shape), not \(expected)")
        }
        defer { tensor.release() }
        let isAsStored = Self.isAsStored(tensor, precision) && (!transposed || tensor.type.isFloat)
        let format = isAsStored ? tensor.type.format : nil
        let isMarian = tensor.type == .intgemm8
        let floats = format == nil && !isMarian ? try tensor.floats() : []
        let stored = try tensor.bytes()
        do throws(NumericsError) {
            if isMarian {
                // Marian stores these transposed already, and followed by what turned them into bytes.
                matrix = try Self.bytes(stored, outputs: outputs, inputs: inputs, precision: precision, pool: pool)
                return
            }
            var packed: WeightMatrix
            if let format {
                packed = try stored.withBytes { bytes throws(NumericsError) in
                    if transposed {
                        try WeightMatrix(
                            rows: outputs, columns: inputs, format: format, turnedBytes: bytes, source: stored.region,
                            pool: pool)
                    } else {
                        try WeightMatrix(
                            rows: outputs, columns: inputs, format: format, bytes: bytes, source: stored.region,
                            pool: pool)
                    }
                }
            } else {
                let values = transposed ? Self.transposed(floats, rows: inputs, columns: outputs) : floats
                packed =
                    precision == .int8 && tensor.type.isFloat
                    ? try WeightMatrix(rows: outputs, columns: inputs, quantizing: values.span)
                    : try WeightMatrix(rows: outputs, columns: inputs, values: values.span)
            }
            packed.activations = precision.activations
            matrix = packed
        } catch {
            throw ModelError(.unsupported, "\(tensor.file): tensor \(tensor.name): \(error)", cause: error)
        }
    }

    /// Whether a tensor's numbers are packed as the file has them.
    static func isAsStored(_ tensor: Tensor, _ precision: Precision) -> Bool {
        switch precision {
        case .asPublished: true
        case .float32: tensor.type == .float32
        case .int8: !tensor.type.isFloat
        }
    }

    /// Marian's bytes with their one scale.
    ///
    /// Marian rounds activations to bytes too, which changes one translation in ten against float activations; 16 bits
    /// change none.
    static func bytes(
        _ stored: Tensor.Bytes, outputs: Int, inputs: Int, precision: Precision, pool: WorkerPool?
    ) throws(NumericsError) -> WeightMatrix {
        let multiplier = try multiplier(of: stored, outputs: outputs, inputs: inputs)
        return try stored.withBytes { bytes throws(NumericsError) in
            if precision == .float32 {
                let values = (0..<outputs * inputs).map { Float(Int8(bitPattern: bytes[$0])) / multiplier }
                return try WeightMatrix(rows: outputs, columns: inputs, values: values.span)
            }
            let scale: [Float] = [1 / multiplier]
            var packed = try WeightMatrix(
                rows: outputs, columns: inputs, int8Bytes: bytes.extracting(0..<outputs * inputs), scales: scale.span,
                source: stored.region, pool: pool)
            packed.activations = precision.activations
            return packed
        }
    }

    /// What turned weights into Marian's bytes; it follows them.
    private static func multiplier(of stored: Tensor.Bytes, outputs: Int, inputs: Int) throws(NumericsError) -> Float {
        let multiplier = stored.withBytes {
            Float(bitPattern: $0.littleEndian(UInt32.self, at: outputs * inputs))
        }
        guard multiplier.isFinite, multiplier > 0 else {
            throw NumericsError(.invalidShape, "the multiplier after the bytes is \(multiplier)")
        }
        return multiplier
    }

    /// What turns Marian's bytes into weights.
    static func scale(of stored: Tensor.Bytes, outputs: Int, inputs: Int) throws(NumericsError) -> Float {
        1 / (try multiplier(of: stored, outputs: outputs, inputs: inputs))
    }

    private static func transposed(_ stored: [Float], rows: Int, columns: Int) -> [Float] {
        [Float](capacity: stored.count) { out in
            for column in 0..<columns {
                for row in 0..<rows { out.append(stored[row * columns + column]) }
            }
        }
    }
}

extension Precision {
    /// How finely activations are rounded for quantised weights.
    var activations: ActivationWidth { self == .int8 ? .bits8 : .bits16 }

    /// How many tokens are guessed behind right guesses. With activations of 16 bits, eight tokens take a processor's arithmetic
    /// twice as long as four.
    var longestGuess: Int { self == .int8 ? 7 : 3 }

    /// What a decoder keeps keys and values as.
    var storage: AttentionStorage { self == .int8 ? .compact : .floats }
}

extension ElementType {
    /// What is said of a type without kernels.
    var notComputed: String {
        "\(self) is not computed with; F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K are"
    }

    var isFloat: Bool { elementsPerBlock == 1 }

    /// The format of the kernels, for types they compute with.
    var format: NumberFormat? {
        switch self {
        case .float32: .f32
        case .float16: .f16
        case .bfloat16: .bf16
        case .q4_0: .q4_0
        case .q4_1: .q4_1
        case .q5_0: .q5_0
        case .q5_1: .q5_1
        case .q8_0: .q8_0
        case .q4_K: .q4_k
        case .q5_K: .q5_k
        case .q6_K: .q6_k
        default: nil
        }
    }
}

extension Tensor {
    /// The numbers as floats. An intgemm8 matrix comes transposed, as it is stored.
    func floats() throws(ModelError) -> [Float] {
        let count = elementCount
        let stored = try bytes()
        switch type {
        case .float64:
            return stored.withBytes { bytes in
                (0..<count).map { Float(Double(bitPattern: bytes.littleEndian(UInt64.self, at: 8 * $0))) }
            }
        case .float32:
            return stored.withBytes { bytes in
                (0..<count).map { Float(bitPattern: bytes.littleEndian(UInt32.self, at: 4 * $0)) }
            }
        case .intgemm8:
            return stored.withBytes { bytes in
                let multiplier = Float(bitPattern: bytes.littleEndian(UInt32.self, at: count))
                return (0..<count).map { Float(Int8(bitPattern: bytes[$0])) / multiplier }
            }
        default:
            guard let format = type.format else {
                throw ModelError(.unsupported, "\(file): tensor \(name): \(type.notComputed)")
            }
            // Rows are whole blocks.
            guard Self.byteCount(of: type, shape: shape) == byteCount else {
                throw ModelError(
                    .malformed, "\(file): tensor \(name): \(byteCount) bytes do not make \(type) \(shape)")
            }
            return stored.withBytes { bytes in
                var numbers = [Float](repeating: 0, count: count)
                var all = numbers.mutableSpan
                format.decode(bytes, into: &all)
                return numbers
            }
        }
    }

    /// The numbers of a vector of this length, whatever dimensions of one it has.
    func vector(_ count: Int) throws(ModelError) -> [Float] {
        guard elementCount == count else {
            throw ModelError(.mismatch, "\(file): tensor \(name): has the shape \(shape), not \(count) numbers")
        }
        defer { release() }
        return try floats()
    }
}
