internal import EDICNumerics
internal import Glibc

/// All segmentations of a text into the pieces of a Unigram model.
struct UnigramPaths {
    struct Piece {
        var id: UInt32
        var end: Int
    }

    private struct Edge {
        var from: Int
        var id: UInt32
        var score: Double
    }

    private let count: Int
    /// For each place, the pieces that end there.
    private var edges: [[Edge]]

    init(_ model: UnigramModel, _ text: [UInt8]) {
        count = text.count
        edges = Array(repeating: [], count: text.count + 1)
        var at = 0
        while at < text.count {
            let length = utf8Length(text.span, at)
            var hasCharacter = false
            for (id, size) in model.lattice.trie.prefixes(of: text.span.extracting(at..<text.count)) {
                let piece = model.pieces[Int(id)]
                guard piece.kind != .unused else { continue }
                // Where sentencepiece lists paths, it counts the characters of a user's piece, not the bytes.
                let score =
                    piece.kind == .userDefined
                    ? Double(piece.bytes.count { $0 & 0xC0 != 0x80 }) * UnigramModel.userBonus - 0.1
                    : model.pieceScore(id)
                edges[at + size].append(Edge(from: at, id: id, score: score))
                if size == length { hasCharacter = true }
            }
            if !hasCharacter {
                edges[at + length].append(Edge(from: at, id: model.unknownID, score: model.lattice.unknownScore))
            }
            at += length
        }
    }

    /// The likeliest paths, the likeliest first.
    func best(_ most: Int) -> [(pieces: [Piece], score: Double)] {
        struct Step {
            var score: Double
            var edge: Int
            /// Which of the best paths to the edge's beginning.
            var rank: Int
        }
        var steps = [[Step]](repeating: [], count: count + 1)
        steps[0] = [Step(score: 0, edge: -1, rank: 0)]
        for end in 1..<count + 1 {
            var found: [Step] = []
            for (index, edge) in edges[end].enumerated() {
                for (rank, before) in steps[edge.from].enumerated() {
                    found.append(Step(score: before.score + edge.score, edge: index, rank: rank))
                }
            }
            found.sort { ($1.score, $0.edge, $0.rank) < ($0.score, $1.edge, $1.rank) }
            steps[end] = Array(found.prefix(most))
        }
        return steps[count].map { last in
            var pieces: [Piece] = []
            var end = count
            var step = last
            while end > 0 {
                let edge = edges[end][step.edge]
                pieces.append(Piece(id: edge.id, end: end))
                end = edge.from
                step = steps[end][step.rank]
            }
            return (pieces.reversed(), last.score)
        }
    }

    /// A path at random, each with its probability to the power of `smoothing`: sums from the left, then choices from the
    /// right.
    func sample(smoothing: Double, _ random: inout SplitMix64) -> [Piece] {
        var sums = [Double](repeating: -.infinity, count: count + 1)
        sums[0] = 0
        for end in 1..<count + 1 {
            sums[end] = Self.logSum(edges[end].map { sums[$0.from] + $0.score * smoothing })
        }
        var pieces: [Piece] = []
        var end = count
        while end > 0 {
            let chosen = Self.choose(edges[end].map { sums[$0.from] + $0.score * smoothing }, &random)
            let edge = edges[end][chosen]
            pieces.append(Piece(id: edge.id, end: end))
            end = edge.from
        }
        return pieces.reversed()
    }

    private static func logSum(_ values: [Double]) -> Double {
        guard let most = values.max(), most > -.infinity else { return -.infinity }
        return most + log(values.reduce(0) { $0 + exp($1 - most) })
    }

    /// An index at random, with probabilities in proportion to the exponentials.
    static func choose(_ logarithms: [Double], _ random: inout SplitMix64) -> Int {
        let total = logSum(logarithms)
        var left = random.nextUnit()
        for (index, value) in logarithms.enumerated() {
            left -= exp(value - total)
            if left < 0 { return index }
        }
        return logarithms.indices.last { logarithms[$0] > -.infinity } ?? 0
    }
}

extension UnigramModel {
    /// The tokens of a path: bytes for unknown characters where the model has them, else one token for a run of them.
    func tokens(_ path: [UnigramPaths.Piece], of text: [UInt8]) -> [ModelToken] {
        var tokens: [ModelToken] = []
        var at = 0
        for piece in path {
            if piece.id != unknownID {
                tokens.append(ModelToken(id: piece.id, end: piece.end))
            } else if !fallback.isEmpty {
                for index in at..<piece.end {
                    tokens.append(ModelToken(id: fallback[Int(text[index])], end: index + 1))
                }
            } else if fusesUnknown, tokens.last?.id == unknownID {
                tokens[tokens.count - 1].end = piece.end
            } else {
                tokens.append(ModelToken(id: unknownID, end: piece.end))
            }
            at = piece.end
        }
        return tokens
    }
}
