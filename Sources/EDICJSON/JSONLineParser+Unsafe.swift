/// Parses many small documents, such as the lines of a JSONL file, reusing its memory.
///
/// ```swift
/// var parser = try JSONLineParser()
/// for line in lines {
///     try parser.parse(line)
///     parser.withString("text") { utf8 in … }
/// }
/// ```
public struct JSONLineParser: ~Copyable {
    private let storage: JSONTapeStorage
    private var tape: JSONTape?

    /// - Throws: `outOfMemory`.
    public init(depthLimit: Int = JSONDocument.defaultDepthLimit) throws(JSONError) {
        storage = try JSONTapeStorage(depthLimit: depthLimit)
    }

    /// Parses a line, with or without its line ending. The last line's values are gone after this, also when it fails.
    public mutating func parse(_ line: Span<UInt8>) throws(JSONError) {
        tape = nil
        tape = try storage.parse(line)
    }

    /// Calls `body` with the unescaped UTF-8 of the top-level string field `key`, without copying it; nil if the line
    /// is no object or has no such string. Where a key comes twice the last one counts.
    public func withString<R, E: Error>(_ key: StaticString, _ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R? {
        guard let tape else { return nil }
        let name = unsafe UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        guard let at = unsafe tape.member(name, of: 1), tape.type(at) == UInt8(ascii: "\"") else { return nil }
        let bytes = unsafe tape.utf8(at)
        return try unsafe body(bytes.span)
    }

    /// The top-level string field `key`; nil if the line is no object or has no such string.
    public func string(_ key: String) -> String? {
        guard let tape, let at = index(of: key), tape.type(at) == UInt8(ascii: "\"") else { return nil }
        return tape.string(at)
    }

    /// The tree below the top-level field `key`; nil if the line is no object or has no such field.
    public func value(_ key: String) -> JSONValue? {
        guard let tape, let at = index(of: key) else { return nil }
        return JSONElement(storage: storage, tape: tape, index: at).value
    }

    /// The whole line as a tree; nil before the first line and after a failure.
    public var value: JSONValue? {
        guard let tape else { return nil }
        return JSONElement(storage: storage, tape: tape, index: 1).value
    }

    private func index(of key: String) -> Int? {
        guard let tape else { return nil }
        var key = key
        return key.withUTF8 { unsafe tape.member($0, of: 1) }
    }
}
