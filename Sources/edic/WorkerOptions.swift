import ArgumentParser
import EDICNumerics

/// How many threads a command uses.
struct WorkerOptions: ParsableArguments {
    @Option(help: "Threads; 0 is one a core. The results do not depend on it.")
    var workers = 0

    func validate() throws {
        if workers < 0 { throw ValidationError("--workers is 0 or more") }
    }

    var pool: WorkerPool { workers == 0 ? .shared : WorkerPool(workers: workers) }
}
