import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICStore
import EDICTokenizers
import SystemPackage

struct TokenizerFertilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fertility",
        abstract: "Say what a tokenizer costs each language: tokens a word, bytes a token.",
        discussion: """
            EXAMPLES
              edic tokenizer fertility --model tokenizer.json de=de.txt mt=mt.txt el=el.txt
            """)

    @OptionGroup var choice: TokenizerOptions

    @Argument(help: "Texts, each as TAG=FILE; without a tag, the file's name is it.", completion: .file())
    var files: [String]

    @Flag(help: "Print a JSON object for each language.")
    var json = false

    func run() throws {
        let tokenizer = try choice.tokenizer()
        var texts: [String: String] = [:]
        for file in files.map({ NamedPath($0) }) {
            let name = file.name ?? FilePath(file.path).stem ?? file.path
            try TextInput([file.path]).forEachDocument { _, content in texts[name, default: ""] += content.text }
        }
        let report = FertilityReport(tokenizer, texts: texts)
        if json {
            for row in report.rows { Terminal.output(Self.json(row)) }
            return
        }
        let width = report.rows.reduce(8) { max($0, $1.language.count) } + 2
        Terminal.outputLine("\("language".padding(to: width))tokens/word  bytes/token")
        for row in report.rows {
            let cost = FigureText.decimal(row.tokensPerWord).padding(to: 13)
            Terminal.report("\(row.language.padding(to: width))\(cost)\(FigureText.decimal(row.bytesPerToken))")
        }
        Terminal.outputLine(
            "dearest to cheapest \(FigureText.decimal(report.inequality)), Gini \(FigureText.decimal(report.gini, places: 3))"
        )
    }

    private static func json(_ row: FertilityReport.Row) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("language", row.language)
        writer.member("words", row.words)
        writer.member("bytes", row.bytes)
        writer.member("tokens", row.tokens)
        writer.member("tokens_per_word", row.tokensPerWord)
        writer.member("bytes_per_token", row.bytesPerToken)
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
