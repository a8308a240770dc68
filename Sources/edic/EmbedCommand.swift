import ArgumentParser
import EDICJSON
import EDICNumerics
import EDICTransformers
import SystemPackage

struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Turn each line into a vector.",
        discussion: """
            Lines with a like meaning get vectors of a like direction. Prints each vector as numbers with spaces between.

            EXAMPLES
              edic embed --model Models/all-MiniLM-L6-v2 sentences.txt > vectors.txt
              edic embed --model Models/all-MiniLM-L6-v2 --json sentences.txt
            """)

    @OptionGroup var choice: ModelOptions
    @OptionGroup var text: TextOptions

    @Flag(inversion: .prefixedNo, help: "Scale vectors to length 1; the model's files say the default.")
    var normalize: Bool?

    @Flag(help: "Print a JSON object with text and vector for each line.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func run() throws {
        let model = try TextEmbedder(
            folder: choice.path, precision: choice.precision.precision, normalizes: normalize)
        TouchedMemory.keep()
        let pool = work.pool
        try text.input.forEachBatch(lines: 128 * pool.workers) { lines in
            let texts = lines.map(\.text)
            var output: [UInt8] = []
            for (text, vector) in zip(texts, try model.embed(texts, pool: pool)) {
                if json {
                    append(text, vector, to: &output)
                } else {
                    output.appendLine(vector.map { $0.description }.joined(separator: " "))
                }
            }
            Terminal.output(output.span)
        }
    }

    private func append(_ text: String, _ vector: [Float], to output: inout [UInt8]) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", text)
        writer.key("vector")
        writer.beginArray()
        for number in vector { writer.value(Decimals.shortest(number)) }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        output += writer.bytes
    }
}
