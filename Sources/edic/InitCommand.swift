import ArgumentParser
import EDICCorpora
import SystemPackage

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Start a contribution: a manifest to fill in.",
        discussion: """
            Makes the folder if it is not there, and a contribution.yaml in it that explains every key. Files that are in \
            the folder already are entered with their formats.

            EXAMPLES
              edic init my-contribution
              edic init my-contribution && edic check my-contribution
            """)

    @Argument(help: "The contribution's folder.", completion: .directory)
    var folder: String

    func run() throws {
        let manifest = try Contribution.scaffold(in: FilePath(folder))
        Terminal.outputLine(manifest.string)
        Terminal.errorLine("Fill it in, then: edic check \(folder)")
    }
}
