internal import EDICNumerics
internal import Glibc

/// Beam search over one text: which hypotheses live on, which are finished, when to stop.
///
/// Two published behaviours are followed exactly, since both decide which output a given model gives:
/// Marian's, where the beam shrinks by each finished hypothesis, and that of Hugging Face's `generate`, where finished
/// hypotheses compete with running ones.
struct BeamSearch {
    enum Policy: Sendable, Hashable { case marian, huggingFace }

    struct Settings: Sendable {
        var size: Int
        var policy: Policy
        /// Scores are divided by length to this power.
        var lengthNormalization: Float
        /// Marian's malus (or, below zero, bonus) for each word, before scores are divided.
        var wordPenalty: Float = 0
        /// Adds up raw scores instead of log-probabilities.
        var skipsNormalization = false
        /// The most words a hypothesis may have, its end included.
        var maximumLength: Int
        /// Words before this many cannot be the end.
        var minimumLength = 0
        var endWords: Set<Int>
        /// Hugging Face: a hypothesis at the last position ends with this word at no cost.
        var forcedEnd: Int?
        /// A word that never comes.
        var forbidden: Int?
        /// Hugging Face: whether the probabilities of the words but the forbidden one add up to 1.
        var renormalizes = false
        /// The words every hypothesis begins with. They are given: neither their probability nor their number decides
        /// between hypotheses.
        var prefix: [Int] = []
        /// Keeps the log-probability of each word.
        var recordsWords = false
        /// Hugging Face: as many hypotheses as the beam is wide are enough, though one that goes on may be better.
        var stopsEarly = false
    }

    /// One way the text may go on.
    struct Hypothesis: Sendable {
        /// With the end word, where it has come.
        var words: [Int]
        /// The sum of the log-probabilities of the words that were not given.
        var total: Float
        /// For each word its log-probability, where it is recorded.
        var logProbabilities: [Float] = []
        /// For each word, the attention over the source, where it is recorded.
        var alignment: [[Float]] = []
    }

    struct Finished: Sendable {
        let hypothesis: Hypothesis
        /// The total, normalised.
        let score: Float
    }

    let settings: Settings
    private(set) var running: [Hypothesis]
    private(set) var finished: [Finished] = []
    private(set) var isDone = false
    /// Words so far.
    private var length = 0
    /// How many hypotheses Marian still searches for.
    private var width: Int

    init(_ settings: Settings) {
        self.settings = settings
        running = [Hypothesis(words: [], total: 0)]
        width = settings.size
        isDone = settings.maximumLength <= 0
    }

    /// What comes after a step: for each hypothesis that lives on, its parent's index and its last word.
    struct Continuation {
        var parents: [Int] = []
        var words: [Int] = []
    }

    /// How many of the largest scores of each running hypothesis the next step looks at: the words that go on, and those
    /// that may be forbidden.
    var scoresWanted: Int { candidatesWanted + settings.endWords.count + 1 }

    private var candidatesWanted: Int {
        switch settings.policy {
        case .marian: width
        case .huggingFace: max(2, 1 + settings.endWords.count) * settings.size
        }
    }

    /// The word that every hypothesis goes on with, where it is forced.
    var forcedWord: Int? { length < settings.prefix.count ? settings.prefix[length] : nil }

    /// The word whose score the next step looks at, whatever it is.
    var pickedWord: Int? { forcedWord ?? (settings.renormalizes ? settings.forbidden : nil) }

    /// What the next step asks of the scores of each running hypothesis.
    ///
    /// - Parameter vocabulary: the word of each column; nil where columns are words.
    func question(_ vocabulary: [Int32]? = nil) -> BestScores.Question {
        let column = pickedWord.flatMap { word in vocabulary.map { $0.firstIndex(of: Int32(word)) } ?? word }
        return BestScores.Question(
            count: scoresWanted, wantsLogSumExp: !settings.skipsNormalization,
            picked: column.map { Array(repeating: $0, count: running.count) } ?? [])
    }

    /// Takes the best scores of the next word of each running hypothesis and chooses those that go on.
    ///
    /// - Parameters:
    ///   - scores: those of many hypotheses, at least as many as are wanted.
    ///   - rows: which of them are those of the running hypotheses, in their order; nil where all are.
    ///   - vocabulary: the word of each column; nil where columns are words.
    ///   - alignments: one for each running hypothesis, or none.
    mutating func advance(
        _ scores: BestScores, rows: Range<Int>? = nil, vocabulary: [Int32]? = nil,
        alignments: [[Float]] = []
    ) -> Continuation {
        let rows = rows ?? 0..<scores.rows
        let forced = forcedWord
        length += 1
        let isLast = length >= settings.maximumLength
        var best = BestCandidates(capacity: candidatesWanted)
        var raise: Float = 0
        for (parent, row) in rows.enumerated() {
            if isLast, let end = settings.forcedEnd {
                best.insert(.init(parent: parent, word: end, total: running[parent].total))
                continue
            }
            // Of all words, forbidden ones too: the reference forbids them in the log-probabilities.
            var normalizer = settings.skipsNormalization ? 0 : LogSoftmax.normalizer(scores.logSumExp(of: row))
            if let forced {
                let own = (scores.picked(of: row) ?? 0) - normalizer
                best.insert(.init(parent: parent, word: forced, total: running[parent].total, given: own))
                continue
            }
            if settings.renormalizes, let left = scores.picked(of: row) {
                // What is left without it: log(1 - p), which rounding must not make of nothing or less.
                let share = min(left - normalizer, 0)
                normalizer += logf(max(-expm1f(share), .leastNormalMagnitude))
            }
            let offset = running[parent].total - normalizer
            // The words of a single hypothesis are compared as they are: what came before would round them.
            raise = rows.count == 1 ? offset : 0
            // In the order of columns, which is that of equal totals.
            for score in scores.best(of: row).sorted(by: { $0.column < $1.column }) {
                let word = vocabulary.map { Int($0[score.column]) } ?? score.column
                if word == settings.forbidden || length <= settings.minimumLength && settings.endWords.contains(word) {
                    continue
                }
                best.insert(.init(parent: parent, word: word, total: score.value + (offset - raise)))
            }
        }
        let candidates = best.sorted.map { $0.raised(by: raise) }
        return settings.policy == .marian
            ? continueAsMarian(candidates, isLast: isLast, alignments)
            : continueAsHuggingFace(candidates, isLast: isLast, alignments)
    }

