internal import EDICNumerics

/// What a computation runs on.
struct Compute: Sendable {
    /// Functions of one instruction set.
    var kernels: Kernels = .standard
    /// Shares out single products; nil where whole sentences are shared out.
    var pool: WorkerPool?
}

/// A weight matrix, one row for each output.
struct Weights: Sendable {
    let matrix: WeightMatrix
    /// What inputs are multiplied by first: for weights whose common scale the format cannot hold.
    private let inputScale: Float

    var outputs: Int { matrix.rows }
    var inputs: Int { matrix.columns }

    private init(_ matrix: WeightMatrix, inputScale: Float = 1) {
        self.matrix = matrix
        self.inputScale = inputScale
    }

    /// x·Wᵀ + bias: rows × inputs to rows × outputs.
    func callAsFunction(_ x: Matrix, bias: [Float]? = nil, on compute: Compute) -> Matrix {
        var y = Matrix(rows: x.rows, columns: outputs)
        multiply(x, into: &y, bias: bias, on: compute)
        return y
    }

    /// y = x·Wᵀ + bias, or y += that.
    func multiply(
        _ x: Matrix, into y: inout Matrix, bias: [Float]?, epilogue: WeightMatrix.Epilogue = [], on compute: Compute
    ) {
        precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows, "shapes differ")
        guard inputScale != 1 else { return product(x, &y, bias, epilogue, compute) }
        var scaled = x
        scaled.scale(by: inputScale, on: compute)
        product(scaled, &y, bias, epilogue, compute)
    }

    private func product(
        _ x: Matrix, _ y: inout Matrix, _ bias: [Float]?, _ epilogue: WeightMatrix.Epilogue, _ compute: Compute
    ) {
        var output = y.values.mutableSpan
        if let bias {
            matrix.multiply(
                x.values.span, rows: x.rows, into: &output, bias: bias.span, epilogue: epilogue,
                kernels: compute.kernels, pool: compute.pool)
        } else {
            matrix.multiply(
                x.values.span, rows: x.rows, into: &output, epilogue: epilogue, kernels: compute.kernels,
                pool: compute.pool)
        }
    }

    /// The same for some of the outputs only.
    func selecting(_ chosen: [Int32]) -> Weights {
        Weights(matrix.selecting(rows: chosen.map { Int($0) }), inputScale: inputScale)
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
        var part = all.extracting(start..<start + inputs)
        matrix.copyRow(row, into: &part)
        if inputScale != 1 { for index in part.indices { part[index] *= inputScale } }
    }
}

// MARK: - From files

extension Weights {
    /// Packs a tensor of `outputs` × `inputs`, or of `inputs` × `outputs` where it is `transposed`.
    init(
        _ tensor: Tensor, outputs: Int, inputs: Int, transposed: Bool = false, precision: Precision
    ) throws(ModelError) {
        let expected = transposed ? [inputs, outputs] : [outputs, inputs]
        guard tensor.shape == expected else {
            throw ModelError(
                .mismatch, "\(tensor.file): tensor \(tensor.name): has the shape \(tensor.shape), not \(expected)")
        }
        let isAsStored = precision == .asPublished && !transposed
        let isPacked = tensor.type == .intgemm8 || (isAsStored && tensor.type.format != nil)
        let stored = isPacked ? [] : try tensor.floats()
        do throws(NumericsError) {
            if tensor.type == .intgemm8 {
                // Marian stores these transposed already, and followed by what turned them into bytes.
                self = try Self.bytes(of: tensor, outputs: outputs, inputs: inputs, precision: precision)
            } else if isPacked, let format = tensor.type.format {
                self.init(
                    try tensor.withBytes { bytes throws(NumericsError) in
                        try WeightMatrix(rows: outputs, columns: inputs, format: format, bytes: bytes)
                    })
            } else {
                let values = transposed ? Self.transposed(stored, rows: inputs, columns: outputs) : stored
                let isFloat = tensor.type.elementsPerBlock == 1
                self.init(
                    precision == .int8 && isFloat
                        ? try WeightMatrix(rows: outputs, columns: inputs, quantizing: values.span)
                        : try WeightMatrix(rows: outputs, columns: inputs, values: values.span))
            }
        } catch {
            throw ModelError(.unsupported, "\(tensor.file): tensor \(tensor.name): \(error)", cause: error)
        }
    }

