import ArgumentParser
import EDICJSON
import EDICNgram
import EDICNumerics
import SystemPackage

struct LMQueryCommand: ParsableCommand {
    enum Detail: String, ExpressibleByArgument, CaseIterable { case word, sentence, summary }

    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Score each line.",
        discussion: """
            Prints what KenLM's query prints: for each word its id, how many words of the n-gram were known and the \
            base-10 logarithm of its probability, then the sum and the unknown words; at the end the perplexity of all.

            EXAMPLES
              echo "guten Tag" | edic lm query --model de.edlm
              edic lm query --model de.arpa.gz --show summary held-out.txt
              edic lm query --model de.edlm --json held-out.txt
            """)

    @Option(name: .shortAndLong, help: "The model: ARPA, a KenLM binary or .edlm.", completion: .file())
    var model: String

    @OptionGroup var text: TextOptions

    @Option(help: "word, sentence or summary: how much to print.")
    var show = Detail.word

    @Flag(inversion: .prefixedNo, help: "Put each line between <s> and </s>.")
    var boundaries = true

    @Flag(help: "Print a JSON object for each line.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func run() throws {
        let model = try NgramModel(contentsOf: FilePath(model))
        let pool = work.pool
        let isWhole = boundaries
        var totals = PerplexityTotals()
        try text.input.forEachBatch { lines in
            let scored = pool.map(count: lines.count, grain: 32) { index, _ in
                model.queryLine(of: lines[index].text, isWhole: isWhole)
            }
            var output: [UInt8] = []
            for (line, scored) in zip(lines, scored) {
                totals += scored.totals
                if json {
                    append(line, scored.totals, to: &output)
                } else if show == .word {
                    output.appendLine(scored.line)
                } else if show == .sentence {
                    output.appendLine(String(scored.line.split(separator: "\t").last ?? ""))
                }
            }
            Terminal.output(output.span)
        }
        if !json { Terminal.outputLine(NgramModel.querySummary(totals)) }
    }

    private func append(_ line: [UInt8], _ totals: PerplexityTotals, to output: inout [UInt8]) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("text")
        writer.value(utf8: line.span)
        writer.member("log10_probability", totals.logProbability)
        writer.member("tokens", totals.tokens)
        writer.member("unknown_words", totals.unknownWords)
        writer.member("perplexity", totals.perplexity)
        writer.endObject()
        writer.endLine()
        output += writer.bytes
    }
}
