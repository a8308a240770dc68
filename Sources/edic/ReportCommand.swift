import ArgumentParser
import EDICBuilds
import EDICStore
import SystemPackage

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show the report of the last finished build.",
        discussion: """
            EXAMPLES
              edic report Corpora/nightly.yaml
              edic report Build/nightly --json | jq .totals
              edic report Build/nightly/releases/0f3a… --render
            """)

    @Argument(
        help: "The recipe, the output folder of its builds, or one of its releases.",
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String

    @Flag(help: "Print the report's numbers as JSON.")
    var json = false

    @Flag(help: "Write the page anew from the numbers, for instance with a newer version of this program.")
    var render = false

    func run() throws {
        let release = try release()
        let report = try ReportFile.read(release.appending(ReportFile.json))
        let page = release.appending(ReportFile.html)
        if render { _ = try writeAtomically(ReportPage(report).render(), to: page) }
        if json { Terminal.output(report.jsonText) } else { Terminal.report(summary(report, page: page)) }
    }

    /// The folder with the report that the user means.
    private func release() throws -> FilePath {
        let path = FilePath(path)
        guard let kind = FileTree.kind(of: path) else {
            throw CommandFailure(.noInput, "\(path): there is no such recipe or folder")
        }
        let folders: BuildFolders
        if kind == .folder {
            if FileTree.exists(path.appending(ReportFile.json)) { return path }
            folders = BuildFolders(output: path)
        } else {
            let recipe = try Recipe(contentsOf: path)
            folders = BuildFolders(
                output: path.removingLastComponent().pushing(FilePath(recipe.output)).lexicallyNormalized())
        }
        guard FileTree.exists(folders.current.appending(ReportFile.json)) else {
            throw CommandFailure(
                .noInput, "\(folders.output): there is no finished build; edic build makes one from a recipe")
        }
        return folders.current
    }

    private func summary(_ report: BuildReport, page: FilePath) -> String {
        let totals = report.totals
        let grouped = FigureText.grouped
        let lines = [
            ("Build", report.name),
            (
                "Contributions",
                "\(grouped(totals.contributions - totals.contributionsRejected)) taken, "
                    + "\(grouped(totals.contributionsRejected)) rejected"
            ),
            (
                "Kept",
                "\(grouped(totals.documents)) documents, \(grouped(totals.units)) translation units, "
                    + "\(grouped(totals.words)) words in \(report.languages.count) languages"
            ),
            ("Tokens", "\(grouped(totals.tokens)) (\(report.tokenizer.description))"),
            ("Outputs", FigureText.bytes(totals.outputBytes)),
            ("Time", FigureText.duration(report.run.seconds)),
            ("Root hash", report.rootHash),
            ("Report", page.string),
        ]
        return lines.map { "\($0.0.padding(to: 15))\($0.1)\n" }.joined()
    }
}