    /// Marian's bytes, as published in blocks of 32 with the scale 1.
    ///
    /// One scale for each row of activations, as Marian has it, changes one translation in ten against float
    /// activations; one for 32 numbers changes one in twenty.
    private static func bytes(
        of tensor: Tensor, outputs: Int, inputs: Int, precision: Precision
    ) throws(NumericsError) -> Weights {
        let multiplier = tensor.withBytes { Float(bitPattern: $0.littleEndian(UInt32.self, at: outputs * inputs)) }
        guard multiplier.isFinite, multiplier > 0 else {
            throw NumericsError(.invalidShape, "the multiplier after the bytes is \(multiplier)")
        }
        let isBlocked = inputs % 32 == 0 && precision == .asPublished
        if precision == .float32 {
            let values = tensor.withBytes { bytes in
                (0..<outputs * inputs).map { Float(Int8(bitPattern: bytes[$0])) / multiplier }
            }
            return Weights(try WeightMatrix(rows: outputs, columns: inputs, values: values.span))
        }
        guard isBlocked else {
            let values = tensor.withBytes { bytes in (0..<outputs * inputs).map { Int8(bitPattern: bytes[$0]) } }
            let scale: [Float] = [1 / multiplier]
            return Weights(
                try WeightMatrix(rows: outputs, columns: inputs, int8: values.span, scales: scale.span))
        }
        // Q8_0: a half-precision scale, here 1, then 32 bytes. The true scale goes to the inputs, undiminished.
        let blocks = tensor.withBytes { bytes in
            [UInt8](capacity: outputs * inputs / 32 * 34) { out in
                for block in 0..<outputs * inputs / 32 {
                    out.append(0x00)
                    out.append(0x3C)
                    for index in block * 32..<block * 32 + 32 { out.append(bytes[index]) }
                }
            }
        }
        return Weights(
            try WeightMatrix(rows: outputs, columns: inputs, format: .q8_0, bytes: blocks.span),
            inputScale: 1 / multiplier)
    }

    private static func transposed(_ stored: [Float], rows: Int, columns: Int) -> [Float] {
        [Float](capacity: stored.count) { out in
            for column in 0..<columns {
                for row in 0..<rows { out.append(stored[row * columns + column]) }
            }
        }
    }
}

extension ElementType {
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
        switch type {
        case .float64:
            return withBytes { bytes in
                (0..<count).map { Float(Double(bitPattern: bytes.littleEndian(UInt64.self, at: 8 * $0))) }
            }
        case .float32:
            return withBytes { bytes in
                (0..<count).map { Float(bitPattern: bytes.littleEndian(UInt32.self, at: 4 * $0)) }
            }
        case .intgemm8:
            return withBytes { bytes in
                let multiplier = Float(bitPattern: bytes.littleEndian(UInt32.self, at: count))
                return (0..<count).map { Float(Int8(bitPattern: bytes[$0])) / multiplier }
            }
        default:
            guard let format = type.format else {
                throw ModelError(.unsupported, "\(file): tensor \(name): \(type) is not computed with")
            }
            let columns = shape.last ?? 1
            do throws(NumericsError) {
                let matrix = try withBytes { bytes throws(NumericsError) in
                    try WeightMatrix(rows: count / max(columns, 1), columns: columns, format: format, bytes: bytes)
                }
                return matrix.dequantized()
            } catch {
                throw ModelError(.unsupported, "\(file): tensor \(name): \(error)", cause: error)
            }
        }
    }

    /// The numbers of a vector of this length, whatever dimensions of one it has.
    func vector(_ count: Int) throws(ModelError) -> [Float] {
        guard elementCount == count else {
            throw ModelError(.mismatch, "\(file): tensor \(name): has the shape \(shape), not \(count) numbers")
        }
        return try floats()
    }
}
