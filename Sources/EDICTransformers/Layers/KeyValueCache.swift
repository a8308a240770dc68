internal import EDICNumerics

/// What a decoder keeps of the tokens it has read.
protocol DecoderCache: Sendable {
    /// Makes room for `count` tokens in every layer and says in which rows.
    mutating func allocate(_ count: Int) -> [Int32]

    /// Keeps the keys and values of a batch's new tokens, and gives what their queries, a row each, take from those tokens
    /// of their sequences that they see.
    ///
    /// - Parameter window: how many tokens back that is, itself included; nil for all.
    mutating func attend(
        queries: Matrix, keys: Matrix, values: Matrix, in batch: TokenBatch, window: Int?, layer: Int,
        on compute: Compute
    ) -> Matrix
}

/// The keys and values of one text, in each layer: for reading and continuing it.
struct TextHistory: DecoderCache {
    private var layers: [AttentionHistory]
    private var rows = 0

    init(layers: [AttentionShape], storage: AttentionStorage) {
        self.layers = layers.map { AttentionHistory($0, storage: storage) }
    }

    mutating func allocate(_ count: Int) -> [Int32] {
        defer { rows += count }
        return Array(Int32(rows)..<Int32(rows + count))
    }

    mutating func attend(
        queries: Matrix, keys: Matrix, values: Matrix, in batch: TokenBatch, window: Int?, layer: Int,
        on compute: Compute
    ) -> Matrix {
        precondition(batch.isOneText(endingAt: rows), "a history is of one text, read from its beginning to its end")
        var output = Matrix.unfilled(rows: queries.rows, columns: queries.columns)
        var out = output.values.mutableSpan
        layers[layer].read(
            keys: keys.values.span, values: values.values.span, queries: queries.values.span, window: window,
            into: &out, kernels: compute.kernels, pool: compute.pool)
        return output
    }

    /// Makes room for so many tokens, those read before included.
    mutating func reserve(_ count: Int) {
        for layer in layers.indices { layers[layer].reserve(count) }
    }

    /// Forgets the latest tokens.
    mutating func removeLast(_ count: Int) {
        rows -= count
        for layer in layers.indices { layers[layer].removeLast(count) }
    }
}

/// Several texts that are read in one step, from their beginnings to their ends: no token comes later, so nothing is kept
/// from one layer to the next. What a text's tokens see is as in a ``TextHistory`` of its own, to the last bit.
struct WholeTexts: DecoderCache {
    let layers: [AttentionShape]
    let storage: AttentionStorage

    func allocate(_ count: Int) -> [Int32] { Array(0..<Int32(count)) }

    func attend(
        queries: Matrix, keys: Matrix, values: Matrix, in batch: TokenBatch, window: Int?, layer: Int,
        on compute: Compute
    ) -> Matrix {
        precondition(batch.tables.reduce(0) { $0 + $1.count } == keys.rows, "texts are read whole")
        let shape = layers[layer]
        var output = Matrix.unfilled(rows: queries.rows, columns: queries.columns)
        var out = output.values.mutableSpan
        for rows in batch.sequenceRows {
            func numbers(_ width: Int) -> Range<Int> { rows.lowerBound * width..<rows.upperBound * width }
            var history = AttentionHistory(shape, storage: storage)
            var own = out.extracting(numbers(shape.width))
            history.read(
                keys: keys.values.span.extracting(numbers(shape.keyValueWidth)),
                values: values.values.span.extracting(numbers(shape.keyValueWidth)),
                queries: queries.values.span.extracting(numbers(shape.width)), window: window, into: &own,
                kernels: compute.kernels, pool: compute.pool)
        }
        return output
    }
}

/// The keys and values of every token seen, one row a token, in each layer: for several hypotheses at once.
///
/// A sequence is a list of row numbers, so hypotheses that share a past share its rows, and reordering a beam moves
/// numbers, not vectors.
struct KeyValueCache: DecoderCache {
    struct Layer: Sendable {
        let attention: Attention
        /// rows × width
        var keys: [Float] = []
        var values: [Float] = []

        var width: Int { attention.shape.keyValueWidth }
    }

    private(set) var layers: [Layer]
    private(set) var rows = 0
    /// Rows no sequence names any more.
    private var free: [Int32] = []

    init(layers: [AttentionShape]) { self.layers = layers.map { Layer(attention: Attention($0)) } }

    mutating func allocate(_ count: Int) -> [Int32] {
        var allocated: [Int32] = []
        allocated.reserveCapacity(count)
        while allocated.count < count, let row = free.popLast() { allocated.append(row) }
        let fresh = count - allocated.count
        for row in rows..<rows + fresh { allocated.append(Int32(row)) }
        rows += fresh
        if fresh > 0 {
            for index in layers.indices {
                let count = fresh * layers[index].width
                layers[index].keys.append(contentsOf: repeatElement(0, count: count))
                layers[index].values.append(contentsOf: repeatElement(0, count: count))
            }
        }
        return allocated
    }

    /// Writes the keys and values of new tokens into their rows.
    mutating func store(keys: Matrix, values: Matrix, in rows: [Int32], layer: Int) {
        let width = layers[layer].width
        for (source, row) in rows.enumerated() {
            let from = source * width
            let to = Int(row) * width
            layers[layer].keys.replaceSubrange(to..<to + width, with: keys.values[from..<from + width])
            layers[layer].values.replaceSubrange(to..<to + width, with: values.values[from..<from + width])
        }
    }

    mutating func attend(
        queries: Matrix, keys: Matrix, values: Matrix, in batch: TokenBatch, window: Int?, layer: Int,
        on compute: Compute
    ) -> Matrix {
        store(keys: keys, values: values, in: batch.newRows, layer: layer)
        return layers[layer].attention(
            queries, keys: layers[layer].keys, values: layers[layer].values,
            visible: { batch.visible($0, window: window) }, on: compute)
    }

    /// Frees all rows that none of `sequences` names.
    mutating func keepOnly(_ sequences: some Sequence<[Int32]>) {
        var used = [Bool](repeating: false, count: rows)
        for sequence in sequences {
            for row in sequence { used[Int(row)] = true }
        }
        free = (0..<Int32(rows)).reversed().filter { !used[Int($0)] }
    }
}
