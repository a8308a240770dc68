/// Limits that cut documents of one language into head, middle and tail by perplexity.
///
/// The limits come from a sample and are kept with the model: the same document is then in the same part every night.
public struct PerplexityBuckets: Sendable, Hashable {
    /// Where a document lies: among the likeliest, in the middle, among the least likely.
    public enum Part: String, Sendable, Hashable, CaseIterable {
        case head, middle, tail
    }

    /// Perplexities up to this one are the head.
    public let headLimit: Double
    /// Perplexities above this one are the tail.
    public let tailLimit: Double

    public init(headLimit: Double, tailLimit: Double) {
        self.headLimit = headLimit
        self.tailLimit = tailLimit
    }

    /// The limits below which the given shares of a sample's perplexities lie. Values that are not finite are left out.
    ///
    /// - Throws: ``NgramError`` where the sample has no finite value or the shares are not in rising order within 0...1.
    public init(sample: [Double], headShare: Double = 0.3, tailShare: Double = 0.6) throws(NgramError) {
        guard headShare >= 0, headShare <= tailShare, tailShare <= 1 else {
            throw NgramError(
                .invalidArgument, "shares \(headShare) and \(tailShare): must rise and lie between 0 and 1")
        }
        let sorted = sample.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else {
            throw NgramError(.invalidArgument, "sample: holds no perplexity; score at least one document")
        }
        func limit(_ share: Double) -> Double {
            sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
        }
        self.init(headLimit: limit(headShare), tailLimit: limit(tailShare))
    }

    /// The part of a document of this perplexity; what is not a number, as of an empty document, is tail.
    public func part(of perplexity: Double) -> Part {
        if perplexity <= headLimit { return .head }
        return perplexity <= tailLimit ? .middle : .tail
    }
}
