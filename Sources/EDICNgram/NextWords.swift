extension NgramModel {
    /// The log probability of every word after `state`, by id. Takes time proportional to the vocabulary.
    public func distribution(after state: NgramState) -> [Float] {
        var next = NgramState()
        func all(_ search: some NgramSearch) -> [Float] {
            (0..<UInt32(vocabularyCount)).map { search.score($0, after: state, into: &next).logProbability }
        }
        return switch storage {
        case .index(let model): all(model)
        case .probing(let model): all(model)
        case .trie(let model): all(model)
        }
    }

    /// The `count` most probable words after `state`, best first, equal ones by id; `<s>` and `<unk>` left out.
    public func mostProbableWords(after state: NgramState, count: Int) -> [(id: UInt32, logProbability: Float)] {
        let begin = beginID
        let ranked = distribution(after: state).enumerated()
            .filter { $0.offset != Int(unknownID) && $0.offset != Int(begin) }
            .sorted { $0.element != $1.element ? $0.element > $1.element : $0.offset < $1.offset }
        return ranked.prefix(max(0, count)).map { (UInt32($0.offset), $0.element) }
    }
}
