import EDICStore
public import SystemPackage

/// Where a build keeps what it makes.
///
/// ```
/// OUTPUT/current                 link to the last complete release
/// OUTPUT/releases/ROOT/…         shards, tokens, models, manifest.json, report.html, report.json
/// OUTPUT/state/tasks, objects    finished tasks and their files
/// OUTPUT/state/scratch           files of running tasks; emptied when a build starts
/// OUTPUT/state/inputs.json       digests of the contributed files, by path and stamp
/// OUTPUT/state/last.json         what the last complete build was made of
/// OUTPUT/state/unflushed         there while files of the state may not be on disk
/// OUTPUT/state/lock              held while a build runs
/// ```
public struct BuildFolders: Sendable {
    /// The folder that all others are in.
    public let output: FilePath

    public init(output: FilePath) { self.output = output }

    /// The link to the last complete release.
    public var current: FilePath { output.appending("current") }
    var releases: FilePath { output.appending("releases") }
    var state: FilePath { output.appending("state") }
    var tasks: FilePath { state.appending("tasks") }
    var objects: FilePath { state.appending("objects") }
    var scratch: FilePath { state.appending("scratch") }
    var inputs: FilePath { state.appending("inputs.json") }
    var last: FilePath { state.appending("last.json") }
    var unflushed: FilePath { state.appending("unflushed") }
    var lock: FilePath { state.appending("lock") }

    func release(_ root: Digest) -> FilePath { releases.appending(Self.name(of: root)) }

    /// What `current` points to: relative, so that the output folder can be moved.
    func releaseLink(_ root: Digest) -> FilePath { FilePath("releases").appending(Self.name(of: root)) }

    private static func name(of root: Digest) -> String { String(root.description.prefix(16)) }
}
