/// What a running build tells its caller, from any of its threads.
public enum BuildEvent: Sendable {
    /// A stage begins: this many tasks over this many bytes of input.
    case stageStarted(stage: String, tasks: Int, bytes: Int)
    /// A task is done, now or by an earlier build.
    case taskFinished(stage: String, label: String, isReused: Bool, bytes: Int)
    case stageFinished(stage: String, seconds: Double)
    /// Something a person should know: a rejected contribution, a broken file.
    case notice(String)
}

/// Receives the events of a build.
public typealias BuildObserver = @Sendable (BuildEvent) -> Void
