import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Guessed tokens change when a text comes, and nothing else.
@Suite struct PromptLookupTests {
    @Test func whatFollowedBeforeIsGuessed() {
        var lookup = PromptLookup([7, 1, 2, 3, 4, 5, 6, 1, 2], longest: 7)
        #expect(lookup.draft(atMost: 9).isEmpty)
        lookup.append(3)
        #expect(lookup.draft(atMost: 9) == [4, 5, 6])
        #expect(lookup.draft(atMost: 2) == [4, 5])
        #expect(lookup.draft(atMost: 0).isEmpty)
        // The latest place counts.
        for token in [8, 9, 1, 2, 3] { lookup.append(token) }
        #expect(lookup.draft(atMost: 9) == [8, 9, 1])
    }

    @Test func repetitionsGoOn() {
        #expect(PromptLookup([1, 1, 1, 1], longest: 7).draft(atMost: 9) == [1, 1, 1])
        #expect(PromptLookup([5, 1, 2, 1, 2, 1], longest: 7).draft(atMost: 9) == [2, 1, 2])
    }

    @Test(arguments: 0...3) func shortTextsSayNothing(_ count: Int) {
        #expect(PromptLookup(Array(repeating: 1, count: count), longest: 7).draft(atMost: 9).isEmpty)
    }

    @Test func rightGuessesBecomeLongerAndWrongOnesRarer() {
        // Five tokens in a row occur twice, behind different ones.
        var lookup = PromptLookup([9, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 8, 1, 2, 3, 4, 5], longest: 7)
        let draft = lookup.draft(atMost: 9)
        #expect(draft == [6, 6, 6])
        lookup.learn(from: draft, right: 3)
        #expect(lookup.draft(atMost: 9).count == 7)
        lookup.learn(from: draft, right: 1)
        #expect(lookup.draft(atMost: 9) == draft)
        for _ in 0..<2 { lookup.learn(from: draft, right: 0) }
        #expect(lookup.draft(atMost: 9) == draft)
        lookup.learn(from: draft, right: 0)
        #expect(lookup.draft(atMost: 9).isEmpty)
        lookup.learn(from: [], right: 0)
        lookup.learn(from: draft, right: 1)
        #expect(lookup.draft(atMost: 9) == draft)
    }
}

/// Reads a text with some of its tokens guessed right and others wrong, and without guesses: every score is the same, to the
/// last bit.
private func expectGuessesChangeNothing(_ network: any CausalNetwork, _ tokens: [Int], from start: Int) {
    for storage in [AttentionStorage.floats, .halves, .words] {
        var single = Session(network: network, compute: Compute(), storage: storage)
        var drafted = single
        _ = single.read(Array(tokens.prefix(start)))
        _ = drafted.read(Array(tokens.prefix(start)))
        var place = start
        for (right, wrong) in [(0, 3), (3, 0), (2, 5), (7, 0), (0, 1), (20, 9), (0, 17), (1, 0)] {
            let guesses = tokens[(place + 1)...].prefix(right) + tokens.prefix(wrong).map { $0 ^ 1 }
            let scores = drafted.read(tokens[place], draft: Array(guesses))
            for row in 0...right {
                #expect(scores.row(row) == single.read([tokens[place + row]]).values, "\(storage), \(place), \(row)")
            }
            drafted.removeLast(wrong)
            place += right + 1
        }
        #expect(drafted.past == single.past)
    }
}

@Suite struct GuessedTokenTests {
    /// Also where positions depend on the length of the text, and where tokens see a window.
    @Test(arguments: [
        "", #""rope_scaling": {"rope_type": "dynamic", "factor": 4.0}"#, #""sliding_window": 5"#,
    ])
    func guessesAreReadAsIfOneByOne(_ settings: String) throws {
        let isWindowed = settings.contains("window")
        let network = try MadeUpDecoder(isWindowed ? "mistral" : "llama", layers: 2).network(settings)
        expectGuessesChangeNothing(network, (0..<100).map { (7 * $0 * $0 + $0 + 3) % 20 }, from: 50)
    }
}

@Suite(.enabled(if: SharedData.isPresent))
struct DraftedGenerationTests {
    @Test(arguments: DecoderFamilyTests.cases)
    func guessesAreReadAsIfOneByOne(_ name: String) throws {
        let golden = try Golden(name)
        expectGuessesChangeNothing(try DecoderFamilyTests.network(golden), golden.tokens("long_ids"), from: 3)
    }

    /// - Returns: what was generated, and how often layers were asked for.
    private func generated(
        by model: CausalLanguageModel, after prompt: [Int], prefix: PromptPrefix? = nil, _ options: GenerationOptions
    ) throws -> (generation: Generation, layers: Int) {
        let asker = Asker()
        let generation = try model.generate(
            tokens: prompt, after: prefix, options: options, shouldStop: asker.shouldStop)
        return (generation, asker.asked)
    }

    static let models =
        ["llama/gqa", "mistral-window", "gpt2", "apertus"]
        + PublishedModelTests.ggufTypes.map { "gguf/tiny-\($0).gguf" }

