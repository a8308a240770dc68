import Glibc
import SystemPackage

/// Mutates files of every format and reads them: no crash, no hang, no row lost. Seeded, so that a failure can be run
/// again: `FuzzReaders SECONDS [FORMAT] [SEED]`.
@main struct FuzzReaders {
    static func main() throws {
        let arguments = CommandLine.arguments
        let seconds = arguments.count > 1 ? Int(arguments[1]) ?? 5 : 5
        let wanted = arguments.count > 2 ? arguments[2] : "all"
        let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
        let subjects = Subject.all.filter { wanted == "all" || wanted == $0.name }
        guard !subjects.isEmpty else {
            print("\(wanted): no such format; there are: \(Subject.all.map(\.name).joined(separator: " "))")
            exit(64)
        }
        // What a crash leaves here is the file that caused it.
        let folder = FilePath("/tmp/edic-fuzz-\(getpid())")
        guard folder.withPlatformString({ mkdir($0, 0o700) }) == 0 else {
            print("\(folder): cannot be made")
            exit(73)
        }
        print("Files are in \(folder).")
        var failures = 0
        for subject in subjects {
            failures += try subject.run(seconds: seconds, seed: seed, in: folder)
            fflush(nil)
        }
        exit(failures > 0 ? 1 : 0)
    }
}
