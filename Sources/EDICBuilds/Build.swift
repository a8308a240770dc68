import EDICCorpora
import EDICNumerics
import EDICStore
public import SystemPackage

/// A nightly build: from the contributions that a recipe names to a release with a report.
///
/// ```swift
/// let build = try Build(recipe: "Corpora/nightly.yaml")
/// let outcome = try build.run()
/// print(outcome.rootHash, outcome.release)
/// ```
///
/// The outputs depend on the recipe, the contributions and the version of the toolkit only. Work is kept under the
/// output folder: a second run does what changed, a killed one goes on where it was.
public struct Build: Sendable {
    /// What the build is to do.
    public let recipe: Recipe
    /// Paths in the recipe are relative to this folder.
    public let base: FilePath
    /// Where it keeps what it makes.
    public let folders: BuildFolders
    private let observer: BuildObserver
    private let shouldStop: @Sendable () -> Bool

    /// A build of the recipe in a file.
    public init(
        recipe path: FilePath, observer: @escaping BuildObserver = { _ in },
        shouldStop: @escaping @Sendable () -> Bool = { false }
    ) throws(BuildError) {
        self.init(
            recipe: try Recipe(contentsOf: path), base: path.removingLastComponent(), observer: observer,
            shouldStop: shouldStop)
    }

    /// - Parameters:
    ///   - observer: receives progress and notices, from any thread.
    ///   - shouldStop: asked often; when it says true the build ends with ``BuildError/Code/stopped``.
    public init(
        recipe: Recipe, base: FilePath, observer: @escaping BuildObserver = { _ in },
        shouldStop: @escaping @Sendable () -> Bool = { false }
    ) {
        self.recipe = recipe
        self.base = base
        folders = BuildFolders(output: base.pushing(FilePath(recipe.output)).lexicallyNormalized())
        self.observer = observer
        self.shouldStop = shouldStop
    }

    /// What a build ended with.
    public struct Outcome: Sendable {
        /// What the build found out.
        public var report: BuildReport
        /// The folder of the release.
        public var release: FilePath
        /// Nothing had changed since the last build, so nothing was done.
        public var isUnchanged: Bool

        /// SHA-256 over all outputs, as 64 hexadecimal digits.
        public var rootHash: String { report.rootHash }
        /// The report for people, an HTML page.
        public var reportPage: FilePath { release.appending(ReportFile.html) }
    }

    /// Runs the build.
    ///
    /// - Throws: ``BuildError``, or the error of the module that failed. Broken contributions are no errors: they are in
    ///   the report and the build goes on.
    public func run() throws -> Outcome {
        let started = ContinuousClock.now
        try FileTree.createFolders(folders.state)
        let lock = try BuildLock(folders.lock)
        let outcome = try runAlone(started: started)
        lock.release()
        return outcome
    }

    private func runAlone(started: ContinuousClock.Instant) throws -> Outcome {
        let contributions = try contributionFolders()
        if shouldStop() { throw BuildError.stopped }
        let fingerprint = try fingerprint(of: contributions)
        if let last = LastBuild.read(folders.last), last.fingerprint == fingerprint,
            let outcome = try? unchangedOutcome(last)
        {
            return outcome
        }

        let mark = FlushMark(folders.unflushed)
        if mark.tellsOfLoss { try ObjectStore(folder: folders.objects).removeDamaged() }
        try mark.set()
        try FileTree.remove(folders.scratch)
        try FileTree.createFolders(folders.scratch)
        let pool = WorkerPool(workers: recipe.workers == 0 ? Processors.available : recipe.workers)
        let executor = LocalExecutor(
            records: TaskRecords(folder: folders.tasks), objects: ObjectStore(folder: folders.objects),
            scratch: folders.scratch, pool: pool, shouldStop: shouldStop, observer: observer)
        var pipeline = Pipeline(recipe: recipe, base: base, executor: executor)
        let digests = InputDigests(folders.inputs)
        pipeline.plan = try executor.measure(stage: "check", tasks: contributions.count) {
            try BuildPlan.make(folders: contributions, digests: digests, pool: pool, shouldStop: shouldStop)
        }
        try digests.save(keeping: pipeline.plan.paths)
        try pipeline.run()

        var report = pipeline.report()
        try Self.checkBalance(report)
        let last = try? ReportFile.read(folders.current.appending(ReportFile.json))
        report.changes = last.map { report.changes(since: $0) }
        report.run = Self.run(executor, started: started)
        try FileTree.flushFileSystem(holding: folders.state)
        try mark.clear()
        let release = try pipeline.release.publish(report, in: folders, objects: executor.objects)
        if pipeline.plan.isComplete && executor.tally.isComplete {
            try LastBuild(fingerprint: fingerprint, root: report.rootHash).write(folders.last)
        } else {
            // What could not be read this time may be readable the next time, whatever its stamp.
            try FileTree.remove(folders.last)
        }
        try Housekeeping(folders: folders).removeWhatNothingNeeds(
            keeping: executor.tally.keys, release: pipeline.release)
        return Outcome(report: report, release: release, isUnchanged: false)
    }

