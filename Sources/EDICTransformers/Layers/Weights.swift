internal import EDICNumerics

/// A weight matrix, one row for each output.
struct Weights: Sendable {
    let outputs: Int
    let inputs: Int
    private let values: [Float]

    init(_ tensor: Tensor, outputs: Int, inputs: Int, transposed: Bool = false) throws(ModelError) {
        let expected = transposed ? [inputs, outputs] : [outputs, inputs]
        guard tensor.shape == expected else {
            throw ModelError(
                .mismatch, "\(tensor.file): tensor \(tensor.name): has the shape \(tensor.shape), not \(expected)")
        }
        self.outputs = outputs
        self.inputs = inputs
        let stored = try tensor.floats()
        guard transposed, tensor.type != .intgemm8 else {
            values = stored
            return
        }
        var turned = stored
        for row in 0..<outputs {
            for column in 0..<inputs { turned[row * inputs + column] = stored[column * outputs + row] }
        }
        values = turned
    }

    /// x·Wᵀ: rows × inputs to rows × outputs.
    func callAsFunction(_ x: Matrix) -> Matrix {
        var y = Matrix(rows: x.rows, columns: outputs)
        for row in 0..<x.rows {
            for output in 0..<outputs {
                var sum: Float = 0
                for column in 0..<inputs { sum += x.values[row * inputs + column] * values[output * inputs + column] }
                y.values[row * outputs + output] = sum
            }
        }
        return y
    }

    /// The same for some of the outputs only.
    func selecting(_ chosen: [Int32]) -> Weights {
        var selected: [Float] = []
        selected.reserveCapacity(chosen.count * inputs)
        for output in chosen { selected += values[Int(output) * inputs..<(Int(output) + 1) * inputs] }
        return Weights(outputs: chosen.count, inputs: inputs, values: selected)
    }

    private init(outputs: Int, inputs: Int, values: [Float]) {
        self.outputs = outputs
        self.inputs = inputs
        self.values = values
    }

    /// The rows of these words, as embeddings: words × inputs.
    func rows(_ words: [Int]) -> Matrix {
        var embedded = Matrix(rows: words.count, columns: inputs)
        for (place, word) in words.enumerated() { copyRow(word, to: &embedded.values, at: place * inputs) }
        return embedded
    }

    /// Copies one output's weights, as an embedding, to `target` at `start`.
    func copyRow(_ row: Int, to target: inout [Float], at start: Int) {
        for column in 0..<inputs { target[start + column] = values[row * inputs + column] }
    }
}

/// y = x·Wᵀ + b.
struct Linear: Sendable {
    let weights: Weights
    let bias: [Float]?

    func callAsFunction(_ x: Matrix) -> Matrix {
        var y = weights(x)
        if let bias { y.addToRows(bias) }
        return y
    }

    /// The same for some of the outputs only.
    func selecting(_ outputs: [Int32]) -> Linear {
        Linear(weights: weights.selecting(outputs), bias: bias.map { bias in outputs.map { bias[Int($0)] } })
    }
}

extension Matrix {
    /// Adds a vector to every row.
    mutating func addToRows(_ vector: [Float]) {
        for row in 0..<rows {
            for column in 0..<columns { values[row * columns + column] += vector[column] }
        }
    }
}

extension Tensor {
    /// The numbers as floats. An intgemm8 matrix comes transposed, as it is stored.
    func floats() throws(ModelError) -> [Float] {
        let count = elementCount
        switch type {
        case .float32:
            return withBytes { bytes in
                (0..<count).map { Float(bitPattern: bytes.littleEndian(UInt32.self, at: 4 * $0)) }
            }
        case .float64:
            return withBytes { bytes in
                (0..<count).map { Float(Double(bitPattern: bytes.littleEndian(UInt64.self, at: 8 * $0))) }
            }
        case .float16:
            return withBytes { bytes in
                (0..<count).map { Float(Float16(bitPattern: bytes.littleEndian(UInt16.self, at: 2 * $0))) }
            }
        case .bfloat16:
            return withBytes { bytes in
                (0..<count).map { Float(bitPattern: UInt32(bytes.littleEndian(UInt16.self, at: 2 * $0)) << 16) }
            }
        case .intgemm8:
            return withBytes { bytes in
                let multiplier = Float(bitPattern: bytes.littleEndian(UInt32.self, at: count))
                return (0..<count).map { Float(Int8(bitPattern: bytes[$0])) / multiplier }
            }
        default:
            throw ModelError(.unsupported, "\(file): tensor \(name): \(type) is not computed with")
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

/// Makes layers from the tensors of a collection, by name.
struct LayerLoader {
    let tensors: TensorCollection
    /// Matrices are stored inputs × outputs (Marian, GPT-2).
    var transposed = false

    func vector(_ name: String, _ count: Int) throws(ModelError) -> [Float] {
        try tensors.required(name).vector(count)
    }

    func weights(_ name: String, outputs: Int, inputs: Int) throws(ModelError) -> Weights {
        try Weights(tensors.required(name), outputs: outputs, inputs: inputs, transposed: transposed)
    }

    /// A table with one row for each word.
    func embedding(_ name: String, words: Int, width: Int) throws(ModelError) -> Weights {
        try Weights(tensors.required(name), outputs: words, inputs: width)
    }

    /// A layer whose bias may be absent.
    func linear(_ weights: String, bias: String?, outputs: Int, inputs: Int) throws(ModelError) -> Linear {
        Linear(
            weights: try self.weights(weights, outputs: outputs, inputs: inputs),
            bias: try bias.flatMap { name throws(ModelError) in
                tensors.contains(name) ? try vector(name, outputs) : nil
            })
    }

    func layerNorm(_ scale: String, _ bias: String, _ width: Int, epsilon: Float) throws(ModelError) -> LayerNorm {
        LayerNorm(scale: try vector(scale, width), bias: try vector(bias, width), epsilon: epsilon)
    }

    func rmsNorm(_ scale: String, _ width: Int, epsilon: Float) throws(ModelError) -> RMSNorm {
        RMSNorm(scale: try vector(scale, width), epsilon: epsilon)
    }
}