    @Test(arguments: models, [Precision.asPublished, .int8])
    func generationsAreTheSame(_ name: String, _ precision: Precision) throws {
        let model = try CausalLanguageModel(
            path: FilePath(SharedData.path("goldens/" + name)), precision: precision, pool: WorkerPool(workers: 2))
        let period = [5, 9, 17, 2, 30, 11, 4].map { $0 % model.vocabularySize }
        let prompt = Array([period, period, period].joined())
        var saved = 0
        for temperature: Float in [0, 0.8] {
            // A penalty below 1 makes a text that repeats itself.
            for (penalty, limit) in [(Float(1), 20), (0.1, 24)] {
                var options = GenerationOptions(
                    maximumTokens: limit, temperature: temperature, repetitionPenalty: penalty, seed: 11,
                    ignoresEndOfText: true, draftsTokens: false)
                let plain = try generated(by: model, after: prompt, options)
                options.draftsTokens = true
                let prefix = try model.read(tokens: Array(prompt.prefix(9)))
                for prefix in [nil, prefix] {
                    let drafted = try generated(by: model, after: prompt, prefix: prefix, options)
                    #expect(drafted.generation == plain.generation)
                    if prefix == nil { saved += plain.layers - drafted.layers }
                }
            }
        }
        #expect(saved > 0)
    }

    /// To the end of the context, behind which nothing is read: here positions are learnt, and there are no more.
    @Test func contextsEndInGuesses() throws {
        let model = try CausalLanguageModel(path: FilePath(SharedData.path("goldens/gpt2")), pool: nil)
        let context = try #require(model.contextLength)
        // Guesses meet the end at each of their places.
        for more in 0..<4 {
            let prompt = Array([[5, 9, 17], [5, 9, 17], Array(20..<20 + more)].joined())
            var options = GenerationOptions(
                maximumTokens: .max, repetitionPenalty: 0.1, ignoresEndOfText: true, draftsTokens: false)
            let plain = try generated(by: model, after: prompt, options)
            options.draftsTokens = true
            let drafted = try generated(by: model, after: prompt, options)
            #expect(drafted.generation == plain.generation && drafted.layers < plain.layers)
            #expect(plain.generation.tokens.count == context - prompt.count && plain.generation.end == .length)
        }
    }
}

/// What ends a text within guesses that are right.
@Suite(.enabled(if: SharedData.isPresent))
struct EndsInGuessesTests {
    private static let plain = GenerationOptions(maximumTokens: 40, draftsTokens: false)
    private static let drafting = GenerationOptions(maximumTokens: 40)

    /// Four tokens a step, and with int8 eight once guesses are right; an end in them counts for nothing where none is wanted.
    @Test(arguments: [(Precision.asPublished, 29), (.int8, 33)])
    func mostStepsAreSaved(_ precision: Precision, _ steps: Int) throws {
        try withFolder { folder in
            let model = try CountingModel.open(in: folder, ends: [38], precision: precision)
            let asked = try [Self.plain, Self.drafting].map { options in
                var options = options
                options.ignoresEndOfText = true
                let asker = Asker()
                let found = try model.generate(
                    tokens: CountingModel.prompt, options: options, shouldStop: asker.shouldStop)
                #expect(found.tokens == (0..<40).map { 35 + $0 % 7 })
                return asker.asked
            }
            // The only layer asks once a step.
            #expect(asked[0] - asked[1] == steps)
        }
    }

    @Test(arguments: 0..<7) func textsEndAtTheFirstEnd(_ place: Int) throws {
        try withFolder { folder in
            let model = try CountingModel.open(in: folder, ends: [35 + place, 3])
            for options in [Self.plain, Self.drafting] {
                let found = try model.generate(tokens: CountingModel.prompt, options: options)
                #expect(found.end == .endOfText && found.tokens == Array(35..<35 + place))
                var all = options
                all.ignoresEndOfText = true
                let whole = try model.generate(tokens: CountingModel.prompt, options: all)
                #expect(whole.end == .length && whole.tokens.count == 40)
            }
        }
    }

    @Test func limitsHold() throws {
        try withFolder { folder in
            let model = try CountingModel.open(in: folder, ends: [], context: 30)
            for limit in 0...20 {
                var options = Self.drafting
                options.maximumTokens = limit
                let found = try model.generate(tokens: CountingModel.prompt, options: options)
                #expect(found.tokens == (0..<min(limit, 16)).map { 35 + $0 % 7 } && found.end == .length)
            }
        }
    }

    /// Stop strings, and a reader who wants no more.
    @Test func textsEndWhereTheyShould() throws {
        try withFolder { folder in
            let model = try CountingModel.open(in: folder, ends: [])
            let whole = Array(try model.generate(tokens: CountingModel.prompt, options: Self.plain).text)
            #expect(whole.count > 20)
            for start in 0..<whole.count / 2 {
                for length in [1, 3] {
                    var (plain, drafting) = (Self.plain, Self.drafting)
                    plain.stopStrings = [String(whole[start..<start + length])]
                    drafting.stopStrings = plain.stopStrings
                    let expected = try model.generate(tokens: CountingModel.prompt, options: plain)
                    #expect(expected.end == .stopString(plain.stopStrings[0]))
                    #expect(try model.generate(tokens: CountingModel.prompt, options: drafting) == expected)
                }
            }
            for wanted in 1...12 {
                let results = try [Self.plain, Self.drafting].map { options in
                    var calls = 0
                    return try model.generate(tokens: CountingModel.prompt, options: options) { _ in
                        calls += 1
                        return calls < wanted
                    }
                }
                #expect(results[0] == results[1] && results[0].end == .stopped)
            }
        }
    }
}
