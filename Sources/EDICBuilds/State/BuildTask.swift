import EDICJSON
import EDICStore
import Synchronization
import SystemPackage

/// One piece of work: a pure function from the inputs that its key names to files and facts.
///
/// The executor knows neither what a task does nor what is in its files.
struct BuildTask: Sendable {
    var stage: String
    /// What the task works on, for people: a file, a shard, a language.
    var label: String
    var key: TaskKey
    /// Bytes of input: large tasks start first, and progress counts them.
    var weight: Int
    /// Writes the outputs into the scratch folder and returns the facts.
    var body: @Sendable (TaskScratch) throws -> JSONValue
}

/// Where a running task puts its files. They enter the object store only when the task has finished.
///
/// Nothing here needs to reach the disk by itself: a build flushes all of its files once, before it publishes them.
struct TaskScratch: Sendable {
    let folder: FilePath
    private let noted = OutputNotes()

    init(folder: FilePath, shouldStop: @escaping @Sendable () -> Bool) {
        self.folder = folder
        self.shouldStop = shouldStop
    }

    /// Whether the build is being stopped; long tasks look now and then and throw `BuildError.stopped`.
    let shouldStop: @Sendable () -> Bool

    /// The path for the output of this name.
    func output(_ name: String) -> FilePath { folder.appending(name) }

    func checkForStop() throws(BuildError) {
        if shouldStop() { throw .stopped }
    }

    /// Notes that what the task reads could not be read: its result holds for this build only.
    func doNotRecord() { noted.isRecorded.withLock { $0 = false } }

    /// Whether the next build may take the result over.
    var isRecorded: Bool { noted.isRecorded.withLock { $0 } }

    /// Notes what a finished output holds, where its writer knows, so that it is not read again to name it.
    func note(_ digest: Digest, size: Int, as name: String) {
        noted.all.withLock { $0[name] = ObjectReference(digest: digest, size: size) }
    }

    func note(_ written: AtomicFile.Written, as name: String) {
        note(written.digest, size: written.count, as: name)
    }

    /// What is known of an output.
    func knownObject(_ name: String) -> ObjectReference? { noted.all.withLock { $0[name] } }

    private final class OutputNotes: Sendable {
        let all = Mutex([String: ObjectReference]())
        let isRecorded = Mutex(true)
    }
}

/// What a finished task left: its files, by name, and its facts.
struct TaskResult: Sendable {
    var outputs: [String: ObjectReference]
    var facts: JSONValue
    /// Whether an earlier build had done it.
    var isReused: Bool

    /// The outputs in the order of their names.
    var sortedOutputs: [(name: String, object: ObjectReference)] {
        outputs.sorted { $0.key < $1.key }.map { (name: $0.key, object: $0.value) }
    }
}
