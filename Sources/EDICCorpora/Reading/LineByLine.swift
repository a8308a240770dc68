/// A reader of a format whose records are lines.
protocol LineConsumer: ~Copyable {
    /// Takes a line without its ending; the number of the first line is 1.
    mutating func take(_ line: Span<UInt8>, _ number: Int, into batch: inout RowBatch) throws(FileFault)

    /// Takes the end of the file.
    mutating func finish(into batch: inout RowBatch) throws(FileFault)
}

extension LineConsumer where Self: ~Copyable {
    mutating func finish(into batch: inout RowBatch) throws(FileFault) {}
}

/// Cuts text that arrives in pieces into lines for a ``LineConsumer``. A line ends with `\n`, `\r\n` or the end of the
/// file; a lone `\r` ends none.
struct LineByLine<Consumer: LineConsumer & ~Copyable>: RowParser, ~Copyable {
    private var consumer: Consumer
    private let limit: Int
    private var partial: [UInt8] = []
    private var number = 0

    init(_ consumer: consuming Consumer, limits: ReadingLimits) {
        self.consumer = consumer
        limit = limits.lineBytes
    }

    mutating func feed(_ utf8: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        var start = 0
        while let end = utf8.firstIndex(of: UInt8(ascii: "\n"), from: start) {
            number += 1
            try check(partial.count + end - start, number)
            let piece = utf8.extracting(start..<end)
            if partial.isEmpty {
                try take(piece, into: &batch)
            } else {
                partial.append(piece)
                try takePartial(into: &batch)
            }
            start = end + 1
        }
        try check(partial.count + utf8.count - start, number + 1)
        partial.append(utf8.extracting(start..<utf8.count))
    }

    mutating func finish(into batch: inout RowBatch) throws(FileFault) {
        if !partial.isEmpty {
            number += 1
            try takePartial(into: &batch)
        }
        try consumer.finish(into: &batch)
    }

    private mutating func takePartial(into batch: inout RowBatch) throws(FileFault) {
        let line = partial
        partial = []
        try take(line.span, into: &batch)
    }

    private mutating func take(_ line: Span<UInt8>, into batch: inout RowBatch) throws(FileFault) {
        let hasReturn = line.count > 0 && line[line.count - 1] == UInt8(ascii: "\r")
        try consumer.take(line.extracting(..<(line.count - (hasReturn ? 1 : 0))), number, into: &batch)
    }

    private func check(_ length: Int, _ number: Int) throws(FileFault) {
        guard length > limit else { return }
        throw FileFault(.overLimit, "line \(number) is longer than \(limit) bytes", .line(number))
    }
}
