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
            scored (the first has nothing before it) and the line, with tabs between.

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
        try text.input.forEachBatch(lines: 16 * workers...128 * workers, verb: "scored") { texts, places in
            // A line without tokens has no probability.
            let tokens = texts.map { $0.isEmpty ? [] : model.tokens(of: $0) }
            let longest = model.contextLength ?? .max
            let tooLong = tokens.firstIndex { $0.count > longest }
            let fitting = tokens[..<(tooLong ?? tokens.count)]
            let scores = try model.score(
                tokens: fitting.filter { !$0.isEmpty }, shouldStop: { Interruption.shouldStop })
            var left = scores[...]
            let output = zip(texts, fitting).map { text, tokens in
                let score = tokens.isEmpty ? nil : left.popFirst()
                return json ? Self.json(text, score) : Self.text(text, score)
            }
            progress.finish()
            Terminal.output(output.joined())
            progress.add(output.count)
            progress.show(0)
            if let tooLong {
                throw CommandFailure(
                    .badData,
                    "\(places.name(of: tooLong)): has \(tokens[tooLong].count) tokens, more than the \(longest) of the model's "
                        + "context; cut it into several lines")
            }
        }
    }

    private static func text(_ line: String, _ score: TextScore?) -> String {
        let perplexity = Decimals.fixed(score?.perplexity ?? .nan, 4)
        let total = Decimals.fixed(score?.total ?? 0, 4)
        return "\(perplexity)\t\(total)\t\(score?.logProbabilities.count ?? 0)\t\(line)\n"
    }

    private static func json(_ line: String, _ score: TextScore?) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", line)
        writer.member("perplexity", score?.perplexity ?? .nan)
        writer.member("log_probability", score?.total ?? 0)
        writer.key("tokens")
        writer.beginArray()
        for token in score?.tokens ?? [] { writer.value(token) }
        writer.endArray()
        writer.key("log_probabilities")
        writer.beginArray()
        for value in score?.logProbabilities ?? [] { writer.value(Decimals.shortest(value)) }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
