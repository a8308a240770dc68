internal import EDICNumerics
internal import EDICStore
internal import Synchronization
public import SystemPackage

/// Estimates an n-gram model by interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1999), as KenLM's `lmplz`
/// does, on all workers.
///
/// ```swift
/// var estimator = try NgramEstimator(.init(order: 5))
/// try estimator.add(contentsOf: "corpus.txt.zst")
/// let summary = try estimator.finish(writingARPA: "corpus.arpa")
/// ```
///
/// The result does not depend on the number of workers. Words are what separates spaces, tabs, carriage returns, form
/// feeds and NULs; each line is a sentence.
public struct NgramEstimator: ~Copyable {
    /// What to estimate, and with which means.
    public struct Options: Sendable {
        /// The length of the longest n-grams, 1 to 10.
        public var order: Int
        /// For each order from 1, n-grams seen at most so often are left out; the last value holds for the orders above.
        /// The first must be 0 and no value may be lower than the one before.
        public var pruning: [UInt64]
        /// The only words to keep; n-grams with other words are left out. Nil keeps all.
        public var vocabularyLimit: Set<String>?
        /// About how many bytes of memory to use. Not enforced yet: n-grams are counted in memory, about 25 bytes for each
        /// distinct one, and nothing is spilled.
        public var memoryLimit: Int
        /// Where spill files go.
        public var temporaryFolder: FilePath
        /// How many threads work; nil for one per processor.
        public var workers: Int?
        /// Whether `<s>`, `</s>` and `<unk>` as words of the text are an error, not just left out.
        public var rejectsReservedWords: Bool

        public init(
            order: Int = 5, pruning: [UInt64] = [], vocabularyLimit: Set<String>? = nil,
            memoryLimit: Int = 2 << 30, temporaryFolder: FilePath = "/tmp", workers: Int? = nil,
            rejectsReservedWords: Bool = false
        ) {
            self.order = order
            self.pruning = pruning
            self.vocabularyLimit = vocabularyLimit
            self.memoryLimit = memoryLimit
            self.temporaryFolder = temporaryFolder
            self.workers = workers
            self.rejectsReservedWords = rejectsReservedWords
        }
    }

    /// What an estimation found and did.
    public struct Summary: Sendable {
        /// The words of the text, sentence ends not counted.
        public let tokens: UInt64
        public let sentences: UInt64
        /// N-grams of each order in the text, before pruning; `<unk>` and `<s>` count as unigrams.
        public let gramsSeen: [Int]
        /// N-grams of each order in the model.
        public let grams: [Int]
        /// How many n-grams of each order have adjusted count 1, 2, 3 and 4.
        public let countsOfCounts: [[UInt64]]
        /// The discounts of each order. Where one has a ``Discounts/fallbackReason``, say so to the user.
        public let discounts: [Discounts]
        /// Occurrences of `<s>`, `</s>` and `<unk>` as words of the text, which were left out.
        public let reservedWordsSkipped: UInt64
    }

    /// A step of the work, for a progress display.
    public enum Step: Sendable, Hashable {
        case reading(bytes: Int)
        case counting
        case estimating(order: Int)
        case writing
    }

    private let options: Options
    private let pool: WorkerPool
    private var intake: NgramIntake
    private var hasGivenWords = false
    /// Called at each step; may throw to stop.
    public var progress: ((Step) throws -> Void)?

    public init(_ options: Options = Options()) throws(NgramError) {
        guard (1...10).contains(options.order) else {
            throw NgramError(.invalidArgument, "order \(options.order): must be 1 to 10")
        }
        guard options.pruning.first ?? 0 == 0 else {
            throw NgramError(
                .invalidArgument, "pruning \(options.pruning): the first threshold must be 0, since unigrams stay")
        }
        guard options.pruning.count <= options.order else {
            throw NgramError(
                .invalidArgument, "pruning \(options.pruning): has more thresholds than the order, \(options.order)")
        }
        for (lower, upper) in zip(options.pruning, options.pruning.dropFirst()) where lower > upper {
            throw NgramError(
                .invalidArgument,
                "pruning \(options.pruning): thresholds must not fall, or an n-gram would stay without its parts")
        }
        self.options = options
        pool = WorkerPool(workers: options.workers ?? Processors.available)
        intake = NgramIntake(pool: pool)
    }

