internal import Glibc
public import SystemPackage

/// Reads lines that end in LF or CRLF from a file, compressed or not.
///
///     var lines = try LineReader(path)
///     while try lines.advance() {
///         lines.withLine { line in print(lines.number, line.count) }
///     }
///
/// The last line need not end in a newline. Bytes are not interpreted: the file may be in any encoding in which the
/// byte 0x0A is a newline. Memory is one buffer, as long as the longest line at most.
public struct LineReader: ~Copyable {
    /// Lines read so far, which is the number of the current line counted from 1.
    public private(set) var number = 0
    /// The offset of the current line's first byte in the decompressed data.
    public private(set) var offset = 0
    /// The file's name for messages.
    public var name: String { reader.name }
    /// Bytes of the file used so far, for progress. It runs ahead of the current line by up to a buffer.
    public var compressedOffset: Int { reader.compressedOffset }
    /// The format of the file.
    public var format: CompressionFormat { reader.format }

    private var reader: ByteReader
    private let maximumLength: Int
    private var buffer: RawBuffer
    /// The current line is `lineStart..<lineEnd` of the buffer; what comes after it begins at `next` and is filled
    /// up to `filled`.
    private var lineStart = 0
    private var lineEnd = 0
    private var next = 0
    private var filled = 0

    /// - Parameter maximumLength: the most bytes a line may have; a longer one throws `limitExceeded`.
    public init(_ reader: consuming ByteReader, maximumLength: Int = 64 << 20) {
        self.reader = reader
        self.maximumLength = max(maximumLength, 1)
        buffer = RawBuffer(count: 1 << 18)
    }

    /// Opens a file.
    public init(
        _ path: FilePath, maximumLength: Int = 64 << 20, limits: ByteReader.Limits = ByteReader.Limits()
    ) throws(StoreError) {
        self.init(try ByteReader(path, limits: limits), maximumLength: maximumLength)
    }

    /// Moves to the next line; false when there is none.
    public mutating func advance() throws(StoreError) -> Bool {
        offset += next - lineStart
        lineStart = next
        var searched = next
        while true {
            if let end = newline(from: searched) {
                next = end + 1
                lineEnd = unsafe end > lineStart && buffer.bytes[end - 1] == 0x0D ? end - 1 : end
                break
            }
            searched = filled
            if try !refill(&searched) {
                guard lineStart < filled else { return false }
                next = filled
                lineEnd = filled
                break
            }
        }
        number += 1
        guard lineEnd - lineStart <= maximumLength else { throw tooLong() }
        return true
    }

    /// Calls `body` with the current line, without its end.
    public borrowing func withLine<Result: ~Copyable, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe UnsafeRawBufferPointer(buffer.slice(lineStart, lineEnd)).withByteSpan(body)
    }

    /// The number of bytes of the current line, without its end.
    public var count: Int { lineEnd - lineStart }

    /// Whether the next line is here as a whole, so that moving to it reads nothing.
    public var hasNextLine: Bool { newline(from: next) != nil }

    private func newline(from start: Int) -> Int? {
        guard start < filled, let base = unsafe buffer.bytes.baseAddress else { return nil }
        guard let found = unsafe memchr(base + start, 0x0A, filled - start) else { return nil }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Reads more behind `filled`, moving or growing the buffer when it is full; false at the end of the data.
    private mutating func refill(_ searched: inout Int) throws(StoreError) -> Bool {
        let held = filled - lineStart
        // The line's end may take two bytes more than the line.
        guard held - 2 <= maximumLength else {
            number += 1
            throw tooLong()
        }
        if filled == buffer.count {
            if held <= buffer.count / 2 {
                unsafe buffer.slice(0, held).copyMemory(
                    from: UnsafeRawBufferPointer(buffer.slice(lineStart, filled)))
            } else {
                let larger = RawBuffer(count: buffer.count * 2)
                unsafe larger.slice(0, held).copyMemory(
                    from: UnsafeRawBufferPointer(buffer.slice(lineStart, filled)))
                buffer = larger
            }
            searched -= lineStart
            next -= lineStart
            lineStart = 0
            filled = held
        }
        let count = try unsafe reader.fill(buffer.slice(filled, buffer.count))
        filled += count
        return count > 0
    }

    private func tooLong() -> StoreError {
        StoreError(
            .limitExceeded,
            "\(name): line \(number), at byte \(offset), is longer than \(maximumLength) bytes; split it or raise the limit"
        )
    }
}
