internal import EDICNumerics

/// Whether work is to end early: its caller says so, or its task was cancelled. That a task was cancelled is seen by the
/// thread that runs it, when it asks; from then on all threads that share the work see it.
struct StopSignal: Sendable {
    private let raised = CancellationFlag()
    private let shouldStop: (@Sendable () -> Bool)?

    init(_ shouldStop: (@Sendable () -> Bool)? = nil) { self.shouldStop = shouldStop }

    var isRaised: Bool {
        if raised.isCancelled { return true }
        guard Task.isCancelled || shouldStop?() == true else { return false }
        raised.cancel()
        return true
    }

    func check(_ work: @autoclosure () -> String) throws(ModelError) {
        if isRaised { throw ModelError(.cancelled, "\(work()) was cancelled") }
    }
}
