/// Reads parallel files, one a language, whose lines of the same number belong together.
///
/// The driver feeds the part that lags, so that what waits here is at most a piece of one file.
struct MosesParser: ~Copyable {
    private let languages: [String]
    private let limits: ReadingLimits
    private var parts: [LineByLineQueue]
    private var number = 0

    /// Lines of one part that wait for the others.
    private struct LineByLineQueue {
        var lines: [[UInt8]] = []
        var next = 0
        var partial: [UInt8] = []
        var isFinished = false

        var waiting: Int { lines.count - next }
    }

    init(languages: [String], limits: ReadingLimits) {
        self.languages = languages
        self.limits = limits
        parts = languages.map { _ in LineByLineQueue() }
    }

    /// The part to feed next: an unfinished one with the fewest lines waiting. Nil when all are finished.
    var hungriest: Int? {
        parts.indices.filter { !parts[$0].isFinished }.min { parts[$0].waiting < parts[$1].waiting }
    }

    mutating func feed(_ utf8: Span<UInt8>, part: Int, into batch: inout RowBatch) throws(FileFault) {
        var start = 0
        while let end = utf8.firstIndex(of: UInt8(ascii: "\n"), from: start) {
            parts[part].partial.append(utf8.extracting(start..<end))
            try endLine(of: part)
            start = end + 1
        }
        parts[part].partial.append(utf8.extracting(start..<utf8.count))
        guard parts[part].partial.count <= limits.lineBytes else { throw tooLong(part) }
        pair(into: &batch)
    }

    mutating func finish(part: Int, into batch: inout RowBatch) throws(FileFault) {
        if !parts[part].partial.isEmpty { try endLine(of: part) }
        parts[part].isFinished = true
        pair(into: &batch)
    }

    private mutating func endLine(of part: Int) throws(FileFault) {
        if parts[part].partial.last == UInt8(ascii: "\r") { parts[part].partial.removeLast() }
        guard parts[part].partial.count <= limits.lineBytes else { throw tooLong(part) }
        parts[part].lines.append(parts[part].partial)
        parts[part].partial.removeAll(keepingCapacity: true)
    }

    private mutating func pair(into batch: inout RowBatch) {
        while parts.allSatisfy({ $0.waiting > 0 }) {
            number += 1
            var sides: [RowBatch.Side] = []
            for index in parts.indices {
                sides.append(RowBatch.Side(language: languages[index], utf8: parts[index].lines[parts[index].next]))
                parts[index].next += 1
            }
            batch.addUnit(sides, at: .line(number))
        }
        for index in parts.indices where parts[index].next > 4096 || parts[index].waiting == 0 {
            parts[index].lines.removeFirst(parts[index].next)
            parts[index].next = 0
        }
    }

    private func tooLong(_ part: Int) -> FileFault {
        let line = number + parts[part].waiting + 1
        let message = "line \(line) of the \(languages[part]) file is longer than \(limits.lineBytes) bytes"
        return FileFault(.overLimit, message, .line(line))
    }
}
