/// The three discounts of one order in modified Kneser-Ney smoothing, for counts of 1, 2 and at least 3
/// (Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", 1999).
public struct Discounts: Sendable, Hashable {
    /// Taken from n-grams that occur once.
    public let one: Double
    /// Taken from those that occur twice.
    public let two: Double
    /// Taken from all others.
    public let threeOrMore: Double
    /// Why these are the fallback discounts 0.5, 1 and 1.5, or nil where the text gave them.
    public let fallbackReason: String?

    /// The discounts that `countsOfCounts` give: how many n-grams have (adjusted) count 1, 2, 3 and 4.
    ///
    /// On little or artificial text a count of counts may be zero or the estimate out of range; then the discounts
    /// are 0.5, 1 and 1.5, and ``fallbackReason`` says why.
    public init(countsOfCounts: [UInt64]) {
        precondition(countsOfCounts.count == 4)
        // Single precision, as KenLM computes them: where a discount is near 1, a count of 1 less the discount shows it.
        let n = countsOfCounts.map { Float($0) }
        for place in 0..<3 where n[place] == 0 {
            self.init(fallbackBecause: "no n-gram has adjusted count \(place + 1)")
            return
        }
        let share = n[0] / Float(countsOfCounts[0] + 2 * countsOfCounts[1])
        var values: [Double] = []
        for place in 0..<3 {
            let count = Float(place + 1)
            let value = count - (count + 1) * share * n[place + 1] / n[place]
            guard value >= 0, value <= count else {
                self.init(fallbackBecause: "the estimate for adjusted count \(place + 1), \(value), is out of range")
                return
            }
            values.append(Double(value))
        }
        self.init(one: values[0], two: values[1], threeOrMore: values[2], fallbackReason: nil)
    }

    private init(fallbackBecause reason: String) {
        self.init(one: 0.5, two: 1, threeOrMore: 1.5, fallbackReason: reason)
    }

    private init(one: Double, two: Double, threeOrMore: Double, fallbackReason: String?) {
        self.one = one
        self.two = two
        self.threeOrMore = threeOrMore
        self.fallbackReason = fallbackReason
    }

    /// What is taken off a count.
    @inline(__always)
    func discount(_ count: UInt32) -> Double {
        switch count {
        case 0: 0
        case 1: one
        case 2: two
        default: threeOrMore
        }
    }
}
