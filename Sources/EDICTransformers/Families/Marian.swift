internal import EDICNumerics

/// Marian's transformer (Junczys-Dowmunt et al. 2018) and its students whose decoder has a simple recurrent unit in
/// place of self-attention (Kim et al. 2019).
///
/// Encoder, each layer:   h = norm(h + attention(h)),  h = norm(h + ffn(h))
/// Decoder, each layer:   h = norm(h + past(h)),       h = norm(h + attention(h, encoder)),  h = norm(h + ffn(h))
///
/// where `past` is causal self-attention or the SSRU. Marian embeds the first target token as
/// zeros; Hugging Face's files have a row for it, which training leaves zero.
struct Marian: Sendable {
    struct CrossAttention: Sendable {
        let query, key, value, output: Linear
        let norm: LayerNorm
    }

    struct FeedForward: Sendable {
        let expand, project: Linear
        let activation: Activation
        let norm: LayerNorm

        init(expand: Linear, project: Linear, activation: Activation, norm: LayerNorm) {
            (self.expand, self.activation, self.norm) = (expand, activation, norm)
            self.project = activation == .relu ? project.expectingZeros : project
        }

        /// h = norm(h + project(activation(expand(h))))
        func apply(to h: inout Matrix, on compute: Compute) {
            var inner = activation == .relu ? expand.relu(h, on: compute) : expand(h, on: compute)
            if activation != .relu { inner.apply(activation, on: compute) }
            project.add(inner, to: &h, on: compute)
            norm.apply(to: &h, on: compute)
        }
    }

    /// c = f·c′ + (1 − f)·Wx with f = σ(Wf·x + bf); the output is relu(c).
    final class SimpleRecurrentUnit: Sendable {
        /// Forget, then input.
        let gates: JointLinear
        let norm: LayerNorm

        init(input: Linear, forget: Linear, norm: LayerNorm) {
            gates = JointLinear([forget, input])
            self.norm = norm
        }
    }

    /// How a decoder layer remembers the target so far.
    enum Past: Sendable {
        case attention(CrossAttention)
        case recurrent(SimpleRecurrentUnit)
    }

    struct EncoderLayer: Sendable {
        let attention: CrossAttention
        let feedForward: FeedForward
    }

    /// A class, since a step counted the references to each of a layer's matrices.
    final class DecoderLayer: Sendable {
        let past: Past
        let context: CrossAttention
        let feedForward: FeedForward

        init(past: Past, context: CrossAttention, feedForward: FeedForward) {
            (self.past, self.context, self.feedForward) = (past, context, feedForward)
        }
    }

    let width: Int
    let encoderAttention: Attention
    let decoderAttention: Attention
    /// What the source's keys and values are kept as.
    let storage: AttentionStorage
    let positions: SinusoidalPositions
    let embeddingScale: Float
    let sourceEmbedding: VocabularyMatrix
    let targetEmbedding: VocabularyMatrix
    let encoder: [EncoderLayer]
    let decoder: [DecoderLayer]
    /// width → target words
    let output: VocabularyMatrix
    let outputBias: [Float]?
    let endOfSentence: Int
    /// The word that is never generated (Hugging Face's pad), if it is in the vocabulary.
    let padding: Int?
    /// The word that decoding starts from; nil: zeros.
    let start: Int?
    let context: Int
    /// Whose attention over the source says which words belong together: a head of a decoder layer, or all of its heads.
    let alignment: (layer: Int, head: Int?)

    var targetVocabulary: Int { output.outputs }
    var sourceVocabulary: Int { sourceEmbedding.outputs }

    // MARK: - The encoder

    /// How many tokens one thread encodes at a time: of more, a layer's activations leave the second-level cache.
    private static let tokensAtATime = 192

    /// The states of all source tokens; sentences lie one after the other and do not see each other.
    func encode(_ sentences: [[Int]], on compute: Compute) -> Matrix {
        guard compute.pool == nil else { return encodeTogether(sentences, on: compute) }
        var states: [Float] = []
        var start = 0
        while start < sentences.count {
            var (end, tokens) = (start, 0)
            repeat {
                tokens += sentences[end].count
                end += 1
            } while end < sentences.count && tokens + sentences[end].count <= Self.tokensAtATime
            states += encodeTogether(Array(sentences[start..<end]), on: compute).values
            start = end
        }
        return Matrix(rows: states.count / width, columns: width, values: states)
    }

    /// The same of sentences that go through every layer together.
    func encodeTogether(_ sentences: [[Int]], on compute: Compute, trace: ((Matrix) -> Void)? = nil) -> Matrix {
        var ranges: [Range<Int>] = []
        for sentence in sentences {
            let start = ranges.last?.upperBound ?? 0
            ranges += repeatElement(start..<start + sentence.count, count: sentence.count)
        }
        var h = sourceEmbedding.rows(sentences.flatMap(\.self))
        h.scale(by: embeddingScale, on: compute)
        positions.add(to: &h) { $0 - ranges[$0].lowerBound }
        for layer in encoder {
            trace?(h)
            let block = layer.attention
            let projected = Linear.all([block.query, block.key, block.value], of: h, on: compute)
            let mixed = encoderAttention(
                projected[0], keys: projected[1].values, values: projected[2].values,
                visible: { .range(ranges[$0]) }, on: compute)
            block.output.add(mixed, to: &h, on: compute)
            block.norm.apply(to: &h, on: compute)
            layer.feedForward.apply(to: &h, on: compute)
        }
        trace?(h)
        return h
    }

    // MARK: - The decoder

