internal import EDICNumerics
internal import Synchronization

/// A matrix with a row of weights for each word, which embeds words and scores them.
///
/// It is the largest that a student has, and with a shortlist a sentence needs some hundred of its rows. So Marian's bytes
/// may stay in the file, from which rows are taken as they are wanted; all of them are packed when the first product with
/// all is.
final class VocabularyMatrix: Sendable {
    let outputs: Int
    let inputs: Int

    private struct Stored {
        let bytes: Tensor.Bytes
        let scale: Float
        let precision: Precision
        let pool: WorkerPool?
    }

    private let stored: Stored?
    private let packed: Mutex<Weights?>

    /// A matrix that is packed at once.
    init(_ weights: Weights) {
        outputs = weights.outputs
        inputs = weights.inputs
        stored = nil
        packed = Mutex(weights)
    }

    /// - Parameter staysInFile: whether it is packed only when all of it is wanted, where its type allows.
    init(
        _ tensor: Tensor, outputs: Int, inputs: Int, transposed: Bool, precision: Precision, staysInFile: Bool,
        pool: WorkerPool?
    ) throws(ModelError) {
        self.outputs = outputs
        self.inputs = inputs
        guard staysInFile, tensor.type == .intgemm8, precision != .float32, case .mapped(let region) = tensor.storage,
            tensor.shape == (transposed ? [inputs, outputs] : [outputs, inputs])
        else {
            stored = nil
            packed = Mutex(
                try Weights(
                    tensor, outputs: outputs, inputs: inputs, transposed: transposed, precision: precision, pool: pool))
            return
        }
        do throws(NumericsError) {
            let bytes = Tensor.Bytes.mapped(region)
            let scale = try Weights.scale(of: bytes, outputs: outputs, inputs: inputs)
            stored = Stored(bytes: bytes, scale: scale, precision: precision, pool: pool)
            packed = Mutex(nil)
            // What is wrong with the shape is said now, and not when a sentence comes.
            _ = try Self.rows([], of: bytes, inputs: inputs, scale: scale)
        } catch {
            throw ModelError(.unsupported, "\(tensor.file): tensor \(tensor.name): \(error)", cause: error)
        }
    }

    /// All of it, packed.
    var weights: Weights {
        packed.withLock { packed in
            if let packed { return packed }
            guard let stored,
                let made = try? Weights(
                    matrix: Weights.bytes(
                        stored.bytes, outputs: outputs, inputs: inputs, precision: stored.precision, pool: stored.pool))
            else { preconditionFailure("a matrix whose shape was checked cannot be packed") }
            packed = made
            return made
        }
    }

    /// The rows of these words, as embeddings: words × inputs.
    func rows(_ words: [Int]) -> Matrix {
        var embedded = Matrix.unfilled(rows: words.count, columns: inputs)
        for (place, word) in words.enumerated() { copyRow(word, to: &embedded.values, at: place * inputs) }
        return embedded
    }

    /// Copies one word's weights, as an embedding, to `target` at `start`.
    func copyRow(_ row: Int, to target: inout [Float], at start: Int) {
        guard let stored else { return weights.copyRow(row, to: &target, at: start) }
        precondition(row >= 0 && row < outputs, "word \(row) is outside \(outputs)")
        stored.bytes.withBytes { bytes in
            let row = bytes.extracting(row * inputs..<(row + 1) * inputs)
            var all = target.mutableSpan
            var own = all.extracting(start..<start + inputs)
            let scale = stored.scale
            for column in row.indices { own[column] = Float(Int8(bitPattern: row[column])) * scale }
        }
    }

    /// The same matrix for some of the words only.
    func selecting(_ chosen: [Int32]) -> Weights {
        guard let stored,
            var part = try? Self.rows(
                chosen.map { Int($0) }, of: stored.bytes, inputs: inputs, scale: stored.scale)
        else { return weights.selecting(chosen) }
        part.activations = stored.precision.activations
        return Weights(matrix: part)
    }

    private static func rows(
        _ rows: [Int], of stored: Tensor.Bytes, inputs: Int, scale: Float
    ) throws(NumericsError) -> WeightMatrix {
        try stored.withBytes { bytes throws(NumericsError) in
            try WeightMatrix(rows: rows, columns: inputs, int8Bytes: bytes, scale: scale)
        }
    }
}

extension LayerLoader {
    /// A matrix with a row for each word.
    func vocabulary(
        _ name: String, words: Int, width: Int, transposed: Bool = false
    ) throws(ModelError) -> VocabularyMatrix {
        try VocabularyMatrix(
            tensors.required(name), outputs: words, inputs: width, transposed: transposed, precision: precision,
            staysInFile: vocabularyStaysInFile, pool: tensors.pool)
    }
}
