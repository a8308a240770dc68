internal import EDICTransformers
internal import Synchronization

/// Lets so many requests compute at once, so many more wait their turn in order, and refuses the rest.
final class WorkGate: Sendable {
    private struct State {
        var running = 0
        /// Tickets in the order of their coming.
        var queue: [Int] = []
        var nextTicket = 0
    }

    private let running: Int
    private let waiting: Int
    private let state = Mutex(State())

    init(running: Int, waiting: Int) {
        self.running = max(1, running)
        self.waiting = max(0, waiting)
    }

    /// How many compute and how many wait now.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.queue.count) } }

    /// The right to compute, until ``leave()`` or the end of the value.
    final class Pass: Sendable {
        private let gate: WorkGate
        private let hasLeft = Atomic(false)

        fileprivate init(_ gate: WorkGate) { self.gate = gate }

        deinit { leave() }

        func leave() {
            guard !hasLeft.exchange(true, ordering: .acquiringAndReleasing) else { return }
            gate.state.withLock { $0.running -= 1 }
        }
    }

    /// Waits for a turn.
    ///
    /// - Throws: `busy` where the queue is full, and what `check` throws while waiting.
    func enter(check: () throws(ServerError) -> Void) throws(ServerError) -> Pass {
        let ticket: Int? = state.withLock { state in
            if state.queue.isEmpty, state.running < running {
                state.running += 1
                return nil
            }
            guard state.queue.count < waiting else { return -1 }
            state.nextTicket += 1
            state.queue.append(state.nextTicket)
            return state.nextTicket
        }
        guard let ticket else { return Pass(self) }
        guard ticket > 0 else {
            throw ServerError(.busy, "\(waiting) requests wait already; try again later")
        }
        while true {
            let isNext = state.withLock { state in
                guard state.running < running, state.queue.first == ticket else { return false }
                state.queue.removeFirst()
                state.running += 1
                return true
            }
            if isNext { return Pass(self) }
            do throws(ServerError) {
                try check()
            } catch {
                state.withLock { $0.queue.removeAll { $0 == ticket } }
                throw error
            }
            pause(milliseconds: 2)
        }
    }
}

/// When a request has to be done, and whether anybody still wants it.
struct WorkLimit: Sendable {
    let end: ContinuousClock.Instant
    let seconds: Double
    let isWanted: @Sendable () -> Bool

    init(seconds: Double, isWanted: @escaping @Sendable () -> Bool) {
        end = ContinuousClock.now + .seconds(seconds)
        self.seconds = seconds
        self.isWanted = isWanted
    }

    /// Does work that stops when ``isOver`` says so, and says why it was stopped.
    func keep<Result>(_ work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch let error as ModelError where error.code == .cancelled {
            try check()
            throw error
        }
    }

    /// Whether the time is over or nobody wants the answer any more, from any thread.
    @Sendable func isOver() -> Bool { ContinuousClock.now >= end || !isWanted() }

    /// - Throws: `timedOut`, or `busy` where the client or the server is going.
    func check() throws(ServerError) {
        guard ContinuousClock.now < end else {
            throw ServerError(.timedOut, "the work took longer than \(seconds) s; ask for less at once")
        }
        guard isWanted() else { throw ServerError(.busy, "the server is ending, or the client has gone") }
    }
}
