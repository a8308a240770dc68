import ArgumentParser
import EDICJSON
import EDICStore
import SystemPackage

struct StoreExportCommand: ParsableCommand, StopsInOrder {
    enum Format: String, ExpressibleByArgument, CaseIterable { case megatron, npy }

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write shards of tokens as the files that training programs read.",
        discussion: """
            megatron writes PREFIX.bin and PREFIX.idx, the indexed dataset of Megatron-LM; npy writes PREFIX.tokens.npy \
            and PREFIX.documents.npy for NumPy. Several shards become one file, in the order given.

            EXAMPLES
              edic store export tokens/de/*.zst --format megatron -o train/de --end-token 0
              edic store export tokens/de/*.zst --format npy -o train/de
            """)

    @Argument(help: "Shards of tokens of one tokenizer.", completion: .file())
    var shards: [String]

    @Option(help: "megatron or npy.")
    var format: Format

    @Option(name: .shortAndLong, help: "The path of the files, without their extensions.", completion: .file())
    var output: String

    @Option(help: "A token id to put at the end of every document.")
    var endToken: UInt32?

    @Flag(help: "Print a JSON object for each file written.")
    var json = false

    func run() throws {
        let endings =
            switch format {
            case .megatron: ShardExport.megatronEndings
            case .npy: ShardExport.numpyEndings
            }
        let prefix = FilePath(output)
        try OutputFiles.check(endings.map { prefix.string + $0 }, apartFrom: shards)
        let shards = try shards.map { try TokenShard(FilePath($0)) }
        let files =
            switch format {
            case .megatron: try ShardExport.megatron(shards, to: prefix, endToken: endToken) { _, _ in goesOn }
            case .npy: try ShardExport.numpy(shards, to: prefix, endToken: endToken) { _, _ in goesOn }
            }
        for file in files {
            if json {
                Terminal.outputLine(Self.json(file))
            } else {
                Terminal.report("\(file.written.digest)  \(file.path)")
            }
        }
    }

    private var goesOn: Bool { !Interruption.shouldStop }

    private static func json(_ file: ExportedFile) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("file", file.path.string)
        writer.member("bytes", file.written.count)
        writer.member("sha256", file.written.digest.description)
        writer.endObject()
        return writer.bytes.text
    }
}
