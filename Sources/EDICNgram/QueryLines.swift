/// How much of what a query finds is spelled out.
public enum QueryDetail: String, Sendable, Hashable, CaseIterable {
    case word, sentence, summary
}

/// One word of a text, scored.
public struct ScoredWord: Sendable, Hashable {
    /// Where the word's bytes lie in the text; empty for `</s>`.
    public let range: Range<Int>
    /// The word's id in the model.
    public let id: UInt32
    /// What the model says of it.
    public let score: NgramScore
}

/// One line of a text, scored.
public struct ScoredSentence: Sendable, Hashable {
    /// The words, and `</s>` where the line stands between `<s>` and `</s>`.
    public internal(set) var words: [ScoredWord] = []
    /// The sums over the words.
    public internal(set) var totals = PerplexityTotals()
}

extension NgramModel {
    /// Scores each line of a text, word by word.
    ///
    /// - Parameter isWhole: whether lines stand between `<s>` and `</s>`.
    public func sentences(of text: Span<UInt8>, isWhole: Bool = true) -> [ScoredSentence] {
        var sentences: [ScoredSentence] = []
        var sentence = ScoredSentence()
        forEachScore(of: text, isWhole: isWhole) { word, id, score in
            if word.length > 0 || isWhole {
                sentence.words.append(
                    ScoredWord(range: word.start..<word.start + word.length, id: id, score: score))
                sentence.totals.add(id, score)
            }
            if word.length == 0 {
                sentence.totals.sentences = 1
                sentences.append(sentence)
                sentence = ScoredSentence()
            }
        }
        return sentences
    }

    /// What KenLM's `query` prints for each line of a text: for each word and `</s>` its id, the words matched and the
    /// log probability, then the sum and the number of unknown words.
    ///
    /// - Parameter detail: `sentence` leaves the words out, `summary` everything.
    /// - Parameter isWhole: whether lines stand between `<s>` and `</s>`.
    public func query(
        _ text: Span<UInt8>, detail: QueryDetail = .word, isWhole: Bool = true
    ) -> (output: [UInt8], totals: PerplexityTotals) {
        var output: [UInt8] = []
        var totals = PerplexityTotals()
        // Sums of sentences are in single precision, as KenLM adds them up.
        var sum: Float = 0
        var unknown = 0
        func append(_ text: some CustomStringConvertible) { output.append(contentsOf: text.description.utf8) }
        forEachScore(of: text, isWhole: isWhole) { word, id, score in
            if word.length > 0 || isWhole {
                sum += score.logProbability
                totals.tokens += 1
                if id == 0 {
                    unknown += 1
                    totals.unknownLogProbability += Double(score.logProbability)
                }
                if detail == .word {
                    if word.length == 0 {
                        output.append(contentsOf: "</s>".utf8)
                    } else {
                        for place in word.start..<word.start + word.length { output.append(text[place]) }
                    }
                    output.append(0x3D)
                    append(id)
                    output.append(0x20)
                    append(score.matchedLength)
                    output.append(0x20)
                    output.append(shortest: score.logProbability)
                    output.append(0x09)
                }
            }
            guard word.length == 0 else { return }
            totals.sentences += 1
            totals.logProbability += Double(sum)
            totals.unknownWords += unknown
            if detail != .summary {
                output.append(contentsOf: "Total: ".utf8)
                output.append(shortest: sum)
                output.append(contentsOf: " OOV: ".utf8)
                append(unknown)
                output.append(0x0A)
            }
            (sum, unknown) = (0, 0)
        }
        return (output, totals)
    }

    /// The four lines that KenLM's `query` prints at the end.
    public static func querySummary(_ totals: PerplexityTotals) -> String {
        func text(_ number: Double) -> String {
            var text: [UInt8] = []
            text.append(shortest: number)
            return String(decoding: text, as: UTF8.self)
        }
        return """
            Perplexity including OOVs:\t\(text(totals.perplexity))
            Perplexity excluding OOVs:\t\(text(totals.knownPerplexity))
            OOVs:\t\(totals.unknownWords)
            Tokens:\t\(totals.tokens)
            """
    }
}

extension [UInt8] {
    /// Appends the shortest decimal that reads back as the same number, as KenLM writes it: without a needless ".0", and
    /// without an exponent from 1e-6 up to 1e21.
    mutating func append<Number: BinaryFloatingPoint & LosslessStringConvertible>(shortest number: Number) {
        guard !number.isNaN else { return append(contentsOf: "NaN".utf8) }
        let start = count
        append(contentsOf: number.description.utf8)
        if count - start > 2, self[count - 1] == 0x30, self[count - 2] == 0x2E { removeLast(2) }
        guard let mark = self[start...].firstIndex(of: 0x65) else { return }
        // D.DDe-08: take the digits and the exponent apart.
        let exponent = Int(String(decoding: self[(mark + 1)...], as: UTF8.self)) ?? 0
        let sign: [UInt8] = self[start] == 0x2D ? [0x2D] : []
        var digits = self[(start + sign.count)..<mark].filter { $0 != 0x2E }
        while digits.count > 1, digits.last == 0x30 { digits.removeLast() }
        removeSubrange(start...)
        append(contentsOf: sign)
        if exponent < -6 || exponent >= 21 {
            append(digits[0])
            if digits.count > 1 { append(0x2E) }
            append(contentsOf: digits.dropFirst())
            append(contentsOf: "e\(exponent)".utf8)
        } else if exponent < 0 {
            append(contentsOf: "0.".utf8)
            append(contentsOf: repeatElement(0x30, count: -exponent - 1))
            append(contentsOf: digits)
        } else {
            append(contentsOf: digits.prefix(exponent + 1))
            append(contentsOf: repeatElement(0x30, count: Swift.max(0, exponent + 1 - digits.count)))
            if digits.count > exponent + 1 {
                append(0x2E)
                append(contentsOf: digits.dropFirst(exponent + 1))
            }
        }
    }
}
