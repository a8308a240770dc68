extension NgramModel {
    /// What KenLM's `query` prints for a sentence: for each word and `</s>` its id, the words matched and the log
    /// probability, then the sum and the number of unknown words.
    ///
    /// - Parameter isWhole: whether the sentence stands between `<s>` and `</s>`.
    public func queryLine(of sentence: String, isWhole: Bool = true) -> (line: String, totals: PerplexityTotals) {
        var totals = PerplexityTotals()
        var line = ""
        var state = isWhole ? beginSentenceState : emptyState
        var sum: Float = 0
        func add(_ word: String, _ id: UInt32) {
            let score = score(id: id, after: &state)
            sum += score.logProbability
            line += "\(word)=\(id) \(score.matchedLength) \(Self.decimal(score.logProbability))\t"
            totals.tokens += 1
            if id == unknownID {
                totals.unknownWords += 1
                totals.unknownLogProbability += Double(score.logProbability)
            }
        }
        for word in sentence.utf8.split(whereSeparator: { TextSplitter.isSeparator($0) }) {
            add(String(decoding: word, as: UTF8.self), id(of: Array(word).span))
        }
        if isWhole { add("</s>", endID) }
        totals.sentences = 1
        // The sum that is printed, in single precision as KenLM adds it up.
        totals.logProbability = Double(sum)
        line += "Total: \(Self.decimal(sum)) OOV: \(totals.unknownWords)"
        return (line, totals)
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

    /// The shortest decimal that reads back as the same float, without a needless ".0".
    private static func decimal(_ value: Float) -> String {
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
