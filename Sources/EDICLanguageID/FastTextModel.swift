public import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Darwin)
    private import Darwin
#endif

/// A fastText classifier (Joulin et al. 2016; compressed as in "FastText.zip"), such as lid.176.ftz or lid.176.bin.
///
/// Reads format version 12 (and 11), dense or product-quantised, with hierarchical softmax, softmax or one-versus-all
/// output, and gives the same labels and probabilities as fastText. Quantised rows are unpacked when the model is
/// read: lid.176.ftz takes 4 MB of memory.
public struct FastTextModel: Sendable {
    /// The first bytes of every model.
    static let magic: [UInt8] = [0xBA, 0x16, 0x4F, 0x2F]

    /// The labels without fastText's "__label__", in the order of the file.
    public let labels: [String]

    private let dictionary: FastTextDictionary
    /// One row of `dimension` numbers per word and n-gram, rows padded to a multiple of 16.
    private let input: [SIMD16<Float>]
    private let output: [SIMD16<Float>]
    /// How many SIMD16 a row takes.
    private let blocks: Int
    private let loss: Loss
    private let tree: HuffmanTree

    private enum Loss: Int {
        case hierarchicalSoftmax = 1
        case negativeSampling = 2
        case softmax = 3
        case oneVersusAll = 4
    }

    /// Reads a file of fastText, `.bin` or `.ftz`.
    public init(contentsOf path: FilePath) throws(LanguageIDError) {
        do {
            try self.init(parsing: try readWholeFile(path))
        } catch {
            throw LanguageIDError(code: error.code, message: "\(path): \(error.message)")
        }
    }

    /// Reads the bytes of such a file.
    public init(parsing bytes: [UInt8]) throws(LanguageIDError) {
        var reader = ByteReader(bytes)
        guard bytes.count >= 8, try reader.bytes(4).elementsEqual(Self.magic) else {
            throw LanguageIDError(
                code: .malformedModel, message: "not a fastText model: the first four bytes are wrong")
        }
        let version = try reader.int32()
        guard version == 11 || version == 12 else {
            throw LanguageIDError(
                code: .unsupportedModel, message: "fastText format \(version); 11 and 12 are supported")
        }
        var arguments: [Int] = []
        for _ in 0..<12 { arguments.append(try reader.int32()) }
        _ = try reader.integer(UInt64.self)
        let dimension = arguments[0]
        let wordNgrams = arguments[5]
        guard arguments[7] == 3, let loss = Loss(rawValue: arguments[6]) else {
            throw LanguageIDError(
                code: .unsupportedModel, message: "a fastText model of word vectors, not a classifier")
        }
        guard 1...4096 ~= dimension, wordNgrams == 1 || arguments[8] > 0 else {
            throw LanguageIDError(code: .malformedModel, message: "rows of \(dimension) numbers cannot be")
        }
        dictionary = try FastTextDictionary(
            &reader, buckets: arguments[8], shortest: arguments[9], longest: version == 11 ? 0 : arguments[10],
            wordNgrams: wordNgrams)
        labels = dictionary.labels
        self.loss = loss
        blocks = (dimension + 15) / 16
        let isQuantised = try reader.bool()
        input = try Self.matrix(&reader, isQuantised: isQuantised, dimension)
        let isOutputQuantised = try reader.bool()
        output = try Self.matrix(&reader, isQuantised: isQuantised && isOutputQuantised, dimension)
        tree = HuffmanTree(counts: dictionary.labelCounts)
        guard dictionary.rowLimit <= input.count / blocks, labels.count == output.count / blocks, !labels.isEmpty else {
            throw LanguageIDError(
                code: .malformedModel, message: "\(labels.count) labels for \(output.count / blocks) rows of output")
        }
    }

