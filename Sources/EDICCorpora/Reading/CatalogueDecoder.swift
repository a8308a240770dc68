internal import EDICText

/// Decodes the strings of a compiled catalogue, whose charset its first string tells.
struct CatalogueDecoder {
    private(set) var charset = Charset.utf8
    private(set) var invalidSequences = 0
    private var isSettled = false
    private let declared: String?

    /// - Parameter declared: the manifest's charset, which counts where the catalogue names none.
    init(declared: String?) { self.declared = declared }

    mutating func decode(_ bytes: Span<UInt8>, _ name: String?) throws(FileFault) -> [UInt8] {
        if !isSettled {
            isSettled = true
            if let wanted = name ?? declared {
                guard let known = Charset(named: wanted) else {
                    throw FileFault(.invalidEncoding, "the charset \"\(wanted)\" is not known", .file)
                }
                charset = known
            }
        }
        if charset == .utf8, Self.isWellFormed(bytes) { return Array(bytes) }
        do {
            let (text, report) = try TextDecoder.decode(bytes, as: charset)
            invalidSequences += report.invalidCount
            return text
        } catch {
            throw FileFault(.invalidEncoding, "cannot decode \(charset.name): \(error.message)", .file)
        }
    }

    private static func isWellFormed(_ bytes: Span<UInt8>) -> Bool {
        do {
            _ = try UTF8Span(validating: bytes)
            return true
        } catch {
            return false
        }
    }
}
