import EDICCorpora
import SampleFiles
import SystemPackage

/// One way of reading, with a sound file to start from.
struct Subject {
    let name: String
    let format: FileFormat
    var options = FileOptions()
    /// The files that are read together: one, but for Moses files.
    let seeds: [[UInt8]]
    /// What the manifest says of the charset, one of these at each reading.
    var encodings: [String?] = [nil]

    static let all: [Subject] =
        SampleFile.all.map {
            Subject(name: $0.name, format: $0.format, options: $0.options, seeds: [Array($0.text(records: 3).utf8)])
        } + [
            Subject(name: "mo", format: .mo, seeds: [compiledCatalogue(messages: 6)]),
            Subject(
                name: "moses", format: .moses,
                seeds: [
                    Array("Der Lotse grüßt.\nDie Möwen kreisen.\n\nDas Schiff legt ab.\n".utf8),
                    Array("The pilot waves.\nThe gulls circle.\n\nThe ship leaves.\n".utf8),
                ]),
        ]
        + CompressedSample.allCases.map { sample in
            var options = FileOptions()
            options.unit = .paragraph
            return Subject(name: sample.rawValue, format: .text, options: options, seeds: [sample.bytes])
        } + [charsets]

    /// Text in no charset in particular, read as each.
    private static let charsets: Subject = {
        var options = FileOptions()
        options.unit = .line
        let text = "Zażółć gęślą jaźń, grüßt der Lotse.\nΚαλημέρα, добрий день.\n"
        var bytes = Array(text.utf8)
        for unit in ("\u{FEFF}" + text).utf16 { bytes += [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)] }
        return Subject(
            name: "charset", format: .text, options: options, seeds: [bytes],
            encodings: [
                nil, "utf-8", "utf-16", "utf-16le", "utf-16be", "utf-32", "windows-1250", "windows-1251", "windows-1252",
                "windows-1253", "windows-1257", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-13",
                "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u", "ibm852", "ibm855", "macintosh", "shift_jis", "gb18030",
                "big5", "euc-jp", "iso-2022-jp", "hz-gb-2312", "utf-7", "no-such-charset",
            ])
    }()

    /// Reads mutated files for some seconds; returns how many broke a promise.
    func run(seconds: Int, seed: UInt64, in folder: FilePath) throws -> Int {
        var random = SplitMix(state: seed)
        let paths = seeds.indices.map { folder.appending("part\($0)") }
        let clock = ContinuousClock()
        let start = clock.now
        var total = Total()
        var corpus = [seeds]
        while clock.now - start < .seconds(seconds) {
            let state = random.state
            var files = corpus[Int(random.below(corpus.count))]
            Mutation.apply(to: &files[Int(random.below(files.count))], &random)
            let encoding = encodings[Int(random.below(encodings.count))]
            if total.runs % 64 == 0, corpus.count < 64 { corpus.append(files) }
            if total.runs % 5000 == 4999 { corpus = [seeds] }
            for (bytes, path) in zip(files, paths) { try Self.write(bytes, path) }
            let before = clock.now
            let promise = try broken(paths, encoding, &total)
            let time = clock.now - before
            total.slowest = max(total.slowest, time)
            total.runs += 1
            guard let promise = promise ?? (time > .seconds(2) ? "took \(time)" : nil) else { continue }
            total.failures += 1
            let kept = folder.appending("\(name)-\(total.failures)")
            for (number, bytes) in files.enumerated() { try Self.write(bytes, FilePath("\(kept)-\(number)")) }
            print("\(name): \(promise); random state \(state), files kept at \(kept)-*")
        }
        print(
            "\(name): \(total.runs) files, \(total.rows) rows, \(total.rejected) rejected, slowest \(total.slowest), "
                + "\(total.failures) failures")
        return total.failures
    }

    private struct Total {
        var runs = 0
        var rows = 0
        var rejected = 0
        var failures = 0
        var slowest = Duration.zero
    }

    /// Which promise of the readers the files broke.
    private func broken(_ paths: [FilePath], _ encoding: String?, _ total: inout Total) throws -> String? {
        var limits = ReadingLimits()
        limits.documentBytes = 1 << 20
        limits.lineBytes = 1 << 18
        let languages = SampleFile.languages(of: format)
        let parts = zip(paths, languages + languages).map { path, language in
            ContributionFile.Part(path: path, name: "f", language: format == .moses ? language : nil)
        }
        let file = ContributionFile(
            contribution: "fuzz", name: "f", parts: parts,
            specification: FileSpecification(
                patterns: ["f"], format: format, languages: [], encoding: encoding, options: options),
            languages: languages)
        var fault: String?
        var rows = 0
        let reading = try CorpusReader(limits: limits).read(file) { row in
            rows += 1
            for segment in row.segments where segment.text.isEmpty { fault = "an empty text" }
            if try Row(json: row.json.span) != row { fault = "a row that its JSON does not give back: \(row)" }
        } onRejection: { rejection in
            if rejection.message.isEmpty || rejection.message.contains("\n") {
                fault = "a message that is no line: \(rejection)"
            }
        }
        total.rows += rows
        total.rejected += reading.ledger.rowsRejected
        if !reading.ledger.isBalanced || reading.ledger.rowsOut != rows {
            fault = "a ledger out of balance: \(reading.ledger)"
        }
        return fault
    }

    private static func write(_ bytes: [UInt8], _ path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        try file.closeAfter { _ = try bytes.withUnsafeBytes { try file.writeAll($0) } }
    }
}