    /// The most likely labels of a line with their probabilities, the best first; empty if the model knows no part of
    /// the text. As fastText's `predict` for the text and a line feed; a line feed inside the text ends it.
    public func predict(_ utf8: Span<UInt8>, limit: Int = 1) -> [(label: String, probability: Float)] {
        guard limit > 0 else { return [] }
        var hidden = [SIMD16<Float>](repeating: .zero, count: blocks)
        var rows = 0
        dictionary.forEachRow(of: utf8) { row in
            rows += 1
            for k in 0..<blocks { hidden[k] += input[row * blocks + k] }
        }
        guard rows > 0 else { return [] }
        for k in 0..<blocks { hidden[k] *= 1 / Float(rows) }
        var best = BestLabels(limit: min(limit, labels.count))
        switch loss {
        case .hierarchicalSoftmax: descend(from: tree.root, hidden, &best)
        case .softmax: softmax(hidden, &best)
        case .negativeSampling, .oneVersusAll:
            for label in labels.indices { best.offer(label, logOf(sigmoid(dot(hidden, label)))) }
        }
        return best.sorted.map { (labels[$0.label], exp($0.score)) }
    }

    // MARK: - Output

    private func dot(_ hidden: [SIMD16<Float>], _ row: Int) -> Float {
        var sum = SIMD16<Float>.zero
        for k in 0..<blocks { sum += hidden[k] * output[row * blocks + k] }
        return sum.sum()
    }

    private func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

    /// fastText's guarded logarithm.
    private func logOf(_ x: Float) -> Float { log(x + 1e-5) }

    /// Goes down the tree, left before right; a tree of a file may be as deep as it has labels.
    private func descend(from root: Int, _ hidden: [SIMD16<Float>], _ best: inout BestLabels) {
        var waiting: [(node: Int, score: Float)] = [(root, 0)]
        while let (node, score) = waiting.popLast() {
            if score < best.threshold { continue }
            guard node >= labels.count else {
                best.offer(node, score)
                continue
            }
            let right = sigmoid(dot(hidden, node - labels.count))
            waiting.append((tree.right[node], score + logOf(right)))
            waiting.append((tree.left[node], score + logOf(1 - right)))
        }
    }

    private func softmax(_ hidden: [SIMD16<Float>], _ best: inout BestLabels) {
        let logits = labels.indices.map { dot(hidden, $0) }
        let top = logits.max() ?? 0
        let sum = logits.reduce(Float(0)) { $0 + exp($1 - top) }
        for label in labels.indices { best.offer(label, logOf(exp(logits[label] - top) / sum)) }
    }

    // MARK: - Matrices

    private static func matrix(
        _ reader: inout ByteReader, isQuantised: Bool, _ dimension: Int
    ) throws(LanguageIDError) -> [SIMD16<Float>] {
        if isQuantised { return try quantisedMatrix(&reader, dimension) }
        let rows = try reader.int64()
        let columns = try reader.int64()
        guard columns == dimension, 0...(reader.remaining / (4 * dimension)) ~= rows else {
            throw LanguageIDError(
                code: .malformedModel,
                message: "byte \(reader.offset): a matrix of \(rows) x \(columns) does not fit the file")
        }
        let blocks = (dimension + 15) / 16
        var matrix = [SIMD16<Float>](repeating: .zero, count: rows * blocks)
        for row in 0..<rows {
            let values = try reader.floats(dimension)
            for (k, value) in values.enumerated() { matrix[row * blocks + k / 16][k % 16] = value }
        }
        return matrix
    }

