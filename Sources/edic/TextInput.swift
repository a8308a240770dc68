import ArgumentParser
import EDICJSON
import EDICStore
import EDICTransformers
import Glibc
import SystemPackage

/// The files that a command reads its text from.
struct TextOptions: ParsableArguments {
    @Argument(help: "Text files, plain or compressed; none, or -, is standard input.", completion: .file())
    var files: [String] = []

    var input: TextInput { TextInput(files) }
}

/// Where the lines of a batch are.
struct LinePlaces {
    let file: String
    /// Lines of the file before them.
    let before: Int

    /// What messages about a line of the batch begin with.
    func name(of index: Int) -> String { "\(file):\(before + index + 1)" }
}

/// Reads lines as UTF-8, and says which are not: what is read as U+FFFD would get lost without a word.
private struct TextReader {
    private var malformed = 0
    private var lastFile: String?

    /// The lines as texts. Of those that are not UTF-8, each file's first is said.
    mutating func texts(of lines: [[UInt8]], at places: LinePlaces) -> [String] {
        lines.enumerated().map { index, line in
            if let text = String(validating: line, as: UTF8.self) { return text }
            malformed += 1
            if places.file != lastFile {
                lastFile = places.file
                Terminal.warn(
                    "\(places.name(of: index)): is not UTF-8, and what is not is read as U+FFFD; \(TextInput.advice)")
            }
            return line.text
        }
    }

    /// Says how many lines were not UTF-8 where it was more than one.
    func finish() {
        if malformed > 1 { Terminal.warn("\(malformed) lines were not UTF-8") }
    }
}

/// The text that a command works on: files named on the command line, or standard input.
struct TextInput {
    /// What to do with text that is not UTF-8.
    static let advice = "convert it: iconv -f WINDOWS-1252 -t UTF-8, or from what it is"

    /// One or more; `-` is standard input.
    let paths: [String]

    init(_ paths: [String]) { self.paths = paths.isEmpty ? ["-"] : paths }

    /// Calls `body` with the lines of all files, some at a time, without their ends.
    ///
    /// A batch is given early where no more is ready on standard input: whoever types, or writes into a pipe and waits
    /// for the answer, gets one.
    ///
    /// - Parameter dropsMark: whether a byte order mark is no part of a file's first line.
    func forEachBatch(
        lines mostLines: Int = 1024, bytes mostBytes: Int = 4 << 20, dropsMark: Bool = false,
        _ body: ([[UInt8]]) throws -> Void
    ) throws {
        try forEachBatch(lines: mostLines, bytes: mostBytes, dropsMark: dropsMark) { lines, _ in try body(lines) }
    }

    /// The same with where the lines are.
    private func forEachBatch(
        lines mostLines: @autoclosure () -> Int, bytes mostBytes: Int = 4 << 20, dropsMark: Bool = false,
        _ body: (_ lines: [[UInt8]], _ places: LinePlaces) throws -> Void
    ) throws {
        for path in paths {
            if path == "-" { try Self.waitForInput() }
            let file = try Self.open(path)
            let name = file.name
            var reader = LineReader(file)
            var batch: [[UInt8]] = []
            var before = 0
            var byteCount = 0
            func give() throws {
                try body(batch, LinePlaces(file: name, before: before))
                before += batch.count
                batch.removeAll(keepingCapacity: true)
                byteCount = 0
            }
            while try reader.advance() {
                var line = reader.withLine { line in [UInt8](copying: line) }
                if dropsMark && before + batch.count == 0 { line = Array(try Self.withoutMark(line, of: name)) }
                byteCount += line.count
                batch.append(line)
                let isFull = batch.count >= mostLines() || byteCount >= mostBytes
                if isFull || (path == "-" && Self.isWaiting(reader)) {
                    try give()
                    if path == "-" && Self.isWaiting(reader) { try Self.waitForInput() }
                }
            }
            if !batch.isEmpty { try give() }
        }
    }

    /// The same as texts, for long work, which ends in order when it is asked to stop: the batches that `body` has printed are
    /// said, and lines that are not UTF-8. A byte order mark is no part of a file's first line.
    ///
    /// - Parameters:
    ///   - lines: how many make a batch; in these bounds, so many that it takes a second or some, since all of its results
    ///     come together.
    ///   - verb: what is done with a line, such as "translated".
    ///   - body: is also given where the lines are.
    func forEachBatch(
        lines bounds: ClosedRange<Int>, verb: String,
        _ body: (_ texts: [String], _ places: LinePlaces) throws -> Void
    ) throws {
        var reader = TextReader()
        defer { reader.finish() }
        var done = 0
        var count = min(2 * bounds.lowerBound, bounds.upperBound)
        Interruption.setReading(true)
        defer { Interruption.setReading(false) }
        do {
            if Interruption.shouldStop { throw Self.stopped }
            try forEachBatch(lines: count, dropsMark: true) { lines, places in
                Interruption.setReading(false)
                defer { Interruption.setReading(true) }
                if Interruption.shouldStop { throw Self.stopped }
                let start = ContinuousClock.now
                try body(reader.texts(of: lines, at: places), places)
                done += lines.count
                let time = ContinuousClock.now - start
                if time < .seconds(1), lines.count >= count { count = min(2 * count, bounds.upperBound) }
                if time > .seconds(4) { count = max(count / 2, bounds.lowerBound) }
            }
        } catch  where Self.isStop(error) {
            throw CommandFailure(.interrupted, "stopped; \(done) \(done == 1 ? "line is" : "lines are") \(verb)")
        }
    }

