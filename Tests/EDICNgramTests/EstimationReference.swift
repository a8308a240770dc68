import Glibc

/// Interpolated modified Kneser-Ney by the book, slowly: counts in dictionaries, sums over all n-grams.
struct EstimationReference {
    let order: Int
    /// The discounts for (adjusted) counts 1, 2 and more, by order.
    let discounts: [[Double]]
    private var counts: [[[String]: Int]] = []
    private var vocabulary: Set<String> = ["<unk>", "</s>"]

    init(_ sentences: [[String]], order: Int, discounts: [[Double]]) {
        self.order = order
        self.discounts = discounts
        var occurrences: [[[String]: Int]] = Array(repeating: [:], count: order)
        for sentence in sentences {
            let words = ["<s>"] + sentence + ["</s>"]
            vocabulary.formUnion(sentence)
            for end in 1..<words.count {
                for length in 1...order where end - length + 1 >= 0 {
                    occurrences[length - 1][Array(words[end - length + 1...end]), default: 0] += 1
                }
            }
        }
        for length in 1...order {
            var adjusted: [[String]: Int] = [:]
            for (gram, count) in occurrences[length - 1] {
                // The beginning of a sentence has nothing before it to count.
                adjusted[gram] = length == order || gram[0] == "<s>" ? count : 0
            }
            if length < order {
                for longer in occurrences[length].keys { adjusted[Array(longer.dropFirst())]! += 1 }
            }
            counts.append(adjusted)
        }
    }

    private func discount(_ count: Int, _ length: Int) -> Double {
        count == 0 ? 0 : discounts[length - 1][min(count, 3) - 1]
    }

    /// The probability of the last word of `gram` after the others, of which as many are used as the text knows.
    func probability(_ gram: [String]) -> Double {
        let gram = Array(gram.suffix(order))
        if gram.count == 1 {
            let total = counts[0].values.reduce(0, +)
            let given = counts[0].values.reduce(0.0) { $0 + discount($1, 1) }
            let count = counts[0][gram] ?? 0
            let uniform = given / Double(total) / Double(vocabulary.count)
            return (Double(count) - discount(count, 1)) / Double(total) + uniform
        }
        let context = gram.dropLast()
        let followers = counts[gram.count - 1].filter { $0.key.dropLast() == context }.values
        let lower = probability(Array(gram.dropFirst()))
        guard !followers.isEmpty else { return lower }
        let total = Double(followers.reduce(0, +))
        let given = followers.reduce(0.0) { $0 + discount($1, gram.count) }
        let count = counts[gram.count - 1][gram] ?? 0
        return (Double(count) - discount(count, gram.count)) / total + given / total * lower
    }
}
