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
            Lines with a like meaning get vectors of a like direction. Prints each vector as numbers with spaces between. \
            Of a text with more tokens than the model takes, the first ones count.

            EXAMPLES
              edic embed --model Models/all-minilm-l6-v2 sentences.txt > vectors.txt
              edic embed --model Models/all-minilm-l6-v2 --json sentences.txt
            """)

    @OptionGroup var choice: ModelOptions
    @OptionGroup var text: TextOptions

    @Flag(inversion: .prefixedNo, help: "Scale vectors to length 1; the model's files say the default.")
    var normalize: Bool?

    @Flag(help: "Print a JSON object with text and vector for each line.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func run() throws {
        let pool = work.makePool()
        let model = try ModelMemory.opening {
            try TextEmbedder(
                folder: choice.path, precision: choice.precision.precision, normalizes: normalize, pool: pool)
        }
        Interruption.stopInOrder()
        try text.input.forEachBatch(lines: 32 * pool.workers...256 * pool.workers, verb: "embedded") { texts, _ in
            let vectors = try model.embed(texts, pool: pool, shouldStop: { Interruption.shouldStop })
            let lines = pool.map(count: texts.count, grain: 4) { [json] index, _ in
                json ? Self.object(texts[index], vectors[index]) : Self.line(vectors[index])
            }
            Terminal.output(Array(lines.joined()).span)
        }
    }

    private static func line(_ vector: [Float]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(13 * vector.count)
        for number in vector {
            if !line.isEmpty { line.append(UInt8(ascii: " ")) }
            line.append(contentsOf: number.description.utf8)
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func object(_ text: String, _ vector: [Float]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", text)
        writer.key("vector")
        writer.beginArray()
        for number in vector { writer.value(number) }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }
}
