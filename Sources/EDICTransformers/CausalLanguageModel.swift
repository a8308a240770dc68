internal import EDICJSON
public import EDICNumerics
internal import EDICStore
internal import EDICTokenizers
public import SystemPackage

/// A decoder-only language model: continues a text, and says how probable a text is.
///
/// ```swift
/// let model = try CausalLanguageModel(path: "Models/smollm2-135m-instruct")
/// let answer = try model.generate("The capital of France is", options: .init(maximumTokens: 20))
/// print(answer.text)
/// ```
///
/// Greedy results and scores are the same to the last bit for any number of threads, on one machine and instruction
/// set. A model may be used from several threads at once.
///
/// Where a text repeats something (a quotation, a name, a list, a table), the next tokens are guessed from what followed
/// before, and the model reads its weights once for all of them; only those it would have made itself are kept
/// (``GenerationOptions/draftsTokens``).
public final class CausalLanguageModel: Sendable {
    /// The files that it was read from.
    public let folder: ModelFolder
    /// How many tokens there are.
    public var vocabularySize: Int { network.vocabulary }
    /// The longest text the model was made for, where its files say.
    public var contextLength: Int? { network.contextLength }
    /// The chat template in its files, if it has one.
    public let chatTemplate: ChatTemplate?
    /// What its files ask of a search that would change texts and is not followed: ``GenerationOptions`` alone say how to search.
    public let unfollowedRules: [UnfollowedRule]

    /// A number under a key of a model's `generation_config.json`.
    public struct UnfollowedRule: Sendable, Hashable {
        /// The file that says so.
        public let file: String
        /// The key there.
        public let key: String
        /// The number that it has.
        public let value: Double
    }

    let network: any CausalNetwork
    let tokenizer: TextCodec
    let endTokens: Set<Int>
    let compute: Compute
    let precision: Precision
    var storage: AttentionStorage { precision.storage }

    /// Opens a GGUF file or a Hugging Face folder.
    ///
    /// - Parameters:
    ///   - precision: in which numbers to compute.
    ///   - pool: the threads that open the model and share out each product.
    public init(
        path: FilePath, precision: Precision = .asPublished, pool: WorkerPool? = .shared
    ) throws(ModelError) {
        let (folder, header) = try ModelFolder.open(path)
        self.folder = folder
        guard let family = ModelFamily.all.first(where: { [name = folder.family] in $0.name == name }),
            case .causal(let fromFolder, let fromFile) = family.load
        else {
            throw ModelError(
                .unsupported, "\(path): is a \(folder.family) model, which neither generates nor scores text")
        }
        compute = Compute(pool: pool)
        let openers = pool ?? WorkerPool(workers: 1)
        self.precision = precision
        switch folder.layout {
        case .gguf(let file):
            guard var gguf = header, let fromFile else {
                throw ModelError(.unsupported, "\(file): \(family.name) is read from Hugging Face folders only")
            }
            gguf.tensors.pool = pool
            // The weights first, on this thread: whoever has read the tokenizer then helps to pack them.
            let parts = try Concurrently.open(
                on: openers,
                { [gguf] () throws(ModelError) in try fromFile(gguf, precision) },
                { () throws(ModelError) in try TextCodec(file) }, { 0 }, { 0 })
            network = parts.0
            tokenizer = parts.1
            endTokens = Set(
                ["eos_token_id", "eot_token_id"].compactMap { gguf.integer("tokenizer.ggml." + $0) })
            unfollowedRules = []
            chatTemplate = try ChatTemplate(gguf, parts.1)
        case .huggingFace(let file):
            let configuration = try ModelConfiguration(file)
            let tensors = try folder.tensors(pool: openers)
            let parts = try Concurrently.open(
                on: openers,
                { () throws(ModelError) in try fromFolder(configuration, tensors, precision) },
                { () throws(ModelError) in try TextCodec(path) }, { 0 }, { 0 })
            network = parts.0
            tokenizer = parts.1
            let own = path.appending("generation_config.json")
            let generation = FileTree.exists(own) ? try ModelConfiguration(own) : configuration
            endTokens = Set(configuration.tokens("eos_token_id") + generation.tokens("eos_token_id"))
            unfollowedRules = Self.unfollowedRules(generation)
            chatTemplate = try ChatTemplate(folder: path)
        case .marian:
            throw ModelError(.unsupported, "\(path): is a translation model; use TranslationModel")
        }
        WeightMatrix.releaseSpareMemory()
    }

