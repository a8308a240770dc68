extension TokenizerCore {
    /// How many spaces a token begins and ends with: those of `content`, or of its spelling.
    func spaces(of id: UInt32, _ content: ArraySlice<UInt8>?) -> Encoding.Spaces {
        if let content { return Encoding.Spaces(of: content) }
        guard let range = vocabulary.range(of: id) else { return Encoding.Spaces() }
        if isByteLevel, !addedIDs.contains(id) { return Encoding.Spaces(in: vocabulary.bytes[range]) { $0 == 0x20 } }
        return Encoding.Spaces(of: vocabulary.bytes[range])
    }
}

extension Encoding.Spaces {
    /// White space, and the letter that stands for a space. Reads no further than there are spaces.
    fileprivate init(of token: ArraySlice<UInt8>) {
        let text = token.span
        var at = 0
        while at < text.count {
            let (scalar, length) = decodeScalar(text, at)
            guard Self.isSpace(scalar) else { break }
            leading += 1
            at += length
        }
        guard at < text.count else {
            trailing = leading
            return
        }
        var end = text.count
        while end > at {
            var begin = end - 1
            while begin > at, text[begin] & 0xC0 == 0x80 { begin -= 1 }
            guard Self.isSpace(decodeScalar(text, begin).scalar) else { break }
            trailing += 1
            end = begin
        }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.isWhiteSpace || scalar == "\u{120}" }

    fileprivate init<Text: BidirectionalCollection>(in text: Text, where isSpace: (Text.Element) -> Bool) {
        leading = text.prefix(while: isSpace).count
        trailing = text.reversed().prefix(while: isSpace).count
    }
}

extension Encoding {
    /// Leaves the white space out that tokens begin and end with: so many characters of the text as a token has spaces,
    /// whatever these stand for, as in the reference. The first token keeps a single one, which may have been put there.
    mutating func trimOffsets(_ text: [UInt8], keepsFirstSpace: Bool) {
        for (index, var spaces) in zip(offsets.indices, spaces) {
            let range = offsets[index]
            if keepsFirstSpace, spaces.leading == 1, index == 0 || range.lowerBound == 0 { spaces.leading = 0 }
            var begin = range.lowerBound
            while spaces.leading > 0, begin < range.upperBound {
                begin += utf8Length(text.span, begin)
                spaces.leading -= 1
            }
            var end = range.upperBound
            while spaces.trailing > 0, end > 0 {
                end -= 1
                while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
                spaces.trailing -= 1
            }
            // With fewer characters before it than the token has spaces, an end stays.
            if spaces.trailing > 0 { end = range.upperBound }
            begin = min(begin, range.upperBound)
            offsets[index] = begin..<max(begin, end)
        }
    }
}
