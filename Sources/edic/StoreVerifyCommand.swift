import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICStore
import SystemPackage

struct StoreVerifyCommand: ParsableCommand, StopsInOrder {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every byte of shards against their checksums.",
        discussion: """
            Damage is named with the file, the part and its bytes. A folder stands for the shards in it; in the folder of \
            a release, every file is compared with the manifest. The exit status is 65 when there is any damage.

            EXAMPLES
              edic store verify minutes.jsonl.zst
              edic store verify --json documents/*/*.zst
              edic store verify Build/nightly/current
            """)

    @Argument(help: "Shards, or folders with shards.", completion: .file())
    var shards: [String]

    @Flag(help: "Print a JSON object for each shard, and one for each release.")
    var json = false

    func run() throws {
        var isSound = true
        for path in shards {
            let file = FilePath(path)
            if FileTree.isFolder(file) {
                isSound = try verify(folder: file) && isSound
            } else {
                isSound = try verify(shard: path) && isSound
            }
        }
        guard isSound else { throw ExitCode(ExitStatus.badData.rawValue) }
    }

    private func verify(folder: FilePath) throws -> Bool {
        if ReleaseVerification.isRelease(folder) { return try verify(release: folder) }
        let shards = try FileTree.files(under: folder).map(\.string).filter { $0.hasSuffix(".zst") }
        guard !shards.isEmpty else {
            throw CommandFailure(.noInput, "\(folder): holds no shard, which is a file whose name ends in .zst")
        }
        var isSound = true
        for shard in shards { isSound = try verify(shard: shard) && isSound }
        return isSound
    }

    private func verify(release folder: FilePath) throws -> Bool {
        let check = try ReleaseVerification(of: folder) { _ in !Interruption.shouldStop }
        if !check.isComplete { throw Self.stopped }
        for problem in check.problems {
            if !json { Terminal.report(problem.message) }
            // A shard knows which of its bytes are wrong.
            let path = folder.pushing(FilePath(problem.path))
            if problem.path.hasSuffix(".zst"), FileTree.exists(path) { _ = try? verify(shard: path.string) }
        }
        if json { Terminal.output(Self.json(folder, check)) } else { Terminal.report(Self.text(folder, check)) }
        return check.isSound
    }

    private func verify(shard path: String) throws -> Bool {
        let check = try ShardVerification(of: FilePath(path)) { _, _ in !Interruption.shouldStop }
        if Interruption.shouldStop { throw Self.stopped }
        if json { Terminal.output(Self.json(path, check)) } else { Terminal.report(Self.text(path, check)) }
        return check.isSound
    }

    private static let stopped = CommandFailure(.interrupted, "stopped before everything was checked")

    private static func text(_ folder: FilePath, _ check: ReleaseVerification) -> String {
        let size = "files \(FigureText.grouped(check.files)), \(FigureText.bytes(check.bytes))"
        return check.isSound
            ? "\(folder): sound; \(size), root hash \(check.rootHash)\n"
            : "\(folder): damaged; \(size), of which wrong \(FigureText.grouped(check.problems.count))\n"
    }

    private static func text(_ path: String, _ check: ShardVerification) -> String {
        guard !check.isSound else {
            return "\(path): sound; rows \(FigureText.grouped(check.itemCount)), "
                + "frames \(FigureText.grouped(check.soundFrames))\n"
        }
        return check.problems.map { "\($0.message)\n" }.joined()
            + "\(path): damaged; sound frames \(FigureText.grouped(check.soundFrames))\n"
    }

    private static func json(_ folder: FilePath, _ check: ReleaseVerification) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("release", folder.string)
        writer.member("sound", check.isSound)
        writer.member("root_hash", check.rootHash)
        writer.member("files", check.files)
        writer.member("bytes", check.bytes)
        writer.key("problems")
        writer.beginArray()
        for problem in check.problems {
            writer.beginObject()
            writer.member("file", problem.path)
            writer.member("message", problem.message)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }

    private static func json(_ path: String, _ check: ShardVerification) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("file", path)
        writer.member("sound", check.isSound)
        writer.member("complete", check.isComplete)
        writer.member("items", check.itemCount)
        writer.member("sound_frames", check.soundFrames)
        writer.key("problems")
        writer.beginArray()
        for problem in check.problems {
            writer.beginObject()
            writer.member("message", problem.message)
            if let bytes = problem.bytes {
                writer.member("first_byte", bytes.lowerBound)
                writer.member("end_byte", bytes.upperBound)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
