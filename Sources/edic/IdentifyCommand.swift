import ArgumentParser
import EDICJSON
import EDICLanguageID
import EDICNumerics
import EDICText
import SystemPackage

struct IdentifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify",
        abstract: "Say which language each line is in.",
        discussion: """
            Prints, for each line, the language's BCP 47 tag, the probability and the line, with tabs between. Text in no \
            language, such as a line of figures, is "und".

            EXAMPLES
              edic identify letters.txt
              zcat crawl.gz | edic identify | cut -f1 | sort | uniq -c
              edic identify --document --json book.txt
              edic identify --model Models/fetched/lid.176.ftz letters.txt
            """)

    @OptionGroup var text: TextOptions

    @Flag(help: "Take each file as one text, not line by line.")
    var document = false

    @Option(help: "Another model than the built-in one: of this program's trainer, or fastText's.", completion: .file())
    var model: String?

    @Flag(help: "Print a JSON object for each line, with the three likeliest languages.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func run() throws {
        let identifier =
            try model.map { try LanguageIdentifier(contentsOf: FilePath($0)) } ?? .builtIn()
        let pool = work.makePool()
        var number = 0
        var output: [UInt8] = []
        if document {
            try text.input.forEachDocument { name, content in
                number += 1
                let text = try TextInput.withoutMark(content, of: name)
                let found = identifier.identify(content.span.extracting(text.indices))
                append(found, number: number, text: Array(name.utf8), to: &output)
                Terminal.output(output.span)
                output.removeAll(keepingCapacity: true)
            }
            return
        }
        try text.input.forEachBatch(dropsMark: true) { lines in
            let found = pool.map(count: lines.count, grain: 16) { index, _ in
                let line = lines[index]
                return identifier.identify(line.span)
            }
            for (line, found) in zip(lines, found) {
                number += 1
                append(found, number: number, text: line, to: &output)
            }
            Terminal.output(output.span)
            output.removeAll(keepingCapacity: true)
        }
    }

    private func append(_ found: [LanguageProbability], number: Int, text: [UInt8], to output: inout [UInt8]) {
        guard json else {
            let best = found.first
            output.append("\(best?.language.description ?? "und")\t\(Decimals.fixed(best?.probability ?? 0, 4))\t")
            output += text
            output.append(0x0A)
            return
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member(document ? "file" : "line", document ? .string(text.text) : .integer(Int64(number)))
        writer.members(found)
        if !document {
            writer.key("text")
            writer.value(utf8: text.span)
        }
        writer.endObject()
        writer.endLine()
        output += writer.bytes
    }
}
