/// The unigrams of a quantised model: two codes of 16 bits each, exact while there are at most 65536 different values.
struct PackedUnigrams {
    let codes: Lane<UInt8>
    let probabilities: [Float]
    let backoffs: [Float]

    /// Packs pairs of floats, log probability and log backoff.
    init(_ unigrams: Lane<UInt8>) {
        let view = ByteView(unigrams)
        let count = unigrams.count / 8
        let codes = Lane<UInt8>(zeros: count * 4)
        var lists: [[Float]] = []
        for side in 0..<2 {
            let book = Book((0..<count).map { view.float(at: $0 * 8 + side * 4) })
            for id in 0..<count {
                let code = book.code(view.float(at: id * 8 + side * 4))
                codes[id * 4 + side * 2] = UInt8(truncatingIfNeeded: code)
                codes[id * 4 + side * 2 + 1] = UInt8(truncatingIfNeeded: code >> 8)
            }
            lists.append(book.values)
        }
        self.codes = codes
        (probabilities, backoffs) = (lists[0], lists[1])
    }

    /// Values in rising order; where there are too many different ones, neighbours share their mean.
    private struct Book {
        private static let limit = 1 << 16
        private(set) var values: [Float] = []
        private let distinct: [Float]

        init(_ all: [Float]) {
            var distinct: [Float] = []
            for value in all.sorted() where value != distinct.last { distinct.append(value) }
            self.distinct = distinct
            guard distinct.count > Self.limit else {
                values = distinct
                return
            }
            for code in 0..<Self.limit {
                let group = distinct[code * distinct.count / Self.limit..<(code + 1) * distinct.count / Self.limit]
                values.append(Float(group.reduce(0.0) { $0 + Double($1) } / Double(group.count)))
            }
        }

        func code(_ value: Float) -> Int {
            var low = 0
            var high = distinct.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if distinct[middle] <= value { low = middle } else { high = middle }
            }
            // The group that `low` is in: the last that begins at or before it.
            return distinct.count <= Self.limit ? low : ((low + 1) * Self.limit - 1) / distinct.count
        }
    }
}
