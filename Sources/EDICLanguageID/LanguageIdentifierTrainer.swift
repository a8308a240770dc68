#if canImport(Glibc)
    private import Glibc
#elseif canImport(Darwin)
    private import Darwin
#endif

/// Trains the model of ``LanguageIdentifier`` from lines of text in known languages.
///
/// First the features are counted, and each slot of the table gets the feature whose rates differ most between the
/// languages (the Kullback–Leibler divergence of its distribution over them from an even one, times its rate). Then a
/// multinomial logistic regression is trained on snippets of one to twenty-five words, as many of each language, by
/// stochastic gradient descent with AdaGrad's rates. The same lines and options give the same bytes.
public struct LanguageIdentifierTrainer: Sendable {
    /// How a model is trained.
    public struct Options: Sendable {
        /// Slots of the table; the model takes a byte a class and slot, and one more a slot.
        public var slots: Int
        /// Snippets of each class.
        public var snippets: Int
        /// The rate that AdaGrad begins with.
        public var learningRate: Float
        /// What snippets are drawn by.
        public var seed: UInt64

        public init(slots: Int = 40_000, snippets: Int = 40_000, learningRate: Float = 0.3, seed: UInt64 = 1) {
            self.slots = slots
            self.snippets = snippets
            self.learningRate = learningRate
            self.seed = seed
        }
    }

    private let options: Options
    private var classes: [String] = []
    /// The lines of each class.
    private var lines: [[[UInt8]]] = []

    public init(options: Options = Options()) { self.options = options }

    /// Adds lines of UTF-8 in a language. Call once for each BCP 47 tag; a script in it ("sr-Latn") makes a class of its
    /// own that counts as the language.
    public mutating func add(_ tag: String, lines text: [[UInt8]]) {
        classes.append(tag)
        lines.append(text.filter { !$0.isEmpty })
    }

    /// Trains and returns the model file's bytes. `progress` hears the share that is done, from 0 to 1.
    public func train(progress: (Double) -> Void = { _ in }) throws(LanguageIDError) -> [UInt8] {
        guard 2...LanguageFeatures.classLimit ~= classes.count, LanguageModel.slotRange ~= options.slots else {
            throw LanguageIDError(
                code: .unusableTrainingData,
                message:
                    "\(classes.count) classes, \(options.slots) slots; 2 to \(LanguageFeatures.classLimit) classes and \(LanguageModel.slotRange) slots can be trained"
            )
        }
        if let empty = lines.firstIndex(where: \.isEmpty) {
            throw LanguageIDError(
                code: .unusableTrainingData, message: "there is no line of text for \(classes[empty])")
        }
        let tags = chooseFeatures()
        progress(0.2)
        let weights = descend(tags, progress)
        return quantise(tags, weights).serialized
    }

    // MARK: - Features

    /// The tag of the feature that each slot keeps.
    private func chooseFeatures() -> [UInt8] {
        var features: [UInt32] = []
        var totals = [UInt32](repeating: 0, count: LanguageFeatures.featureCount)
        for text in lines {
            for line in text {
                LanguageFeatures.features(of: line.span, into: &features)
                for feature in features { totals[Int(feature)] += 1 }
            }
        }
        // Rare features cannot be judged; a few classes have little text, so rare means very rare.
        var number = [Int32](repeating: -1, count: totals.count)
        var candidates: [UInt32] = []
        for feature in totals.indices where totals[feature] >= 4 {
            number[feature] = Int32(candidates.count)
            candidates.append(UInt32(feature))
        }
        totals = []
        var counts = [Float](repeating: 0, count: candidates.count * classes.count)
        var sizes = [Float](repeating: 1, count: classes.count)
        for (k, text) in lines.enumerated() {
            for line in text {
                LanguageFeatures.features(of: line.span, into: &features)
                sizes[k] += Float(features.count)
                for feature in features where number[Int(feature)] >= 0 {
                    counts[Int(number[Int(feature)]) * classes.count + k] += 1
                }
            }
        }
        var tags = [UInt8](repeating: 0, count: options.slots)
        var gains = [Float](repeating: 0, count: options.slots)
        for (place, feature) in candidates.enumerated() {
            let row = counts[place * classes.count..<(place + 1) * classes.count]
            var rates: [Float] = []
            for (count, size) in zip(row, sizes) { rates.append(count / size) }
            let mean = rates.reduce(0, +) / Float(rates.count)
            var gain: Float = 0
            for rate in rates where rate > 0 { gain += rate * log(rate / mean) }
            let slot = LanguageFeatures.slot(of: feature, slots: options.slots)
            if gain > gains[slot] {
                gains[slot] = gain
                tags[slot] = LanguageFeatures.tag(of: feature)
            }
        }
        return tags
    }

