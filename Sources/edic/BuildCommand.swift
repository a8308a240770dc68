import ArgumentParser
import EDICBuilds
import SystemPackage

struct BuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Run a recipe: from contributions to shards, tokens, models and a report.",
        discussion: """
            A second run does only what depends on what changed; a run that was stopped or killed goes on where it was. \
            The last finished build stays readable under OUTPUT/current until the new one is complete.

            EXAMPLES
              edic build Corpora/nightly.yaml
              edic build Corpora/nightly.yaml --workers 8 --json
              edic build --show-recipe Corpora/nightly.yaml
              edic build --show-recipe > my-recipe.yaml
            """)

    @Argument(help: "The recipe, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Flag(help: "Print the recipe with every default and what each setting means, and stop.")
    var showRecipe = false

    @Option(help: "Tasks at once; 0 is one a core. The outputs do not depend on it.")
    var workers: Int?

    @Option(help: "Where to keep state and releases, instead of what the recipe says.", completion: .directory)
    var output: String?

    @Flag(help: "Print the whole report as JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "No progress, only the summary.")
    var quiet = false

    func validate() throws {
        if recipe == nil && !showRecipe { throw ValidationError("give a recipe, such as Corpora/nightly.yaml") }
        if let workers { try WorkerOptions.check(workers) }
    }

    func run() throws {
        var settings = try recipe.map { try Recipe(contentsOf: FilePath($0)) } ?? Recipe()
        if let workers { settings.workers = workers }
        guard let recipe, !showRecipe else {
            Terminal.output(settings.yaml)
            return
        }
        let folder = FilePath(recipe).removingLastComponent()
        if let output {
            // Given on the command line, so relative to where the user is, not to the recipe.
            settings.output = FilePath.absolute(output).string
        }
        let progress = ProgressDisplay(isQuiet: quiet || json)
        let build = Build(
            recipe: settings, base: folder, observer: { progress.show($0) },
            shouldStop: { Interruption.shouldStop })
        if !quiet && !json { Terminal.errorLine("\(settings.name): building into \(build.folders.output)") }
        defer { progress.finish() }
        let outcome = try build.run()
        progress.finish()
        if json {
            Terminal.output(outcome.report.jsonText)
        } else {
            Terminal.report(BuildSummary(outcome).text)
        }
    }
}
