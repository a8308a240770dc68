import ArgumentParser

@main
struct EDICCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edic",
        abstract: "Checks, cleans, packs and models text corpora.",
        version: "0.1.0")
}
