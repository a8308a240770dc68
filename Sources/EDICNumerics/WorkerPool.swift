internal import Synchronization

/// A fixed set of threads that share out independent items of work.
///
/// The caller of ``forEach(count:grain:cancellation:_:)`` works too, so a pool of `n` workers keeps `n - 1` threads, a
/// pool of one worker keeps none and runs everything inline, and calling from inside an item of the same pool cannot
/// deadlock. What each item computes must not depend on its worker; then no result depends on the number of workers.
///
/// ```swift
/// let pool = WorkerPool(workers: 2)
/// let lengths = pool.map(count: lines.count) { index, _ in lines[index].utf8.count }
/// ```
public final class WorkerPool: Sendable {
    /// A pool with as many workers as this process may use processors, made at first use.
    public static let shared = WorkerPool()

    /// How many items can run at once, the caller's included. Worker numbers are `0 ..< workers`.
    public let workers: Int

    private let crew: Crew

    /// Starts `workers - 1` threads. Where the system refuses a thread, the pool works with fewer.
    public init(workers: Int = Processors.available) {
        crew = Crew()
        self.workers = 1 + crew.start(threads: max(1, workers) - 1)
    }

    deinit { crew.stop() }

    /// Runs `body(index, worker)` once for every index in `0 ..< count`, several at a time, and returns when all are
    /// done.
    ///
    /// Indices are handed out in rising order, `grain` at a time. No two items that run at once have the same worker
    /// number, so `worker` may choose scratch memory. When items throw, no new ones start and the error of the lowest
    /// index is thrown, which is the same one for every number of workers.
    ///
    /// - Parameters:
    ///   - grain: how many neighbouring indices a worker takes at once; raise it where an item takes well under 10 µs.
    ///   - cancellation: when raised, items that have not started are left out.
    /// - Returns: whether every item ran (false only after a cancellation).
    @discardableResult
    public func forEach<Failure: Error>(
        count: Int, grain: Int = 1, cancellation: CancellationFlag? = nil,
        _ body: @Sendable (_ index: Int, _ worker: Int) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard count > 0 else { return true }
        let grain = max(1, grain)
        if workers == 1 || count <= grain {
            for index in 0..<count {
                if let cancellation, cancellation.isCancelled { return false }
                try body(index, 0)
            }
            return true
        }

        let failure = FirstFailure<Failure>()
        let finished = withoutActuallyEscaping(body) { body in
            crew.run(blocks: (count - 1) / grain + 1) { block, worker in
                let end = min(count, (block + 1) * grain)
                for index in block * grain..<end {
                    if let cancellation, cancellation.isCancelled { return false }
                    do throws(Failure) {
                        try body(index, worker)
                    } catch {
                        failure.record(error, at: index)
                        return false
                    }
                }
                return true
            }
        }
        if let error = failure.error { throw error }
        return finished
    }

    /// Computes `body(index, worker)` for every index in `0 ..< count`, several at a time; results are in index order.
    ///
    /// Errors and worker numbers are as in ``forEach(count:grain:cancellation:_:)``.
    public func map<Element: Sendable, Failure: Error>(
        count: Int, grain: Int = 1,
        _ body: @Sendable (_ index: Int, _ worker: Int) throws(Failure) -> Element
    ) throws(Failure) -> [Element] {
        guard count > 0 else { return [] }
        let slots = ResultSlots<Element>(count: count)
        try forEach(count: count, grain: grain) { index, worker throws(Failure) in
            slots.store(try body(index, worker), at: index)
        }
        return slots.take()
    }
}

/// The error of the lowest index.
private final class FirstFailure<Failure: Error>: Sendable {
    private let state = Mutex<(index: Int, error: Failure)?>(nil)

    var error: Failure? { state.withLock { $0?.error } }

    func record(_ error: Failure, at index: Int) {
        state.withLock { first in
            if let known = first, known.index < index { return }
            first = (index, error)
        }
    }
}
