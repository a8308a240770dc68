/// Activations: `rows` vectors of `columns` numbers, row after row.
struct Matrix: Sendable {
    private(set) var rows: Int
    let columns: Int
    var values: [Float]

    /// Zeros.
    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = [Float](repeating: 0, count: rows * columns)
    }

    init(rows: Int, columns: Int, values: [Float]) {
        precondition(values.count == rows * columns)
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// A copy of one row.
    func row(_ index: Int) -> [Float] { Array(values[index * columns..<(index + 1) * columns]) }

    /// Some neighbouring rows.
    func rows(_ range: Range<Int>) -> Matrix {
        if range == 0..<rows { return self }
        return Matrix(
            rows: range.count, columns: columns,
            values: Array(values[range.lowerBound * columns..<range.upperBound * columns]))
    }

    /// The rows of these numbers, in this order; a row may be named several times.
    func gathering(_ indices: some Collection<Int>) -> Matrix {
        var gathered: [Float] = []
        gathered.reserveCapacity(indices.count * columns)
        for index in indices { gathered.append(contentsOf: values[index * columns..<(index + 1) * columns]) }
        return Matrix(rows: indices.count, columns: columns, values: gathered)
    }

    /// Some neighbouring columns of every row.
    func columns(_ range: Range<Int>) -> Matrix {
        var part: [Float] = []
        part.reserveCapacity(rows * range.count)
        for row in 0..<rows {
            part.append(contentsOf: values[row * columns + range.lowerBound..<row * columns + range.upperBound])
        }
        return Matrix(rows: rows, columns: range.count, values: part)
    }
}
