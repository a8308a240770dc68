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
            Each line is a sentence, its words separated by spaces. Text is plain or compressed (gzip, zstd, xz). The model \
            is the same for any number of threads and any amount of memory: what does not fit goes, compressed, to a file \
            without a name in the temporary folder, which is gone whenever the command ends.

            With --input documents the files are document shards of a build, with --input tokens its token shards: each \
            document is a sentence, and its words are token ids in decimal, as `edic tokenizer encode` prints them.

            Where the text is too small or too odd to give discounts, 0.5, 1 and 1.5 are taken, and the command says so.

            EXAMPLES
              edic lm train --order 5 -o de.edlm corpus.txt.zst
              edic lm train --order 5 --quantize 8 --memory 4G -o de.edlm \\
                  --arpa de.arpa.gz corpus/*.txt.gz
              edic lm train --order 3 --prune 0,0,1 -o de.arpa.zst a.txt b.txt
              edic lm train --input documents \\
                  --language et -o et.edlm Build/nightly/current/documents/et/*.zst
              edic lm train --input tokens \\
                  --order 6 -o ids.edlm Build/nightly/current/tokens/et/*/*.zst
              edic tokenizer encode --model m.spm corpus.txt | edic lm train \\
                  --order 4 -o ids.edlm
              edic lm train --estimate --order 5 corpus.txt        # how large it will be
            """)

    enum Input: String, ExpressibleByArgument, CaseIterable { case text, documents, tokens }

    @OptionGroup var text: TextOptions

    @Option(name: .shortAndLong, help: "The model to write: ARPA text if it ends in .arpa, .arpa.gz or .arpa.zst.")
    var output: String?

    @Option(help: "What the files are: text, documents (document shards) or tokens (token shards).")
    var input = Input.text

    @Option(help: "Of document shards, the language of the texts to take; without it all.")
    var language: String?

    @Option(help: "The length of the longest n-grams, 1 to 10.")
    var order = 5

    @Option(
        help:
            "For each order from 1, leave out n-grams seen at most so often; the last holds for those above. 0,0,1 say."
    )
    var prune: String?

    @Option(help: "A file with the only words to keep, separated by white space.", completion: .file())
    var vocabulary: String?

    @Option(help: "Keep only so many words, the most frequent.")
    var vocabularySize: Int?

    @Option(help: "The bits of each weight in an .edlm, 2 to 12; without it they are floats.")
    var quantize: Int?

    @Option(help: "Write the model as ARPA text too; .gz and .zst compress it.", completion: .file())
    var arpa: String?

    @Option(help: "How much memory to use, such as 512M or 4G; a number alone is megabytes. 64M or more.")
    var memory = MemorySize(bytes: 2 << 30)

    @Option(help: "Where spilled n-grams go.", completion: .directory)
    var temporaryFolder = "/tmp"

    @Flag(help: "Fail where the text has the words <s>, </s> or <unk>, which are otherwise left out.")
    var rejectReserved = false

    @Flag(help: "Only say how large the model will be about, from the sizes of the files.")
    var estimate = false

    @Flag(help: "Print what was found as JSON.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if memory.bytes < 64 << 20 { throw ValidationError("--memory is 64M or more") }
        try LMTargetOptions.checkIsFile(output)
        if output == nil, !estimate { throw ValidationError("--output names the model to write") }
        if writesARPA && (quantize != nil || arpa != nil) {
            throw ValidationError("--quantize and --arpa go with a model in this program's own format")
        }
        if input != .text, text.files.isEmpty { throw ValidationError("--input \(input.rawValue) needs files") }
        if language != nil, input != .documents { throw ValidationError("--language goes with --input documents") }
        _ = try thresholds()
    }

    private var writesARPA: Bool { output.flatMap { try? LMFormat(forFileNamed: $0) } == .arpa }

    func run() throws {
        let size = try sizeEstimate()
        if estimate {
            guard let size else {
                throw CommandFailure(.usage, "standard input: has no size; name files to --estimate")
            }
            return Terminal.output(json ? Self.json(size) : Self.text(size))
        }
        guard let output else { return }
        try OutputFiles.check([output, arpa], apartFrom: text.input.paths + [vocabulary].compactMap(\.self))
        let display = LMTrainProgress(bytes: size?.bytes)
        if let size { display.note(Self.text(size)) }
        let summary: NgramEstimator.Summary
        do {
            summary = try train(to: FilePath(output), display)
            display.finish()
        } catch {
            display.finish()
            throw error
        }
        for (index, discounts) in summary.discounts.enumerated() {
            guard let reason = discounts.fallbackReason else { continue }
            Terminal.warn("order \(index + 1): usual discounts were taken, since \(reason)")
        }
        if summary.reservedWordsSkipped > 0 {
            Terminal.warn(
                "<s>, </s> and <unk> stood in the text \(summary.reservedWordsSkipped) times and were left out"
            )
        }
        Terminal.output(json ? Self.json(summary, size) : Self.text(summary))
    }

    private func train(to path: FilePath, _ display: LMTrainProgress) throws -> NgramEstimator.Summary {
        var estimator = try NgramEstimator(
            .init(
                order: order, pruning: try thresholds(), vocabularyLimit: try words(),
                largestVocabulary: vocabularySize, memoryLimit: memory.bytes,
                temporaryFolder: FilePath(temporaryFolder), workers: work.workers == 0 ? nil : work.workers,
                rejectsReservedWords: rejectReserved))
        // The library says before it that it stopped.
        estimator.progress = { step in
            if Interruption.shouldStop { throw CommandFailure(.interrupted, Self.reasonToStop) }
            display.show(step)
        }
        estimator.shouldStop = { Interruption.shouldStop }
        switch input {
        case .text:
            for file in text.input.paths {
                if file == "-" {
                    try estimator.add(contentsOf: .standardInput, name: "standard input")
                } else {
                    try estimator.add(contentsOf: FilePath(file))
                }
            }
        case .documents: try addDocuments(&estimator)
        case .tokens: try addTokens(&estimator)
        }
        if writesARPA { return try estimator.finish(writingARPA: path) }
        return try estimator.finish(
            writing: path, quantisation: quantize.map { NgramQuantisation(probabilityBits: $0, backoffBits: $0) },
            alsoARPA: arpa.map { FilePath($0) })
    }

    private func addDocuments(_ estimator: inout NgramEstimator) throws {
        var parser = try JSONLineParser()
        for file in text.files {
            var rows = try DocumentShard(FilePath(file)).rows()
            while try rows.advance() {
                if Interruption.shouldStop { throw CommandFailure(.interrupted, "stopped \(Self.reasonToStop)") }
                try rows.withRow { line in
                    try parser.parse(line)
                    if let own = parser.string("lang") {
                        guard language == nil || own == language else { return }
                        try parser.withString("text") { text in try estimator.add(text: text) }
                    } else if case .object(let texts)? = parser.value("texts") {
                        for (own, value) in texts where language == nil || own == language {
                            if let text = value.string { try estimator.add(text: Array(text.utf8).span) }
                        }
                    }
                }
            }
        }
    }

    private func addTokens(_ estimator: inout NgramEstimator) throws {
        let shards = try text.files.map { try TokenShard(FilePath($0)) }
        let size = shards.map(\.vocabularySize).max() ?? 0
        if let other = shards.first(where: { $0.tokenizerDigest != shards[0].tokenizerDigest }) {
            throw CommandFailure(
                .badData, "\(other.name): its ids are of another tokenizer than those of \(shards[0].name)")
        }
        try estimator.setTokenVocabulary((0..<size).map { String($0) })
        for shard in shards {
            var documents = shard.documents()
            while try documents.advance() {
                if Interruption.shouldStop { throw CommandFailure(.interrupted, "stopped \(Self.reasonToStop)") }
                try documents.withTokens { tokens in try estimator.add(tokenIDs: tokens) }
            }
        }
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

    /// Not a set of strings, for which words are equal that only look alike.
    private func words() throws -> [String]? {
        guard let vocabulary else { return nil }
        // What parts words in the text, too. A character of Swift may be a space with what is put onto it.
        let separators: Set<UInt8> = [0x00, 0x09, 0x0D, 0x20]
        var words: [String] = []
        try TextInput([vocabulary]).forEachBatch { lines in
            for line in lines {
                for word in line.split(whereSeparator: { separators.contains($0) }) { words.append(Array(word).text) }
            }
        }
        return words
    }

    /// From the sizes of the files; compressed ones are taken to hold three times as much. Nil for standard input.
    private func sizeEstimate() throws -> (bytes: Int, size: NgramSizeEstimate)? {
        guard !text.files.isEmpty, !text.files.contains("-") else { return nil }
        var bytes = 0
        var content = 0
        for file in text.files {
            let size = try TextInput.size(of: file)
            let isCompressed = [".gz", ".zst", ".xz"].contains { file.hasSuffix($0) }
            bytes += size
            content += isCompressed ? size * 3 : size
        }
        return (bytes, NgramSizeEstimate(textBytes: content, order: order))
    }

    private static func text(_ size: (bytes: Int, size: NgramSizeEstimate)) -> String {
        let grams = FigureText.grouped(size.size.grams.reduce(0, +))
        let sizes = [size.size.arpaBytes, size.size.modelBytes, size.size.memoryBytes].map { FigureText.bytes($0) }
        return
            "about \(grams) n-grams: \(sizes[0]) as ARPA text, \(sizes[1]) with 8-bit weights; with \(sizes[2]) of memory nothing is spilled\n"
    }

    private static func json(_ size: (bytes: Int, size: NgramSizeEstimate)) -> String {
        var writer = JSONWriter(layout: .indented)
        write(size.size, to: &writer)
        writer.endLine()
        return writer.bytes.text
    }

    private static func write(_ size: NgramSizeEstimate, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("tokens", size.tokens)
        writer.key("ngrams")
        writer.beginArray()
        for count in size.grams { writer.value(count) }
        writer.endArray()
        writer.member("arpa_bytes", size.arpaBytes)
        writer.member("model_bytes", size.modelBytes)
        writer.member("memory_bytes", size.memoryBytes)
        writer.endObject()
    }

    private static func text(_ summary: NgramEstimator.Summary) -> String {
        let grouped = FigureText.grouped
        var text = "\(grouped(Int(summary.sentences))) sentences, \(grouped(Int(summary.tokens))) words\n"
        for (index, (seen, kept)) in zip(summary.gramsSeen, summary.grams).enumerated() {
            text += "\(index + 1)-grams: \(grouped(kept)) of \(grouped(seen))\n"
        }
        return text
    }

    private static func json(
        _ summary: NgramEstimator.Summary, _ size: (bytes: Int, size: NgramSizeEstimate)?
    ) -> String {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        if let size {
            writer.key("estimate")
            write(size.size, to: &writer)
        }
        writer.member("spilled_bytes", summary.spilledBytes)
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
