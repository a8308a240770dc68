import EDICCorpora
import Glibc
import SampleFiles
import SystemPackage

/// Times the readers on generated files: `TimeReaders [MEGABYTES] [FORMAT]`. Prints MB of raw input per second of
/// processor time, best of three.
@main struct TimeReaders {
    static func main() throws {
        let arguments = CommandLine.arguments
        let size = (arguments.count > 1 ? Int(arguments[1]) ?? 16 : 16) << 20
        let wanted = arguments.count > 2 ? arguments[2] : "all"
        let path = FilePath("/tmp/edic-time-\(UInt64.random(in: 0 ... .max))")
        for sample in SampleFile.all where wanted == "all" || wanted == sample.name {
            let hundred = sample.text(records: 100).utf8.count
            let bytes = Array(sample.text(records: size / (hundred / 100)).utf8)
            try time(sample.name, sample.format, sample.options, bytes, path)
        }
        if wanted == "all" || wanted == "mo" {
            try time("mo", .mo, FileOptions(), compiledCatalogue(messages: size / 90), path)
        }
        try FileDescriptor.open(path, .writeOnly, options: [.truncate]).close()
    }

    private static func time(
        _ name: String, _ format: FileFormat, _ options: FileOptions, _ bytes: [UInt8], _ path: FilePath
    ) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        try file.closeAfter { _ = try bytes.withUnsafeBytes { try file.writeAll($0) } }
        var best = Double.infinity
        var (rows, rejected) = (0, 0)
        for _ in 0..<3 {
            rows = 0
            rejected = 0
            let start = processorSeconds()
            let input = ContributionFile(
                contribution: "time", name: "f", parts: [.init(path: path, name: "f")],
                specification: FileSpecification(patterns: ["f"], format: format, options: options),
                languages: SampleFile.languages(of: format))
            let reading = try CorpusReader().read(input) { _ in rows += 1 }
            rejected = reading.ledger.rowsRejected
            best = min(best, processorSeconds() - start)
        }
        let rate = Double(bytes.count) / 1e6 / best
        print("\(name): \(Int(rate)) MB/s, \(rows) rows, \(rejected) rejected")
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
