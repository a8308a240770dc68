internal import EDICJSON
public import EDICNumerics
internal import EDICStore
public import SystemPackage

/// Turns texts into vectors whose directions are near where the texts mean the like.
///
/// ```swift
/// let embedder = try TextEmbedder(folder: "Models/all-minilm-l6-v2")
/// let vectors = try embedder.embed(["A cat sleeps.", "Un chat dort."])
/// ```
///
/// A text's vector is the same to the last bit whatever the other texts and the number of threads.
public final class TextEmbedder: Sendable {
    /// How the states of a text's tokens become one vector.
    public enum Pooling: String, Sendable, Hashable {
        /// Their mean.
        case mean
        /// The first token's state.
        case firstToken
        /// The first token's state through the model's tanh layer.
        case pooler
        /// The largest of each number.
        case maximum
    }

    /// The files that it was read from.
    public let folder: ModelFolder
    /// Numbers in a vector.
    public var dimension: Int { min(keptNumbers ?? .max, width) }
    /// How the vectors of a text's tokens become one.
    public let pooling: Pooling
    /// Whether vectors are scaled to length 1, so that their dot product is the cosine; where the files say so and leave numbers
    /// out, before that.
    public let normalizes: Bool
    private let isAskedToNormalize: Bool
    /// Longer texts are cut to this many tokens, the tokens around them included.
    public let maximumTokens: Int

    let bert: BERT
    private let dense: [EmbeddingRecipe.Dense]
    /// How many numbers of a vector are given, where the files say so.
    private let keptNumbers: Int?
    /// What the files put before every text.
    public let prompt: String
    private let lowercases: Bool
    /// Numbers in a vector before some are left out.
    private var width: Int { dense.last?.linear.weights.outputs ?? bert.width }
    private let tokenizer: TextCodec
    /// The tokens that the files put before and behind every text.
    private let opening: [Int]
    private let closing: [Int]
    /// Whether a text that is too long loses its beginning instead of its end.
    private let cutsBeginning: Bool

    /// Texts computed together; no result depends on it.
    private static let batchSize = 16
    /// Tokens computed together: of more, a layer's activations leave the second-level cache.
    private static let batchTokens = 192

    /// Opens a Hugging Face folder. The files of sentence-transformers beside the model say how to pool.
    ///
    /// - Parameters:
    ///   - pooling: instead of what the files say, or of the mean where they say nothing.
    ///   - normalizes: the same for scaling to length 1.
    ///   - pool: the threads that open it.
    public init(
        folder path: FilePath, precision: Precision = .asPublished, pooling: Pooling? = nil, normalizes: Bool? = nil,
        pool: WorkerPool = .shared
    ) throws(ModelError) {
        folder = try ModelFolder.discover(in: path)
        guard case .huggingFace(let file) = folder.layout, folder.kind == .textEmbedder else {
            throw ModelError(
                .unsupported, "\(path): is a \(folder.family) model, which makes no vectors")
        }
        let configuration = try ModelConfiguration(file)
        let tensors = try folder.tensors(pool: pool)
        // Other files of vocabularies do not say which tokens stand around a text, nor that numbers are moved.
        let isRoberta = configuration.string("model_type")?.contains("roberta") ?? false
        guard !isRoberta || FileTree.exists(path.appending("tokenizer.json")) else {
            throw ModelError(
                .unsupported,
                "\(path): has no tokenizer.json, without which models of this family are not read; save_pretrained of the library "
                    + "transformers writes it")
        }
        let parts = try Concurrently.open(
            on: pool,
            { () throws(ModelError) in try BERT(configuration, tensors, precision) },
            { () throws(ModelError) in try TextCodec(path) }, { 0 }, { 0 })
        bert = parts.0
        tokenizer = parts.1
        let recipe = try EmbeddingRecipe(in: path, width: bert.width, precision: precision)
        dense = recipe.dense
        WeightMatrix.releaseSpareMemory()
        self.pooling = pooling ?? recipe.pooling
        self.normalizes = normalizes ?? recipe.normalizes
        isAskedToNormalize = normalizes ?? false
        keptNumbers = recipe.keptNumbers
        prompt = recipe.prompt
        lowercases = recipe.lowercases
        maximumTokens = min(recipe.maximumTokens ?? bert.contextLength, bert.contextLength)
        guard self.pooling != .pooler || bert.pooler != nil else {
            throw ModelError(.mismatch, "\(path): has no pooler layer to pool with")
        }
        let around = tokenizer.encode("")
        let letter = tokenizer.encode("a")
        closing = zip(around.reversed(), letter.reversed()).prefix { $0 == $1 }.map(\.0).reversed()
        opening = zip(around.dropLast(closing.count), letter).prefix { $0 == $1 }.map(\.0)
        cutsBeginning = recipe.cutsBeginning ?? tokenizer.cutsBeginning
        guard maximumTokens > max(2, opening.count + closing.count) else {
            throw ModelError(.malformed, "\(path): allows texts of \(maximumTokens) tokens")
        }
    }

