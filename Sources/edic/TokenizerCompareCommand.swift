import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICStore
import EDICTokenizers
import SystemPackage

struct TokenizerCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Say whether two tokenizers give the same ids, line by line.",
        discussion: """
            The exit status is 0 when they do, 1 when they do not.

            EXAMPLES
              edic tokenizer compare tokenizer.json tokenizer.model corpus.txt
              edic tokenizer compare old.json new.json --show 3 corpus.txt.zst
              edic tokenizer compare --json old.json new.json corpus.txt \\
                  | jq .differing_lines
            """)

    @Argument(help: "A tokenizer.", completion: .file())
    var first: String

    @Argument(help: "Another tokenizer.", completion: .file())
    var second: String

    @OptionGroup var text: TextOptions

    @Option(help: "How many differing lines to print.")
    var show = 10

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
        let one = try Tokenizer(contentsOf: FilePath(first))
        let other = try Tokenizer(contentsOf: FilePath(second))
        var lines = 0
        var differing = 0
        var shown = 0
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("differences")
        writer.beginArray()
        try text.input.forEachPiece { piece in
            let comparison = TokenizerComparison(one, other, text: piece, keeping: max(0, show - shown))
            for difference in comparison.differences {
                if json {
                    Self.write(difference, firstLine: lines, to: &writer)
                } else {
                    Terminal.output(Self.text(difference, firstLine: lines, one, other))
                }
            }
            shown += comparison.differences.count
            lines += comparison.lines
            differing += comparison.differingLines
        }
        writer.endArray()
        writer.member("lines", lines)
        writer.member("differing_lines", differing)
        writer.endObject()
        let summary = "\(FigureText.grouped(differing)) of \(FigureText.grouped(lines)) lines differ"
        Terminal.outputLine(json ? writer.bytes.text : summary)
        if differing > 0 { throw ExitCode(ExitStatus.failure.rawValue) }
    }

    private static func write(
        _ difference: TokenizerComparison.Difference, firstLine: Int, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("line", firstLine + difference.line)
        writer.member("text", difference.text)
        writer.member("token", difference.position)
        for (name, ids) in [("first", difference.first), ("second", difference.second)] {
            writer.key(name)
            writer.beginArray()
            for id in ids { writer.value(id) }
            writer.endArray()
        }
        writer.endObject()
    }

    /// The line, and from where the ids differ on, a few tokens of each.
    private static func text(
        _ difference: TokenizerComparison.Difference, firstLine: Int, _ one: Tokenizer, _ other: Tokenizer
    ) -> String {
        func tokens(_ ids: [UInt32], _ tokenizer: Tokenizer) -> String {
            let rest = ids.dropFirst(difference.position).prefix(8)
            return rest.isEmpty ? "nothing" : rest.map { "\($0) \(tokenizer.token($0) ?? "?")" }.joined(separator: ", ")
        }
        return """
            line \(firstLine + difference.line), token \(difference.position): \(difference.text)
              first   \(tokens(difference.first, one))
              second  \(tokens(difference.second, other))

            """
    }
}
