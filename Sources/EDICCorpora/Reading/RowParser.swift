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

    /// The same fault, with what became of the rest of the file: it is in no other row of the account.
    ///
    /// - Parameter unread: bytes that were not even read; some that were may not have been understood.
    func saying(unread: Int) -> FileFault {
        // A file of another format has no rest.
        guard position != .file, reason != .wrongFormat else { return self }
        var said = self
        let size = unread > 0 ? ", \(unread) bytes at least," : ""
        said.message += " (the rest of the file\(size) is not taken)"
        return said
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
