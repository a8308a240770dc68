internal import EDICStore
public import SystemPackage

/// Looks at a contribution as the build will, and says what is wrong, where, and what to do about it.
///
/// ```swift
/// let report = ContributionCheck().check("minutes")
/// for finding in report.findings { print(finding) }
/// ```
public struct ContributionCheck: Sendable {
    /// What reading a file may cost.
    public var limits: ReadingLimits
    private let identify: RowFilter.LanguageIdentifier?

    /// - Parameter identify: used to compare the language of texts with what the contribution says; nil to compare the
    ///   script only.
    public init(limits: ReadingLimits = ReadingLimits(), identify: RowFilter.LanguageIdentifier? = nil) {
        self.limits = limits
        self.identify = identify
    }

    /// What a file of the contribution gave.
    public struct FileSummary: Sendable, Equatable {
        /// The path inside the contribution.
        public var name: String
        /// The format that the manifest says.
        public var format: FileFormat
        /// The charset found or declared.
        public var charset: String
        /// Bytes after decompression.
        public var bytes: Int
        /// Rows that can be used, and rows that cannot.
        public var rows: Int
        public var rejected: Int
        /// Bytes of text in the rows by language.
        public var textBytes: [String: Int]
    }

    /// What the check found.
    public struct Report: Sendable, Equatable {
        /// The folder.
        public var directory: String
        /// The contribution's id, where the manifest could be read.
        public var contribution: String?
        /// By file and line; those of the manifest first.
        public var findings: [Finding] = []
        /// What was read, file by file.
        public var files: [FileSummary] = []

        /// Whether the contribution can be built: no finding is an error.
        public var isAcceptable: Bool { !findings.contains { $0.severity == .error } }
    }

    /// Checks the contribution in a folder, or that of a manifest. Every file is read once, as a stream.
    public func check(_ path: FilePath) -> Report {
        let directory = Contribution.folder(path)
        var report = Report(directory: directory.string)
        let (manifest, findings) = Contribution.inspect(directory)
        report.findings = findings
        guard let manifest else { return report }
        report.contribution = manifest.id
        let contribution = Contribution(directory: directory, manifest: manifest)
        do {
            let listing = try contribution.listing()
            report.findings += Self.findings(about: listing, of: manifest)
            var ids = IdentifierSet()
            var languages: Set<String> = []
            for file in listing.files {
                let summary = check(file, &report.findings, &ids)
                languages.formUnion(summary.textBytes.keys)
                report.files.append(summary)
            }
            for language in manifest.languages where !languages.contains(language) {
                report.findings.append(
                    Finding(
                        .warning, "language_without_text", file: ContributionManifest.fileName, key: "languages",
                        "no file has a text in \(language)", advice: "add one, or leave the language out"))
            }
        } catch {
            report.findings.append(Finding(.error, "unreadable_folder", file: ".", error.message))
        }
        return report
    }

    // MARK: - The listing

    private static func findings(about listing: Contribution.Listing, of manifest: ContributionManifest) -> [Finding] {
        let name = ContributionManifest.fileName
        var findings: [Finding] = []
        for specification in listing.missing {
            findings.append(
                Finding(
                    .error, "missing_file", file: name, line: specification.line, key: "files.path",
                    "no file matches \(specification.patterns.joined(separator: " or "))",
                    advice: "correct the path, or send the file"))
        }
        for file in listing.unlisted {
            findings.append(
                Finding(
                    .warning, "unlisted_file", file: file, "no entry of the manifest covers the file",
                    advice: "add one, or remove the file"))
        }
        for file in listing.undeclared {
            findings.append(
                Finding(
                    .warning, "undeclared_language", file: file,
                    "its path names a language that the contribution does not declare", advice: "add the language"))
        }
        for file in listing.irregular {
            findings.append(
                Finding(
                    .warning, "irregular_file", file: file, "is a link, a pipe or a device, and is not read",
                    advice: "put the file itself there"))
        }
        for folder in listing.unreadable {
            findings.append(
                Finding(
                    .error, "unreadable_folder", file: folder.name, folder.message,
                    advice: "see who may read it, and its disk"))
        }
        for file in listing.repeated {
            findings.append(
                Finding(
                    .warning, "repeated_file", file: file, "two entries of the manifest cover the file",
                    advice: "the first one counts; narrow the other"))
        }
        return findings
    }

    // MARK: - A file

