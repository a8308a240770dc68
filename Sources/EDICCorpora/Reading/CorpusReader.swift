internal import EDICStore
internal import EDICText

/// What reading a file gave, besides its rows.
public struct FileReading: Sendable, Equatable {
    /// Rows begun, given out and rejected.
    public var ledger = RowLedger()
    /// Bytes of the file after decompression.
    public var bytes = 0
    /// The charset, by its IANA name; empty where the file could not be opened.
    public var charset = ""
    /// Why that charset is not the one that the manifest says; empty where it is.
    public var charsetContradiction = ""
    /// Byte sequences that were not text in that charset.
    public var invalidSequences = 0
    /// The offsets of the first of them in the decompressed file.
    public var invalidOffsets: [Int] = []
    /// Whether the lines end with carriage returns alone, as on old Macintosh systems; they are read as lines.
    public var endsLinesWithReturns = false
    /// Control and invisible characters dropped, and spaces and line endings changed, while normalising.
    public var charactersNormalized = 0

    public init() {}
}

/// Reads the files of contributions: decompresses, decodes, parses and normalises them, row by row.
///
/// Memory is bounded by the limits whatever the file holds. A broken file never throws: what is wrong is a rejection,
/// with the file, the place and the reason, and the rows before the fault have been given out.
///
/// ```swift
/// let contribution = try Contribution.open("minutes")
/// let reader = CorpusReader()
/// for file in try contribution.listing().files {
///     let reading = try reader.read(file) { row in … } onRejection: { rejection in … }
/// }
/// ```
public struct CorpusReader: Sendable {
    /// What reading a file may cost.
    public var limits: ReadingLimits

    public init(limits: ReadingLimits = ReadingLimits()) { self.limits = limits }

    /// Reads a file and gives its rows to `onRow` in the order of the file.
    ///
    /// - Returns: the account: rows begun = rows given + rows rejected. Rejections come between rows, not always in
    ///   their exact order.
    /// - Throws: only what `onRow` and `onRejection` throw; reading then stops.
    public func read(
        _ file: ContributionFile, onRow: (Row) throws -> Void, onRejection: (Rejection) throws -> Void = { _ in }
    ) throws -> FileReading {
        try readBlocks(
            of: file, onBlock: { block in for row in block.indices { try onRow(block.row(at: row)) } },
            onRejection: onRejection)
    }

    /// Reads a file and gives its rows to `onBlock` in the order of the file, some hundred at once: several times
    /// faster than row by row where rows are short.
    ///
    /// - Returns: as ``read(_:onRow:onRejection:)``.
    /// - Throws: only what `onBlock` and `onRejection` throw; reading then stops.
    public func readBlocks(
        of file: ContributionFile, onBlock: (RowBlock) throws -> Void,
        onRejection: (Rejection) throws -> Void = { _ in }
    ) throws -> FileReading {
        var session = ReadingSession(file, limits: limits)
        try session.run(onBlock, onRejection)
        return session.reading
    }
}
