internal import EDICNumerics
internal import Glibc

/// Rotary position embedding (Su et al. 2021) and the ways of stretching it to longer texts.
///
/// Angles are computed in single precision in the order Hugging Face's code computes them, since at far positions the
/// rounding of `position · frequency` shows.
struct RotaryEmbedding: Sendable {
    /// Which numbers of a head form a pair that is rotated.
    enum Pairing: Sendable {
        /// The i-th of the first half with the i-th of the second: the layout of Hugging Face files.
        case halves
        /// Neighbours: the layout into which GGUF permutes Llama's queries and keys.
        case neighbours
    }

    /// How frequencies change beyond the length the model was first trained on.
    enum Scaling: Sendable, Hashable {
        case none
        /// Positions divided by `factor` (Chen et al. 2023).
        case linear(factor: Float)
        /// The base grows with the text (NTK-aware scaling), beyond `original` tokens.
        case dynamic(factor: Float, original: Int)
        /// Llama 3.1's: low frequencies divided by `factor`, high ones kept, a ramp between.
        case llama3(factor: Float, low: Float, high: Float, original: Int)
        /// YaRN (Peng et al. 2023); `attention` scales the rotated vectors.
        case yarn(factor: Float, original: Int, fast: Float, slow: Float, attention: Float, truncate: Bool)
        /// Divisors given one by one in the file.
        case divisors([Float])
    }

    let pairing: Pairing
    /// How many of a head's numbers are rotated.
    let dimension: Int
    let base: Float
    let scaling: Scaling

    private let frequencies: [Float]
    private let magnitude: Float

    init(pairing: Pairing, dimension: Int, base: Float, scaling: Scaling) {
        self.pairing = pairing
        self.dimension = dimension
        self.base = base
        self.scaling = scaling
        frequencies = Self.frequencies(dimension: dimension, base: base, scaling: scaling)
        if case .yarn(_, _, _, _, let attention, _) = scaling { magnitude = attention } else { magnitude = 1 }
    }

    /// How much YaRN scales the rotated vectors for a stretch.
    static func magnitude(stretch: Float, by factor: Float = 1) -> Float {
        stretch <= 1 ? 1 : 0.1 * factor * logf(stretch) + 1
    }

    private static func frequencies(dimension: Int, base: Float, scaling: Scaling) -> [Float] {
        let half = dimension / 2
        let plain = (0..<half).map { 1 / powf(base, Float(2 * $0) / Float(dimension)) }
        switch scaling {
        case .none, .dynamic: return plain
        case .linear(let factor): return plain.map { $0 / factor }
        case .divisors(let divisors): return zip(plain, divisors).map { $0 / $1 }
        case .llama3(let factor, let low, let high, let original):
            let longest = Float(original) / low
            let shortest = Float(original) / high
            return plain.map { frequency in
                let wavelength = 2 * Float.pi / frequency
                if wavelength < shortest { return frequency }
                if wavelength > longest { return frequency / factor }
                let smooth = (Float(original) / wavelength - low) / (high - low)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        case .yarn(let factor, let original, let fast, let slow, _, let truncate):
            // The dimension at which a full turn happens `rotations` times within the original length.
            func correction(_ rotations: Float) -> Double {
                Double(dimension) * log(Double(original) / (Double(rotations) * 2 * .pi)) / (2 * log(Double(base)))
            }
            var first = correction(fast)
            var last = correction(slow)
            if truncate {
                first.round(.down)
                last.round(.up)
            }
            let low = Float(max(first, 0))
            var high = Float(min(last, Double(dimension - 1)))
            if low == high { high += 0.001 }
            return plain.indices.map { index in
                let ramp = min(max((Float(index) - low) / (high - low), 0), 1)
                return plain[index] / factor * ramp + plain[index] * (1 - ramp)
            }
        }
    }

    /// Whether the frequencies for a text of `length` tokens are others than for shorter ones.
    func changes(atLength length: Int) -> Bool {
        if case .dynamic(_, let original) = scaling { length > original } else { false }
    }

    /// The frequencies for a text of `length` tokens.
    private func frequencies(length: Int) -> [Float] {
        guard case .dynamic(let factor, let original) = scaling, length > original else { return frequencies }
        let stretch = factor * Float(length) / Float(original) - (factor - 1)
        let grown = base * powf(stretch, Float(dimension) / Float(dimension - 2))
        return Self.frequencies(dimension: dimension, base: grown, scaling: .none)
    }

    /// The angles of some tokens, the same in every layer: rows × pairs.
    struct Angles: Sendable {
        var cosines: [Float]
        var sines: [Float]
    }

    /// - Parameters:
    ///   - positions: the position of each row in its text.
    ///   - lengths: for each row, how long its text is taken to be.
    func angles(positions: [Int], lengths: [Int]) -> Angles {
        var length = -1
        var frequencies: [Float] = []
        var angles = Angles(cosines: [], sines: [])
        angles.cosines.reserveCapacity(positions.count * dimension / 2)
        angles.sines.reserveCapacity(positions.count * dimension / 2)
        for (position, ownLength) in zip(positions, lengths) {
            if ownLength != length {
                length = ownLength
                frequencies = self.frequencies(length: length)
            }
            for frequency in frequencies {
                let angle = Float(position) * frequency
                angles.cosines.append(cosf(angle) * magnitude)
                angles.sines.append(sinf(angle) * magnitude)
            }
        }
        return angles
    }

    /// Rotates the heads of every row in place.
    ///
    /// - Parameter x: rows × (heads · headDimension).
    func rotate(_ x: inout Matrix, heads: Int, by angles: Angles, on compute: Compute) {
        let (rows, headSize) = (x.rows, x.columns / heads)
        var all = x.values.mutableSpan
        compute.kernels.rotate(
            &all, rows: rows, headSize: headSize, cosines: angles.cosines.span, sines: angles.sines.span,
            interleaved: pairing == .neighbours, pool: compute.pool)
    }
}
