/// Reads requests of HTTP/1.1 (RFC 9112) from bytes as they come.
///
/// Strict where leniency has let requests be smuggled: lines end with CR LF, a length is said once and in one way, a field
/// has no folded lines, and a name no space before its colon. Time and memory are linear in the bytes given, which
/// ``HTTPRequestParser/Limits`` bound.
struct HTTPRequestParser {
    struct Limits {
        var headBytes = 16 << 10
        var fields = 100
        var bodyBytes = 1 << 20
    }

    private enum Phase {
        case head
        case body(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailer
    }

    private let limits: Limits
    private var buffer: [UInt8] = []
    /// What of `buffer` is used up.
    private var start = 0
    /// How far the search for the end of the line or head came.
    private var searched = 0
    private var phase = Phase.head
    private var request = HTTPRequest(method: "", path: "")
    private var trailerBytes = 0
    /// What follows the sizes of chunks.
    private var extensionBytes = 0
    /// Whether the client waits for a word before it sends the body; the caller resets it.
    var expectsContinue = false

    init(limits: Limits = Limits()) { self.limits = limits }

    /// Whether no byte of a request has come that was not returned.
    var isEmpty: Bool {
        if case .head = phase { return start == buffer.count }
        return false
    }

    /// How many bytes are held, those of the request that has begun included.
    var heldBytes: Int { buffer.count + request.body.count }

