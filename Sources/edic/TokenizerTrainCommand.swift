import ArgumentParser
import EDICBuilds
import EDICStore
import EDICTokenizers
import SystemPackage

struct TokenizerTrainCommand: ParsableCommand, StopsInOrder {
    enum Family: String, ExpressibleByArgument, CaseIterable {
        case byteLevelBPE = "byte-level-bpe"
        case sentencePieceBPE = "sentencepiece-bpe"
    }

    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Learn a tokenizer from text.",
        discussion: """
            A file given as TAG=FILE is text in that language; --temperature evens out languages of different sizes. The \
            tokenizer does not depend on the number of threads.

            EXAMPLES
              edic tokenizer train --size 16000 -o tokenizer.json corpus.txt.zst
              edic tokenizer train --size 32000 --temperature 0.5 -o tokenizer.json de=de.txt pt=pt.txt mt=mt.txt
              edic tokenizer train --family sentencepiece-bpe --size 8000 -o m.model corpus.txt
            """)

    @Argument(help: "Text files, plain or compressed, or TAG=FILE; none, or -, is standard input.", completion: .file())
    var files: [String] = []

    @Option(name: .shortAndLong, help: "The tokenizer to write: .json, .model (SentencePiece) or .tiktoken.")
    var output: String

    @Option(help: "byte-level-bpe or sentencepiece-bpe.")
    var family = Family.byteLevelBPE

    @Option(help: "How many tokens there are to be.")
    var size: Int

    @Option(help: "A special token; the first ones given have the first ids.")
    var special: [String] = []

    @Option(help: "A pair that occurs less often is not merged.")
    var minimumCount = 2

    @Option(help: "1 takes the text as it is, 0 counts each language alike.")
    var temperature = 1.0

    @Option(help: "SentencePiece: the share of all characters that must be pieces of their own.")
    var coverage = 0.9995

    @Flag(inversion: .prefixedNo, help: "SentencePiece: spell rare characters as bytes, instead of <unk>.")
    var byteFallback = true

    @OptionGroup var work: WorkerOptions

    func validate() throws { _ = try outputFormat() }

    func run() throws {
        let format = try outputFormat()
        var configuration = TokenizerTrainer.Configuration(
            model: family == .byteLevelBPE ? .byteLevelBPE : .sentencePieceBPE(byteFallback: byteFallback),
            vocabularySize: size)
        configuration.specialTokens = special
        configuration.minimumCount = minimumCount
        configuration.temperature = temperature
        configuration.characterCoverage = coverage
        var trainer = try TokenizerTrainer(configuration, pool: work.pool)
        for file in files.isEmpty ? ["-"] : files {
            let (language, path) = LanguageFile.split(file)
            try TextInput([path]).forEachPiece(bytes: 8 << 20) { piece in
                if Interruption.shouldStop {
                    throw CommandFailure(.interrupted, "stopped on request; nothing was written")
                }
                try trainer.add(piece, language: language ?? "und")
            }
        }
        let tokenizer = try trainer.finish()
        try tokenizer.write(to: FilePath(output), format: format)
        Terminal.outputLine("\(output): \(NumberFormat.grouped(tokenizer.vocabularySize)) tokens, \(family.rawValue)")
    }

    private func outputFormat() throws -> Tokenizer.Format {
        switch FilePath(output).extension {
        case "json": .tokenizerJSON
        case "model", "spm": .sentencePiece
        case "tiktoken": .tiktoken
        default: throw ValidationError("\(output): says no format; name it .json, .model or .tiktoken")
        }
    }
}

/// `TAG=FILE`, as commands take text in several languages.
enum LanguageFile {
    static func split(_ argument: String) -> (language: String?, path: String) {
        guard let sign = argument.firstIndex(of: "="), !FileTree.exists(FilePath(argument)) else {
            return (nil, argument)
        }
        return (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
    }
}
