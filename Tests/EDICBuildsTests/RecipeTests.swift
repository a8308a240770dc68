import Testing

@testable import EDICBuilds

@Suite struct RecipeTests {
    @Test func shownRecipeReadsBackAsItself() throws {
        var recipe = Recipe()
        recipe.name = "Nightly: the \"big\" one"
        recipe.contributions = ["a", "fetched/*"]
        recipe.shards.size = 64 << 20
        recipe.tokenizer.path = "tokenizer.json"
        recipe.filter.verifyLanguage = false
        recipe.ngram.heldOut = 0.1
        #expect(try Recipe(yaml: recipe.yaml, name: "shown") == recipe)
    }

    @Test func everyDefaultIsShown() {
        let shown = Recipe().yaml
        for setting in Recipe.settings {
            let word = setting.key.split(separator: ".").last.map(String.init) ?? ""
            #expect(shown.contains("\(word): "), "\(setting.key)")
        }
    }

    @Test(arguments: [
        ("shards:\n  sise: 1MiB\n", "r.yaml:2: shards.sise: there is no such setting; did you mean \"shards.size\"?"),
        ("workers: many\n", "r.yaml:1: workers: expected a whole number, 0 to 1024; found \"many\""),
        ("\ndeduplicate: fuzzy\n", "r.yaml:2: deduplicate: expected one of exact, none; found \"fuzzy\""),
        ("shards: 3\n", "r.yaml:1: shards: expected keys below it"),
        ("ngram: {order: 11}\n", "r.yaml:1: ngram.order: expected a whole number, 0 to 10; found \"11\""),
        ("- a\n", "r.yaml:1: expected keys with values, such as \"contributions: [minutes]\""),
    ])
    func mistakesAreNamedWithTheirLine(yaml: String, message: String) {
        let error = #expect(throws: BuildError.self) { try Recipe(yaml: yaml, name: "r.yaml") }
        #expect(error?.message == message)
    }

    @Test func sizesReadBack() {
        for size in [1, 1023, 1024, 3 << 20, 5 << 30] { #expect(ByteSize.parse(ByteSize.text(size)) == size) }
        #expect(ByteSize.parse("12 MiB") == 12 << 20)
        #expect(ByteSize.parse("-1KiB") == nil)
        #expect(ByteSize.parse("9999999999999GiB") == nil)
    }
}
