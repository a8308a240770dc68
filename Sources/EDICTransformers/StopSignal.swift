internal import EDICNumerics

/// Whether work is to end early: its task was cancelled, or its caller says so. Once it is asked to, all threads that
/// share the work see it, those that run no task too.
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
