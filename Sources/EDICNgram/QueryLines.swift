/// How much of what a query finds is spelled out.
public enum QueryDetail: String, Sendable, Hashable, CaseIterable {
    case word, sentence, summary
}

/// One word of a text, scored.
public struct ScoredWord: Sendable, Hashable {
    /// Where the word's bytes lie in the text; empty for `</s>`.
    public let range: Range<Int>
    public let id: UInt32
    public let score: NgramScore
}

/// One line of a text, scored.
public struct ScoredSentence: Sendable, Hashable {
    /// The words, and `</s>` where the line stands between `<s>` and `</s>`.
    public internal(set) var words: [ScoredWord] = []
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
        func append(_ number: Float) {
            // The shortest decimal that reads back as the same float, without a needless ".0".
            output.append(contentsOf: number.description.utf8)
            if output.last == 0x30, output[output.count - 2] == 0x2E { output.removeLast(2) }
        }
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
                    append(score.logProbability)
                    output.append(0x09)
                }
            }
            guard word.length == 0 else { return }
            totals.sentences += 1
            totals.logProbability += Double(sum)
            totals.unknownWords += unknown
            if detail != .summary {
                output.append(contentsOf: "Total: ".utf8)
                append(sum)
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
        """
        Perplexity including OOVs:\t\(totals.perplexity)
        Perplexity excluding OOVs:\t\(totals.knownPerplexity)
        OOVs:\t\(totals.unknownWords)
        Tokens:\t\(totals.tokens)
        """
    }
}
