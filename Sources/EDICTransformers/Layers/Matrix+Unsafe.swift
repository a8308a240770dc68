extension Matrix {
    /// Rows whose numbers are all about to be written; until then they are whatever memory held.
    static func unfilled(rows: Int, columns: Int) -> Matrix {
        let count = rows * columns
        let values = unsafe [Float](unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
        return Matrix(rows: rows, columns: columns, values: values)
    }
}
