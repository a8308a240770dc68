/// Text gathered from the blocks of a document: a line a block, each run of white space one space.
struct CollapsedText {
    private(set) var bytes: [UInt8] = []
    /// Whether white space came since the last word.
    var needsSpace = false

    var isEmpty: Bool { bytes.isEmpty }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsSpace = false
    }

    /// Adds characters of the current block.
    ///
    /// - Parameter endsLines: whether `\n` ends a line, as in preformatted text.
    mutating func append(_ utf8: Span<UInt8>, endsLines: Bool = false) {
        var start = 0
        while start < utf8.count {
            if utf8[start].isASCIIWhitespace {
                if endsLines, utf8[start] == UInt8(ascii: "\n") { endLine() } else { needsSpace = true }
                start += 1
                continue
            }
            var end = start + 1
            while end < utf8.count, !utf8[end].isASCIIWhitespace { end += 1 }
            if needsSpace {
                needsSpace = false
                if let last = bytes.last, last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: " ")) }
            }
            bytes.append(utf8.extracting(start..<end))
            start = end
        }
    }

    /// Ends the current block, if there is something in it.
    mutating func endLine() {
        needsSpace = false
        if let last = bytes.last, last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
    }
}