    /// Adds sentences, one a line. The last line need not end in a line feed.
    public mutating func add(text: Span<UInt8>) throws(NgramError) {
        intake.add(piece: text)
        intake.endLine()
    }

    /// Adds one sentence, its words separated by spaces.
    public mutating func addSentence(_ sentence: String) throws(NgramError) {
        for byte in sentence.utf8 where byte == 0x0A {
            throw NgramError(.invalidArgument, "sentence: contains a line feed; add text of several lines as text")
        }
        var copy = sentence
        copy.append("\n")
        let utf8 = copy.utf8
        intake.add(piece: utf8.span)
    }

    /// Adds a file of sentences, one a line, plain or compressed.
    public mutating func add(contentsOf path: FilePath) throws(NgramError) {
        do {
            var reader = try ByteReader(path)
            while true {
                let count = try reader.withChunk { chunk in
                    intake.add(piece: chunk)
                    return chunk.count
                }
                if count == 0 { break }
                try report(.reading(bytes: intake.byteCount))
            }
        } catch let error as NgramError {
            throw error
        } catch {
            throw NgramError(.inputOutput, "\(error)", cause: error)
        }
        intake.endLine()
    }

    /// Says what the token ids of ``add(tokenIDs:)`` stand for: id `n` is `vocabulary[n]`. Call once, before them.
    public mutating func setTokenVocabulary(_ vocabulary: [String]) throws(NgramError) {
        guard !hasGivenWords else {
            throw NgramError(.invalidArgument, "token vocabulary: is already set")
        }
        try intake.give(words: vocabulary)
        hasGivenWords = true
    }

    /// Adds one sentence of token ids of any tokenizer.
    public mutating func add(tokenIDs: Span<UInt32>) throws(NgramError) {
        guard hasGivenWords else {
            throw NgramError(.invalidArgument, "token ids: set the token vocabulary first")
        }
        try intake.add(numbers: tokenIDs)
    }

    /// Estimates the model and writes it as ARPA text, not compressed.
    public consuming func finish(writingARPA path: FilePath) throws(NgramError) -> Summary {
        try finish(into: [try ARPASink(path)])
    }

    /// Estimates the model in memory, with nothing written.
    public consuming func finish() throws(NgramError) -> (model: NgramModel, summary: Summary) {
        let pool = pool
        let slot = ModelSlot()
        let sink = GramIndexSink(quantisation: nil, pool: pool) { builder throws(NgramError) in
            let index = try builder.index(name: "estimated model")
            slot.put(NgramModel(.index(index), format: .edic, name: "estimated model"))
        }
        let summary = try finish(into: [sink])
        guard let model = slot.take() else {
            throw NgramError(.invalidArgument, "the estimation ended without a model")
        }
        return (model, summary)
    }

    /// Estimates the model and writes it straight into this module's own format, and as ARPA text where a path is
    /// given. `quantisation` gives the bits of a probability and of a backoff weight (2 to 12; 8 and 8 are usual), nil
    /// keeps floats.
    public consuming func finish(
        writing path: FilePath, quantisation: NgramQuantisation? = nil, alsoARPA arpa: FilePath? = nil
    ) throws(NgramError) -> Summary {
        let pool = pool
        var sinks: [any GramSink] = [
            GramIndexSink(quantisation: try quantisation?.checked(), pool: pool) { builder throws(NgramError) in
                try builder.write(to: path)
            }
        ]
        if let arpa { sinks.append(try ARPASink(arpa)) }
        return try finish(into: sinks)
    }

    private func report(_ step: Step) throws(NgramError) {
        do {
            try progress?(step)
        } catch let error as NgramError {
            throw error
        } catch {
            throw NgramError(.cancelled, "stopped: \(error)", cause: error)
        }
    }

    consuming func finish(into sinks: [any GramSink]) throws(NgramError) -> Summary {
        let options = options
        let pool = pool
        let progress = progress
        let input = intake.finish(limit: options.vocabularyLimit)
        let run = EstimationRun(options: options, pool: pool, input: input, sinks: sinks, progress: progress)
        return try run.start()
    }
}