    /// What the decoder knows of the source sentences: the keys and values of each layer, by sentence.
    struct SourceMemory: Sendable {
        let layers: [AttentionMemory]
    }

    func memory(of encoded: Matrix, _ sentences: [[Int]], on compute: Compute) -> SourceMemory {
        var ranges: [Range<Int>] = []
        for sentence in sentences {
            let start = ranges.last?.upperBound ?? 0
            ranges.append(start..<start + sentence.count)
        }
        let layers = decoder.flatMap { [$0.context.key, $0.context.value] }
        let projected = Linear.all(layers, of: encoded, on: compute)
        var memories: [AttentionMemory] = []
        for layer in decoder.indices {
            let (keys, values) = (projected[2 * layer].values, projected[2 * layer + 1].values)
            memories.append(
                AttentionMemory(
                    decoderAttention.shape, keys: keys.span, values: values.span, sequences: ranges,
                    storage: storage, kernels: compute.kernels))
        }
        return SourceMemory(layers: memories)
    }

    /// The past of a set of hypotheses.
    struct TargetMemory: Sendable {
        /// For layers with self-attention.
        var cache: KeyValueCache
        var tables: [[Int32]]
        /// For recurrent layers: hypotheses × width.
        var cells: [Matrix]
    }

    func emptyTarget(hypotheses: Int) -> TargetMemory {
        let recurrent = decoder.filter { if case .recurrent = $0.past { true } else { false } }.count
        return TargetMemory(
            cache: KeyValueCache(
                layers: Array(repeating: decoderAttention.shape, count: decoder.count - recurrent)),
            tables: Array(repeating: [], count: hypotheses),
            cells: Array(repeating: Matrix(rows: hypotheses, columns: width), count: recurrent))
    }

    /// Reads one more word of each hypothesis.
    ///
    /// - Parameters:
    ///   - words: the last word of each hypothesis; nil at the start.
    ///   - position: how many words came before.
    ///   - sentences: which source sentence each hypothesis translates.
    ///   - alignment: is shown, for each hypothesis, its attention over the source as ``alignment`` says.
    /// - Returns: the states before the output layer: hypotheses × width.
    func step(
        words: [Int]?, position: Int, sentences: [Int], source: SourceMemory, target: inout TargetMemory,
        on compute: Compute, alignment: ((Int, [Float]) -> Void)? = nil, trace: ((Matrix) -> Void)? = nil
    ) -> Matrix {
        var h = Matrix(rows: sentences.count, columns: width)
        if let words = words ?? start.map({ [Int](repeating: $0, count: sentences.count) }) {
            for (row, word) in words.enumerated() {
                targetEmbedding.copyRow(word, to: &h.values, at: row * width)
            }
            h.scale(by: embeddingScale, on: compute)
        }
        positions.add(to: &h) { _ in position }
        let rows = target.cache.layers.isEmpty ? [] : target.cache.allocate(h.rows)
        for (row, place) in rows.enumerated() { target.tables[row].append(place) }
        // The hypotheses of a sentence share most of their pasts.
        let seen = SeenRows(
            rows.isEmpty ? [] : target.tables.map { .rows($0[...]) },
            readsListsTogether: decoderAttention.shape.heads == decoderAttention.shape.keyValueHeads)
        var attentionLayer = 0
        var recurrentLayer = 0
        for (index, layer) in decoder.enumerated() {
            trace?(h)
            switch layer.past {
            case .attention(let block):
                let projected = Linear.all([block.query, block.key, block.value], of: h, on: compute)
                target.cache.store(keys: projected[1], values: projected[2], in: rows, layer: attentionLayer)
                let stored = target.cache.layers[attentionLayer]
                let mixed = decoderAttention(
                    projected[0], keys: stored.keys, values: stored.values, seen: seen, on: compute)
                block.output.add(mixed, to: &h, on: compute)
                block.norm.apply(to: &h, on: compute)
                attentionLayer += 1
            case .recurrent(let unit):
                advance(unit, &h, &target.cells[recurrentLayer], on: compute)
                recurrentLayer += 1
            }
            let mixed = decoderAttention(
                layer.context.query(h, on: compute), memory: source.layers[index], sequences: sentences, on: compute,
                weights: index == self.alignment.layer ? alignment : nil, of: self.alignment.head)
            layer.context.output.add(mixed, to: &h, on: compute)
            layer.context.norm.apply(to: &h, on: compute)
            layer.feedForward.apply(to: &h, on: compute)
        }
        trace?(h)
        return h
    }

    private func advance(
        _ unit: SimpleRecurrentUnit, _ h: inout Matrix, _ cell: inout Matrix, on compute: Compute
    ) {
        let projected = unit.gates(h, on: compute)
        var forget = projected[0]
        forget.apply(.sigmoid, on: compute)
        let input = projected[1]
        var cells = cell.values.mutableSpan
        var states = h.values.mutableSpan
        let gates = forget.values.span
        let inputs = input.values.span
        for index in states.indices {
            let c = gates[index] * cells[index] + (1 - gates[index]) * inputs[index]
            cells[index] = c
            states[index] += max(c, 0)
        }
        unit.norm.apply(to: &h, on: compute)
    }

    /// What a search asks of the scores of all words as the next one, which are nowhere all together.
    func bestScores(_ question: BestScores.Question, of states: Matrix, on compute: Compute) -> BestScores {
        Linear(weights: output.weights, bias: outputBias).bestScores(question, of: states, on: compute)
    }

    /// The output layer for some words only.
    func head(for words: [Int32]) -> Linear {
        Linear(weights: output.selecting(words), bias: outputBias.map { bias in words.map { bias[Int($0)] } })
    }
}
