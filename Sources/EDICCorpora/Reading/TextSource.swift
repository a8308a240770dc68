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
    private var lineEnds: LineEnds
    /// Text that was read ahead, how much of it has been given out, and what is wrong behind it.
    private var held: [UInt8] = []
    private var heldStart = 0
    private var fault: FileFault?

    /// What ends the lines of a file.
    private enum LineEnds: Equatable {
        /// `\n`, with or without a `\r` before it; also where the format is no format of lines.
        case feeds
        /// Carriage returns alone, as on old Macintosh systems. `true` where the text so far ends with one.
        case returns(isAtReturn: Bool)
        /// Neither has come, or not yet enough to tell. A line has so many bytes at most.
        case unknown(limit: Int)
    }

    /// The bytes looked at to find the charset.
    private static let headLength = 1 << 16

    /// Opens a file and finds its charset: by the declared name, a byte order mark, what the format says in its first
    /// lines, or else by detection.
    ///
    /// - Parameter lineBytes: the most bytes that a line may have; nil where the format is no format of lines.
    init(
        _ path: FilePath, specification: FileSpecification, languages: [String], lineBytes: Int? = nil
    ) throws(FileFault) {
        var opened = try Self.open(path)
        let beginning = try Self.beginning(of: &opened)
        let chosen = try CharsetChoice(beginning.span, specification: specification, languages: languages)
        decoder = try Self.decoder(chosen.charset)
        choice = chosen
        self.path = path
        reader = opened
        head = beginning
        lineEnds = lineBytes.map { .unknown(limit: $0) } ?? .feeds
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

    /// Whether the lines end with carriage returns alone. They are given out as line feeds.
    var endsLinesWithReturns: Bool { if case .returns = lineEnds { true } else { false } }

    /// Replaces `text` with the next piece; false at the end of the file.
    mutating func next(into text: inout [UInt8]) throws(FileFault) -> Bool {
        if !takeHeld(into: &text) {
            if let fault { throw fault }
            guard try decodeNext(into: &text) else { return false }
            if case .unknown(let limit) = lineEnds { findLineEnds(text, limit: limit) }
        }
        if case .returns(let isAtReturn) = lineEnds { turnReturns(in: &text, isAtReturn: isAtReturn) }
        return true
    }

    /// Replaces `text` with a piece of what was read ahead, as long as others; false where nothing is left of it.
    private mutating func takeHeld(into text: inout [UInt8]) -> Bool {
        guard heldStart < held.count else { return false }
        let end = min(held.count, heldStart + Self.headLength)
        text.removeAll(keepingCapacity: true)
        text += held[heldStart..<end]
        heldStart = end
        if end == held.count { (held, heldStart) = ([], 0) }
        return true
    }

    /// Finds what ends the lines. Where a carriage return comes first, text is read ahead until a line feed says that it was
    /// none of the ends, or until no line can be so long.
    private mutating func findLineEnds(_ text: [UInt8], limit: Int) {
        if text.span.firstIndex(of: Self.feed) != nil {
            lineEnds = .feeds
            return
        }
        guard text.span.firstIndex(of: Self.carriageReturn) != nil else { return }
        lineEnds = .returns(isAtReturn: false)
        var more: [UInt8] = []
        do {
            while text.count + held.count <= limit, try decodeNext(into: &more) {
                held += more
                if more.span.firstIndex(of: Self.feed) != nil {
                    lineEnds = .feeds
                    return
                }
            }
        } catch {
            fault = error
        }
    }

    /// Makes line feeds of carriage returns, but of those before a line feed.
    private mutating func turnReturns(in text: inout [UInt8], isAtReturn: Bool) {
        if text.isEmpty { return }
        if isAtReturn, text.first == Self.feed { text.removeFirst() }
        lineEnds = .returns(isAtReturn: text.last == Self.carriageReturn)
        for index in text.indices where text[index] == Self.carriageReturn {
            if index + 1 == text.count || text[index + 1] != Self.feed { text[index] = Self.feed }
        }
    }

    private static let feed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private mutating func decodeNext(into text: inout [UInt8]) throws(FileFault) -> Bool {
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
