internal import EDICNumerics

/// The search for the translations of a batch of sentences.
///
/// Every row of every product depends on its own sentence alone, so neither the batch nor its order shows in the
/// result.
struct TranslationSearch {
    let marian: Marian
    let shortlist: LexicalShortlist?
    let sharesVocabulary: Bool
    let rules: TranslationRules
    let options: TranslationOptions
    let compute: Compute

    /// The output layer of one sentence.
    private enum Output {
        case all
        case some([Int32], Linear)
    }

    /// - Parameters:
    ///   - sentences: source tokens, each with its end of sentence.
    ///   - prefixes: the target tokens each translation begins with.
    func run(_ sentences: [[Int]], prefixes: [[Int]]) throws(ModelError) -> [[BeamSearch.Finished]] {
        let encoded = marian.encode(sentences, on: compute)
        let memory = marian.memory(of: encoded, sentences, on: compute)
        var searches = sentences.indices.map { BeamSearch(settings(source: sentences[$0], prefix: prefixes[$0])) }
        let outputs = sentences.indices.map { output(for: sentences[$0], prefix: prefixes[$0]) }
        // One entry for each hypothesis, those of a sentence side by side.
        var owners = sentences.indices.filter { !searches[$0].isDone }
        var target = marian.emptyTarget(hypotheses: owners.count)
        var words: [Int]?
        var position = 0
        while !owners.isEmpty {
            try compute.stop?.check("the translation")
            var alignments: [[Float]] = []
            let record: ((Int, [Float]) -> Void)? = options.returnsAlignments ? { alignments.append($1) } : nil
            let states = marian.step(
                words: words, position: position, sentences: owners, source: memory, target: &target,
                on: compute, alignment: record)
            let shared = scoresOfAllWords(owners, searches, states)
            var next = BeamSearch.Continuation()
            var nextOwners: [Int] = []
            var start = 0
            while start < owners.count {
                let sentence = owners[start]
                let end = owners[start...].firstIndex { $0 != sentence } ?? owners.count
                let aligned = alignments.isEmpty ? [] : Array(alignments[start..<end])
                let continuation: BeamSearch.Continuation
                switch outputs[sentence] {
                case .all:
                    guard let shared else { preconditionFailure("scores of all words are missing") }
                    continuation = searches[sentence].advance(
                        shared, rows: start..<end, alignments: aligned)
                case .some(let vocabulary, let head):
                    let scores = head.bestScores(
                        searches[sentence].question(vocabulary), of: states.rows(start..<end), on: compute)
                    continuation = searches[sentence].advance(
                        scores, vocabulary: vocabulary, alignments: aligned)
                }
                if !searches[sentence].isDone {
                    next.parents += continuation.parents.map { $0 + start }
                    next.words += continuation.words
                    nextOwners += repeatElement(sentence, count: continuation.words.count)
                }
                start = end
            }
            target.select(next.parents)
            words = next.words
            owners = nextOwners
            position += 1
        }
        return searches.map { Array($0.results.prefix(options.alternatives)) }
    }

    /// What is asked of the scores of all words, of all hypotheses together; nil where sentences have words of their own.
    private func scoresOfAllWords(
        _ owners: [Int], _ searches: [BeamSearch], _ states: Matrix
    ) -> BestScores? {
        guard shortlist == nil || !options.usesShortlist else { return nil }
        var question = BestScores.Question(count: 1, wantsLogSumExp: !options.skipsCost)
        question.count = owners.lazy.map { searches[$0].scoresWanted }.max() ?? 1
        let picked = owners.map { searches[$0].pickedWord }
        if picked.contains(where: { $0 != nil }) { question.picked = picked }
        return marian.bestScores(question, of: states, on: compute)
    }

    private func settings(source: [Int], prefix: [Int]) -> BeamSearch.Settings {
        let factor = Int((options.maximumLengthFactor * Float(source.count)).rounded(.up))
        let longest = max(1, min(factor, options.maximumLength, marian.context - 1))
        var settings = BeamSearch.Settings(
            size: options.beamSize, policy: rules.policy, lengthNormalization: options.lengthNormalization,
            wordPenalty: options.wordPenalty, maximumLength: max(longest, prefix.count + 1), endWords: rules.endWords)
        settings.prefix = prefix
        settings.skipsNormalization = options.skipsCost
        settings.stopsEarly = options.stopsEarly
        settings.forcedEnd = rules.forcedEnd
        settings.forbidden = rules.forbidden
        settings.renormalizes = rules.renormalizes
        return settings
    }

    private func output(for sentence: [Int], prefix: [Int]) -> Output {
        guard let shortlist, options.usesShortlist else { return .all }
        var words = shortlist.words(
            for: sentence, vocabulary: marian.targetVocabulary, sharedVocabulary: sharesVocabulary)
        if !prefix.isEmpty { words = Set(words).union(prefix.map { Int32($0) }).sorted() }
        return .some(words, marian.head(for: words))
    }
}

extension Marian.TargetMemory {
    /// Keeps the pasts of these hypotheses, in this order; one may be named several times.
    mutating func select(_ parents: [Int]) {
        if !cache.layers.isEmpty {
            tables = parents.map { tables[$0] }
            cache.keepOnly(tables)
        }
        if parents.count != cells.first?.rows || parents.indices.contains(where: { parents[$0] != $0 }) {
            for index in cells.indices { cells[index] = cells[index].gathering(parents) }
        }
    }
}
