/// About how large a model will be, before its text is read.
///
/// Natural text repeats itself much alike in all languages: the share of words that begin a new n-gram falls slowly with
/// the amount of text. The figures are those of 100 MB in 23 European languages, scaled; real ones lie within a half of
/// them and twice them, unless the text repeats itself or the pruning is strong.
public struct NgramSizeEstimate: Sendable, Hashable {
    /// Words of the text, sentence ends included.
    public let tokens: Int
    /// N-grams of each order, before pruning.
    public let grams: [Int]
    /// Bytes of an ARPA file, not compressed.
    public let arpaBytes: Int
    /// Bytes of a model in this module's own format with weights of 8 bits.
    public let modelBytes: Int
    /// Bytes of memory with which nothing is spilled.
    public let memoryBytes: Int

    /// - Parameter bytes: of text, not compressed.
    public init(textBytes bytes: Int, order: Int) {
        let tokens = Double(bytes) / 6.8
        let size = max(1, tokens / 14e6)
        let shares = [0.092, 0.41, 0.61, 0.63, 0.59, 0.56, 0.53, 0.51, 0.49, 0.48]
        var grams: [Int] = []
        for k in 1...min(10, max(1, order)) {
            var share = shares[k - 1]
            // Powers of ten by repeated roots would need a library: halve or raise for every factor of ten.
            var factor = size
            while factor >= 10 {
                share *= k == 1 ? 0.45 : 0.78
                factor /= 10
            }
            var small = tokens
            while small < 1.4e6, small > 1 {
                share *= k == 1 ? 2.2 : 1.28
                small *= 10
            }
            grams.append(Int(min(1, share) * tokens))
        }
        let total = grams.reduce(0, +)
        self.tokens = Int(tokens)
        self.grams = grams
        arpaBytes = grams.enumerated().reduce(0) { $0 + $1.element * (22 + 7 * ($1.offset + 1)) }
        modelBytes = total * 5 + (grams.first ?? 0) * 12
        memoryBytes = (64 << 20) + Int(tokens) * 24 + total * 14 + (grams.first ?? 0) * 110
    }
}
