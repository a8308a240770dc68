internal import EDICNumerics

/// The workers of a long piece of work, which stop between two items when they are asked to.
struct StoppablePool: Sendable {
    let pool: WorkerPool
    let shouldStop: (@Sendable () -> Bool)?

    init(_ pool: WorkerPool, shouldStop: (@Sendable () -> Bool)? = nil) {
        self.pool = pool
        self.shouldStop = shouldStop
    }

    var workers: Int { pool.workers }

    func check() throws(NgramError) {
        if shouldStop?() == true { throw NgramError(.cancelled, "stopped on request; nothing was written") }
    }

    func forEach(count: Int, _ body: @Sendable (Int, Int) throws(NgramError) -> Void) throws(NgramError) {
        try pool.forEach(count: count) { index, worker throws(NgramError) in
            try check()
            try body(index, worker)
        }
    }

    func map<Element: Sendable>(
        count: Int, _ body: @Sendable (Int, Int) throws(NgramError) -> Element
    ) throws(NgramError) -> [Element] {
        try pool.map(count: count) { index, worker throws(NgramError) in
            try check()
            return try body(index, worker)
        }
    }
}