/// How many bits a weight takes up in a quantised model.
public struct NgramQuantisation: Sendable, Hashable {
    public var probabilityBits: Int
    public var backoffBits: Int

    public init(probabilityBits: Int = 8, backoffBits: Int = 8) {
        self.probabilityBits = probabilityBits
        self.backoffBits = backoffBits
    }

    func checked() throws(NgramError) -> GramIndexBuilder.Quantisation {
        guard (2...12).contains(probabilityBits), (2...12).contains(backoffBits) else {
            throw NgramError(
                .invalidArgument,
                "quantisation: \(probabilityBits) and \(backoffBits) bits; each must be 2 to 12, or leave it off")
        }
        return GramIndexBuilder.Quantisation(probabilityBits: probabilityBits, backoffBits: backoffBits)
    }
}

/// Carries a model out of a closure.
private final class ModelSlot: Sendable {
    private let model = Mutex<NgramModel?>(nil)

    func put(_ new: NgramModel) { model.withLock { $0 = new } }

    func take() -> NgramModel? { model.withLock { $0 } }
}

/// One estimation, from the intake's result to the sinks.
private struct EstimationRun {
    let options: NgramEstimator.Options
    let pool: WorkerPool
    let input: NgramIntake.Result
    let sinks: [any GramSink]
    let progress: ((NgramEstimator.Step) throws -> Void)?

    func start() throws(NgramError) -> NgramEstimator.Summary {
        if options.rejectsReservedWords, input.reservedSkipped > 0 {
            throw NgramError(
                .unusableText,
                "text: contains <s>, </s> or <unk> as words \(input.reservedSkipped) times; escape or leave them out")
        }
        guard input.codeCounts[Int(GramCode.end)] > 0 else {
            throw NgramError(.unusableText, "text: is empty; a model needs at least one line")
        }
        let layout = KeyLayout(order: options.order, largestCode: UInt32(input.codeCounts.count))
        switch layout.limbs {
        case 1: return try estimate(GramEstimation<1>.self, layout)
        case 2: return try estimate(GramEstimation<2>.self, layout)
        case 3: return try estimate(GramEstimation<3>.self, layout)
        case 4: return try estimate(GramEstimation<4>.self, layout)
        default: return try estimate(GramEstimation<5>.self, layout)
        }
    }

    private func report(_ step: NgramEstimator.Step) throws(NgramError) {
        do {
            try progress?(step)
        } catch let error as NgramError {
            throw error
        } catch {
            throw NgramError(.cancelled, "stopped: \(error)", cause: error)
        }
    }

    private func estimate<let limbs: Int>(
        _: GramEstimation<limbs>.Type, _ layout: KeyLayout
    ) throws(NgramError) -> NgramEstimator.Summary {
        try report(.counting)
        var work = GramEstimation<limbs>(
            layout: layout, options: options, input: input, pool: pool, allowed: allowedCodes())
        try work.count()
        let statistics = work.statistics()
        let discounts = statistics.countsOfCounts.map { Discounts(countsOfCounts: $0) }
        let header = GramHeader(
            order: options.order, counts: statistics.kept, vocabulary: input.vocabulary.prefix(input.keptWords))
        let sink: any GramSink = sinks.count == 1 ? sinks[0] : SinkSplitter(sinks)
        try sink.begin(header, batches: work.batchCount)
        try work.estimate(statistics, discounts, into: sink) { order throws(NgramError) in
            try report(.estimating(order: order))
        }
        try report(.writing)
        try sink.finish(pool: pool)
        return NgramEstimator.Summary(
            tokens: input.codeCounts[Int(GramCode.firstWord)...].reduce(0, +),
            sentences: input.codeCounts[Int(GramCode.end)], gramsSeen: statistics.grams, grams: statistics.kept,
            countsOfCounts: statistics.countsOfCounts, discounts: discounts, reservedWordsSkipped: input.reservedSkipped
        )
    }

    private func allowedCodes() -> Lane<Bool>? {
        guard options.vocabularyLimit != nil else { return nil }
        let allowed = Lane<Bool>(zeros: input.codeCounts.count + 1)
        for id in 0..<input.keptWords { allowed[id + 1] = true }
        return allowed
    }
}
