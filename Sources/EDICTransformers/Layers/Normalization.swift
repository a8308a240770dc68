internal import EDICNumerics

/// (x − mean) / √(variance + ε) · scale + bias, over each row (Ba, Kiros and Hinton 2016).
struct LayerNorm: Sendable {
    let scale: [Float]
    let bias: [Float]
    let epsilon: Float

    func callAsFunction(_ x: Matrix, on compute: Compute) -> Matrix {
        var y = Matrix.unfilled(rows: x.rows, columns: x.columns)
        var out = y.values.mutableSpan
        compute.kernels.layerNorm(
            x.values.span, gain: scale.span, bias: bias.span, epsilon: epsilon, into: &out, pool: compute.pool)
        return y
    }

    func apply(to x: inout Matrix, on compute: Compute) {
        var all = x.values.mutableSpan
        compute.kernels.layerNorm(&all, gain: scale.span, bias: bias.span, epsilon: epsilon, pool: compute.pool)
    }
}

/// x / √(mean of x² + ε) · scale, over each row (Zhang and Sennrich 2019): whole rows, or the heads within them.
struct RMSNorm: Sendable {
    let scale: [Float]
    let epsilon: Float

    func callAsFunction(_ x: Matrix, on compute: Compute) -> Matrix {
        var y = Matrix.unfilled(rows: x.rows, columns: x.columns)
        var out = y.values.mutableSpan
        compute.kernels.rmsNorm(x.values.span, gain: scale.span, epsilon: epsilon, into: &out, pool: compute.pool)
        return y
    }

    func apply(to x: inout Matrix, on compute: Compute) {
        var all = x.values.mutableSpan
        compute.kernels.rmsNorm(&all, gain: scale.span, epsilon: epsilon, pool: compute.pool)
    }
}