    /// Product quantisation: each row is a code per group of columns, and the norm may be a code of its own.
    private static func quantisedMatrix(
        _ reader: inout ByteReader, _ dimension: Int
    ) throws(LanguageIDError) -> [SIMD16<Float>] {
        let hasNorms = try reader.bool()
        let rows = try reader.int64()
        let columns = try reader.int64()
        let codeCount = try reader.int32()
        let codes = Array(try reader.bytes(codeCount))
        let quantiser = try ProductQuantiser(&reader)
        guard columns == dimension, quantiser.dimension == dimension, rows >= 0, rows <= codeCount,
            rows * quantiser.groups == codeCount
        else {
            throw LanguageIDError(
                code: .malformedModel, message: "byte \(reader.offset): \(codeCount) codes for \(rows) x \(columns)")
        }
        var norms = [Float](repeating: 1, count: rows)
        if hasNorms {
            let normCodes = Array(try reader.bytes(rows))
            let normQuantiser = try ProductQuantiser(&reader)
            norms = normCodes.map { normQuantiser.centroids[Int($0)] }
        }
        let blocks = (dimension + 15) / 16
        var matrix = [SIMD16<Float>](repeating: .zero, count: rows * blocks)
        for row in 0..<rows {
            for group in 0..<quantiser.groups {
                let centroid = quantiser.centroid(group, Int(codes[row * quantiser.groups + group]))
                for (k, place) in centroid.enumerated() {
                    let column = group * quantiser.width + k
                    matrix[row * blocks + column / 16][column % 16] = norms[row] * quantiser.centroids[place]
                }
            }
        }
        return matrix
    }
}

/// The centroids of a product quantiser: 256 for each group of columns.
private struct ProductQuantiser {
    let dimension: Int
    let groups: Int
    let width: Int
    let lastWidth: Int
    let centroids: [Float]

    init(_ reader: inout ByteReader) throws(LanguageIDError) {
        dimension = try reader.int32()
        groups = try reader.int32()
        width = try reader.int32()
        lastWidth = try reader.int32()
        guard 1...4096 ~= dimension, 1...dimension ~= groups, 1...dimension ~= width, 1...width ~= lastWidth,
            (groups - 1) * width + lastWidth == dimension
        else {
            throw LanguageIDError(
                code: .malformedModel,
                message: "byte \(reader.offset): a quantiser of \(groups) groups of \(width) for \(dimension) columns")
        }
        centroids = try reader.floats(dimension * 256)
    }

    /// The places of a centroid's numbers in `centroids`.
    func centroid(_ group: Int, _ code: Int) -> Range<Int> {
        let isLast = group == groups - 1
        let start = group * 256 * width + code * (isLast ? lastWidth : width)
        return start..<start + (isLast ? lastWidth : width)
    }
}

/// The best labels so far, with the logarithms of their probabilities.
private struct BestLabels {
    let limit: Int
    private(set) var entries: [(label: Int, score: Float)] = []

    init(limit: Int) { self.limit = limit }

    /// What a label must reach to be of interest.
    var threshold: Float { entries.count < limit ? -.infinity : entries[entries.count - 1].score }

    var sorted: [(label: Int, score: Float)] { entries }

    mutating func offer(_ label: Int, _ score: Float) {
        if entries.count == limit {
            guard score > threshold else { return }
            entries.removeLast()
        }
        let place = entries.firstIndex { $0.score < score } ?? entries.count
        entries.insert((label, score), at: place)
    }
}

/// fastText's Huffman tree over the labels by their counts: leaves first, the root last.
private struct HuffmanTree: Sendable {
    private(set) var left: [Int]
    private(set) var right: [Int]
    var root: Int { left.count - 1 }

    init(counts: [Int]) {
        let leaves = counts.count
        let size = max(1, 2 * leaves - 1)
        left = [Int](repeating: -1, count: size)
        right = left
        var weights = counts + [Int](repeating: 1_000_000_000_000_000, count: max(0, size - leaves))
        var leaf = leaves - 1
        var node = leaves
        for made in leaves..<max(leaves, size) {
            func next() -> Int {
                if leaf >= 0, weights[leaf] < weights[node] {
                    leaf -= 1
                    return leaf + 1
                }
                node += 1
                return node - 1
            }
            left[made] = next()
            right[made] = next()
            weights[made] = weights[left[made]] &+ weights[right[made]]
        }
    }
}
