import EDICCorpora
import SystemPackage
import _EDICTestSupport

/// What reading some bytes as a file gave.
struct Result {
    var rows: [Row] = []
    var rejections: [Rejection] = []
    var reading = FileReading()

    var texts: [String] { rows.flatMap { $0.segments.map(\.text) } }
    var reasons: [RejectionReason] { rejections.map(\.reason) }

    /// The sides of each row as `tag=text`.
    var sides: [[String]] { rows.map { $0.segments.map { "\($0.language)=\($0.text)" } } }
}

/// Reads `bytes` as a file of a contribution in `languages`.
func read(
    _ bytes: [UInt8], _ format: FileFormat, languages: [String] = ["de"], own: [String]? = nil,
    encoding: String? = nil, limits: ReadingLimits = ReadingLimits(), name: String = "file",
    options: (inout FileOptions) -> Void = { _ in }
) throws -> Result {
    try read(
        [(name, nil, bytes)], format, languages: languages, own: own, encoding: encoding, limits: limits,
        options: options)
}

func read(
    _ text: String, _ format: FileFormat, languages: [String] = ["de"], own: [String]? = nil,
    encoding: String? = nil, limits: ReadingLimits = ReadingLimits(),
    options: (inout FileOptions) -> Void = { _ in }
) throws -> Result {
    try read(
        Array(text.utf8), format, languages: languages, own: own, encoding: encoding, limits: limits, options: options)
}

/// Reads files that belong together.
func read(
    _ parts: [(name: String, language: String?, bytes: [UInt8])], _ format: FileFormat, languages: [String],
    own: [String]? = nil, encoding: String? = nil, limits: ReadingLimits = ReadingLimits(),
    options: (inout FileOptions) -> Void = { _ in }
) throws -> Result {
    let folder = try TemporaryFolder()
    var fileParts: [ContributionFile.Part] = []
    for part in parts {
        let path = FilePath(folder.path).appending(part.name)
        try put(part.bytes, path)
        fileParts.append(.init(path: path, name: part.name, language: part.language))
    }
    var chosen = FileOptions()
    options(&chosen)
    let specification = FileSpecification(
        patterns: ["*"], format: format, languages: own ?? [], encoding: encoding, options: chosen)
    let file = ContributionFile(
        contribution: "test", name: parts.count == 1 ? parts[0].name : "file.{language}", parts: fileParts,
        specification: specification, languages: languages)
    var result = Result()
    result.reading = try CorpusReader(limits: limits).read(file) {
        result.rows.append($0)
    } onRejection: {
        result.rejections.append($0)
    }
    return result
}

/// Writes a file without waiting for the disk.
func put(_ bytes: [UInt8], _ path: FilePath) throws {
    let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
    try file.closeAfter { _ = try unsafe bytes.withUnsafeBytes { try unsafe file.writeAll($0) } }
}

func put(_ text: String, _ path: FilePath) throws { try put(Array(text.utf8), path) }

/// UTF-16 with a byte order mark.
func utf16(_ text: String, bigEndian: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = bigEndian ? [0xFE, 0xFF] : [0xFF, 0xFE]
    for unit in text.utf16 {
        let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
        bytes += bigEndian ? [high, low] : [low, high]
    }
    return bytes
}
