import ArgumentParser
import EDICNumerics

/// How many threads a command uses.
struct WorkerOptions: ParsableArguments {
    @Option(help: "Threads; 0 is one a core. The results do not depend on it.")
    var workers = 0

    func validate() throws {
        try Self.check(workers)
    }

    /// More threads than this take their time to start and give nothing.
    static func check(_ workers: Int) throws {
        if !(0...1024).contains(workers) { throw ValidationError("--workers is 0 to 1024") }
    }

    /// The threads, new ones where a number is given: ask once.
    func makePool() -> WorkerPool { workers == 0 ? .shared : WorkerPool(workers: workers) }
}
