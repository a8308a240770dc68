import ArgumentParser
import EDICJSON
import EDICNumerics
import EDICTransformers
import SystemPackage

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Say how probable each line is to a language model.",
        discussion: """
            Prints for each line its perplexity, the sum of its tokens' natural log-probabilities, the number of tokens \
            scored (the first has nothing before it) and the line, with tabs between. Lines of more tokens than the model \
            takes are named, have none scored ("error" says so with --json), and make the exit status 65.

            EXAMPLES
              edic score --model Models/smollm2-135m-instruct sentences.txt | sort -n
              edic score --model Models/smollm2-135m-instruct --json sentences.txt
            """)

    @OptionGroup var choice: ModelOptions
    @OptionGroup var text: TextOptions

    @Flag(help: "Print a JSON object for each line, with the log-probability of each token.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func run() throws {
        let pool = work.makePool()
        let model = try ModelMemory.opening {
            try CausalLanguageModel(path: choice.path, precision: choice.precision.precision, pool: pool)
        }
        Interruption.stopInOrder()
        let progress = LineProgress("scored")
        defer { progress.finish() }
        let workers = pool.workers
        let longest = model.contextLength ?? .max
        var unscored = 0
        try text.input.forEachBatch(lines: 16 * workers...128 * workers, verb: "scored") { texts, places in
            // A line without tokens has no probability, nor has one that is too long.
            let lines = texts.map { text in
                Line(text, tokens: text.isEmpty ? [] : model.tokens(of: text), longest: longest)
            }
            let scores = try model.score(
                tokens: lines.map(\.tokens).filter { !$0.isEmpty }, shouldStop: { Interruption.shouldStop })
            var left = scores[...]
            let output = lines.map { line in
                let score = line.tokens.isEmpty ? nil : left.popFirst()
                return json ? Self.json(line, score) : Self.text(line.text, score)
            }
            progress.finish()
            Terminal.output(output.joined())
            for (index, line) in lines.enumerated() {
                guard let problem = line.problem else { continue }
                unscored += 1
                Terminal.warn("\(places.name(of: index)): \(problem)")
            }
            progress.add(output.count)
            progress.show(0)
        }
        if unscored > 0 {
            let lines = unscored == 1 ? "1 line is" : "\(unscored) lines are"
            throw CommandFailure(.badData, "\(lines) not scored, longer than the model's context of \(longest) tokens")
        }
    }

    /// A line with what is scored of it.
    private struct Line {
        let text: String
        /// None where there is nothing to score, or more than the model takes.
        let tokens: [Int]
        /// Why it is not scored.
        let problem: String?

        init(_ text: String, tokens: [Int], longest: Int) {
            self.text = text
            let fits = tokens.count <= longest
            self.tokens = fits ? tokens : []
            problem =
                fits
                ? nil
                : "has \(tokens.count) tokens, more than the \(longest) of the model's context; cut it into several lines"
        }
    }

    private static func text(_ line: String, _ score: TextScore?) -> String {
        let perplexity = Decimals.fixed(score?.perplexity ?? .nan, 4)
        let total = Decimals.fixed(score?.total ?? 0, 4)
        return "\(perplexity)\t\(total)\t\(score?.logProbabilities.count ?? 0)\t\(line)\n"
    }

    private static func json(_ line: Line, _ score: TextScore?) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", line.text)
        if let problem = line.problem { writer.member("error", problem) }
        writer.member("perplexity", score?.perplexity ?? .nan)
        writer.member("log_probability", score?.total ?? 0)
        writer.key("tokens")
        writer.beginArray()
        for token in score?.tokens ?? [] { writer.value(token) }
        writer.endArray()
        writer.key("log_probabilities")
        writer.beginArray()
        for value in score?.logProbabilities ?? [] { writer.value(value) }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
