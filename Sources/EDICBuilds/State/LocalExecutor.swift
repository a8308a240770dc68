import EDICJSON
import EDICNumerics
import EDICStore
import Synchronization
import SystemPackage

/// Runs tasks on the cores of this machine, skipping those that an earlier build has done.
///
/// A task's files and facts appear under `state` by renames, the facts last; a build killed at any moment leaves
/// finished tasks finished and unfinished ones undone.
struct LocalExecutor: Sendable {
    let records: TaskRecords
    let objects: ObjectStore
    let scratch: FilePath
    let pool: WorkerPool
    let shouldStop: @Sendable () -> Bool
    let observer: BuildObserver
    let tally = ExecutionTally()

    /// Runs the tasks of one stage and returns their results in the order given, whatever ran when.
    func run(_ tasks: [BuildTask], stage: String) throws -> [TaskResult] {
        let started = ContinuousClock.now
        observer(.stageStarted(stage: stage, tasks: tasks.count, bytes: tasks.reduce(0) { $0 + $1.weight }))
        // The heaviest first, so that the last one to finish is a light one.
        let order = tasks.indices.sorted { (tasks[$1].weight, $0) < (tasks[$0].weight, $1) }
        let results = Mutex([TaskResult?](repeating: nil, count: tasks.count))
        try pool.forEach(count: order.count) { position, _ in
            let index = order[position]
            if shouldStop() { throw BuildError.stopped }
            let result = try perform(tasks[index])
            results.withLock { $0[index] = result }
        }
        let seconds = (ContinuousClock.now - started).inSeconds
        tally.add(stage: stage, seconds: seconds, keys: tasks.map(\.key))
        observer(.stageFinished(stage: stage, seconds: seconds))
        return try results.withLock { results in
            try zip(tasks, results).map { task, result in
                guard let result else { throw BuildError(.stage, "\(stage): the task of \(task.label) left no result") }
                return result
            }
        }
    }

    /// Runs work that is no task, as a stage of its own in the progress and the times.
    func measure<Value>(stage: String, tasks: Int, _ body: () throws -> Value) rethrows -> Value {
        let started = ContinuousClock.now
        observer(.stageStarted(stage: stage, tasks: tasks, bytes: 0))
        let value = try body()
        let seconds = (ContinuousClock.now - started).inSeconds
        tally.add(stage: stage, seconds: seconds, keys: [])
        observer(.stageFinished(stage: stage, seconds: seconds))
        return value
    }

    private func perform(_ task: BuildTask) throws -> TaskResult {
        if let known = records.result(of: task.key, in: objects) {
            tally.reuse()
            observer(.taskFinished(stage: task.stage, label: task.label, isReused: true, bytes: task.weight))
            return known
        }
        let folder = scratch.appending(task.key.digest.description)
        if FileTree.exists(folder) { try FileTree.remove(folder) }
        try FileTree.createFolders(folder)
        let scratch = TaskScratch(folder: folder, shouldStop: shouldStop)
        let facts = try task.body(scratch)
        var outputs: [String: ObjectReference] = [:]
        for name in try FileTree.names(in: folder) {
            outputs[name] = try objects.adopt(folder.appending(name), known: scratch.knownObject(name))
        }
        try FileTree.remove(folder)
        let result = TaskResult(outputs: outputs, facts: facts, isReused: false)
        if scratch.isRecorded { try records.store(result, for: task.key) } else { tally.noteUnrecorded() }
        observer(.taskFinished(stage: task.stage, label: task.label, isReused: false, bytes: task.weight))
        return result
    }
}

/// Counts what an executor did; shared by its threads.
final class ExecutionTally: Sendable {
    private struct State {
        var keys: Set<TaskKey> = []
        var reused = 0
        var isComplete = true
        var stages: [(stage: String, seconds: Double)] = []
    }

    private let state = Mutex(State())

    func add(stage: String, seconds: Double, keys: [TaskKey]) {
        state.withLock { state in
            state.keys.formUnion(keys)
            if let index = state.stages.firstIndex(where: { $0.stage == stage }) {
                state.stages[index].seconds += seconds
            } else {
                state.stages.append((stage, seconds))
            }
        }
    }

    func reuse() { state.withLock { $0.reused += 1 } }

    func noteUnrecorded() { state.withLock { $0.isComplete = false } }

    /// The tasks of the build, done now or before.
    var keys: Set<TaskKey> { state.withLock { $0.keys } }
    var reused: Int { state.withLock { $0.reused } }
    /// Whether every task could read what it was to read.
    var isComplete: Bool { state.withLock { $0.isComplete } }
    var stages: [(stage: String, seconds: Double)] { state.withLock { $0.stages } }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
