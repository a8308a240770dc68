import Synchronization

/// A flag that one thread raises and others look at between items of work.
public final class CancellationFlag: Sendable {
    private let raised = Atomic(false)

    public init() {}

    /// Asks the work that watches this flag to stop at the next item. Cannot be undone.
    public func cancel() { raised.store(true, ordering: .releasing) }

    /// Whether ``cancel()`` was called, on any thread.
    public var isCancelled: Bool { raised.load(ordering: .acquiring) }
}
