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
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Corpora",
                subcommands: [
                    InitCommand.self, CheckCommand.self, BuildCommand.self, ReportCommand.self, StoreCommand.self,
                ]),
            CommandGroup(name: "Text", subcommands: [IdentifyCommand.self, TokenizerCommand.self, LMCommand.self]),
            CommandGroup(
                name: "Models",
                subcommands: [
                    TranslateCommand.self, GenerateCommand.self, ScoreCommand.self, EmbedCommand.self,
                    ServeCommand.self, ModelCommand.self, BenchCommand.self,
                ]),
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            Interruption.install(stopsInOrder: command is any StopsInOrder)
            try command.run()
        } catch let error where ExitMapping.isOwn(error) {
            Terminal.errorLine("edic: \(ExitMapping.message(error))")
            let status = ExitMapping.status(error)
            Glibc.exit(status == .interrupted && Interruption.shouldStop ? Interruption.exitStatus : status.rawValue)
        } catch {
            let code = exitCode(for: error)
            if code.isSuccess { exit(withError: error) }
            // Of the command line, that is: a part of it may be the name of a file.
            let message = fullMessage(for: error)
            if !message.isEmpty { Terminal.errorLines(message) }
            Glibc.exit(code.rawValue)
        }
    }
}
