import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICStore
import EDICTokenizers
import SystemPackage

struct TokenizerTrainCommand: ParsableCommand, StopsInOrder {
    enum Family: String, ExpressibleByArgument, CaseIterable {
        case byteLevelBPE = "byte-level-bpe"
        case sentencePieceBPE = "sentencepiece-bpe"
        case unigram
    }

    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Learn a tokenizer from text.",
        discussion: """
            A file given as TAG=FILE is text in that language; of .jsonl files, such as the document \
            shards of a build, the "text" (in "lang") or "texts" of each row are read. --temperature evens out languages of different sizes; --balance looks for the \
            weights that make languages cost the same, tokens a word, and prints what they cost before and after. The \
            tokenizer does not depend on the number of threads, nor on --memory.

            EXAMPLES
              edic tokenizer train --size 16000 -o tokenizer.json corpus.txt.zst
              edic tokenizer train --size 32000 \\
                  --temperature 0.5 -o tokenizer.json de=de.txt pt=pt.txt mt=mt.txt
              edic tokenizer train --size 32000 \\
                  --balance -o tokenizer.json en=en.txt fi=fi.txt mt=mt.txt
              edic tokenizer train --family unigram --size 8000 -o m.model corpus.txt
              edic tokenizer train --size 32000 --memory 500 -o tokenizer.json huge.txt.zst
            """)

    @Argument(help: "Text files, plain or compressed, or TAG=FILE; none, or -, is standard input.", completion: .file())
    var files: [String] = []

    @Option(name: .shortAndLong, help: "The tokenizer to write: .json, .model (SentencePiece) or .tiktoken.")
    var output: String

    @Option(help: "byte-level-bpe, sentencepiece-bpe or unigram.")
    var family = Family.byteLevelBPE

    @Option(help: "How many tokens there are to be.")
    var size: Int

    @Option(help: "A special token; the first ones given have the first ids.")
    var special: [String] = []

    @Option(help: "BPE: a pair that occurs less often is not merged.")
    var minimumCount = 2

    @Option(help: "1 takes the text as it is, 0 counts each language alike.")
    var temperature = 1.0

    @Flag(help: "Weight languages so that their words cost about the same number of tokens.")
    var balance = false

    @Option(help: "Balancing: how many times to change the weights.")
    var rounds = 4

    @Option(help: "SentencePiece: the share of all characters that must be pieces of their own.")
    var coverage = 0.9995

    @Flag(inversion: .prefixedNo, help: "SentencePiece: spell rare characters as bytes, instead of <unk>.")
    var byteFallback = true

    @Option(help: "SentencePiece: the longest piece, in characters.")
    var longest = 16

    @Option(help: "Unigram: how many substrings to begin with.")
    var seeds = 1_000_000

    @Option(
        help: """
            About how many megabytes counting words may take; beyond it they go to temporary files. Learning comes after \
            and has no limit: it holds the distinct words, about 400 MB for 100 MB of text in 23 languages.
            """)
    var memory: Int?

    @Option(help: "The folder for temporary files.", completion: .directory)
    var temporary: String?

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        _ = try outputFormat()
        if let memory, !(8...1 << 24 ~= memory) { throw ValidationError("--memory is 8 megabytes or more") }
        // Every byte has a token, beside SentencePiece's <unk>, <s> and </s>.
        let least = family == .byteLevelBPE ? 256 + special.count : byteFallback ? 259 : 4
        if size < least { throw ValidationError("--size is \(least) or more here") }
        if !(1...100 ~= rounds) { throw ValidationError("--rounds is 1 to 100") }
    }

    func run() throws {
        let format = try outputFormat()
        let files = (files.isEmpty ? ["-"] : files).map { NamedPath($0) }
        try OutputFiles.check([output], apartFrom: files.map(\.path))
        var trainer = try TokenizerTrainer(trainerConfiguration, pool: work.makePool())
        var isEmpty = true
        for file in files {
            try TrainingText(file.path).forEachBlock { block, rowLanguage in
                if Interruption.shouldStop {
                    throw CommandFailure(.interrupted, "stopped on request; nothing was written")
                }
                try trainer.add(block, language: file.name ?? rowLanguage ?? "und")
                isEmpty = isEmpty && block.isEmpty
            }
        }
        if isEmpty {
            let name = files[0].path == "-" ? "standard input" : files[0].path
            throw CommandFailure(.badData, "\(name): is empty; a tokenizer is learned from text")
        }
        let spills = trainer.spills
        let display = TrainingDisplay()
        var balanced: BalancedTokenizer?
        let tokenizer: Tokenizer
        if balance {
            let result = try trainer.finishBalanced(rounds: rounds, progress: display.show)
            balanced = result
            tokenizer = result.tokenizer
        } else {
            tokenizer = try trainer.finish(progress: display.show)
        }
        display.finish()
        try tokenizer.write(to: FilePath(output), format: format)
        if json {
            Terminal.output(report(tokenizer, balanced, spills: spills).span)
            return
        }
        if let balanced { Terminal.report(Self.table(balanced)) }
        if tokenizer.vocabularySize < size {
            Terminal.errorLine(
                "edic: the text gives no more than \(FigureText.grouped(tokenizer.vocabularySize)) of "
                    + "\(FigureText.grouped(size)) tokens; more text would")
        }
        Terminal.report("\(output): \(FigureText.grouped(tokenizer.vocabularySize)) tokens, \(family.rawValue)")
    }

    private var trainerConfiguration: TokenizerTrainer.Configuration {
        let model: TokenizerTrainer.Model =
            switch family {
            case .byteLevelBPE: .byteLevelBPE
            case .sentencePieceBPE: .sentencePieceBPE(byteFallback: byteFallback)
            case .unigram: .unigram(byteFallback: byteFallback)
            }
        var configuration = TokenizerTrainer.Configuration(model: model, vocabularySize: size)
        configuration.specialTokens = special
        configuration.minimumCount = minimumCount
        configuration.temperature = temperature
        configuration.isBalanced = balance
        configuration.characterCoverage = coverage
        configuration.longestPiece = longest
        configuration.seedPieces = seeds
        configuration.memoryLimit = memory.map { $0 << 20 }
        if let temporary { configuration.temporaryFolder = FilePath(temporary) }
        return configuration
    }

    private func outputFormat() throws -> Tokenizer.Format {
        switch FilePath(output).extension {
        case "json": .tokenizerJSON
        case "model", "spm": .sentencePiece
        case "tiktoken": .tiktoken
        default: throw ValidationError("\(output): says no format; name it .json, .model or .tiktoken")
        }
    }

    private static func table(_ result: BalancedTokenizer) -> String {
        let width = result.after.rows.reduce(8) { max($0, $1.language.count) } + 2
        let columns = ["tokens/word before", "after", "bytes/token before", "after", "weight"]
        var text = "language".padding(to: width) + columns.map { $0.padding(to: 20) }.joined() + "\n"
        for (before, after) in zip(result.before.rows, result.after.rows) {
            let numbers = [
                before.tokensPerWord, after.tokensPerWord, before.bytesPerToken, after.bytesPerToken,
                result.weights[after.language] ?? 1,
            ]
            text += after.language.padding(to: width)
            text += numbers.map { FigureText.decimal($0).padding(to: 20) }.joined() + "\n"
        }
        for (name, report) in [("before", result.before), ("after", result.after)] {
            text += "\(name): dearest to cheapest \(FigureText.decimal(report.inequality)), "
            text += "Gini \(FigureText.decimal(report.gini, places: 3))\n"
        }
        return text
    }

    private func report(_ tokenizer: Tokenizer, _ balanced: BalancedTokenizer?, spills: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("output", output)
        writer.member("family", family.rawValue)
        writer.member("tokens", tokenizer.vocabularySize)
        writer.member("spills", spills)
        if let balanced {
            for (name, report) in [("before", balanced.before), ("after", balanced.after)] {
                writer.key(name)
                writer.beginObject()
                writer.member("inequality", report.inequality)
                writer.member("gini", report.gini)
                writer.key("languages")
                writer.beginObject()
                for row in report.rows {
                    writer.key(row.language)
                    writer.beginObject()
                    writer.member("tokens_per_word", row.tokensPerWord)
                    writer.member("bytes_per_token", row.bytesPerToken)
                    writer.member("weight", balanced.weights[row.language] ?? 1)
                    writer.endObject()
                }
                writer.endObject()
                writer.endObject()
            }
        }
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }
}

/// How far learning is, on a terminal.
struct TrainingDisplay {
    private let isLive = Terminal.errorIsTerminal

    func show(_ progress: TokenizerTrainer.Progress) -> Bool {
        if isLive {
            let text =
                switch progress {
                case .tokens(let done, let all): "\(FigureText.grouped(done)) of \(FigureText.grouped(all)) merges"
                case .pieces(let count): "\(FigureText.grouped(count)) pieces left"
                case .round(let number): "round \(number) of balancing"
                }
            Terminal.redraw("  \(text)")
        }
        return !Interruption.shouldStop
    }

    func finish() {
        if isLive { Terminal.redraw("") }
    }
}
