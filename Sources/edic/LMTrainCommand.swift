import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICNgram
import EDICStore
import SystemPackage

struct LMTrainCommand: ParsableCommand, StopsInOrder {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Estimate a model by interpolated modified Kneser-Ney smoothing.",
        discussion: """
            Each line is a sentence, its words separated by spaces. The model does not depend on the number of threads.

            EXAMPLES
              edic lm train --order 5 -o de.edlm corpus.txt.zst
              edic lm train --order 3 --prune 0,0,1 -o de.arpa.gz a.txt b.txt
              edic tokenizer encode --model m.spm corpus.txt | edic lm train --order 4 -o ids.edlm
            """)

    @OptionGroup var text: TextOptions

    @Option(name: .shortAndLong, help: "The model to write: ARPA text if it ends in .arpa, .arpa.gz or .arpa.zst.")
    var output: String

    @Option(help: "The length of the longest n-grams, 1 to 10.")
    var order = 5

    @Option(
        help:
            "For each order from 1, leave out n-grams seen at most so often; the last holds for those above. 0,0,1 say."
    )
    var prune: String?

    @Option(help: "A file with the only words to keep, separated by white space.", completion: .file())
    var vocabulary: String?

    @Option(help: "The bits of each weight in an .edlm, 2 to 12; without it they are floats.")
    var quantize: Int?

    @Option(help: "Write the model as ARPA text too.", completion: .file())
    var arpa: String?

    @Option(help: "About how many megabytes of memory to use.")
    var memory = 2048

    @Option(help: "Where spill files go.", completion: .directory)
    var temporaryFolder = "/tmp"

    @Flag(help: "Fail where the text has the words <s>, </s> or <unk>, which are otherwise left out.")
    var rejectReserved = false

    @Flag(help: "Print what was found as JSON.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if !(64...1 << 24 ~= memory) { throw ValidationError("--memory is 64 megabytes or more") }
        if writesARPA && (quantize != nil || arpa != nil) {
            throw ValidationError("--quantize and --arpa go with a model in this program's own format")
        }
        _ = try thresholds()
    }

    private var writesARPA: Bool { (try? LMFormat(forFileNamed: output)) == .arpa }

    func run() throws {
        var estimator = try NgramEstimator(
            .init(
                order: order, pruning: try thresholds(), vocabularyLimit: try words(), memoryLimit: memory << 20,
                temporaryFolder: FilePath(temporaryFolder), workers: work.workers == 0 ? nil : work.workers,
                rejectsReservedWords: rejectReserved))
        // The library says before it that it stopped.
        estimator.progress = { _ in
            if Interruption.shouldStop { throw CommandFailure(.interrupted, Self.reasonToStop) }
        }
        try text.input.forEachPiece { piece in
            if Interruption.shouldStop { throw CommandFailure(.interrupted, "stopped \(Self.reasonToStop)") }
            try estimator.add(text: piece)
        }
        let path = FilePath(output)
        let summary =
            if writesARPA {
                try estimator.finish(writingARPA: path)
            } else {
                try estimator.finish(
                    writing: path,
                    quantisation: quantize.map { NgramQuantisation(probabilityBits: $0, backoffBits: $0) },
                    alsoARPA: arpa.map { FilePath($0) })
            }
        for (index, discounts) in summary.discounts.enumerated() {
            guard let reason = discounts.fallbackReason else { continue }
            Terminal.errorLine("edic: warning: order \(index + 1): usual discounts were taken, since \(reason)")
        }
        if summary.reservedWordsSkipped > 0 {
            Terminal.errorLine(
                "edic: warning: <s>, </s> and <unk> stood in the text \(summary.reservedWordsSkipped) times and were left out"
            )
        }
        Terminal.output(json ? Self.json(summary) : Self.text(summary))
    }

    private static let reasonToStop = "on request; nothing was written"

    private func thresholds() throws -> [UInt64] {
        guard let prune else { return [] }
        return try prune.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let number = UInt64(word) else {
                throw ValidationError("--prune is numbers with commas between, such as 0,0,1; \"\(word)\" is none")
            }
            return number
        }
    }

    private func words() throws -> Set<String>? {
        guard let vocabulary else { return nil }
        var words: Set<String> = []
        try TextInput([vocabulary]).forEachBatch { lines in
            for line in lines {
                for word in line.text.split(whereSeparator: { $0 == " " || $0 == "\t" }) { words.insert(String(word)) }
            }
        }
        return words
    }

    private static func text(_ summary: NgramEstimator.Summary) -> String {
        let grouped = NumberFormat.grouped
        var text = "\(grouped(Int(summary.sentences))) sentences, \(grouped(Int(summary.tokens))) words\n"
        for (index, (seen, kept)) in zip(summary.gramsSeen, summary.grams).enumerated() {
            text += "\(index + 1)-grams: \(grouped(kept)) of \(grouped(seen))\n"
        }
        return text
    }

    private static func json(_ summary: NgramEstimator.Summary) -> String {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        writer.member("sentences", summary.sentences)
        writer.member("words", summary.tokens)
        writer.member("reserved_words_left_out", summary.reservedWordsSkipped)
        writer.key("orders")
        writer.beginArray()
        for index in summary.grams.indices {
            writer.beginObject()
            writer.member("seen", summary.gramsSeen[index])
            writer.member("kept", summary.grams[index])
            if summary.discounts.indices.contains(index) {
                let discounts = summary.discounts[index]
                writer.key("discounts")
                writer.beginArray()
                for value in [discounts.one, discounts.two, discounts.threeOrMore] { writer.value(value) }
                writer.endArray()
                if let reason = discounts.fallbackReason { writer.member("fallback", reason) }
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
