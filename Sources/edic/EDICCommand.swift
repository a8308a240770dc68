import ArgumentParser
import EDICBuilds
import Glibc

@main
struct EDICCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edic",
        abstract: "Checks, cleans, packs and models text corpora.",
        discussion: """
            EXAMPLES
              edic check my-contribution
              edic build Corpora/nightly.yaml
              echo "The harbour is open." | edic translate --model Models/en-pt

            Results go to standard output, progress and messages to standard error. Exit statuses follow sysexits.h.
            """,
        version: EDICVersion.current,
        subcommands: [BuildCommand.self])

    static func main() {
        Interruption.install()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error where ExitMapping.isOwn(error) {
            Terminal.errorLine("edic: \(ExitMapping.message(error))")
            Glibc.exit(ExitMapping.status(error).rawValue)
        } catch {
            exit(withError: error)
        }
    }
}
