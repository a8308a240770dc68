internal import EDICNumerics

/// y = x·Wᵀ + b.
struct Linear: Sendable {
    let weights: Weights
    let bias: [Float]?

    func callAsFunction(_ x: Matrix, on compute: Compute) -> Matrix { weights(x, bias: bias, on: compute) }

    /// relu(x·Wᵀ + b).
    func relu(_ x: Matrix, on compute: Compute) -> Matrix {
        var y = Matrix.unfilled(rows: x.rows, columns: weights.outputs)
        weights.multiply(x, into: &y, bias: bias, epilogue: .relu, on: compute)
        return y
    }

    /// h += x·Wᵀ + b: a branch that joins its stream.
    func add(_ x: Matrix, to h: inout Matrix, on compute: Compute) {
        weights.multiply(x, into: &h, bias: bias, epilogue: .accumulate, on: compute)
    }

    /// With so few rows, products are shared out together.
    private static let fewRows = 4

    /// What several layers make of the same rows, which are made ready for their products once.
    static func all(_ layers: [Linear], of x: Matrix, on compute: Compute) -> [Matrix] {
        var input = ProductInput(kernels: compute.kernels)
        input.load(x.values.span, rows: x.rows, for: layers.map(\.weights.matrix), pool: compute.pool)
        if x.rows <= fewRows, compute.pool != nil, layers.allSatisfy({ $0.bias == nil }) {
            let outputs = layers.reduce(0) { $0 + $1.weights.outputs }
            var all = Matrix.unfilled(rows: x.rows, columns: outputs)
            var output = all.values.mutableSpan
            WeightMatrix.multiply(layers.map(\.weights.matrix), input, into: &output, pool: compute.pool)
            var start = 0
            return layers.map { layer in
                let end = start + x.rows * layer.weights.outputs
                defer { start = end }
                return Matrix(rows: x.rows, columns: layer.weights.outputs, values: Array(all.values[start..<end]))
            }
        }
        return layers.map { layer in
            var y = Matrix.unfilled(rows: x.rows, columns: layer.weights.outputs)
            layer.weights.multiply(input, into: &y, bias: layer.bias, on: compute)
            return y
        }
    }
}

/// Makes layers from the tensors of a collection, by name.
struct LayerLoader {
    let tensors: TensorCollection
    let precision: Precision
    /// Matrices are stored inputs × outputs (Marian, GPT-2).
    var transposed = false
    /// The rows of words are taken from the file, where they can be, until all are wanted.
    var vocabularyStaysInFile = false

    func vector(_ name: String, _ count: Int) throws(ModelError) -> [Float] {
        try tensors.required(name).vector(count)
    }

    func weights(_ name: String, outputs: Int, inputs: Int) throws(ModelError) -> Weights {
        try Weights(
            tensors.required(name), outputs: outputs, inputs: inputs, transposed: transposed, precision: precision)
    }

    /// A table with one row for each word.
    func embedding(_ name: String, words: Int, width: Int) throws(ModelError) -> Weights {
        try Weights(tensors.required(name), outputs: words, inputs: width, precision: precision)
    }

    /// A layer whose bias may be absent.
    func linear(_ weights: String, bias: String?, outputs: Int, inputs: Int) throws(ModelError) -> Linear {
        Linear(
            weights: try self.weights(weights, outputs: outputs, inputs: inputs),
            bias: try bias.flatMap { name throws(ModelError) in
                tensors.contains(name) ? try vector(name, outputs) : nil
            })
    }

    /// The layer `name`, whose bias may be absent.
    func linear(_ name: String, outputs: Int, inputs: Int) throws(ModelError) -> Linear {
        try linear(name + ".weight", bias: name + ".bias", outputs: outputs, inputs: inputs)
    }

    func layerNorm(_ scale: String, _ bias: String, _ width: Int, epsilon: Float) throws(ModelError) -> LayerNorm {
        LayerNorm(scale: try vector(scale, width), bias: try vector(bias, width), epsilon: epsilon)
    }

    func rmsNorm(_ scale: String, _ width: Int, epsilon: Float) throws(ModelError) -> RMSNorm {
        RMSNorm(scale: try vector(scale, width), epsilon: epsilon)
    }
}