    private func unchangedOutcome(_ last: LastBuild) throws -> Outcome? {
        guard let root = Digest(hex: last.root) else { return nil }
        let release = folders.release(root)
        var report = try ReportFile.read(release.appending(ReportFile.json))
        guard report.rootHash == last.root else { return nil }
        report.run.tasksReused = report.run.tasks
        return Outcome(report: report, release: release, isUnchanged: true)
    }

    /// The folders with a manifest that the recipe's patterns match, in the order of their paths.
    private func contributionFolders() throws -> [FilePath] {
        var folders: Set<FilePath> = []
        for pattern in recipe.contributions {
            let path = base.pushing(FilePath(pattern)).lexicallyNormalized()
            guard let last = path.lastComponent?.string, last.contains(where: { $0 == "*" || $0 == "?" }) else {
                guard FileTree.isFolder(path) else {
                    throw BuildError(
                        .missingInput, "\(path): the recipe names this contribution and there is no such folder")
                }
                folders.insert(path)
                continue
            }
            // A pattern alone is about the folder this runs in.
            let parent = path.components.count > 1 || path.isAbsolute ? path.removingLastComponent() : "."
            guard FileTree.isFolder(parent) else {
                throw BuildError(
                    .missingInput,
                    "\(parent): the recipe looks for contributions here and there is no such folder"
                        + (parent.string.hasSuffix("fetched") ? "; `Tools/fetch corpora` brings them" : ""))
            }
            let matcher = PathPattern(last)
            // Hidden folders are what somebody is still copying there.
            for name in try FileTree.entries(in: parent)
            where !name.string.hasPrefix(".") && matcher.match(name.string) != nil {
                let folder = parent.appending(name).lexicallyNormalized()
                if Contribution.isClaimed(by: folder) { folders.insert(folder) }
            }
        }
        guard !folders.isEmpty else {
            throw BuildError(
                .missingInput,
                "\(base): no contribution matches \(recipe.contributions.joined(separator: ", ")); a contribution is a folder "
                    + "with a \(ContributionManifest.fileName) (start one with `edic init`)")
        }
        // By bytes: names that look alike are in one order, too.
        return folders.sorted { $0.string.utf8.lexicographicallyPrecedes($1.string.utf8) }
    }

    /// Names the recipe, the toolkit and every input file by its stamp: equal fingerprints mean that nothing can have
    /// changed. Costs one look at each file, without reading any.
    private func fingerprint(of contributions: [FilePath]) throws -> String {
        var builder = Digest.Builder()
        for value in [EDICVersion.current] + recipe.productValues { builder.update(value + "\n") }
        for folder in contributions {
            if shouldStop() { throw BuildError.stopped }
            // What cannot be looked at stops no build: its plan says what it is.
            let contents = try? FileTree.contents(of: folder)
            for path in (contents?.files ?? []) + (contents?.others ?? []) {
                builder.update(Self.line(of: path, try? FileTree.stamp(of: path)))
            }
        }
        var paths = TokenizerStage.inputFiles(recipe, base: base)
        if recipe.models.sample > 0 {
            let models = base.pushing(FilePath(recipe.models.path)).lexicallyNormalized()
            paths += (try? FileTree.files(under: models)) ?? []
        }
        for path in paths { builder.update(Self.line(of: path, try FileTree.stamp(of: path))) }
        return builder.finalize().description
    }

    private static func line(of path: FilePath, _ stamp: FileStamp?) -> String {
        guard let stamp else { return "\(path)\n" }
        return "\(path) \(stamp.size) \(stamp.modified) \(stamp.changed) \(stamp.inode)\n"
    }

    private static func checkBalance(_ report: BuildReport) throws(BuildError) {
        guard let loss = RowBalance(report).loss else { return }
        throw BuildError(
            .unbalanced,
            "\(loss); rows are lost, so nothing is published. This is a defect of the toolkit: please report it")
    }

    private static func run(_ executor: LocalExecutor, started: ContinuousClock.Instant) -> BuildReport.Run {
        var run = BuildReport.Run()
        run.workers = executor.pool.workers
        run.tasks = executor.tally.keys.count
        run.tasksReused = executor.tally.reused
        run.stages = executor.tally.stages.map { .init(stage: $0.stage, seconds: $0.seconds) }
        run.seconds = (ContinuousClock.now - started).inSeconds
        run.peakMemory = ProcessMemory.peak
        return run
    }
}
