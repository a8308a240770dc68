extension Tokenizer {
    /// Cuts a text into parts of at most so many tokens each, special tokens around them included.
    ///
    /// A part ends where a token does, or behind what no token stands for, and never inside a character; where a part alone would have more tokens than in its
    /// place, it ends earlier. A single character may have more tokens than asked for and is then a part of its own.
    ///
    /// - Parameters:
    ///   - limit: the most tokens of a part, at least 1.
    ///   - prefersSpaces: end a part before white space where there is some in its second half.
    /// - Returns: the ranges of the text's UTF-8 bytes, one after the other without gaps.
    /// - Throws: `invalidArgument` where the limit leaves no room for text.
    public func split(
        _ text: String, atMost limit: Int, prefersSpaces: Bool = true, addingSpecialTokens: Bool = true,
        specialTokens policy: SpecialTokenPolicy = .recognized
    ) throws(TokenizerError) -> [Range<Int>] {
        let special = addingSpecialTokens ? core.parts.postProcessor.specialCount(isPair: false) : 0
        guard limit > special else {
            throw TokenizerError(
                .invalidArgument, "parts of \(limit) tokens have no room for text beside \(special) special tokens")
        }
        let room = limit - special
        let bytes = Array(text.utf8)
        var parts: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            // A window that surely has as many tokens as there is room for, unless tokens are very long.
            var window = min(bytes.count - start, max(256, min(room, bytes.count) * 16))
            var end = start
            var isLast = false
            while true {
                let stop = Self.characterStart(bytes, start + window)
                let tokens = core.encoding(Array(bytes[start..<stop]), policy)
                if tokens.count <= room {
                    end = stop
                    isLast = stop == bytes.count
                    if isLast { break }
                    window *= 2
                    if window > bytes.count - start { window = bytes.count - start }
                    continue
                }
                end = Self.end(ofToken: room - 1, of: tokens, bytes, start..<stop)
                break
            }
            // The bytes of one character may be several tokens that all end where it does, so that an end at the text's
            // own says nothing.
            if !isLast {
                if prefersSpaces, let space = Self.lastSpace(bytes, start, end) { end = space }
                end = fitting(bytes, start, end, room, policy)
            }
            parts.append(start..<end)
            start = end
        }
        return parts
    }

    /// The end of a part that alone has at most `room` tokens, from `end` backwards; at least one character.
    private func fitting(
        _ bytes: [UInt8], _ start: Int, _ end: Int, _ room: Int, _ policy: SpecialTokenPolicy
    ) -> Int {
        var end = end
        let least = start + utf8Length(bytes.span, start)
        while end > least {
            let tokens = core.encoding(Array(bytes[start..<end]), policy)
            if tokens.count <= room { return end }
            let cut = Self.end(ofToken: room - 1, of: tokens, bytes, start..<end)
            end = max(least, cut < end ? cut : Self.lastLetter(bytes, before: end))
        }
        return max(end, least)
    }

    /// Where a token's text ends, with what no token stands for behind it: a mark that became one with its letter stays there, but
    /// not white space.
    private static func end(ofToken index: Int, of tokens: Encoding, _ bytes: [UInt8], _ part: Range<Int>) -> Int {
        let end = characterStart(bytes, part.lowerBound + tokens.offsets[index].upperBound)
        let next = tokens.offsets[(index + 1)...].first { part.lowerBound + $0.lowerBound >= end }
        let begin = next.map { characterStart(bytes, part.lowerBound + $0.lowerBound) } ?? part.upperBound
        guard begin > end else { return end }
        return end + bytes[end..<begin].prefix { $0 != 0x20 && $0 != 0x0A }.count
    }

    /// Where the last character before `end` begins that is no mark on another.
    private static func lastLetter(_ bytes: [UInt8], before end: Int) -> Int {
        var at = characterStart(bytes, end - 1)
        while at > 0, decodeScalar(bytes.span, at).scalar.combiningClass != 0 {
            at = characterStart(bytes, at - 1)
        }
        return at
    }

    /// The beginning of the character that holds the byte at `index`, or the end.
    private static func characterStart(_ bytes: [UInt8], _ index: Int) -> Int {
        guard index < bytes.count else { return bytes.count }
        var at = index
        while at > 0, bytes[at] & 0xC0 == 0x80 { at -= 1 }
        return at
    }

    /// The last white space in the second half.
    private static func lastSpace(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
        if end < bytes.count, bytes[end] == 0x20 || bytes[end] == 0x0A { return end }
        return (start + (end - start + 1) / 2..<end).last { $0 > start && (bytes[$0] == 0x20 || bytes[$0] == 0x0A) }
    }
}
