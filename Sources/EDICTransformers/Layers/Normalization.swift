/// (x − mean) / √(variance + ε) · scale + bias, over each row (Ba, Kiros and Hinton 2016).
struct LayerNorm: Sendable {
    let scale: [Float]
    let bias: [Float]
    let epsilon: Float

    func callAsFunction(_ x: Matrix) -> Matrix {
        var normalised = x
        apply(to: &normalised)
        return normalised
    }

    func apply(to x: inout Matrix) {
        let width = x.columns
        for row in 0..<x.rows {
            let start = row * width
            var mean: Float = 0
            for column in 0..<width { mean += x.values[start + column] }
            mean /= Float(width)
            var variance: Float = 0
            for column in 0..<width {
                let difference = x.values[start + column] - mean
                variance += difference * difference
            }
            let inverse = 1 / (variance / Float(width) + epsilon).squareRoot()
            for column in 0..<width {
                x.values[start + column] = (x.values[start + column] - mean) * inverse * scale[column] + bias[column]
            }
        }
    }
}

/// x / √(mean of x² + ε) · scale, over each row (Zhang and Sennrich 2019).
struct RMSNorm: Sendable {
    let scale: [Float]
    let epsilon: Float

    func callAsFunction(_ x: Matrix) -> Matrix {
        var normalised = x
        apply(to: &normalised)
        return normalised
    }

    /// Normalises runs of `scale.count` numbers: whole rows, or the heads within them.
    func apply(to x: inout Matrix) {
        let width = scale.count
        for start in stride(from: 0, to: x.values.count, by: width) {
            var squares: Float = 0
            for column in 0..<width { squares += x.values[start + column] * x.values[start + column] }
            let inverse = 1 / (squares / Float(width) + epsilon).squareRoot()
            for column in 0..<width { x.values[start + column] *= inverse * scale[column] }
        }
    }
}
