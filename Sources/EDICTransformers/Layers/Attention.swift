internal import EDICNumerics

/// Scaled dot-product attention with any number of queries for each key-value head.
struct Attention: Sendable {
    let shape: AttentionShape

    init(_ shape: AttentionShape) { self.shape = shape }

    init(heads: Int, keyValueHeads: Int, headDimension: Int, scale: Float? = nil) {
        shape = AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headDimension, scale: scale)
    }

    /// For each query row, softmax(q·Kᵀ·scale)·V over the rows it sees.
    ///
    /// - Parameters:
    ///   - queries: rows × (heads · head size).
    ///   - keys: any number of rows × (key-value heads · head size).
    ///   - weights: receives, for each query row, the mean over the heads of its attention, when wanted.
    func callAsFunction(
        _ queries: Matrix, keys: [Float], values: [Float], visible: (Int) -> VisibleRows, on compute: Compute,
        weights: ((Int, [Float]) -> Void)? = nil
    ) -> Matrix {
        var output = Matrix.unfilled(rows: queries.rows, columns: shape.width)
        var out = output.values.mutableSpan
        compute.kernels.attend(
            shape, queries: queries.values.span, keys: keys.span, values: values.span,
            visible: (0..<queries.rows).map(visible), into: &out, pool: compute.pool, weights: weights)
        return output
    }

    /// The same where several layers look at the same rows.
    func callAsFunction(
        _ queries: Matrix, keys: [Float], values: [Float], seen: SeenRows, on compute: Compute
    ) -> Matrix {
        var output = Matrix.unfilled(rows: queries.rows, columns: shape.width)
        var out = output.values.mutableSpan
        compute.kernels.attend(
            shape, queries: queries.values.span, keys: keys.span, values: values.span, seen: seen, into: &out,
            pool: compute.pool)
        return output
    }

    /// The same over sequences that were made ready for many queries.
    ///
    /// - Parameters:
    ///   - sequences: which one each query row looks at.
    ///   - head: whose attention `weights` receives; nil: the mean over the heads.
    func callAsFunction(
        _ queries: Matrix, memory: AttentionMemory, sequences: [Int], on compute: Compute,
        weights: ((Int, [Float]) -> Void)? = nil, of head: Int? = nil
    ) -> Matrix {
        var output = Matrix.unfilled(rows: queries.rows, columns: shape.width)
        var out = output.values.mutableSpan
        memory.attend(
            queries: queries.values.span, sequences: sequences, into: &out, kernels: compute.kernels,
            pool: compute.pool, weights: weights, of: head)
        return output
    }
}
