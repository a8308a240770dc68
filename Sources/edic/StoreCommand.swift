import ArgumentParser
import EDICJSON
import EDICStore
import SystemPackage

struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Read, measure, check and export shards.",
        discussion: """
            EXAMPLES
              edic store cat documents/de/minutes-00000.jsonl.zst | head
              edic store get documents/de/minutes-00000.jsonl.zst law-1907
              edic store verify documents/*/*.zst
            """,
        subcommands: [
            StoreCatCommand.self, StoreGetCommand.self, StoreStatCommand.self, StoreVerifyCommand.self,
            StoreExportCommand.self,
        ])
}

struct StoreCatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat",
        abstract: "Print rows: all of them, or one.",
        discussion: """
            A row of a shard of documents is a line of JSON; one of a shard of tokens is its ids with spaces between.

            EXAMPLES
              edic store cat minutes.jsonl.zst | jq -r .text
              edic store cat minutes.jsonl.zst --row 41
              edic store cat minutes.tokens.zst --id law-1907
            """)

    @Argument(help: "Shards of documents or of tokens.", completion: .file())
    var shards: [String]

    @Option(help: "Only the row with this id.")
    var id: String?

    @Option(help: "Only the row with this number; the first is 0.")
    var row: Int?

    func validate() throws {
        if shards.isEmpty { throw ValidationError("name a shard") }
        if id != nil && row != nil { throw ValidationError("give --id or --row, not both") }
        if row != nil && shards.count > 1 { throw ValidationError("--row is of one shard, and there are several") }
    }

    func run() throws {
        if let id { return try ShardRows.print(ids: [id], of: shards) }
        for path in shards {
            let rows = try ShardRows(path)
            if let row {
                try rows.printRow(row)
            } else {
                try rows.printAll()
            }
        }
    }
}

struct StoreGetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Print the rows with the given ids.",
        discussion: """
            Rows come in the order of the ids. The exit status is 66 when one is not there.

            EXAMPLES
              edic store get minutes.jsonl.zst law-1907
              edic store get minutes.jsonl.zst law-1907 law-1908 | jq -r .text
            """)

    @Argument(help: "A shard of documents or of tokens.", completion: .file())
    var shard: String

    @Argument(help: "Ids of rows.")
    var ids: [String]

    func run() throws { try ShardRows.print(ids: ids, of: [shard]) }
}

/// The rows of a shard of either kind, as text.
enum ShardRows {
    case documents(DocumentShard)
    case tokens(TokenShard)

    init(_ path: String) throws {
        let file = FilePath(path)
        switch try ShardStatistics(of: file).kind {
        case .documents: self = .documents(try DocumentShard(file))
        case .tokens: self = .tokens(try TokenShard(file))
        }
    }

    /// Prints the row of each id from the first shard that has it.
    static func print(ids: [String], of paths: [String]) throws {
        let shards = try paths.map { try ShardRows($0) }
        var missing: [String] = []
        for id in ids {
            var found: [UInt8]?
            for shard in shards where found == nil { found = try shard.row(id: id) }
            guard var row = found else {
                missing.append(id)
                continue
            }
            row.append(0x0A)
            Terminal.output(row.span)
        }
        if !missing.isEmpty {
            throw CommandFailure(
                .noInput, "\(paths.joined(separator: ", ")): has no row with the id \(missing.joined(separator: ", "))")
        }
    }

    func printRow(_ number: Int) throws {
        var line: [UInt8]
        switch self {
        case .documents(let shard): line = try shard.row(at: number)
        case .tokens(let shard):
            let tokens = try shard.document(at: number)
            line = Self.line(tokens.span)
        }
        line.append(0x0A)
        Terminal.output(line.span)
    }

    func printAll() throws {
        var output: [UInt8] = []
        switch self {
        case .documents(let shard):
            try shard.forEachRow { _, row in
                output.append(copying: row)
                Self.endLine(&output)
            }
        case .tokens(let shard):
            try shard.forEachDocument { _, tokens in
                output += Self.line(tokens)
                Self.endLine(&output)
            }
        }
        Terminal.output(output.span)
    }

    private static func endLine(_ output: inout [UInt8]) {
        output.append(0x0A)
        guard output.count >= 1 << 18 else { return }
        Terminal.output(output.span)
        output.removeAll(keepingCapacity: true)
    }

    private func row(id: String) throws -> [UInt8]? {
        switch self {
        case .documents(let shard): return try shard.row(id: id)
        case .tokens(let shard):
            guard let tokens = try shard.document(id: id) else { return nil }
            return Self.line(tokens.span)
        }
    }

    private static func line(_ tokens: Span<UInt32>) -> [UInt8] {
        var line: [UInt8] = []
        for index in tokens.indices {
            if index > 0 { line.append(0x20) }
            line.append(String(tokens[index]))
        }
        return line
    }
}
