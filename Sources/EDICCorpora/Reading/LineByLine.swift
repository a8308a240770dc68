/// A reader of a format whose records are lines.
protocol LineConsumer: ~Copyable {
    /// Takes a line without its ending; the number of the first line is 1.
    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) throws(FileFault)

    /// Takes a line that is longer than the limits allow, of which the beginning is known.
    mutating func takeTooLong(
        _ beginning: Span<UInt8>, _ number: Int, _ message: String, into batch: inout RowBatch
    ) throws(FileFault)

    /// Takes the end of the file.
    mutating func finish(into batch: inout RowBatch) throws(FileFault)
}

extension LineConsumer where Self: ~Copyable {
    mutating func finish(into batch: inout RowBatch) throws(FileFault) {}

    mutating func takeTooLong(
        _ beginning: Span<UInt8>, _ number: Int, _ message: String, into batch: inout RowBatch
    ) throws(FileFault) {
        batch.reject(.overLimit, message, at: .line(number), excerpt: beginning)
    }
}

/// Cuts text that arrives in pieces into lines for a ``LineConsumer``. A line ends with `\n`, `\r\n` or the end of the
/// file; a lone `\r` ends none (``TextSource`` has made `\n` of those where nothing else ends lines).
struct LineByLine<Consumer: LineConsumer & ~Copyable>: RowParser, ~Copyable {
    private var consumer: Consumer
    private let limit: Int
    /// The line so far; of one that is too long, its beginning.
    private var partial: [UInt8] = []
    private var isTooLong = false
    private var number = 0

    init(_ consumer: consuming Consumer, limits: ReadingLimits) {
        self.consumer = consumer
        limit = limits.lineBytes
    }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        var start = 0
        while let end = utf8.firstIndex(of: UInt8(ascii: "\n"), from: start) {
            number += 1
            let piece = utf8.extracting(start..<end)
            if partial.isEmpty, piece.count <= limit {
                try take(piece, into: &batch)
            } else {
                append(piece)
                try takePartial(into: &batch)
            }
            start = end + 1
        }
        append(utf8.extracting(start..<utf8.count))
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        if !partial.isEmpty {
            number += 1
            try takePartial(into: &batch)
        }
        try consumer.finish(into: &batch)
    }

    private mutating func append(_ piece: Span<UInt8>) {
        if isTooLong { return }
        if partial.count + piece.count > limit {
            isTooLong = true
            partial = Array(partial.prefix(Rejection.excerptLimit))
            partial.append(piece.extracting(..<min(piece.count, Rejection.excerptLimit)))
        } else {
            partial.append(piece)
        }
    }

    private mutating func takePartial(into batch: inout RowBatch) throws(FileFault) {
        let (line, wasTooLong) = (partial, isTooLong)
        partial = []
        isTooLong = false
        guard wasTooLong else { return try take(line.span, into: &batch) }
        try consumer.takeTooLong(
            line.span, number, "line \(number) is longer than \(limit) bytes", into: &batch)
    }

    private mutating func take(_ line: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        let hasReturn = line.count > 0 && line[line.count - 1] == UInt8(ascii: "\r")
        try consumer.take(line.extracting(..<(line.count - (hasReturn ? 1 : 0))), number, into: &batch)
    }
}