    private func extended(_ candidate: BestCandidates.Candidate, _ alignments: [[Float]]) -> Hypothesis {
        var hypothesis = running[candidate.parent]
        hypothesis.words.append(candidate.word)
        if settings.recordsWords {
            hypothesis.logProbabilities.append(candidate.given ?? candidate.total - hypothesis.total)
        }
        hypothesis.total = candidate.total
        if !alignments.isEmpty { hypothesis.alignment.append(alignments[candidate.parent]) }
        return hypothesis
    }

    private mutating func finish(_ hypothesis: Hypothesis) {
        let score = normalised(hypothesis.total - settings.wordPenalty * Float(counted))
        finished.append(Finished(hypothesis: hypothesis, score: score))
    }

    /// Words that count: those that were not given.
    private var counted: Int { max(1, length - settings.prefix.count) }

    private func normalised(_ total: Float) -> Float { total / powf(Float(counted), settings.lengthNormalization) }

    private mutating func continueAsMarian(
        _ candidates: [BestCandidates.Candidate], isLast: Bool, _ alignments: [[Float]]
    ) -> Continuation {
        var next: [Hypothesis] = []
        var continuation = Continuation()
        for candidate in candidates {
            let hypothesis = extended(candidate, alignments)
            if isLast || settings.endWords.contains(candidate.word) {
                finish(hypothesis)
            } else {
                next.append(hypothesis)
                continuation.parents.append(candidate.parent)
                continuation.words.append(candidate.word)
            }
        }
        running = next
        if length > settings.prefix.count { width = next.count }
        isDone = next.isEmpty
        return continuation
    }

    private mutating func continueAsHuggingFace(
        _ candidates: [BestCandidates.Candidate], isLast: Bool, _ alignments: [[Float]]
    ) -> Continuation {
        var next: [Hypothesis] = []
        var continuation = Continuation()
        for (rank, candidate) in candidates.enumerated() {
            if isLast || settings.endWords.contains(candidate.word) {
                if rank < settings.size { finish(extended(candidate, alignments)) }
            } else if next.count < settings.size {
                next.append(extended(candidate, alignments))
                continuation.parents.append(candidate.parent)
                continuation.words.append(candidate.word)
            }
        }
        finished = Array(Self.ranked(finished).prefix(settings.size))
        running = next
        if next.isEmpty {
            isDone = true
        } else if finished.count == settings.size, let worst = finished.last?.score {
            // No running hypothesis, at its present length, is better than the worst kept one.
            isDone = settings.stopsEarly || normalised(next[0].total) <= worst
        }
        return continuation
    }

    /// The best first; equal scores in the order they finished.
    private static func ranked(_ finished: [Finished]) -> [Finished] {
        finished.enumerated().sorted { a, b in
            a.element.score != b.element.score ? a.element.score > b.element.score : a.offset < b.offset
        }.map(\.element)
    }

    /// The finished hypotheses, the best first.
    var results: [Finished] { Self.ranked(finished) }
}

/// The largest of many totals, in a fixed order for equal ones: the lower row, then the lower column.
struct BestCandidates {
    struct Candidate {
        let parent: Int
        let word: Int
        let total: Float
        /// The log-probability of a word that was given, which is no part of the total.
        var given: Float?

        func raised(by amount: Float) -> Candidate {
            Candidate(parent: parent, word: word, total: total + amount, given: given)
        }
    }

    private let capacity: Int
    private(set) var sorted: [Candidate] = []

    init(capacity: Int) { self.capacity = max(1, capacity) }

    mutating func insert(_ candidate: Candidate) {
        if sorted.count == capacity {
            guard let last = sorted.last, candidate.total > last.total else { return }
            sorted.removeLast()
        }
        var place = sorted.count
        while place > 0, sorted[place - 1].total < candidate.total { place -= 1 }
        sorted.insert(candidate, at: place)
    }
}

/// What scores are lowered by to become log-probabilities.
enum LogSoftmax {
    static func normalizer(_ values: [Float], _ range: Range<Int>, on compute: Compute) -> Float {
        normalizer(compute.kernels.logSumExp(values.span.extracting(range)))
    }

    /// - Parameter logSum: log Σ eˣ of all scores.
    static func normalizer(_ logSum: Float) -> Float { logSum.isFinite ? logSum : 0 }
}
