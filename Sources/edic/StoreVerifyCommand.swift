import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICStore
import SystemPackage

struct StoreVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every byte of shards against their checksums.",
        discussion: """
            Damage is named with the file, the part and its bytes. The exit status is 65 when there is any.

            EXAMPLES
              edic store verify minutes.jsonl.zst
              edic store verify --json documents/*/*.zst
            """)

    @Argument(help: "Shards.", completion: .file())
    var shards: [String]

    @Flag(help: "Print a JSON object for each shard.")
    var json = false

    func run() throws {
        var isSound = true
        for path in shards {
            let check = try ShardVerification(of: FilePath(path))
            isSound = isSound && check.isSound
            Terminal.output(json ? Self.json(path, check) : Self.text(path, check))
        }
        guard isSound else { throw ExitCode(ExitStatus.badData.rawValue) }
    }

    private static func text(_ path: String, _ check: ShardVerification) -> String {
        guard !check.isSound else {
            return "\(path): sound; rows \(NumberFormat.grouped(check.itemCount)), "
                + "frames \(NumberFormat.grouped(check.soundFrames))\n"
        }
        return check.problems.map { "\($0.message)\n" }.joined()
            + "\(path): damaged; sound frames \(NumberFormat.grouped(check.soundFrames))\n"
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
