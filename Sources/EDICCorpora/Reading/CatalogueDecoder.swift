internal import EDICText

/// Decodes the strings of a compiled catalogue, whose charset its first string tells.
struct CatalogueDecoder {
    private(set) var charset = Charset.utf8
    private(set) var invalidSequences = 0
    private var isSettled = false
    private let declared: String?

    /// - Parameter declared: the manifest's charset, which counts where the catalogue names none.
    init(declared: String?) { self.declared = declared }

    /// Whether the strings of a message are UTF-8 as they stand.
    ///
    /// - Parameter name: the charset that the catalogue names; what it is at the first call counts.
    mutating func needsNothing(
        _ source: Span<UInt8>, _ target: Span<UInt8>, _ name: String?
    ) throws(FileFault) -> Bool {
        if !isSettled {
            isSettled = true
            if let wanted = name ?? declared {
                guard let known = Charset(named: wanted) else {
                    throw FileFault(.invalidEncoding, "the charset \"\(wanted)\" is not known", .file)
                }
                charset = known
            }
        }
        return charset == .utf8 && UTF8Validation.isWellFormed(source) && UTF8Validation.isWellFormed(target)
    }

    mutating func decode(_ bytes: Span<UInt8>) throws(FileFault) -> [UInt8] {
        do {
            let (text, report) = try TextDecoder.decode(bytes, as: charset)
            invalidSequences += report.invalidCount
            return text
        } catch {
            throw FileFault(.invalidEncoding, "cannot decode \(charset.name): \(error.message)", .file)
        }
    }
}
