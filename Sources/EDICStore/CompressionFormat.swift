/// How the bytes of a file are compressed, as its first bytes say.
public enum CompressionFormat: String, Sendable, Hashable, CaseIterable {
    case none, gzip, zstd, xz

    /// What is not decoded, by its first bytes.
    private static let others: [(magic: [UInt8], what: String)] = [
        ([0x50, 0x4B, 0x03, 0x04], "is a ZIP archive, as .docx and .odt files are; send the text in it"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "is a 7z archive; unpack it, and compress with zstd, gzip or xz"),
        (Array("Rar!".utf8) + [0x1A, 0x07], "is a RAR archive; unpack it, and compress with zstd, gzip or xz"),
        ([0x04, 0x22, 0x4D, 0x18], "is compressed with lz4; recompress it with zstd, gzip or xz"),
        (Array("%PDF-".utf8), "is a PDF; send the text in it"),
    ]

    /// The first bytes of all that `detect` knows; nil is any byte.
    private static let known: [[UInt8?]] =
        [[0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]]
        + [Array("BZh".utf8) + [nil, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]]
        + (0x50...0x5F).map { [$0, 0x2A, 0x4D, 0x18] } + others.map(\.magic)

    /// Whether these first bytes may be the beginning of more than text, so that `detect` should see more of them.
    static func isUndecided(_ start: Span<UInt8>) -> Bool {
        known.contains { magic in
            start.count < magic.count && start.indices.allSatisfy { magic[$0] == nil || magic[$0] == start[$0] }
        }
    }

    /// The format that a file with these first bytes has. Empty and unknown bytes are `none`.
    ///
    /// - Throws: `unsupported` for what would otherwise pass for text and is something else in a wrapping.
    static func detect(_ start: Span<UInt8>, name: String) throws(StoreError) -> CompressionFormat {
        func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            guard start.count >= offset + magic.count else { return false }
            for index in magic.indices where start[offset + index] != magic[index] { return false }
            return true
        }
        if begins([0x1F, 0x8B]) { return .gzip }
        if begins([0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
        if start.count >= 4, start[0] & 0xF0 == 0x50, begins([0x2A, 0x4D, 0x18], at: 1) { return .zstd }
        if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) { return .xz }
        // Its three letters may begin a word.
        if begins(Array("BZh".utf8)), begins([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4) {
            throw StoreError(.unsupported, "\(name): is compressed with bzip2; recompress it with zstd, gzip or xz")
        }
        for other in others where begins(other.magic) {
            throw StoreError(.unsupported, "\(name): \(other.what)")
        }
        return .none
    }
}
