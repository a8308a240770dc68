import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICStore
import SystemPackage

struct StoreStatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Print sizes, counts and digests of shards.",
        discussion: """
            Reads only the end of each file, unless --digest is given.

            EXAMPLES
              edic store stat minutes.jsonl.zst
              edic store stat --json documents/*/*.zst | jq -s 'map(.items) | add'
            """)

    @Argument(help: "Shards.", completion: .file())
    var shards: [String]

    @Flag(help: "Read the whole file and print its SHA-256.")
    var digest = false

    @Flag(help: "Print a JSON object for each shard.")
    var json = false

    func run() throws {
        for path in shards {
            let statistics = try ShardStatistics(of: FilePath(path), digesting: digest)
            if json {
                Terminal.output(Self.json(path, statistics))
            } else {
                Terminal.report(Self.text(path, statistics))
            }
        }
    }

    private static func text(_ path: String, _ shard: ShardStatistics) -> String {
        let grouped = FigureText.grouped
        func spread(_ spread: ShardStatistics.Spread) -> String {
            "\(FigureText.bytes(spread.smallest)) to \(FigureText.bytes(spread.largest)), "
                + "half up to \(FigureText.bytes(spread.median))"
        }
        var lines = [("Rows", grouped(shard.itemCount))]
        if let tokens = shard.tokenCount { lines.append(("Tokens", grouped(tokens))) }
        if let width = shard.tokenWidth { lines.append(("Token width", FigureText.bytes(width))) }
        if let size = shard.vocabularySize { lines.append(("Vocabulary", grouped(size))) }
        if let digest = shard.tokenizerDigest { lines.append(("Tokenizer", digest.description)) }
        lines += [
            ("Content", FigureText.bytes(shard.contentSize)),
            ("File", "\(FigureText.bytes(shard.fileSize)), ratio \(FigureText.decimal(shard.ratio))"),
            (
                "Parts",
                "content \(FigureText.bytes(shard.compressedSize)), index \(FigureText.bytes(shard.indexSize)), "
                    + "dictionary \(FigureText.bytes(shard.dictionarySize))"
            ),
            ("Frames", "\(grouped(shard.frameCount)); content \(spread(shard.frameContent))"),
            ("", "compressed \(spread(shard.frameCompressed))"),
            ("Content digest", shard.contentDigest.description),
        ]
        if let digest = shard.fileDigest { lines.append(("File digest", digest.description)) }
        return "\(path): \(shard.kind.rawValue)\n" + lines.map { "  \($0.0.padding(to: 16))\($0.1)\n" }.joined()
    }

    private static func json(_ path: String, _ shard: ShardStatistics) -> String {
        var writer = JSONWriter()
        func spread(_ key: String, _ spread: ShardStatistics.Spread) {
            writer.key(key)
            writer.beginObject()
            writer.member("smallest", spread.smallest)
            writer.member("median", spread.median)
            writer.member("largest", spread.largest)
            writer.endObject()
        }
        writer.beginObject()
        writer.member("file", path)
        writer.member("kind", shard.kind.rawValue)
        writer.member("items", shard.itemCount)
        if let tokens = shard.tokenCount { writer.member("tokens", tokens) }
        if let width = shard.tokenWidth { writer.member("token_bytes", width) }
        if let size = shard.vocabularySize { writer.member("vocabulary", size) }
        if let digest = shard.tokenizerDigest { writer.member("tokenizer_digest", digest.description) }
        writer.member("frames", shard.frameCount)
        writer.member("content_bytes", shard.contentSize)
        writer.member("file_bytes", shard.fileSize)
        writer.member("compressed_bytes", shard.compressedSize)
        writer.member("index_bytes", shard.indexSize)
        writer.member("dictionary_bytes", shard.dictionarySize)
        spread("frame_content_bytes", shard.frameContent)
        spread("frame_compressed_bytes", shard.frameCompressed)
        writer.member("content_digest", shard.contentDigest.description)
        if let digest = shard.fileDigest { writer.member("file_digest", digest.description) }
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
