import EDICCorpora
import SampleFiles
import SystemPackage

/// Mutates files of every format and reads them: no crash, no hang, no row lost. Seeded, so that a failure can be run
/// again: `FuzzReaders SECONDS [FORMAT] [SEED]`.
@main struct FuzzReaders {
    static func main() throws {
        let arguments = CommandLine.arguments
        let seconds = arguments.count > 1 ? Int(arguments[1]) ?? 5 : 5
        let wanted = arguments.count > 2 ? arguments[2] : "all"
        let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
        let path = FilePath("/tmp/edic-fuzz-\(UInt64.random(in: 0 ... .max))")
        var failures = 0
        var subjects = SampleFile.all.map {
            Subject(name: $0.name, format: $0.format, options: $0.options, seed: Array($0.text(records: 3).utf8))
        }
        subjects.append(Subject(name: "mo", format: .mo, options: FileOptions(), seed: compiledCatalogue(messages: 6)))
        for subject in subjects where wanted == "all" || wanted == subject.name {
            failures += try subject.run(seconds: seconds, seed: seed, path)
        }
        try? unlink(path)
        if failures > 0 {
            print("\(failures) failures")
            throw Failed()
        }
    }

    struct Failed: Error {}

    private static func unlink(_ path: FilePath) throws {
        try FileDescriptor.open(path, .writeOnly, options: [.truncate]).close()
    }
}

/// One format with a sound file to start from.
struct Subject {
    let name: String
    let format: FileFormat
    let options: FileOptions
    let seed: [UInt8]

    /// Reads mutated files for some seconds; returns how many broke a promise.
    func run(seconds: Int, seed: UInt64, _ path: FilePath) throws -> Int {
        var random = SplitMix(state: seed)
        var limits = ReadingLimits()
        limits.documentBytes = 1 << 20
        limits.lineBytes = 1 << 18
        let clock = ContinuousClock()
        let start = clock.now
        var (runs, rows, rejected, failures) = (0, 0, 0, 0)
        var slowest = Duration.zero
        var corpus = [self.seed]
        while clock.now - start < .seconds(seconds) {
            let state = random.state
            var bytes = corpus[Int(random.below(corpus.count))]
            Mutation.apply(to: &bytes, &random)
            if runs % 64 == 0, corpus.count < 64 { corpus.append(bytes) }
            if runs % 5000 == 4999 { corpus = [self.seed] }
            try write(bytes, path)
            let before = clock.now
            let reading = try read(path, limits, &rows)
            slowest = max(slowest, clock.now - before)
            rejected += reading.ledger.rowsRejected
            if !reading.ledger.isBalanced {
                failures += 1
                print("\(name): ledger out of balance, state \(state): \(reading.ledger)")
            }
            runs += 1
        }
        print("\(name): \(runs) files, \(rows) rows, \(rejected) rejected, slowest \(slowest)")
        if slowest > .seconds(2) { failures += 1 }
        return failures
    }

    private func read(_ path: FilePath, _ limits: ReadingLimits, _ rows: inout Int) throws -> FileReading {
        let file = ContributionFile(
            contribution: "fuzz", name: "f", parts: [.init(path: path, name: "f")],
            specification: FileSpecification(patterns: ["f"], format: format, languages: [], options: options),
            languages: SampleFile.languages(of: format))
        return try CorpusReader(limits: limits).read(file) { row in
            rows += 1
            for segment in row.segments where segment.text.isEmpty { throw EmptyRow() }
            guard try Row(json: row.json.span) == row else { throw BrokenRoundTrip(row: row) }
        }
    }

    struct EmptyRow: Error {}
    struct BrokenRoundTrip: Error { var row: Row }

    private func write(_ bytes: [UInt8], _ path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        try file.closeAfter { _ = try bytes.withUnsafeBytes { try file.writeAll($0) } }
    }
}

/// Ways to spoil a file.
enum Mutation {
    private static let tokens: [String] = [
        "<", ">", "</", "/>", "&", "&amp;", "&x;", "<!--", "]]>", "<![CDATA[", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "\"",
        "\t", "\n", "\r\n", "\n\n", "\0", "\u{FEFF}", "\u{FFFD}", "e\u{301}", "{", "}", "[", "\\u", "\\ud800",
        "msgid \"\"",
        "msgstr[1]", "#, fuzzy", "#~ ", "# newdoc", "1-9\t", "<tu>", "<seg>", "</tuv>", "<u>", "<text>",
        "<w join='right'>",
        "<script>", "<title>", "<pre>", "<table>", "xml:lang=\"zz\"", "charset=utf-16", "encoding=\"IBM037\"",
        "\u{1F}\u{8B}",
    ]

    static func apply(to bytes: inout [UInt8], _ random: inout SplitMix) {
        for _ in 0...random.below(6) {
            guard !bytes.isEmpty else { return }
            let at = Int(random.below(bytes.count))
            let length = min(bytes.count - at, 1 + Int(random.below(64)))
            switch random.below(10) {
            case 0: bytes[at] ^= 1 << UInt8(random.below(8))
            case 1: bytes[at] = UInt8(random.below(256))
            case 2: bytes.removeSubrange(at..<(at + length))
            case 3: bytes.insert(contentsOf: bytes[at..<(at + length)], at: Int(random.below(bytes.count)))
            case 4: bytes.removeSubrange(at...)
            case 5, 6, 7: bytes.insert(contentsOf: tokens[Int(random.below(tokens.count))].utf8, at: at)
            case 8:
                let token = Array(tokens[Int(random.below(tokens.count))].utf8)
                bytes.insert(contentsOf: repeatElement(token, count: 1 + Int(random.below(400))).joined(), at: at)
            default:
                for offset in 0..<min(4, bytes.count - at) {
                    bytes[at + offset] = [0, 0xFF, 0x7F][Int(random.below(3))]
                }
            }
            if bytes.count > 1 << 16 { bytes.removeSubrange((1 << 16)...) }
        }
    }
}

/// SplitMix64.
struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % UInt64(max(1, bound))
    }
}
