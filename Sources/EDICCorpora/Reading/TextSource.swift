internal import EDICStore
internal import EDICText
internal import SystemPackage

/// The text of a file in pieces: decompressed and decoded to UTF-8.
struct TextSource: ~Copyable {
    /// The charset found or declared.
    var charset: Charset { choice.charset }
    /// Why it is not the one that the manifest says; empty where it is.
    var contradiction: String { choice.contradiction }
    private let path: FilePath
    private let choice: CharsetChoice
    private var reader: ByteReader
    private var decoder: TextDecoder
    /// The bytes that the charset was told by; empty once they are decoded.
    private var head: [UInt8]
    private var isFinished = false

    /// The bytes looked at to find the charset.
    private static let headLength = 1 << 16

    /// Opens a file and finds its charset: by the declared name, a byte order mark, what the format says in its first
    /// lines, or else by detection.
    init(_ path: FilePath, specification: FileSpecification, languages: [String]) throws(FileFault) {
        var opened = try Self.open(path)
        let beginning = try Self.beginning(of: &opened)
        let chosen = try CharsetChoice(beginning.span, specification: specification, languages: languages)
        decoder = try Self.decoder(chosen.charset)
        choice = chosen
        self.path = path
        reader = opened
        head = beginning
    }

    private static func beginning(of reader: inout ByteReader) throws(FileFault) -> [UInt8] {
        var head: [UInt8] = []
        do {
            while head.count < headLength, try reader.read(into: &head, atMost: headLength) > 0 {}
        } catch {
            throw FileFault(error, of: reader.name, .byte(head.count))
        }
        return head
    }

    private static func decoder(_ charset: Charset) throws(FileFault) -> TextDecoder {
        do {
            return try TextDecoder(charset)
        } catch {
            throw FileFault(.invalidEncoding, "cannot decode \(charset.name): \(error.message)", .file)
        }
    }

    /// Opens a file, decompressing it.
    static func open(_ path: FilePath) throws(FileFault) -> ByteReader {
        do {
            return try ByteReader(path)
        } catch {
            throw FileFault(error, of: path.string, .file)
        }
    }

    /// What decoding found wrong so far.
    var report: DecodingReport { decoder.report }
    /// Bytes of the file, decompressed, so far.
    var bytesRead: Int { reader.offset }

    /// Bytes of the file as it is stored that have not been read.
    var bytesUnread: Int {
        guard let stamp = try? FileTree.stamp(of: path) else { return 0 }
        return max(0, stamp.size - reader.compressedOffset)
    }

    /// Replaces `text` with the next piece; false at the end of the file.
    mutating func next(into text: inout [UInt8]) throws(FileFault) -> Bool {
        text.removeAll(keepingCapacity: true)
        guard !isFinished else { return false }
        do {
            if !head.isEmpty {
                let first = head
                head = []
                try decoder.decode(first.span, into: &text)
                return true
            }
            var failure: TextError?
            let count = try reader.withChunk { (chunk) throws(StoreError) in
                do throws(TextError) { try decoder.decode(chunk, into: &text) } catch { failure = error }
                return chunk.count
            }
            if let failure { throw failure }
            if count == 0 {
                isFinished = true
                try decoder.finish(into: &text)
                return !text.isEmpty
            }
            return true
        } catch let error as StoreError {
            throw FileFault(error, of: reader.name, .byte(reader.offset))
        } catch {
            throw FileFault(.invalidEncoding, "cannot decode \(charset.name): \(error)", .byte(reader.offset))
        }
    }

    /// Whether a charset of this name can be decoded.
    static func knowsCharset(_ name: String) -> Bool { Charset(named: name) != nil }
}
