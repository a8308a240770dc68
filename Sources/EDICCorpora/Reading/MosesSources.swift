internal import EDICText

/// The texts of files whose lines belong together.
struct MosesSources {
    /// A box, since arrays hold only what can be copied.
    private final class Part {
        var source: TextSource

        init(_ source: consuming TextSource) { self.source = source }
    }

    private var parts: [Part] = []

    mutating func add(_ source: consuming TextSource) { parts.append(Part(source)) }

    /// The charsets, each once.
    var charsets: String {
        var names: [String] = []
        for part in parts where !names.contains(part.source.charset.name) { names.append(part.source.charset.name) }
        return names.joined(separator: ", ")
    }

    /// Replaces `text` with the next piece of a part; false at its end.
    mutating func next(_ part: Int, into text: inout [UInt8]) throws(FileFault) -> Bool {
        try parts[part].source.next(into: &text)
    }

    /// Calls `body` with each of the texts.
    func visit(_ body: (borrowing TextSource) -> Void) {
        for part in parts { body(part.source) }
    }
}
