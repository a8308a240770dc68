internal import CEDICKernels
internal import Glibc

/// Of rows of scores, the largest and what normalises them: all that a search wants to know of a vocabulary's scores.
///
/// Scores are looked at block by block while they are in a cache, right after a product has written them, so that those
/// of many words for many rows never lie in memory together. What is said of a row depends on that row alone, to the last
/// bit: on neither its neighbours, nor their number, nor the threads.
@safe public struct BestScores: Sendable {
    /// One score and the column it stands in.
    public struct Score: Sendable, Equatable {
        /// From 0, as the weights have their rows.
        public let column: Int
        /// The score itself.
        public let value: Float
    }

    /// What is asked of each row.
    public struct Question: Sendable {
        /// How many of the largest scores.
        public var count: Int
        /// Whether log Σ eˣ is wanted.
        public var wantsLogSumExp: Bool
        /// For each row, the column whose score is wanted whatever it is, if any; empty for no row.
        public var picked: [Int?]

        public init(count: Int, wantsLogSumExp: Bool = true, picked: [Int?] = []) {
            (self.count, self.wantsLogSumExp, self.picked) = (count, wantsLogSumExp, picked)
        }
    }

    /// How many rows were read.
    public let rows: Int
    private let capacity: Int
    /// `capacity` of each row, the best first; what is missing is minus infinity.
    private let best: [Score]
    private let logSums: [Float]
    private let picked: [Float?]

    /// Reads the products of `input` with `weights`, plus `bias`.
    ///
    /// - Parameter input: loaded for these weights.
    public init(
        _ question: Question, of weights: WeightMatrix, _ input: borrowing ProductInput, bias: Span<Float>? = nil,
        pool: WorkerPool? = nil
    ) {
        let (rows, columns) = (input.rows, weights.rows)
        precondition((bias?.count ?? columns) == columns, "a bias for \(columns) outputs is expected")
        let work = rows * columns * weights.columns
        let shared = pool.flatMap { $0.isWorthSharing(work: work, bytes: weights.byteCount) ? $0 : nil }
        let workers = shared?.workers ?? 1
        // As many blocks at a time as stay in the second-level cache; of what is shared, several parts a worker.
        let all = (columns + ScoreReading.block - 1) / ScoreReading.block
        let shares = shared == nil ? 1 : workers * (rows == 1 ? 8 : 4)
        let near = max(1, Self.nearScores / max(1, rows * ScoreReading.block))
        let part = max(1, min(near, (all + shares - 1) / shares)) * ScoreReading.block
        let reading = ScoreReading(question, rows: rows, columns: columns, workers: workers, input.instructions)
        let room = AlignedBuffer<Float>(uninitialized: workers * rows * min(part, columns))
        let scratch = unsafe Shared(room.unsafePointer)
        unsafe Self.withPointer(to: bias) { bias in
            let product = unsafe weights.product(input, into: scratch.pointer, bias: bias, [])
            let read: @Sendable (Int, Int) -> Void = { index, worker in
                let own = index * part..<min(columns, (index + 1) * part)
                let target = unsafe scratch.pointer + worker * rows * min(part, columns)
                unsafe product.run(
                    panels: own.lowerBound / 16..<(own.upperBound + 15) / 16, into: target, stride: own.count)
                unsafe reading.read(target, columns: own, worker: worker)
            }
            let parts = (columns + part - 1) / part
            if let shared {
                shared.forEach(count: parts, read)
            } else {
                for index in 0..<parts { read(index, 0) }
            }
        }
        self.init(reading)
    }

    /// Reads `rows` rows of scores that lie one after the other.
    public init(_ question: Question, of scores: Span<Float>, rows: Int, kernels: Kernels = .standard) {
        precondition(
            rows > 0 ? scores.count % rows == 0 : scores.isEmpty, "\(scores.count) scores are not \(rows) rows")
        let columns = rows > 0 ? scores.count / rows : 0
        let reading = ScoreReading(question, rows: rows, columns: columns, workers: 1, kernels)
        unsafe Self.withPointer(to: scores) { scores in
            if let scores = unsafe scores { unsafe reading.read(scores, columns: 0..<columns, worker: 0) }
        }
        self.init(reading)
    }

    private init(_ reading: ScoreReading) {
        (rows, capacity) = (reading.rows, reading.capacity)
        best = reading.best()
        logSums = reading.logSums()
        picked = reading.pickedScores()
    }

    private static func withPointer(to span: Span<Float>?, _ body: (UnsafePointer<Float>?) -> Void) {
        guard let span else { return body(nil) }
        unsafe span.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }

    /// Scores that stay in a core's second-level cache beside the activations and the weights that pass through.
    private static let nearScores = 96 << 10

    /// The largest scores of a row, largest first, the lower column first among equals. NaN and minus infinity are never
    /// among them.
    public func best(of row: Int) -> ArraySlice<Score> {
        best[row * capacity..<(row + 1) * capacity].prefix { $0.value > -.infinity }
    }

    /// log Σ eˣ of a row's scores, those that are no numbers left out; infinite where one is, or where all are minus infinity.
    public func logSumExp(of row: Int) -> Float { logSums[row] }

    /// The score of the column that was picked for a row, where there is one.
    public func picked(of row: Int) -> Float? { picked.isEmpty ? nil : picked[row] }
}