    private func check(
        _ file: ContributionFile, _ findings: inout [Finding], _ ids: inout IdentifierSet
    ) -> FileSummary {
        var sample = LanguageSample(identify: identify)
        var quoted = QuotedCells()
        var textBytes: [String: Int] = [:]
        var repeatedIDs: (count: Int, first: String, line: Int?) = (0, "", nil)
        let reading: FileReading
        var end: RejectionReason?
        do {
            reading = try CorpusReader(limits: limits).read(file) { row in
                for segment in row.segments {
                    textBytes[segment.language, default: 0] += segment.text.utf8.count
                    sample.add(segment, at: row.provenance)
                    if file.specification.format == .tsv {
                        quoted.add(segment.text, at: row.provenance.position)
                    }
                }
                if let id = row.metadata.first(where: { $0.key == "id" })?.value, !ids.insert(id) {
                    if repeatedIDs.count == 0 { repeatedIDs = (0, id, row.provenance.position.line) }
                    repeatedIDs.count += 1
                }
            } onRejection: { rejection in
                if rejection.endsFile { end = rejection.reason }
            }
        } catch {
            reading = FileReading()
        }
        if reading.bytes == 0, reading.ledger.rowsOut == 0, !reading.charset.isEmpty {
            findings.append(
                Finding(.warning, "empty_file", file: file.name, "the file is empty", advice: "remove it"))
        } else {
            findings += Self.findings(about: reading, endedBy: end, of: file)
        }
        findings += sample.findings(file: file.name)
        if let finding = quoted.finding(file: file.name) { findings.append(finding) }
        if repeatedIDs.count > 0 {
            findings.append(
                Finding(
                    .warning, "repeated_id", file: file.name, line: repeatedIDs.line,
                    "the id \"\(Rejection.shortened(repeatedIDs.first))\" came before; \(repeatedIDs.count) of the file's ids did",
                    advice: "give each record an id of its own"))
        }
        return FileSummary(
            name: file.name, format: file.specification.format, charset: reading.charset, bytes: reading.bytes,
            rows: reading.ledger.rowsOut, rejected: reading.ledger.rowsRejected, textBytes: textBytes)
    }

    /// - Parameter end: why reading ended before the end of the file.
    private static func findings(
        about reading: FileReading, endedBy end: RejectionReason?, of file: ContributionFile
    ) -> [Finding] {
        var findings: [Finding] = []
        let ledger = reading.ledger
        for (reason, count) in ledger.rejected.sorted(by: { $0.key < $1.key }) {
            guard let first = ledger.samples[reason]?.first else { continue }
            let isOfFile = reason == end
            var message = first.message
            if count > 1 { message += " (and \(count - 1) more such rows)" }
            let guess = isOfFile || ledger.rowsOut == 0 ? FormatGuess.advice(for: file) : nil
            // Some messages say what to do themselves.
            let advice = guess ?? (message.contains("; ") ? "" : reason.advice)
            findings.append(
                Finding(
                    isOfFile ? .error : .warning, reason.rawValue, file: file.name,
                    line: first.provenance.position.line,
                    message, advice: advice))
        }
        if !reading.charsetContradiction.isEmpty {
            findings.append(
                Finding(
                    .warning, "wrong_encoding", file: file.name, reading.charsetContradiction,
                    advice: "write encoding: \(reading.charset), or auto"))
        }
        if reading.endsLinesWithReturns {
            findings.append(
                Finding(
                    .warning, "old_line_ends", file: file.name,
                    "its lines end with carriage returns alone (CR, as on old Macintosh systems), and are read as lines",
                    advice: "`tr '\\r' '\\n'` makes usual ends of them, if other programs are to read it"))
        }
        if reading.invalidSequences > 0 {
            let places = reading.invalidOffsets.prefix(4).map(String.init).joined(separator: ", ")
            let declared = file.specification.encoding.map { "the manifest says \($0)" } ?? "it was detected"
            findings.append(
                Finding(
                    .error, "wrong_encoding", file: file.name,
                    "\(reading.invalidSequences == 1 ? "1 place is" : "\(reading.invalidSequences) places are") not "
                        + "\(reading.charset) (\(declared)), first at byte \(places)",
                    advice: "correct encoding: in the manifest, or the file"))
        }
        if ledger.rowsOut == 0, ledger.rejected.isEmpty {
            findings.append(
                Finding(.warning, "empty_file", file: file.name, "the file has no rows", advice: "remove it"))
        } else if ledger.rowsOut == 0, end == nil {
            findings.append(
                Finding(
                    .error, "no_usable_rows", file: file.name, "none of its \(ledger.rowsIn) rows can be used",
                    advice: FormatGuess.advice(for: file) ?? "see the other findings about the file"))
        }
        return findings
    }
}

/// The ids seen so far, as hashes and only so many: the check must not grow with the contribution.
private struct IdentifierSet {
    private var seen: Set<UInt64> = []
    private static let limit = 1 << 20

    /// Notes an id; false if it was there.
    mutating func insert(_ id: String) -> Bool {
        let hash = Digest(of: id).prefix64
        guard seen.count < Self.limit || seen.contains(hash) else { return true }
        return seen.insert(hash).inserted
    }
}

extension Provenance.Position {
    /// The line, where the position is one.
    var line: Int? {
        guard case .line(let number) = self else { return nil }
        return number
    }
}

extension RejectionReason {
    /// What a contributor can do about it.
    var advice: String {
        switch self {
        case .unreadableFile: "send the file again"
        case .invalidEncoding: "say the charset in the manifest (encoding: …), or repair the text"
        case .brokenXML: "make it well formed; `xmllint --noout FILE` shows the same place"
        case .hostileXML: "send it without entities of its own and without absurd nesting"
        case .brokenRecord: "repair the record, or correct format: in the manifest"
        case .brokenFile: "send the whole file again"
        case .wrongFormat: "correct format: in the manifest, or send the file in that format"
        case .overLimit: "split it"
        case .markedUnfit, .empty: "leave it if that is meant"
        case .repeatedLanguage: "make a unit of each, if both are right"
        case .undeclaredLanguage: "add the language to the manifest, or correct the tag"
        default: ""
        }
    }
}
