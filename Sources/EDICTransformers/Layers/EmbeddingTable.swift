internal import EDICNumerics

/// A table with a row of numbers for each word, which is looked up and never multiplied.
///
/// Rows are read where they lie in the file: a text needs few of them, and packing all would take the time and the
/// memory of the largest matrix that many models have.
struct EmbeddingTable: Sendable {
    private enum Source {
        case stored(Tensor.Bytes, NumberFormat, rowBytes: Int)
        case packed(Weights)
    }

    private let source: Source
    private let width: Int

    /// A table whose matrix is needed for products too.
    init(_ weights: Weights) {
        source = .packed(weights)
        width = weights.inputs
    }

    init(_ tensor: Tensor, words: Int, width: Int) throws(ModelError) {
        self.width = width
        guard let format = tensor.type.format, let rowBytes = format.byteCount(of: width) else {
            source = .packed(try Weights(tensor, outputs: words, inputs: width, precision: .float32))
            return
        }
        guard tensor.shape == [words, width] else {
            throw ModelError(
                .mismatch,
                "\(tensor.file): tensor \(tensor.name): has the shape \(tensor.shape), not \([words, width])")
        }
        guard tensor.byteCount == words * rowBytes else {
            throw ModelError(
                .malformed,
                "\(tensor.file): tensor \(tensor.name): has \(tensor.byteCount) bytes, not \(words) rows of \(rowBytes)"
            )
        }
        source = .stored(try tensor.bytes(), format, rowBytes: rowBytes)
    }

    /// The rows of these words: words × width.
    func rows(_ words: [Int]) -> Matrix {
        switch source {
        case .packed(let weights): return weights.rows(words)
        case .stored(let stored, let format, let rowBytes):
            var rows = Matrix.unfilled(rows: words.count, columns: width)
            stored.withBytes { bytes in
                var all = rows.values.mutableSpan
                for (place, word) in words.enumerated() {
                    let row = bytes.extracting(word * rowBytes..<(word + 1) * rowBytes)
                    format.decode(row, into: &all, at: place * width)
                }
            }
            return rows
        }
    }
}

extension LayerLoader {
    /// A table that is only looked up.
    func table(_ name: String, words: Int, width: Int) throws(ModelError) -> EmbeddingTable {
        try EmbeddingTable(tensors.required(name), words: words, width: width)
    }
}
