internal import Glibc
internal import Synchronization

/// Fixed sinusoidal positions (Vaswani et al. 2017): the sines in the first half, the cosines in the second.
struct SinusoidalPositions: Sendable {
    /// The embeddings of the first positions, as far as they were asked for: sines took longer than the norms of a step.
    private final class Table: Sendable {
        let rows = Mutex<[Float]>([])
    }

    private let frequencies: [Float]
    private let table = Table()

    /// Positions from here on are computed each time.
    private static let kept = 512

    /// - Parameter marian: Marian spaces the wavelengths over d/2 − 1 steps, Hugging Face and the paper over d/2.
    init(dimension: Int, marian: Bool) {
        let half = dimension / 2
        frequencies = (0..<half).map { index in
            marian
                ? expf(Float(index) * (-logf(10000) / Float(max(half - 1, 1))))
                : Float(1 / pow(10000, 2 * Double(index) / Double(dimension)))
        }
    }

    private var width: Int { 2 * frequencies.count }

    /// Adds to each row the embedding of its position.
    func add(to x: inout Matrix, position: (Int) -> Int) {
        let positions = (0..<x.rows).map(position)
        let table = table(through: positions.lazy.filter { $0 < Self.kept }.max() ?? -1)
        let (columns, width) = (x.columns, width)
        var all = x.values.mutableSpan
        // Hypotheses side by side are at one position.
        var far: (position: Int, embedding: [Float]) = (-1, [])
        for (row, position) in positions.enumerated() {
            if position < Self.kept {
                for index in 0..<width { all[row * columns + index] += table[position * width + index] }
                continue
            }
            if position != far.position { far = (position, embedding(of: position)) }
            for index in 0..<width { all[row * columns + index] += far.embedding[index] }
        }
    }

    /// The embeddings of the positions up to this one at least.
    private func table(through last: Int) -> [Float] {
        table.rows.withLock { rows in
            while rows.count < (last + 1) * width { rows += embedding(of: rows.count / width) }
            return rows
        }
    }

    private func embedding(of position: Int) -> [Float] {
        let angles = frequencies.map { Float(position) * $0 }
        return angles.map(sinf) + angles.map(cosf)
    }
}
