internal import EDICNumerics
internal import Synchronization

/// Opens the parts of a model on several threads: what a user waits for is the longest, not their sum.
enum Concurrently {
    /// The results of all four, or the error of the first that has one.
    static func open<A: Sendable, B: Sendable, C: Sendable, D: Sendable>(
        on pool: WorkerPool, _ a: @Sendable () throws(ModelError) -> A, _ b: @Sendable () throws(ModelError) -> B,
        _ c: @Sendable () throws(ModelError) -> C, _ d: @Sendable () throws(ModelError) -> D
    ) throws(ModelError) -> (A, B, C, D) {
        let results = Mutex<(A?, B?, C?, D?)>((nil, nil, nil, nil))
        try pool.forEach(count: 4) { index, _ throws(ModelError) in
            switch index {
            case 0:
                let made = try a()
                results.withLock { $0.0 = made }
            case 1:
                let made = try b()
                results.withLock { $0.1 = made }
            case 2:
                let made = try c()
                results.withLock { $0.2 = made }
            default:
                let made = try d()
                results.withLock { $0.3 = made }
            }
        }
        guard case (let a?, let b?, let c?, let d?) = results.withLock({ $0 }) else {
            throw ModelError(.cancelled, "the model was not opened to the end")
        }
        return (a, b, c, d)
    }
}