    /// The vectors of texts, in their order.
    ///
    /// - Parameters:
    ///   - pool: the threads; each takes whole batches of texts.
    ///   - shouldStop: asked before each batch, from any thread; true ends the work.
    /// - Throws: `badRequest` for a text without tokens, `mismatch` for a token that the model lacks, `malformed` where what is
    ///   computed is no number, `cancelled` when the task is or `shouldStop` says so.
    public func embed(
        _ texts: [String], pool: WorkerPool = .shared, shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> [[Float]] {
        let tokens = pool.map(count: texts.count, grain: 4) { index, _ in self.tokens(of: texts[index]) }
        if let empty = tokens.firstIndex(of: []) {
            throw ModelError(.badRequest, "text \(empty) has no tokens")
        }
        if let wrong = tokens.joined().first(where: { $0 >= bert.vocabulary }) {
            throw ModelError(
                .mismatch,
                "\(folder.path): the tokenizer has a token \(wrong), but the model's vocabulary only \(bert.vocabulary)"
            )
        }
        return try embed(tokens: tokens, pool: pool, StopSignal(shouldStop))
    }

    /// The vectors of texts of tokens, those around them included.
    private func embed(
        tokens: [[Int]], pool: WorkerPool, _ stop: StopSignal
    ) throws(ModelError) -> [[Float]] {
        let batches = Self.batches(of: tokens.map(\.count), workers: pool.workers)
        let compute = Compute(pool: batches.count == 1 ? pool : nil)
        let results = try pool.map(count: batches.count) { index, _ throws(ModelError) in
            try stop.check("the embedding")
            return try self.vectors(batches[index].map { tokens[$0] }, on: compute)
        }
        var vectors = [[Float]](repeating: [], count: tokens.count)
        for (batch, results) in zip(batches, results) {
            for (place, vector) in zip(batch, results) { vectors[place] = vector }
        }
        return vectors
    }

    /// Texts of like length together.
    private static func batches(of lengths: [Int], workers: Int) -> [[Int]] {
        let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        let step = max(1, min(batchSize, (order.count + workers - 1) / workers))
        var batches: [[Int]] = []
        var count = 0
        for text in order {
            if batches.isEmpty || batches[batches.count - 1].count == step || count + lengths[text] > batchTokens {
                batches.append([])
                count = 0
            }
            batches[batches.count - 1].append(text)
            count += lengths[text]
        }
        return batches
    }

    private func vectors(_ texts: [[Int]], on compute: Compute) throws(ModelError) -> [[Float]] {
        let states = bert.states(of: texts, on: compute)
        let starts = texts.indices.map { texts[..<$0].reduce(0) { $0 + $1.count } }
        var pooled: Matrix
        switch pooling {
        case .firstToken: pooled = states.gathering(starts)
        case .pooler:
            let firsts = states.gathering(starts)
            pooled = bert.pooled(firsts, on: compute) ?? firsts
        case .mean:
            pooled = Matrix(rows: texts.count, columns: bert.width)
            var all = pooled.values.mutableSpan
            for (index, text) in texts.enumerated() {
                var sum = all.extracting(index * bert.width..<(index + 1) * bert.width)
                for row in starts[index]..<starts[index] + text.count {
                    let state = states.values.span.extracting(row * bert.width..<(row + 1) * bert.width)
                    compute.kernels.add(state, to: &sum)
                }
                for column in sum.indices { sum[column] /= Float(text.count) }
            }
        case .maximum:
            pooled = states.gathering(starts)
            for (index, text) in texts.enumerated() {
                for row in starts[index] + 1..<starts[index] + text.count {
                    for column in 0..<bert.width {
                        let place = index * bert.width + column
                        pooled.values[place] = max(pooled.values[place], states.values[row * bert.width + column])
                    }
                }
            }
        }
        // A bounded activation would make ordinary numbers of what is none.
        func check(_ numbers: Matrix) throws(ModelError) {
            guard numbers.values.allSatisfy(\.isFinite) else { throw .noNumber(folder) }
        }
        try check(pooled)
        for layer in dense {
            pooled = layer.linear(pooled, on: compute)
            try check(pooled)
            pooled.apply(layer.activation, on: compute)
        }
        return texts.indices.map { index in
            var vector = pooled.row(index)
            // The files' own scaling comes before numbers are left out; who asks for it wants vectors of length 1.
            if normalizes { Self.scale(&vector) }
            vector.removeLast(width - dimension)
            if normalizes, isAskedToNormalize { Self.scale(&vector) }
            return vector
        }
    }

    /// To length 1.
    private static func scale(_ vector: inout [Float]) {
        let length = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        for place in vector.indices { vector[place] /= max(length, 1e-12) }
    }

    /// The tokens of a text, those around it included, at most ``maximumTokens``.
    func tokens(of text: String) -> [Int] {
        let whole = prompt + text
        let tokens = tokenizer.encode(lowercases ? whole.lowercased() : whole, recognizesSpecialTokens: false)
        guard tokens.count > maximumTokens else { return tokens }
        if cutsBeginning { return opening + tokens.suffix(maximumTokens - opening.count) }
        return tokens.prefix(maximumTokens - closing.count) + closing
    }
}
