import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICNgram
import SystemPackage

struct LMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lm",
        abstract: "Estimate, query, convert, mix and prune n-gram language models.",
        discussion: """
            Models are read from ARPA files, KenLM binaries and this program's own .edlm.

            EXAMPLES
              edic lm train --order 5 -o de.edlm corpus.txt.zst
              echo "guten Tag" | edic lm query --model de.edlm
              edic lm convert de.edlm -o de.arpa
            """,
        subcommands: [
            LMTrainCommand.self, LMQueryCommand.self, LMBucketsCommand.self, LMConvertCommand.self, LMMixCommand.self,
            LMPruneCommand.self, LMInspectCommand.self,
        ])
}

struct LMConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model in another format.",
        discussion: """
            The output's name says the format where --format does not: .arpa, .arpa.gz and .arpa.zst are ARPA text, .edlm \
            is this program's own. Nothing is left of the output when the command is stopped before its end. \
            KenLM's probing binaries cannot be converted, because they hold hashes in place of words; convert the ARPA \
            file that one was made from.

            EXAMPLES
              edic lm convert de.arpa -o de.edlm
              edic lm convert de.arpa -o de.edlm --quantize 8
              edic lm convert de.edlm -o de.arpa.gz
              edic lm convert de.edlm -o de.binary --format kenlm-trie
            """)

    @Argument(help: "The model.", completion: .file())
    var model: String

    @OptionGroup var target: LMTargetOptions

    func run() throws {
        try OutputFiles.check([target.output], apartFrom: [model])
        try StepProgress.during { progress in
            try target.write(LMTargetOptions.open(model, progress), progress)
        }
    }
}

/// Where a model is written, and how.
struct LMTargetOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The file to write.", completion: .file())
    var output: String

    @Option(help: "arpa, edic, kenlm-probing or kenlm-trie.")
    var format: LMFormat?

    @Option(help: "For edic: the bits of each weight, 2 to 12; without it they are floats.")
    var quantize: Int?

    func validate() throws {
        try Self.checkIsFile(output)
        let format = try outputFormat()
        if quantize != nil && format != .edic { throw ValidationError("--quantize is for the edic format only") }
    }

    /// Models are written where they can be read by position, so not to a pipe.
    static func checkIsFile(_ output: String?) throws {
        if output == "-" { throw ValidationError("--output names a file; a model cannot go to standard output") }
    }

    private func outputFormat() throws -> LMFormat { try format ?? LMFormat(forFileNamed: output) }

    /// Opens a model, which takes long where it is text.
    static func open(_ path: String, _ progress: StepProgress) throws -> NgramModel {
        progress.show("reading \(path)")
        return try NgramModel(contentsOf: FilePath(path))
    }

    func write(_ model: NgramModel, _ progress: StepProgress) throws {
        progress.show("writing \(output)")
        try model.write(
            to: FilePath(output), as: try outputFormat().format,
            quantisation: quantize.map { NgramQuantisation(probabilityBits: $0, backoffBits: $0) })
    }
}

/// The formats of n-gram models, as the command line names them.
enum LMFormat: String, ExpressibleByArgument, CaseIterable {
    case arpa, edic
    case probing = "kenlm-probing"
    case trie = "kenlm-trie"

    init(forFileNamed name: String) throws {
        if [".arpa", ".arpa.gz", ".arpa.zst"].contains(where: name.hasSuffix) {
            self = .arpa
        } else if name.hasSuffix(".edlm") {
            self = .edic
        } else {
            throw ValidationError("\(name): says no format; give --format, or name it .arpa or .edlm")
        }
    }

    var format: NgramModel.Format {
        switch self {
        case .arpa: .arpa
        case .edic: .edic
        case .probing: .kenLMProbing
        case .trie: .kenLMTrie
        }
    }
}