/// What is known of rows whose scores are being read, by several workers: each has lists of its own, and a block of a row is
/// read by one of them.
private final class ScoreReading: Sendable {
    /// Scores whose exponentials are added up by themselves: sums of blocks are added in the order of blocks, so that it
    /// does not matter who reads which. Whole tiles of a product.
    static let block = 768

    let rows: Int
    let capacity: Int
    private let columns: Int
    private let workers: Int
    private let question: BestScores.Question
    private let kernels: Kernels
    /// For each worker and row, the best scores and their columns, the best first.
    private let values: AlignedBuffer<Float>
    private let places: AlignedBuffer<Int32>
    /// For each block and row, the largest score and Σ e^(x − that).
    private let largest: AlignedBuffer<Float>
    private let sums: AlignedBuffer<Float>
    private let picked: AlignedBuffer<Float>

    init(_ question: BestScores.Question, rows: Int, columns: Int, workers: Int, _ kernels: Kernels) {
        precondition(question.picked.isEmpty || question.picked.count == rows, "a column for each row is expected")
        (self.question, self.rows, self.columns, self.workers) = (question, rows, columns, workers)
        self.kernels = kernels
        capacity = max(1, min(question.count, columns))
        values = AlignedBuffer(uninitialized: workers * rows * capacity)
        places = AlignedBuffer(count: workers * rows * capacity)
        for index in 0..<values.count { unsafe values.unsafePointer[index] = -.infinity }
        let blocks = (columns + Self.block - 1) / Self.block
        largest = AlignedBuffer(uninitialized: question.wantsLogSumExp ? blocks * rows : 0)
        sums = AlignedBuffer(uninitialized: question.wantsLogSumExp ? blocks * rows : 0)
        picked = AlignedBuffer(count: question.picked.count)
    }

    /// Reads the scores of these columns, which begin a block, of all rows, which lie one after the other. A worker's columns
    /// come in rising order.
    func read(_ scores: UnsafePointer<Float>, columns own: Range<Int>, worker: Int) {
        let table = unsafe kernels.table
        for row in 0..<rows {
            let scores = unsafe scores + row * own.count
            if !question.picked.isEmpty, let column = question.picked[row], own.contains(column) {
                unsafe picked.unsafePointer[row] = scores[column - own.lowerBound]
            }
            let list = (worker * rows + row) * capacity
            for start in stride(from: 0, to: own.count, by: Self.block) {
                let count = min(Self.block, own.count - start)
                let most = unsafe table.pointee.maximum(scores + start, count)
                if question.wantsLogSumExp {
                    let place = (own.lowerBound + start) / Self.block * rows + row
                    unsafe largest.unsafePointer[place] = most
                    unsafe sums.unsafePointer[place] =
                        most.isFinite ? table.pointee.sum_of_exp(scores + start, most, count) : 0
                }
                if unsafe most > values.unsafePointer[list + capacity - 1] {
                    unsafe offer(scores + start, count, first: own.lowerBound + start, to: list)
                }
            }
        }
    }

    /// Puts those scores that are larger than the last one of a list into it.
    private func offer(_ scores: UnsafePointer<Float>, _ count: Int, first: Int, to list: Int) {
        let values = unsafe values.unsafePointer + list
        let places = unsafe places.unsafePointer + list
        for start in stride(from: 0, to: count, by: 64) {
            let end = min(count, start + 64)
            guard unsafe kernels.table.pointee.maximum(scores + start, end - start) > values[capacity - 1] else {
                continue
            }
            for index in start..<end where unsafe scores[index] > values[capacity - 1] {
                var place = capacity - 1
                while unsafe place > 0 && values[place - 1] < scores[index] {
                    unsafe values[place] = values[place - 1]
                    unsafe places[place] = places[place - 1]
                    place -= 1
                }
                unsafe values[place] = scores[index]
                unsafe places[place] = Int32(first + index)
            }
        }
    }

    /// The best scores of each row, `capacity` each.
    func best() -> [BestScores.Score] {
        var all: [BestScores.Score] = []
        all.reserveCapacity(rows * capacity)
        for row in 0..<rows {
            var own: [BestScores.Score] = []
            for worker in 0..<workers {
                for index in (worker * rows + row) * capacity..<(worker * rows + row + 1) * capacity {
                    unsafe own.append(
                        .init(column: Int(places.unsafePointer[index]), value: values.unsafePointer[index]))
                }
            }
            if workers > 1 {
                own.sort { $0.value != $1.value ? $0.value > $1.value : $0.column < $1.column }
            }
            all += own.prefix(capacity)
        }
        return all
    }

    func logSums() -> [Float] {
        guard question.wantsLogSumExp else { return [] }
        let blocks = (columns + Self.block - 1) / Self.block
        return (0..<rows).map { row in
            var most = -Float.infinity
            for block in 0..<blocks { most = unsafe max(most, largest.unsafePointer[block * rows + row]) }
            guard most.isFinite else { return most }
            var sum: Float = 0
            for block in 0..<blocks {
                let place = block * rows + row
                unsafe sum += sums.unsafePointer[place] * expf(largest.unsafePointer[place] - most)
            }
            return most + logf(sum)
        }
    }

    func pickedScores() -> [Float?] {
        question.picked.enumerated().map { row, column in
            column.flatMap { $0 >= 0 && $0 < columns ? unsafe picked.unsafePointer[row] : nil }
        }
    }
}
