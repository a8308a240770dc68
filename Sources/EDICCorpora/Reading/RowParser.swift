internal import EDICStore

/// Why the rest of a file cannot be read.
struct FileFault: Error, Equatable {
    var reason: RejectionReason
    var message: String
    var position: Provenance.Position
    /// Whether the fault is the system's, and not in the file's bytes.
    var isOfSystem = false

    init(_ reason: RejectionReason, _ message: String, _ position: Provenance.Position) {
        self.reason = reason
        self.message = message
        self.position = position
    }

    /// A fault of the bytes at rest, whose message names the file, as every message about a rejection does already.
    init(_ error: StoreError, of name: String, _ position: Provenance.Position) {
        let reason: RejectionReason =
            switch error.code {
            case .limitExceeded: .overLimit
            case .unsupported: .wrongFormat
            default: .unreadableFile
            }
        self.init(reason, error.message(without: name), position)
        switch error.code {
        case .notFound, .permissionDenied, .noSpace, .inputOutput: isOfSystem = true
        default: break
        }
    }
}

/// A reader of one format: it is fed the file's text in pieces, cut anywhere, and puts rows into a batch.
///
/// What it is fed is valid UTF-8 (bytes that were not text in the file's charset are U+FFFD) without a byte order mark.
protocol RowParser: ~Copyable {
    /// Takes the next piece.
    ///
    /// - Throws: ``FileFault`` where the rest of the file makes no sense. The parser is not fed again.
    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault)

    /// Takes the end of the file.
    mutating func finish(into batch: inout RowBatch) throws(FileFault)
}
