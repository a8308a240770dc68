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
        public var vocabularyLimit: [String]?
        /// How many words to keep at most, the most frequent ones; n-grams with others are left out. Nil keeps all.
        public var largestVocabulary: Int?
        /// How many bytes of memory the whole estimation may use, the vocabulary included. What does not fit is spilled,
        /// compressed; the result is the same. At least 64 MB; more where the vocabulary alone needs it, which is an
        /// error that says how much (about 110 bytes a word).
        public var memoryLimit: Int
        /// Where spill files go.
        public var temporaryFolder: FilePath
        /// How many threads work; nil for one per processor.
        public var workers: Int?
        /// Whether `<s>`, `</s>` and `<unk>` as words of the text are an error, not just left out.
        public var rejectsReservedWords: Bool

        public init(
            order: Int = 5, pruning: [UInt64] = [], vocabularyLimit: [String]? = nil, largestVocabulary: Int? = nil,
            memoryLimit: Int = 2 << 30, temporaryFolder: FilePath = "/tmp", workers: Int? = nil,
            rejectsReservedWords: Bool = false
        ) {
            self.order = order
            self.pruning = pruning
            self.vocabularyLimit = vocabularyLimit
            self.largestVocabulary = largestVocabulary
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
        /// The sentences of the text, one a line.
        public let sentences: UInt64
        /// N-grams of each order in the text, before pruning; `<unk>` and `<s>` count as unigrams.
        public let gramsSeen: [Int]
        /// N-grams of each order in the model.
        public let grams: [Int]
        /// How many n-grams of each order have adjusted count 1, 2, 3 and 4. As for `lmplz`, the last n-gram of an order
        /// below the highest, in the order in which the text first has its words, may count by its occurrences.
        public let countsOfCounts: [[UInt64]]
        /// The discounts of each order. Where one has a ``Discounts/fallbackReason``, say so to the user.
        public let discounts: [Discounts]
        /// Occurrences of `<s>`, `</s>` and `<unk>` as words of the text, which were left out.
        public let reservedWordsSkipped: UInt64
        /// Bytes that went to the spill file, some of them after others had come back; 0 where all fitted in memory.
        public let spilledBytes: Int
    }

    /// A step of the work, for a progress display.
    public enum Step: Sendable, Hashable {
        case reading(bytes: Int)
        /// Counting n-grams, in so many passes over the text taken in.
        case counting(pass: Int, passes: Int)
        case estimating(order: Int)
        case writing
    }

    private let options: Options
    private let pool: WorkerPool
    private let memory: KeptMemory
    private var intake: NgramIntake
    private var hasGivenWords = false
    /// Called at each step; may throw to stop.
    public var progress: ((Step) throws -> Void)?
    /// Asked often by all workers within the steps after reading: once it says yes, the estimation ends within a
    /// moment, with an error of code ``NgramError/Code/cancelled``, and leaves nothing.
    public var shouldStop: (@Sendable () -> Bool)?

    /// - Throws: `invalidArgument` where an option is out of range or contradicts another.
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
        if let largest = options.largestVocabulary, largest < 1 {
            throw NgramError(.invalidArgument, "vocabulary of at most \(largest) words: must be 1 or more")
        }
        self.options = options
        pool = WorkerPool(workers: options.workers ?? Processors.available)
        memory = KeptMemory(limit: options.memoryLimit, spill: SpillFile(folder: options.temporaryFolder))
        intake = NgramIntake(pool: pool, memory: memory, memoryLimit: options.memoryLimit)
    }

    /// Adds sentences, one a line. The last line need not end in a line feed.
    public mutating func add(text: Span<UInt8>) throws(NgramError) {
        try intake.add(piece: text)
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
        try intake.add(piece: utf8.span)
    }

    /// Adds a file of sentences, one a line, plain or compressed.
    public mutating func add(contentsOf path: FilePath) throws(NgramError) {
        try read { () throws(StoreError) in try ByteReader(path) }.get()
        intake.endLine()
    }

    /// As ``add(contentsOf:)``, for what is open already, which stays so.
    public mutating func add(contentsOf file: FileDescriptor, name: String) throws(NgramError) {
        try read { () throws(StoreError) in try ByteReader(file, name: name) }.get()
        intake.endLine()
    }

    private mutating func read(_ open: () throws(StoreError) -> ByteReader) -> Result<Void, NgramError> {
        do throws(StoreError) {
            var reader = try open()
            while true {
                var failure: NgramError?
                let count = try reader.withChunk { chunk in
                    do throws(NgramError) {
                        try intake.add(piece: chunk)
                        try report(.reading(bytes: intake.byteCount))
                    } catch {
                        failure = error
                    }
                    return chunk.count
                }
                if let failure { return .failure(failure) }
                if count == 0 { break }
            }
        } catch {
            return .failure(NgramError(.inputOutput, "\(error)", cause: error))
        }
        return .success(())
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

    /// Estimates the model and writes it as ARPA text, compressed where the path ends in `.gz` or `.zst`.
    public consuming func finish(writingARPA path: FilePath) throws(NgramError) -> Summary {
        try finish(into: [try ARPASink(path)])
    }

    /// Estimates the model in memory, with nothing written.
    public consuming func finish() throws(NgramError) -> (model: NgramModel, summary: Summary) {
        let pool = pool
        let slot = ModelSlot()
        let sink = GramIndexSink(
            quantisation: nil, pool: pool, output: { GramIndexOutput() },
            deliver: { builder throws(NgramError) in
                let index = try builder.index(name: "estimated model")
                slot.put(NgramModel(.index(index), format: .edic, name: "estimated model"))
            })
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
        let file = try OrderedFile(path)
        var sinks: [any GramSink] = [
            GramIndexSink(
                quantisation: try quantisation?.checked(), pool: pool, output: { GramIndexOutput(file) },
                deliver: { builder throws(NgramError) in try builder.finish() })
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
        let pool = StoppablePool(pool, shouldStop: shouldStop)
        let progress = progress
        let memory = memory
        let input = try intake.finish(limit: options.vocabularyLimit, largest: options.largestVocabulary)
        let run = EstimationRun(
            options: options, pool: pool, memory: memory, input: input, sinks: sinks, progress: progress)
        return try run.start()
    }
}

/// How many bits a weight takes up in a quantised model.
public struct NgramQuantisation: Sendable, Hashable {
    /// Bits of a probability.
    public var probabilityBits: Int
    /// Bits of a backoff weight.
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
    let pool: StoppablePool
    let memory: KeptMemory
    let input: NgramIntake.Result
    let sinks: [any GramSink]
    let progress: ((NgramEstimator.Step) throws -> Void)?

    func start() throws(NgramError) -> NgramEstimator.Summary {
        if options.rejectsReservedWords, input.reservedSkipped > 0 {
            throw NgramError(
                .unusableText,
                "the text contains <s>, </s> or <unk> as words \(input.reservedSkipped) times; "
                    + "escape or leave them out")
        }
        guard input.codeCounts[Int(GramCode.end)] > 0 else {
            throw NgramError(.unusableText, "the text is empty; a model needs at least one line")
        }
        return try estimate()
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

    private func estimate() throws(NgramError) -> NgramEstimator.Summary {
        let sink: any GramSink = sinks.count == 1 ? sinks[0] : SinkSplitter(sinks)
        let work = try GramEstimation(
            options: options, input: input, pool: pool, memory: memory,
            sinkBytes: sink.memory(for: input.vocabulary)
        ) { (pass, passes) throws(NgramError) in try report(.counting(pass: pass, passes: passes))
        }
        let tallies = work.statistics.tallies
        let discounts = tallies.map { Discounts(countsOfCounts: $0.counts) }
        let header = GramHeader(
            order: options.order, counts: tallies.map(\.kept), classes: tallies.map(\.classes),
            vocabulary: input.vocabulary.prefix(input.keptWords))
        try sink.begin(header, batches: work.batchCount, means: work.sinkMeans)
        try work.estimate(discounts, into: sink) { order throws(NgramError) in try report(.estimating(order: order)) }
        try report(.writing)
        try pool.check()
        try sink.finish(pool: pool.pool)
        var tokens: UInt64 = 0
        for code in Int(GramCode.firstWord)..<max(Int(GramCode.firstWord), input.codeCounts.count) {
            tokens += input.codeCounts[code]
        }
        return NgramEstimator.Summary(
            tokens: tokens, sentences: input.codeCounts[Int(GramCode.end)], gramsSeen: tallies.map(\.seen),
            grams: tallies.map(\.kept), countsOfCounts: tallies.map(\.counts), discounts: discounts,
            reservedWordsSkipped: input.reservedSkipped,
            spilledBytes: Int(memory.spill.size))
    }
}
