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
        /// Marian's bonus (or, below zero, malus) for each word.
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
        /// The words every hypothesis begins with.
        var prefix: [Int] = []
    }

    /// One way the text may go on.
    struct Hypothesis: Sendable {
        /// With the end word, where it has come.
        var words: [Int]
        /// The sum of the words' log-probabilities.
        var total: Float
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
    /// Words so far, the forced ones not counted.
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

    /// Reads the scores of the next word of each running hypothesis and chooses those that go on.
    ///
    /// - Parameters:
    ///   - logits: the scores of many hypotheses.
    ///   - rows: which of them are those of the running hypotheses, in their order; nil where all are.
    ///   - vocabulary: the word of each column; nil where columns are words.
    ///   - forbidden: a word that never comes.
    ///   - alignments: one for each running hypothesis, or none.
    mutating func advance(
        _ logits: inout Matrix, rows: Range<Int>? = nil, vocabulary: [Int32]? = nil, forbidden: Int? = nil,
        alignments: [[Float]] = [], on compute: Compute
    ) -> Continuation {
        let rows = rows ?? 0..<logits.rows
        length += 1
        // Before words are forbidden: the reference forbids them in the log-probabilities.
        let normalizers = rows.map { row in
            settings.skipsNormalization
                ? 0
                : LogSoftmax.normalizer(logits.values, row * logits.columns..<(row + 1) * logits.columns, on: compute)
        }
        if let forbidden { Self.forbid(forbidden, in: &logits, rows, vocabulary) }
        if length <= settings.minimumLength {
            for word in settings.endWords { Self.forbid(word, in: &logits, rows, vocabulary) }
        }
        let isLast = length >= settings.maximumLength
        let wanted =
            switch settings.policy {
            case .marian: width
            case .huggingFace: max(2, 1 + settings.endWords.count) * settings.size
            }
        var best = BestCandidates(capacity: wanted)
        var raise: Float = 0
        for (parent, row) in rows.enumerated() {
            if isLast, let end = settings.forcedEnd {
                best.insert(.init(parent: parent, word: end, total: running[parent].total))
                continue
            }
            let start = row * logits.columns
            let offset = running[parent].total - normalizers[parent]
            if length <= settings.prefix.count {
                let word = settings.prefix[length - 1]
                let column = vocabulary.map { $0.firstIndex(of: Int32(word)) } ?? word
                let logit = column.map { logits.values[start + $0] } ?? 0
                best.insert(.init(parent: parent, word: word, total: logit + offset))
                continue
            }
            // The words of a single hypothesis are compared as they are: what came before would round them.
            raise = rows.count == 1 ? offset : 0
            best.scan(
                logits.values, start..<start + logits.columns, parent: parent, offset: offset - raise, vocabulary,
                on: compute)
        }
        let candidates = best.sorted.map { $0.raised(by: raise) }
        return settings.policy == .marian
            ? continueAsMarian(candidates, isLast: isLast, alignments)
            : continueAsHuggingFace(candidates, isLast: isLast, alignments)
    }

    private static func forbid(_ word: Int, in logits: inout Matrix, _ rows: Range<Int>, _ vocabulary: [Int32]?) {
        guard let column = vocabulary.map({ $0.firstIndex(of: Int32(word)) }) ?? word, column < logits.columns else {
            return
        }
        for row in rows { logits.values[row * logits.columns + column] = -.infinity }
    }

    private func extended(_ candidate: BestCandidates.Candidate, _ alignments: [[Float]]) -> Hypothesis {
        var hypothesis = running[candidate.parent]
        hypothesis.words.append(candidate.word)
        hypothesis.total = candidate.total
        if !alignments.isEmpty { hypothesis.alignment.append(alignments[candidate.parent]) }
        return hypothesis
    }

    private mutating func finish(_ hypothesis: Hypothesis) {
        let normalised = hypothesis.total / powf(Float(length), settings.lengthNormalization)
        let score = normalised - settings.wordPenalty * Float(length)
        finished.append(Finished(hypothesis: hypothesis, score: score))
    }

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
            isDone = next[0].total / powf(Float(length), settings.lengthNormalization) <= worst
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

        func raised(by amount: Float) -> Candidate {
            Candidate(parent: parent, word: word, total: total + amount)
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

    /// Offers every number of a range, raised by `offset`.
    mutating func scan(
        _ values: [Float], _ range: Range<Int>, parent: Int, offset: Float, _ vocabulary: [Int32]?,
        on compute: Compute
    ) {
        // Against the raw numbers, so that most are passed over with one comparison, and many by their largest.
        var threshold = sorted.count == capacity ? (sorted.last?.total ?? 0) - offset : -Float.infinity
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 256) {
            let part = start..<min(start + 256, range.upperBound)
            guard compute.kernels.maximum(values.span.extracting(part)) > threshold else { continue }
            for index in part where values[index] > threshold {
                let column = index - range.lowerBound
                let word = vocabulary.map { Int($0[column]) } ?? column
                insert(Candidate(parent: parent, word: word, total: values[index] + offset))
                if sorted.count == capacity, let last = sorted.last { threshold = last.total - offset }
            }
        }
    }
}

/// log Σ eˣ without overflow.
enum LogSoftmax {
    static func normalizer(_ values: [Float], _ range: Range<Int>, on compute: Compute) -> Float {
        let sum = compute.kernels.logSumExp(values.span.extracting(range))
        return sum.isFinite ? sum : 0
    }
}
