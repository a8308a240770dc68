import EDICStore
import Glibc
import SystemPackage
import _EDICTestSupport

/// Rows of JSON that look like documents: words of a small vocabulary, so that they compress.
struct RowFixture {
    var ids: [String] = []
    var rows: [[UInt8]] = []

    init(count: Int, seed: UInt64, largestRow: Int = 300) {
        var random = SeededGenerator(seed: seed)
        let words = ["Hafen", "forêt", "school", "αρχείο", "архив", "parlament", "puerto", "\\\"", "skóg"]
        for row in 0..<count {
            let id = "institute/\(row * 7 % count)-é"
            var text = ""
            let length = Int.random(in: 0...largestRow, using: &random)
            while text.utf8.count < length { text += words.randomElement(using: &random)! + " " }
            ids.append(id)
            rows.append(Array(#"{"text":"\#(text)","id":"\#(id)","n":\#(row)}"#.utf8))
        }
    }

    var lines: [UInt8] { rows.flatMap { $0 + [10] } }

    @discardableResult
    func write(
        to path: FilePath, frameSize: Int = 1000, level: Int = 3, dictionary: ZstdDictionary? = nil
    ) throws -> ShardSummary {
        var writer = try DocumentShardWriter(path, frameSize: frameSize, level: level, dictionary: dictionary)
        for (row, id) in zip(rows, ids) { try writer.append(row.span, id: id) }
        return try writer.finish()
    }
}

/// Documents of token ids, a few of them empty and a few longer than a frame.
struct TokenFixture {
    static let tokenizer = Digest(of: "a tokenizer")
    var vocabularySize: Int
    var documents: [[UInt32]] = []

    init(count: Int, vocabularySize: Int, seed: UInt64) {
        self.vocabularySize = vocabularySize
        var random = SeededGenerator(seed: seed)
        for document in 0..<count {
            let length = document % 7 == 0 ? 0 : document % 11 == 0 ? 700 : Int.random(in: 1...60, using: &random)
            // Small ids are frequent, as in text.
            documents.append(
                (0..<length).map { _ in
                    UInt32(
                        Double.random(in: 0..<1, using: &random) * Double.random(in: 0..<1, using: &random)
                            * Double(vocabularySize))
                })
        }
    }

    func id(_ document: Int) -> String { "doc-\(document)" }

    @discardableResult
    func write(to path: FilePath, frameSize: Int = 400, dictionary: ZstdDictionary? = nil) throws -> ShardSummary {
        var writer = try TokenShardWriter(
            path, vocabularySize: vocabularySize, tokenizer: Self.tokenizer, frameSize: frameSize,
            dictionary: dictionary)
        for (number, document) in documents.enumerated() { try writer.append(document.span, id: id(number)) }
        return try writer.finish()
    }
}

/// Runs a program of the system and returns what it printed, or nil if it is missing or fails.
func run(_ arguments: [String]) throws -> [UInt8]? {
    let folder = try TemporaryFolder()
    let output = folder.file("out")
    let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
    guard unsafe system("\(quoted) > \(output.string) 2>/dev/null") == 0 else { return nil }
    return try contents(of: output)
}
