internal import EDICNumerics

/// Columns from the largest score on, equal ones in their order.
///
/// A draw looks at a few of some 100 000 words, so only those are sorted: first the scores close to the largest, then,
/// when more are asked for, those in a next band twice as wide.
struct LikeliestFirst {
    private let scores: [Float]
    private var sorted: [Int] = []
    /// Scores of at least this are in `sorted`, once it is not empty.
    private var reached = Float.infinity
    private var width: Float = 4

    /// - Parameter scores: natural logarithms of probabilities, or those raised all alike; not empty.
    init(_ scores: [Float]) {
        precondition(!scores.isEmpty)
        self.scores = scores
        let best = scores[Kernels.standard.argmax(scores.span)]
        sortOn(to: best - width)
    }

    var count: Int { scores.count }

    /// The column of the largest score but `rank`.
    subscript(rank: Int) -> Int {
        mutating get {
            precondition(rank < count, "there is no score number \(rank) among \(count)")
            while rank >= sorted.count {
                width *= 2
                sortOn(to: reached - width)
            }
            return sorted[rank]
        }
    }

    private mutating func sortOn(to bound: Float) {
        // Where bands end, and where scores are no numbers, all that is left comes at once.
        let takesAll = !(bound < reached && bound.isFinite)
        let isFirst = sorted.isEmpty
        var band: [Int] = []
        for column in scores.indices {
            let score = scores[column]
            if isFirst || !(score >= reached), takesAll || score >= bound { band.append(column) }
        }
        band.sort { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        sorted += band
        reached = takesAll ? -.infinity : bound
    }
}