    private static func unfollowedRules(_ generation: ModelConfiguration) -> [UnfollowedRule] {
        [("repetition_penalty", 1), ("no_repeat_ngram_size", 0)].compactMap { key, without in
            generation[key]?.double.flatMap { value in
                value == without ? nil : UnfollowedRule(file: generation.source, key: key, value: value)
            }
        }
    }

    // MARK: - Generation

    /// Continues a text.
    ///
    /// - Parameters:
    ///   - onText: is given the new text as it comes; returning false ends the generation.
    ///   - shouldStop: asked before each layer; true ends the work, on the prompt too.
    /// - Throws: `badRequest` where an option is out of range or the prompt has no tokens, `cancelled` when the task is or
    ///   `shouldStop` says so.
    public func generate(
        _ prompt: String, options: GenerationOptions = .init(), onText: ((String) -> Bool)? = nil,
        shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> Generation {
        try generate(
            tokens: tokenizer.encode(prompt), options: options, onText: onText, shouldStop: shouldStop)
    }

    /// Continues a conversation, by the template in the model's files.
    public func chat(
        _ messages: [ChatMessage], options: GenerationOptions = .init(), onText: ((String) -> Bool)? = nil,
        shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> Generation {
        guard let chatTemplate else {
            throw ModelError(.badRequest, "the model has no chat template; continue a plain prompt instead")
        }
        let prompt = try chatTemplate.render(messages, addsGenerationPrompt: true, shouldStop: shouldStop)
        return try generate(
            tokens: tokenizer.encode(prompt, addingSpecialTokens: false), options: options, onText: onText,
            shouldStop: shouldStop)
    }

    /// Reads the beginning that several prompts share, once.
    ///
    /// ```swift
    /// let manual = try model.read("You answer from this manual: …")
    /// let first = try model.generate(" How is it switched on?", after: manual)
    /// let second = try model.generate(" And off?", after: manual)
    /// ```
    ///
    /// Complexity: what a generation takes to read the text; memory for the keys and values of its tokens.
    public func read(_ text: String) throws(ModelError) -> PromptPrefix {
        try read(tokens: tokenizer.encode(text))
    }

    /// Reads the tokens that several prompts begin with, once.
    public func read(tokens: [Int]) throws(ModelError) -> PromptPrefix {
        try checkTokens(tokens)
        var session = Session(network: network, compute: compute, storage: storage)
        let scores = session.read(tokens)
        return PromptPrefix(tokens: tokens, session: session, scores: scores)
    }

    /// Continues a text that begins with what was read before.
    ///
    /// The result is that of the whole text, to the last bit. Beams read the whole text again.
    ///
    /// - Parameters:
    ///   - prompt: what follows the prefix; its tokens are its own, so cut where a token ends, as between words.
    ///   - prefix: from this model's ``read(_:)``.
    public func generate(
        _ prompt: String, after prefix: PromptPrefix, options: GenerationOptions = .init(),
        onText: ((String) -> Bool)? = nil,
        shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> Generation {
        let tokens = prefix.tokens + tokenizer.encode(prompt, addingSpecialTokens: false)
        return try generate(
            tokens: tokens, after: prefix, options: options, onText: onText, shouldStop: shouldStop)
    }

    /// Continues a text of tokens.
    ///
    /// - Parameter prefix: what was read before, used where the text begins with it.
    public func generate(
        tokens prompt: [Int], after prefix: PromptPrefix? = nil, options: GenerationOptions = .init(),
        onText: ((String) -> Bool)? = nil,
        shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> Generation {
        try options.check()
        try checkTokens(prompt)
        let room = contextLength.map { max(0, $0 - prompt.count) } ?? .max
        let limit = min(options.maximumTokens, room)
        let compute = self.compute.stopping(when: shouldStop)
        if options.beamSize > 1 { return try searchBeams(prompt, limit: limit, options, on: compute) }
        var run = GenerationRun(tokenizer: tokenizer, options: options, onText: onText)
        var sampler = Sampler(options, prompt: prompt, kernels: compute.kernels)
        var lookup = options.draftsTokens ? PromptLookup(prompt, longest: precision.longestGuess) : nil
        var (session, scores) = begin(prompt, after: prefix, limit: limit, on: compute)
        // What was guessed, and read with the token before it: `scores` has a row for what follows each.
        var draft: [Int] = []
        var row = 0
        while run.end == nil {
            try compute.stop?.check("the generation, \(run.tokens.count) tokens long,")
            guard run.tokens.count < limit else {
                run.finish(.length)
                break
            }
            let logits = scores.row(row)
            let token = sampler.draw(logits)
            if endTokens.contains(token), !options.ignoresEndOfText {
                run.finish(.endOfText)
                break
            }
            let normalizer = LogSoftmax.normalizer(logits, logits.indices, on: compute)
            let logProbability = logits[token] - normalizer
            guard !logProbability.isNaN else { throw .noNumber(folder) }
            run.append(token, logProbability: logProbability)
            guard run.end == nil, run.tokens.count < limit else { continue }
            lookup?.append(token)
            if row < draft.count, draft[row] == token {
                row += 1
                continue
            }
            session.removeLast(draft.count - row)
            lookup?.learn(from: draft, right: row)
            draft = lookup?.draft(atMost: limit - run.tokens.count - 1) ?? []
            // Nothing is kept from an end on.
            if !options.ignoresEndOfText { draft = Array(draft.prefix { !endTokens.contains($0) }) }
            scores = session.read(token, draft: draft)
            row = 0
        }
        return run.result
    }

    /// A session that has read a prompt, and the scores of what follows it; nothing is read where nothing may follow.
    private func begin(
        _ prompt: [Int], after prefix: PromptPrefix?, limit: Int, on compute: Compute
    ) -> (Session, scores: Matrix) {
        var session = Session(network: network, compute: compute, storage: storage)
        guard limit > 0 else { return (session, Matrix(rows: 0, columns: 0)) }
        // Beyond that, room grows as it is needed.
        let length = prompt.count + min(limit, 1024)
        guard let prefix, prompt.starts(with: prefix.tokens), !network.stretchesWithLength(prompt.count) else {
            session.reserve(length)
            let scores = session.read(prompt)
            return (session, scores)
        }
        session = prefix.session
        session.compute = compute
        session.reserve(length)
        let rest = Array(prompt[prefix.tokens.count...])
        let scores = rest.isEmpty ? prefix.scores : session.read(rest)
        return (session, scores)
    }

    private func searchBeams(
        _ prompt: [Int], limit: Int, _ options: GenerationOptions, on compute: Compute
    ) throws(ModelError) -> Generation {
        var search = BeamSearch(
            .init(
                size: options.beamSize, policy: .huggingFace, lengthNormalization: options.lengthNormalization,
                maximumLength: limit, minimumLength: options.ignoresEndOfText ? limit : 0, endWords: endTokens,
                recordsWords: true))
        var cache = network.emptyCache()
        var pasts: [[Int32]] = [[]]
        var words = [prompt]
        while !search.isDone {
            let batch = TokenBatch(zip(pasts, words).map { .init(past: $0, tokens: $1) }, cache: &cache)
            let states = network.states(of: batch, cache: &cache, on: compute, trace: nil)
            try compute.stop?.check("the generation")
            let scores = network.bestScores(
                search.question(), of: states.gathering(batch.lastRows), on: compute)
            let next = search.advance(scores)
            pasts = next.parents.map { batch.tables[$0] }
            words = next.words.map { [$0] }
            cache.keepOnly(pasts)
        }
        var run = GenerationRun(tokenizer: tokenizer, options: options, onText: nil)
        guard let best = search.results.first?.hypothesis else {
            if limit > 0 { throw .noNumber(folder) }
            return run.result
        }
        for (word, logProbability) in zip(best.words, best.logProbabilities) where run.end == nil {
            if endTokens.contains(word), !options.ignoresEndOfText {
                run.finish(.endOfText)
            } else {
                run.append(word, logProbability: logProbability)
            }
        }
        if run.end == nil { run.finish(.length) }
        return run.result
    }

    /// The tokens of a text, with those its files put around it.
    public func tokens(of text: String) -> [Int] { tokenizer.encode(text) }

    func checkTokens(_ tokens: [Int]) throws(ModelError) {
        guard !tokens.isEmpty else {
            throw ModelError(.badRequest, "the text is empty; a model continues at least one token")
        }
        if let wrong = tokens.first(where: { !(0..<vocabularySize).contains($0) }) {
            throw ModelError(.badRequest, "token \(wrong) is not in the vocabulary of \(vocabularySize)")
        }
        if let contextLength, tokens.count > contextLength {
            throw ModelError(
                .badRequest,
                "the text has \(tokens.count) tokens, more than the \(contextLength) of the model's context")
        }
    }
}
