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
              edic score --model Models/smollm2 sentences.txt | sort -n
              edic score --model Models/smollm2 --json sentences.txt
            """)

    @OptionGroup var choice: ModelOptions
    @OptionGroup var text: TextOptions

    @Flag(help: "Print a JSON object for each line, with the log-probability of each token.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func run() throws {
        let model = try CausalLanguageModel(
            path: choice.path, precision: choice.precision.precision, pool: work.pool)
        TouchedMemory.keep()
        Interruption.stopInOrder()
        try text.input.forEachBatch(lines: 1, verb: "scored") { lines in
            for line in lines.map(\.text) {
                // A line without tokens has no probability.
                let score = line.isEmpty ? nil : try model.score(line, shouldStop: { Interruption.shouldStop })
                Terminal.output(json ? Self.json(line, score) : Self.text(line, score))
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