    // MARK: - Regression

    private static let blocks = LanguageFeatures.classLimit / 16

    private func descend(_ tags: [UInt8], _ progress: (Double) -> Void) -> [SIMD16<Float>] {
        let blocks = Self.blocks
        var weights = [SIMD16<Float>](repeating: .zero, count: tags.count * blocks)
        var squares = [SIMD16<Float>](repeating: .init(repeating: 1e-6), count: tags.count * blocks)
        var random = SnippetGenerator(seed: options.seed)
        var features: [UInt32] = []
        var slots: [Int] = []
        var order = Array(classes.indices)
        for round in 0..<options.snippets {
            random.shuffle(&order)
            // The rate falls to a tenth, so that the last snippets do not count for more than the first.
            let rate = options.learningRate * (1 - 0.9 * Float(round) / Float(options.snippets))
            for label in order {
                let snippet = random.snippet(of: lines[label])
                LanguageFeatures.features(of: snippet.span, into: &features)
                slots.removeAll(keepingCapacity: true)
                for feature in features {
                    let slot = LanguageFeatures.slot(of: feature, slots: tags.count)
                    if tags[slot] == LanguageFeatures.tag(of: feature) { slots.append(slot * blocks) }
                }
                guard !slots.isEmpty else { continue }
                let factor = 1 / Float(slots.count).squareRoot()
                var gradient = Self.probabilities(slots, weights, factor, classCount: classes.count)
                gradient[label / 16][label % 16] -= 1
                for b in 0..<blocks { gradient[b] *= factor }
                for slot in slots {
                    for b in 0..<blocks {
                        squares[slot + b] += gradient[b] * gradient[b]
                        weights[slot + b] -= rate * gradient[b] / squares[slot + b].squareRoot()
                    }
                }
            }
            if round % 256 == 0 { progress(0.2 + 0.8 * Double(round) / Double(options.snippets)) }
        }
        return weights
    }

    private static func probabilities(
        _ slots: [Int], _ weights: [SIMD16<Float>], _ factor: Float, classCount: Int
    ) -> [SIMD16<Float>] {
        var scores = [SIMD16<Float>](repeating: .zero, count: blocks)
        for slot in slots {
            for b in 0..<blocks { scores[b] += weights[slot + b] }
        }
        var top = -Float.infinity
        for k in 0..<classCount { top = max(top, scores[k / 16][k % 16] * factor) }
        var shares = [SIMD16<Float>](repeating: .zero, count: blocks)
        var total: Float = 0
        for k in 0..<classCount {
            let share = exp(scores[k / 16][k % 16] * factor - top)
            shares[k / 16][k % 16] = share
            total += share
        }
        for b in 0..<blocks { shares[b] /= total }
        return shares
    }

    /// 8-bit weights. The few that are larger than 127 steps are cut: they stay far above the rest.
    private func quantise(_ tags: [UInt8], _ weights: [SIMD16<Float>]) -> LanguageModel {
        var sumOfSquares: Double = 0
        var used = 0
        for block in weights {
            for k in 0..<16 where block[k] != 0 {
                sumOfSquares += Double(block[k] * block[k])
                used += 1
            }
        }
        let deviation = Float((sumOfSquares / Double(max(1, used))).squareRoot())
        let scale = max(deviation, .leastNormalMagnitude) * 6 / 127
        var bytes: [Int8] = []
        bytes.reserveCapacity(weights.count * 16)
        for block in weights {
            for k in 0..<16 { bytes.append(Int8(max(-127, min(127, (block[k] / scale).rounded())))) }
        }
        return LanguageModel(classes: classes, tags: tags, weights: bytes, scale: scale)
    }
}

/// Draws training snippets: the same seed draws the same.
private struct SnippetGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    mutating func shuffle(_ order: inout [Int]) {
        for i in order.indices.dropFirst().reversed() { order.swapAt(i, below(i + 1)) }
    }

    /// One to twenty-five words from a random place, shorter ones more often.
    mutating func snippet(of lines: [[UInt8]]) -> [UInt8] {
        let line = lines[below(lines.count)]
        let limit = 1 + below(25)
        var start = below(line.count)
        while start > 0, line[start - 1] != 0x20 { start -= 1 }
        var end = start
        var words = 0
        while end < line.count {
            if line[end] == 0x20 {
                words += 1
                if words == limit { break }
            }
            end += 1
        }
        // Near the end of the line little is left: take the words before as well.
        while start > 0, words + 1 < limit {
            start -= 1
            if line[start] == 0x20 { words += 1 }
        }
        return Array(line[start..<end])
    }
}
