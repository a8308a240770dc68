/// SentencePiece's precompiled character map: the longest key a text begins with is replaced by its value.
///
/// The blob is the size of a Darts double array in bytes (4, little-endian), its units, and the values, NUL-terminated.
struct CharacterMap: Sendable {
    let blob: [UInt8]
    private let units: [UInt32]
    private let values: [UInt8]

    /// The size of the blob's trie in bytes.
    var trieSize: Int { units.count * 4 }

    init(_ blob: [UInt8]) throws(TokenizerError) {
        guard blob.count > 4 else { throw .malformed("precompiled character map: \(blob.count) bytes are too few") }
        var size = 0
        for index in 0..<4 { size |= Int(blob[index]) << (8 * index) }
        guard size >= 4, size % 4 == 0, size <= blob.count - 4 else {
            throw .malformed("precompiled character map: a trie of \(size) bytes does not fit in \(blob.count)")
        }
        self.blob = blob
        var units: [UInt32] = []
        units.reserveCapacity(size / 4)
        for unit in stride(from: 4, to: 4 + size, by: 4) {
            let low = UInt32(blob[unit]) | UInt32(blob[unit + 1]) << 8
            let high = UInt32(blob[unit + 2]) | UInt32(blob[unit + 3]) << 8
            units.append(low | high << 16)
        }
        self.units = units
        values = Array(blob[(4 + size)...])
    }

    /// The value and the length of the longest key at `at`; nil where no key matches.
    func longestMatch(_ text: Span<UInt8>, _ at: Int) -> (value: Range<Int>, length: Int)? {
        var node = Int(offset(units[0]))
        var found: (value: UInt32, length: Int)?
        var index = at
        while index < text.count {
            let byte = text[index]
            if byte == 0 { break }
            node ^= Int(byte)
            guard node < units.count else { break }
            let unit = units[node]
            // The label of a unit: a leaf's has the high bit set and matches no byte.
            guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { break }
            node ^= Int(offset(unit))
            index += 1
            guard node < units.count else { break }
            if unit >> 8 & 1 == 1 { found = (units[node] & ~(1 << 31), index - at) }
        }
        guard let found, Int(found.value) < values.count else { return nil }
        let begin = Int(found.value)
        var end = begin
        while end < values.count, values[end] != 0 { end += 1 }
        return (begin..<end, found.length)
    }

    func bytes(of value: Range<Int>) -> ArraySlice<UInt8> { values[value] }

    private func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & 1 << 9) >> 6) }
}

extension CharacterMap {
    /// As HF's Precompiled: each grapheme shorter than six bytes is looked up whole, then each of its characters.
    func applyByGrapheme(_ text: AlignedText) -> AlignedText {
        var replacing = Replacing(text)
        replaceGraphemes(of: text, &replacing)
        return replacing.finish()
    }

    /// A text on its way through a map.
    private struct Replacing {
        let text: AlignedText
        let isTracked: Bool
        var result = AlignedText()
        var changes: [AlignedText.Change] = []
        /// How many bytes were taken away before the first character.
        var taken = 0

        init(_ text: AlignedText) {
            self.text = text
            isTracked = text.isTracked
            result.bytes.reserveCapacity(text.bytes.count)
        }

        mutating func keep(_ range: Range<Int>) {
            result.bytes += text.bytes[range]
            if isTracked { changes.append(AlignedText.Change(length: range.count, count: 0)) }
        }

        /// Of more characters than there were, the last are new; of fewer, the last one takes the place of those that are left.
        mutating func replace(_ range: Range<Int>, with value: ArraySlice<UInt8>) {
            result.bytes += value
            guard isTracked else { return }
            var left = text.characterCount(range)
            var at = value.startIndex
            while at < value.endIndex {
                let length = utf8Length(value.span, at - value.startIndex)
                changes.append(AlignedText.Change(length: length, count: left > 0 ? 0 : 1))
                left -= 1
                at += length
            }
            guard left > 0 else { return }
            if changes.isEmpty {
                taken += range.count
            } else {
                changes[changes.count - 1].count -= left
            }
        }

        consuming func finish() -> AlignedText {
            result.align(changes, with: text, from: taken)
            // A text begins where it began before; the reference counts on from there, so that all behind is amiss.
            if taken > 0, let first = changes.first {
                for at in 0..<first.length { result.begins[at] = text.begins[0] }
            }
            return result
        }
    }

    private func replaceGraphemes(of text: AlignedText, _ replacing: inout Replacing) {
        var at = 0
        let plain = text.bytes.allSatisfy { $0 < 0x80 }
        if plain {
            while at < text.bytes.count {
                // A carriage return and line feed are one grapheme.
                let pair = text.bytes[at] == 13 && at + 1 < text.bytes.count && text.bytes[at + 1] == 10
                replaceGrapheme(at..<at + (pair ? 2 : 1), of: text, &replacing)
                at += pair ? 2 : 1
            }
            return
        }
        while at < text.bytes.count {
            let end = endOfText(text.bytes.span, from: at)
            for character in Array(text.bytes[at..<end]).decodedText {
                let length = character.utf8.count
                replaceGrapheme(at..<at + length, of: text, &replacing)
                at += length
            }
            // Bytes that are no text stand for themselves.
            guard at < text.bytes.count else { break }
            replacing.keep(at..<at + 1)
            at += 1
        }
    }

    /// Where the first byte that is no UTF-8 stands, or the end.
    private func endOfText(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var at = start
        while at < bytes.count {
            let (scalar, length) = decodeScalar(bytes, at)
            if scalar == "\u{FFFD}" && length == 1 { break }
            at += length
        }
        return at
    }

    private func whole(_ range: Range<Int>, of text: AlignedText) -> Range<Int>? {
        // The reference takes the first (shortest) key of a common-prefix search.
        shortestMatch(text.bytes.span, range)
    }

    private func shortestMatch(_ text: Span<UInt8>, _ range: Range<Int>) -> Range<Int>? {
        var node = Int(offset(units[0]))
        for index in range {
            let byte = text[index]
            if byte == 0 { return nil }
            node ^= Int(byte)
            guard node < units.count else { return nil }
            let unit = units[node]
            guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
            node ^= Int(offset(unit))
            guard node < units.count else { return nil }
            if unit >> 8 & 1 == 1 {
                let begin = Int(units[node] & ~(1 << 31))
                guard begin < values.count else { return nil }
                var end = begin
                while end < values.count, values[end] != 0 { end += 1 }
                return begin..<end
            }
        }
        return nil
    }

    private func replaceGrapheme(_ range: Range<Int>, of text: AlignedText, _ replacing: inout Replacing) {
        if range.count < 6, let value = whole(range, of: text) {
            replacing.replace(range, with: bytes(of: value))
            return
        }
        var at = range.lowerBound
        while at < range.upperBound {
            let part = at..<at + utf8Length(text.bytes.span, at)
            if let value = whole(part, of: text) {
                replacing.replace(part, with: bytes(of: value))
            } else {
                replacing.keep(part)
            }
            at = part.upperBound
        }
    }
}