    private static let stopped = CommandFailure(.interrupted, "stopped")

    private static func isStop(_ error: any Error) -> Bool {
        (error as? CommandFailure)?.status == .interrupted || (error as? ModelError)?.code == .cancelled
    }

    /// The beginning of a file without the byte order mark that some programs on Windows put there; the mark of UTF-16 is an
    /// error.
    static func withoutMark(_ content: [UInt8], of name: String) throws -> ArraySlice<UInt8> {
        guard !content.starts(with: [0xFF, 0xFE]), !content.starts(with: [0xFE, 0xFF]) else {
            throw CommandFailure(.badData, "\(name): is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8")
        }
        return content.starts(with: [0xEF, 0xBB, 0xBF]) ? content.dropFirst(3) : content[...]
    }

    /// Calls `body` with the name and the whole content of each file.
    func forEachDocument(atMost limit: Int = 256 << 20, _ body: (String, [UInt8]) throws -> Void) throws {
        for path in paths {
            var reader = try Self.open(path)
            let name = reader.name
            try body(name, try reader.readAll(atMost: limit))
        }
    }

    /// Calls `body` with the content of all files, about `mostBytes` at a time, cut after the ends of lines.
    ///
    /// - Parameters:
    ///   - givesEarly: whether a piece is given early where no more is ready on standard input.
    ///   - endsLines: whether the last line of a file is given its end; else what is behind the last end is a piece of its
    ///     own.
    func forEachPiece(
        bytes mostBytes: Int = 1 << 20, givesEarly: Bool = true, endsLines: Bool = true,
        _ body: (Span<UInt8>) throws -> Void
    ) throws {
        for path in paths {
            var reader = try Self.open(path)
            var piece: [UInt8] = []
            // What is behind the last line end.
            var end = 0
            while true {
                let size = piece.count
                guard try reader.read(into: &piece, atMost: .max) > 0 else { break }
                // Only what is new is searched: a line may be longer than many pieces.
                if let place = piece[size...].lastIndex(of: 0x0A) { end = place + 1 }
                let isFull = end >= mostBytes || piece.count >= 2 * mostBytes
                guard end > 0, isFull || givesEarly && path == "-" && Self.nothingIsReady else { continue }
                try body(piece.span.extracting(..<end))
                piece.removeSubrange(..<end)
                end = 0
            }
            if end > 0, !endsLines {
                try body(piece.span.extracting(..<end))
                piece.removeSubrange(..<end)
            }
            if piece.isEmpty { continue }
            if endsLines, piece.last != 0x0A { piece.append(0x0A) }
            try body(piece.span)
        }
    }

    /// Whether the next read of standard input would wait.
    private static var nothingIsReady: Bool {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&descriptor, 1, 0) == 0
    }

    /// Waits until standard input has something or has ended. A read would go on waiting when it is interrupted.
    private static func waitForInput() throws {
        // Asked every tenth of a second whether to stop, so that it can be said what was done.
        let wasReading = Interruption.setReading(false)
        defer { Interruption.setReading(wasReading) }
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = unsafe poll(&descriptor, 1, 100)
            guard ready == 0 || ready < 0 && errno == EINTR else { return }
            if Interruption.shouldStop { throw Self.stopped }
        }
    }

    /// How many bytes a file has, as it lies on the disk.
    static func size(of path: String) throws -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw CommandFailure(.noInput, "\(path): cannot be read: \(Errno(rawValue: errno))")
        }
        return Int(status.st_size)
    }

    static func open(_ path: String) throws(StoreError) -> ByteReader {
        path == "-"
            ? try ByteReader(.standardInput, name: "standard input") : try ByteReader(FilePath(path))
    }

    /// Whether the next line has not come as a whole, and the next read would wait.
    private static func isWaiting(_ reader: borrowing LineReader) -> Bool {
        reader.format == .none && !reader.hasNextLine && nothingIsReady
    }
}

extension [UInt8] {
    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    var text: String { String(decoding: self, as: UTF8.self) }

    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    mutating func appendLine(_ text: String) {
        append(contentsOf: text.utf8)
        append(0x0A)
    }
}