    mutating func append(_ bytes: some Collection<UInt8>) {
        // What is used up goes once it is more than what has to be moved for it.
        if start >= buffer.count - start {
            buffer.removeFirst(start)
            searched = max(0, searched - start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole request, or nil if more bytes are needed. After an error the connection is of no more use.
    mutating func next() throws(ServerError) -> HTTPRequest? {
        while true {
            switch phase {
            case .head:
                guard let head = try takeHead() else { return nil }
                try readHead(head)
                if case .body(0) = phase { return finish() }
            case .body(let remaining):
                let left = takeBody(remaining)
                phase = .body(remaining: left)
                guard left == 0 else { return nil }
                return finish()
            case .chunkSize:
                guard let line = try takeLine(limit: 256) else { return nil }
                let size = try chunkSize(line)
                guard extensionBytes <= limits.headBytes else { throw headTooLarge }
                guard request.body.count + size <= limits.bodyBytes else { throw tooLarge }
                phase = size == 0 ? .trailer : .chunk(remaining: size)
            case .chunk(let remaining):
                let left = takeBody(remaining)
                phase = left == 0 ? .chunkEnd : .chunk(remaining: left)
                guard left == 0 else { return nil }
            case .chunkEnd:
                guard let line = try takeLine(limit: 2) else { return nil }
                guard line.isEmpty else { throw bad("a chunk is longer than it says") }
                phase = .chunkSize
            case .trailer:
                guard let line = try takeLine(limit: limits.headBytes) else { return nil }
                if line.isEmpty { return finish() }
                trailerBytes += line.count
                guard trailerBytes <= limits.headBytes else { throw headTooLarge }
            }
        }
    }

    // MARK: - Pieces

    private var tooLarge: ServerError {
        ServerError(
            .tooLarge, "the body is larger than the \(limits.bodyBytes) bytes this server takes; send less at once")
    }

    private var headTooLarge: ServerError {
        ServerError(.headTooLarge, "the head of the request is larger than \(limits.headBytes) bytes")
    }

    private func bad(_ reason: String) -> ServerError { ServerError(.badRequest, "the request is not HTTP: \(reason)") }

    private mutating func finish() -> HTTPRequest {
        let done = request
        request = HTTPRequest(method: "", path: "")
        phase = .head
        trailerBytes = 0
        extensionBytes = 0
        expectsContinue = false
        return done
    }

    /// Moves up to `remaining` bytes to the body and returns how many are still missing.
    private mutating func takeBody(_ remaining: Int) -> Int {
        let count = min(remaining, buffer.count - start)
        request.body.append(contentsOf: buffer[start..<start + count])
        start += count
        searched = start
        return remaining - count
    }

    /// The lines of the head without the empty one, or nil if it has not all come.
    private mutating func takeHead() throws(ServerError) -> [ArraySlice<UInt8>]? {
        // Empty lines before a request are to be ignored.
        while buffer.count - start >= 2, buffer[start] == 0x0D, buffer[start + 1] == 0x0A { start += 2 }
        searched = max(searched, start)
        while searched + 3 < buffer.count {
            if buffer[searched] == 0x0D, buffer[searched + 1] == 0x0A, buffer[searched + 2] == 0x0D,
                buffer[searched + 3] == 0x0A
            {
                guard searched - start <= limits.headBytes else { throw headTooLarge }
                let head = buffer[start..<searched]
                start = searched + 4
                searched = start
                return try lines(of: head)
            }
            searched += 1
        }
        guard buffer.count - start <= limits.headBytes else { throw headTooLarge }
        return nil
    }

    private func lines(of head: ArraySlice<UInt8>) throws(ServerError) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var begin = head.startIndex
        for index in head.indices where head[index] == 0x0A {
            guard index > begin, head[index - 1] == 0x0D else { throw bad("a line ends without CR") }
            lines.append(head[begin..<index - 1])
            begin = index + 1
        }
        lines.append(head[begin...])
        return lines
    }

    private mutating func takeLine(limit: Int) throws(ServerError) -> ArraySlice<UInt8>? {
        while searched < buffer.count {
            if buffer[searched] == 0x0A {
                guard searched > start, buffer[searched - 1] == 0x0D else { throw bad("a line ends without CR") }
                let line = buffer[start..<searched - 1]
                start = searched + 1
                searched = start
                return line
            }
            searched += 1
        }
        guard buffer.count - start <= limit else { throw bad("a line is too long") }
        return nil
    }

    private mutating func chunkSize(_ line: ArraySlice<UInt8>) throws(ServerError) -> Int {
        // What follows a semicolon are extensions, which nobody uses.
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        extensionBytes += line.count - digits.count
        guard (1...8).contains(digits.count), digits.allSatisfy({ Self.isHexDigit($0) }),
            let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw bad("the size of a chunk is not a hexadecimal number") }
        return size
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    // MARK: - The head

    private mutating func readHead(_ lines: [ArraySlice<UInt8>]) throws(ServerError) {
        try readRequestLine(lines[0])
        guard lines.count - 1 <= limits.fields else { throw headTooLarge }
        for line in lines.dropFirst() { request.fields.append(try field(line)) }
        let hosts = request.fields.count { $0.name == "host" }
        guard hosts == 1 || (hosts == 0 && !request.isHTTP11) else { throw bad("one host field was expected") }
        try readLength()
    }

    private mutating func readRequestLine(_ line: ArraySlice<UInt8>) throws(ServerError) {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, (1...16).contains(parts[0].count), parts[0].allSatisfy({ Self.isTokenByte($0) }) else {
            throw bad("the first line should be METHOD PATH HTTP/1.1")
        }
        switch String(decoding: parts[2], as: UTF8.self) {
        case "HTTP/1.1": request.isHTTP11 = true
        case "HTTP/1.0": request.isHTTP11 = false
        case let version where version.hasPrefix("HTTP/"):
            throw ServerError(.unsupportedVersion, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        default: throw bad("the first line should be METHOD PATH HTTP/1.1")
        }
        guard parts[1].first == UInt8(ascii: "/"), parts[1].allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw bad("the path should begin with / and have no spaces")
        }
        request.method = String(decoding: parts[0], as: UTF8.self)
        request.path = String(decoding: parts[1].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
    }

    private func field(_ line: ArraySlice<UInt8>) throws(ServerError) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy({ Self.isTokenByte($0) })
        else { throw bad("a header field should be NAME: VALUE") }
        var value = line[(colon + 1)...]
        func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
        while isSpace(value.first) { value.removeFirst() }
        while isSpace(value.last) { value.removeLast() }
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw bad("a header field has control characters")
        }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        return (name, String(decoding: value, as: UTF8.self))
    }

    private mutating func readLength() throws(ServerError) {
        let lengths = Set(request.fields.filter { $0.name == "content-length" }.map(\.value))
        let codings = request.fields.filter { $0.name == "transfer-encoding" }.map { $0.value.lowercased() }
        guard lengths.count <= 1, lengths.isEmpty || codings.isEmpty else { throw bad("the length is said twice") }
        if !codings.isEmpty {
            guard request.isHTTP11, codings == ["chunked"] else {
                throw ServerError(.notImplemented, "of the transfer codings only chunked is known here")
            }
            phase = .chunkSize
        } else if let length = lengths.first {
            guard (1...18).contains(length.utf8.count), length.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let count = Int(length)
            else { throw bad("the content length is not a number") }
            guard count <= limits.bodyBytes else { throw tooLarge }
            phase = .body(remaining: count)
        } else {
            phase = .body(remaining: 0)
        }
        if case .body(0) = phase { return }
        expectsContinue = request.field("expect")?.lowercased() == "100-continue"
    }

    /// The characters of RFC 9110's tokens.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
