internal import Glibc

/// Scaled dot-product attention with any number of queries for each key-value head.
struct Attention: Sendable {
    let heads: Int
    let keyValueHeads: Int
    let headDimension: Int
    let scale: Float

    init(heads: Int, keyValueHeads: Int, headDimension: Int, scale: Float? = nil) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headDimension = headDimension
        self.scale = scale ?? 1 / Float(headDimension).squareRoot()
    }

    /// Which key and value rows a query sees.
    enum Visible {
        case range(Range<Int>)
        case rows(ArraySlice<Int32>)

        var count: Int {
            switch self {
            case .range(let range): range.count
            case .rows(let rows): rows.count
            }
        }
    }

    /// For each query row, softmax(q·Kᵀ·scale)·V over the rows it sees.
    ///
    /// - Parameters:
    ///   - queries: rows × (heads · headDimension).
    ///   - keys: any number of rows × (keyValueHeads · headDimension).
    ///   - weights: receives, for each query row, the mean over the heads of its attention, when wanted.
    func callAsFunction(
        _ queries: Matrix, keys: [Float], values: [Float], visible: (Int) -> Visible,
        weights: ((Int, [Float]) -> Void)? = nil
    ) -> Matrix {
        let width = keyValueHeads * headDimension
        let group = heads / keyValueHeads
        var output = Matrix(rows: queries.rows, columns: heads * headDimension)
        for row in 0..<queries.rows {
            let seen = visible(row)
            var scores = [Float](repeating: 0, count: seen.count)
            var mean = weights == nil ? [] : scores
            for head in 0..<heads {
                let query = row * queries.columns + head * headDimension
                let offset = head / group * headDimension
                func place(_ index: Int) -> Int {
                    switch seen {
                    case .range(let range): (range.lowerBound + index) * width + offset
                    case .rows(let rows): Int(rows[rows.startIndex + index]) * width + offset
                    }
                }
                var largest = -Float.infinity
                for index in scores.indices {
                    let key = place(index)
                    var sum: Float = 0
                    for column in 0..<headDimension { sum += queries.values[query + column] * keys[key + column] }
                    scores[index] = sum * scale
                    largest = max(largest, scores[index])
                }
                var total: Float = 0
                for index in scores.indices {
                    scores[index] = expf(scores[index] - largest)
                    total += scores[index]
                }
                let inverse = 1 / total
                for index in scores.indices {
                    let weight = scores[index] * inverse
                    let value = place(index)
                    for column in 0..<headDimension {
                        output.values[query + column] += weight * values[value + column]
                    }
                    if weights != nil { mean[index] += weight / Float(heads) }
                }
            }
            weights?(row, mean)
        }
        return output
    }
}
