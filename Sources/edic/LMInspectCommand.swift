import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICNgram
import SystemPackage

struct LMInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a model is: its format, order, size and numbers of n-grams.",
        discussion: """
            EXAMPLES
              edic lm inspect de.edlm
              edic lm inspect --json de.arpa.gz
            """)

    @Argument(help: "The model.", completion: .file())
    var model: String

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
        let start = ContinuousClock.now
        let model = try NgramModel(contentsOf: FilePath(model))
        let opening = Double((ContinuousClock.now - start) / .microseconds(1)) / 1000
        let size = try TextInput.size(of: self.model)
        if json {
            Terminal.output(Self.json(model, size, opening))
        } else {
            Terminal.report(Self.text(model, size, opening))
        }
    }

    private static func text(_ model: NgramModel, _ size: Int, _ opening: Double) -> String {
        let grams = model.counts.reduce(0, +)
        let weights = model.quantisation.map { "\($0.probabilityBits) bits, backoffs \($0.backoffBits)" } ?? "floats"
        var lines = [
            ("Format", model.format.rawValue), ("Order", String(model.order)), ("Weights", weights),
            ("Size", FigureText.bytes(size)),
            ("A gram", "\(Decimals.fixed(Double(size) / Double(max(1, grams)), 2)) bytes"),
            ("Opened in", "\(Decimals.fixed(opening, 1)) ms"), ("Words", FigureText.grouped(model.vocabularyCount)),
        ]
        for (index, count) in model.counts.enumerated() {
            lines.append(("\(index + 1)-grams", FigureText.grouped(count)))
        }
        return "\(model.name)\n" + lines.map { "  \($0.0.padding(to: 11))\($0.1)\n" }.joined()
    }

    private static func json(_ model: NgramModel, _ size: Int, _ opening: Double) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("file", model.name)
        writer.member("format", model.format.rawValue)
        writer.member("order", model.order)
        if let bits = model.quantisation {
            writer.member("probability_bits", bits.probabilityBits)
            writer.member("backoff_bits", bits.backoffBits)
        }
        writer.member("bytes", size)
        writer.member("open_ms", opening)
        writer.member("words", model.vocabularyCount)
        writer.key("ngrams")
        writer.beginArray()
        for count in model.counts { writer.value(count) }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
