extension NgramModel {
    /// The log probability of every word after `state`, by id. Takes time proportional to the vocabulary.
    public func distribution(after state: NgramState) -> [Float] {
        var next = NgramState()
        func all(_ search: some NgramSearch) -> [Float] {
            (0..<UInt32(vocabularyCount)).map { search.score($0, after: state, into: &next).logProbability }
        }
        return switch storage {
        case .index(let model): model.distribution(after: state)
        case .probing(let model): all(model)
        case .trie(let model): all(model)
        }
    }

    /// The `count` most probable words after `state`, best first, equal ones by id; `<s>` and `<unk>` left out.
    public func mostProbableWords(after state: NgramState, count: Int) -> [(id: UInt32, logProbability: Float)] {
        guard count > 0 else { return [] }
        let begin = beginID
        // The best so far, in order, and what the last of them has.
        var best: [(id: UInt32, logProbability: Float)] = []
        for (id, score) in distribution(after: state).enumerated() where id != Int(unknownID) && id != Int(begin) {
            if best.count == count, let last = best.last, score <= last.logProbability { continue }
            // Behind all that are as good: their ids are smaller.
            var (low, high) = (0, best.count)
            while low < high {
                let middle = (low + high) / 2
                if best[middle].logProbability >= score { low = middle + 1 } else { high = middle }
            }
            best.insert((UInt32(id), score), at: low)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
