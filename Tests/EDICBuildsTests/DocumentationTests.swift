import EDICBuilds
import EDICStore
import SystemPackage
import Testing

/// The worked example of the documentation, compiled and run.
@Suite struct DocumentationTests {
    @Test func exampleReadsARecipeAndSaysWhatIsMissing() throws {
        let build = try Build(recipe: "Corpora/debian.yaml")
        #expect(build.recipe.name == "Debian at scale")
        #expect(build.folders.current.string.hasSuffix("Build/debian/current"))
        // Without `Tools/fetch` there is nothing to build, and the message says what to run. With it, being asked to stop
        // comes before any file is looked at.
        let error = #expect(throws: BuildError.self) {
            _ = try Build(recipe: "Corpora/debian.yaml", shouldStop: { true }).run()
        }
        let isFetched = FileTree.isFolder("Corpora/fetched")
        #expect(isFetched ? error?.code == .stopped : error?.message.contains("Tools/fetch corpora") == true)
    }
}
