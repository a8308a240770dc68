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
        /// Nil for one that is too long.
        var lines: [[UInt8]?] = []
        var next = 0
        var partial: [UInt8] = []
        var isTooLong = false
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

    mutating func feed(_ utf8: Span<UInt8>, part: Int, into batch: inout RowBatch) {
        var start = 0
        while let end = utf8.firstIndex(of: UInt8(ascii: "\n"), from: start) {
            append(utf8.extracting(start..<end), to: part)
            endLine(of: part)
            start = end + 1
        }
        append(utf8.extracting(start..<utf8.count), to: part)
        pair(into: &batch)
    }

    mutating func finish(part: Int, into batch: inout RowBatch) {
        if !parts[part].partial.isEmpty || parts[part].isTooLong { endLine(of: part) }
        parts[part].isFinished = true
        pair(into: &batch)
    }

    private mutating func append(_ piece: Span<UInt8>, to part: Int) {
        if parts[part].isTooLong { return }
        if parts[part].partial.count + piece.count > limits.lineBytes {
            parts[part].isTooLong = true
            parts[part].partial = []
        } else {
            parts[part].partial.append(piece)
        }
    }

    private mutating func endLine(of part: Int) {
        if parts[part].partial.last == UInt8(ascii: "\r") { parts[part].partial.removeLast() }
        parts[part].lines.append(parts[part].isTooLong ? nil : parts[part].partial)
        parts[part].partial.removeAll(keepingCapacity: true)
        parts[part].isTooLong = false
    }

    private mutating func pair(into batch: inout RowBatch) {
        while parts.allSatisfy({ $0.waiting > 0 }) {
            number += 1
            var sides: [RowBatch.Side] = []
            var tooLong: String?
            for index in parts.indices {
                if let line = parts[index].lines[parts[index].next] {
                    sides.append(RowBatch.Side(language: languages[index], utf8: line))
                } else {
                    tooLong = languages[index]
                }
                parts[index].next += 1
            }
            if let tooLong {
                let message = "line \(number) of the \(tooLong) file is longer than \(limits.lineBytes) bytes"
                let excerpt = sides.first?.utf8 ?? []
                batch.reject(.overLimit, message, at: .line(number), excerpt: excerpt.span)
            } else {
                batch.addUnit(sides, at: .line(number))
            }
        }
        for index in parts.indices where parts[index].next > 4096 || parts[index].waiting == 0 {
            parts[index].lines.removeFirst(parts[index].next)
            parts[index].next = 0
        }
    }
}
