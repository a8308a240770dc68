internal import EDICNumerics

/// y = x·Wᵀ + b.
struct Linear: Sendable {
    let weights: Weights
    let bias: [Float]?

    /// The same layer, behind a ReLU.
    var expectingZeros: Linear {
        var matrix = weights.matrix
        matrix.expectsZeros = true
        return Linear(weights: Weights(matrix: matrix), bias: bias)
    }

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

    /// What a search asks of x·Wᵀ + b, the scores of words.
    func bestScores(_ question: BestScores.Question, of x: Matrix, on compute: Compute) -> BestScores {
        var input = ProductInput(kernels: compute.kernels)
        input.load(x.values.span, rows: x.rows, for: weights.matrix, pool: compute.pool)
        return BestScores(question, of: weights.matrix, input, bias: bias?.span, pool: compute.pool)
    }

    /// What several layers make of the same rows, which are made ready for their products once.
    static func all(_ layers: [Linear], of x: Matrix, on compute: Compute) -> [Matrix] {
        JointLinear(layers)(x, on: compute)
    }
}

/// Layers of the same rows, which are made ready for their products once.
struct JointLinear: Sendable {
    let layers: [Linear]
    private let matrices: [WeightMatrix]
    /// Of all layers.
    private let outputs: Int
    private let hasBias: Bool

    init(_ layers: [Linear]) {
        self.layers = layers
        matrices = layers.map(\.weights.matrix)
        outputs = matrices.reduce(0) { $0 + $1.rows }
        hasBias = layers.contains { $0.bias != nil }
    }

    /// With so few rows, products are shared out together.
    private static let fewRows = 4

    private func shares(_ x: Matrix, on compute: Compute) -> Bool {
        x.rows <= Self.fewRows && compute.pool != nil && !hasBias
    }

    private func input(_ x: Matrix, on compute: Compute) -> ProductInput {
        var input = ProductInput(kernels: compute.kernels)
        input.load(x.values.span, rows: x.rows, for: matrices, pool: compute.pool)
        return input
    }

    /// One product after the other, each x.rows × its outputs.
    private func shared(_ x: Matrix, on compute: Compute) -> [Float] {
        let input = input(x, on: compute)
        var all = Matrix.unfilled(rows: x.rows, columns: outputs)
        var output = all.values.mutableSpan
        WeightMatrix.multiply(matrices, input, into: &output, pool: compute.pool)
        return all.values
    }

    func callAsFunction(_ x: Matrix, on compute: Compute) -> [Matrix] {
        if shares(x, on: compute) {
            let all = shared(x, on: compute)
            var start = 0
            return matrices.map { matrix in
                let end = start + x.rows * matrix.rows
                defer { start = end }
                return Matrix(rows: x.rows, columns: matrix.rows, values: Array(all[start..<end]))
            }
        }
        let input = input(x, on: compute)
        return layers.map { layer in
            var y = Matrix.unfilled(rows: x.rows, columns: layer.weights.outputs)
            layer.weights.multiply(input, into: &y, bias: layer.bias, on: compute)
            return y
        }
    }

    /// silu of the first of two layers times the second, number by number.
    func gated(_ x: Matrix, on compute: Compute) -> Matrix {
        precondition(layers.count == 2, "a gate and what it lets through are expected")
        guard shares(x, on: compute) else {
            let both = self(x, on: compute)
            var inner = both[0]
            inner.gate(with: both[1], on: compute)
            return inner
        }
        var both = shared(x, on: compute)
        let count = both.count / 2
        var all = both.mutableSpan
        compute.kernels.siluGate(halvesOf: &all)
        both.removeLast(count)
        return Matrix(rows: x.rows, columns: matrices[0].rows, values: both)
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

    init(
        tensors: TensorCollection, precision: Precision, transposed: Bool = false, vocabularyStaysInFile: Bool = false
    ) {
        self.tensors = tensors
        self.precision = precision
        self.transposed = transposed
        self.vocabularyStaysInFile = vocabularyStaysInFile
        // Of what is rounded or made floats, the file does not say how large it will be.
        WeightMatrix.expect(tensors.matrices.filter { Weights.isAsStored($0, precision) }.map(\.byteCount))
    }

    func vector(_ name: String, _ count: Int) throws(ModelError) -> [Float] {
        try tensors.required(name).vector(count)
    }

    func weights(_ name: String, outputs: Int, inputs: Int) throws(ModelError) -> Weights {
        try Weights(
            tensors.required(name), outputs: outputs, inputs: inputs, transposed: transposed, precision: precision,
            pool: tensors.pool)
    }

    /// A table with one row for each word.
    func embedding(_ name: String, words: Int, width: Int) throws(ModelError) -> Weights {
        try Weights(
            tensors.required(name), outputs: words, inputs: width, precision: precision, pool: tensors.pool)
    }

    /// A layer with a bias of this name, or one without.
    func linear(_ weights: String, bias: String?, outputs: Int, inputs: Int) throws(ModelError) -> Linear {
        Linear(
            weights: try self.weights(weights, outputs: outputs, inputs: inputs),
            bias: try bias.map { name throws(ModelError) in try vector(name, outputs) })
    }

    /// The layer `name`, with a bias where the files have one.
    func linear(_ name: String, outputs: Int, inputs: Int) throws(ModelError) -> Linear {
        let bias = name + ".bias"
        return try linear(
            name + ".weight", bias: tensors.contains(bias) ? bias : nil, outputs: outputs, inputs: inputs)
    }

    /// Whether the output layer is the embedding: it is if no other is in the files, or the same again. Another one comes first,
    /// as it does for transformers 5, whatever the files say.
    func isTied(_ embedding: String, _ head: String, says isTied: Bool?) throws(ModelError) -> Bool {
        guard let own = tensors[head] else { return isTied ?? true }
        guard isTied == true else { return false }
        return try tensors.required(embedding).holdsTheSame(as: own)
    }

    /// Refuses files in which some layers have biases that others lack: a name that is damaged would leave one out.
    func requireAlikeBiases(layers: Int, prefix: (Int) -> String) throws(ModelError) {
        let biases = tensors.names.filter { $0.hasSuffix(".bias") }
        var all: [String: Int] = [:]
        // By what stands before the layer's number and behind it.
        let start = String(prefix(0).prefix { $0 != "0" })
        for name in biases where name.hasPrefix(start) {
            let rest = name.dropFirst(start.count)
            guard let number = Int(rest.prefix { $0 != "." }), (0..<layers).contains(number),
                name.hasPrefix(prefix(number))
            else { continue }
            all[String(name.dropFirst(prefix(number).count)), default: 0] += 1
        }
        if let (name, count) = all.sorted(by: { $0.key < $1.key }).first(where: { $0.value != layers }) {
            throw ModelError(.mismatch, "\(tensors.source): \(count) of \(layers) layers have a \(name)")
        }
    }

    func layerNorm(_ scale: String, _ bias: String, _ width: Int, epsilon: Float) throws(ModelError) -> LayerNorm {
        LayerNorm(scale: try vector(scale, width), bias: try vector(bias, width), epsilon: epsilon)
    }

    func rmsNorm(_ scale: String, _ width: Int, epsilon: Float) throws(ModelError) -> RMSNorm {
        RMSNorm(scale: try vector(scale, width), epsilon: epsilon)
    }
}
