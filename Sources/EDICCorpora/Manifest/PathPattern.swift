/// A pattern for paths inside a contribution: `*` for any characters but `/`, `**` for any at all, `?` for one but `/`,
/// `{language}` for a language tag.
package struct PathPattern {
    static let languageMark = "{language}"

    private enum Piece: Equatable {
        case byte(UInt8)
        case anyByte, anyName, anyPath, language
    }

    private let pieces: [Piece]
    let text: String

    /// Paths longer than this match nothing, which bounds the work.
    private static let pathLimit = 4096

    package init(_ text: String) {
        self.text = text
        var pieces: [Piece] = []
        var rest = Substring(text).utf8
        while let byte = rest.first {
            if Substring(rest).hasPrefix(Self.languageMark) {
                pieces.append(.language)
                rest = rest.dropFirst(Self.languageMark.utf8.count)
                continue
            }
            rest.removeFirst()
            switch byte {
            case UInt8(ascii: "?"): pieces.append(.anyByte)
            case UInt8(ascii: "*"):
                if rest.first == UInt8(ascii: "*") {
                    rest.removeFirst()
                    // `a/**/b` also is `a/b`.
                    if rest.first == UInt8(ascii: "/"), pieces.isEmpty || pieces.last == .byte(UInt8(ascii: "/")) {
                        rest.removeFirst()
                    }
                    if pieces.last != .anyPath { pieces.append(.anyPath) }
                } else if pieces.last != .anyName {
                    pieces.append(.anyName)
                }
            default: pieces.append(.byte(byte))
            }
        }
        self.pieces = pieces
    }

    /// What is wrong with a pattern, or nil.
    static func problem(in text: String) -> String? {
        if text.hasPrefix("/") { return "paths are relative to the contribution's folder" }
        if text.split(separator: "/").contains("..") { return "paths must stay inside the contribution's folder" }
        if text.utf8.contains(0) { return "paths have no zero byte" }
        let parts = text.split(separator: "{", omittingEmptySubsequences: false)
        if parts.count > 2 || (parts.count == 2 && !parts[1].hasPrefix("language}")) {
            return "the only thing in braces may be {language}, once"
        }
        return nil
    }

    /// How a path matches: with the text that `{language}` stands for. Nil if it does not.
    package struct Match {
        var language: String?
        /// The path with `{language}` in place of the tag.
        var group: String
    }

    package func match(_ path: String) -> Match? {
        let bytes = Array(path.utf8)
        guard bytes.count <= Self.pathLimit else { return nil }
        guard let place = pieces.firstIndex(of: .language) else {
            return Self.matches(pieces[...], bytes[...]) ? Match(language: nil, group: path) : nil
        }
        // At most one {language}: try each substring that is a tag.
        for start in bytes.indices where Self.matches(pieces[..<place], bytes[..<start]) {
            var end = start
            while end < bytes.count, Self.isTagByte(bytes[end]) { end += 1 }
            while end >= start + 2 {
                let tag = String(decoding: bytes[start..<end], as: UTF8.self)
                if LanguageName.isRegistered(tag), Self.matches(pieces[(place + 1)...], bytes[end...]) {
                    let before = String(decoding: bytes[..<start], as: UTF8.self)
                    let after = String(decoding: bytes[end...], as: UTF8.self)
                    return Match(language: tag, group: before + Self.languageMark + after)
                }
                end -= 1
            }
        }
        return nil
    }

    private static func isTagByte(_ byte: UInt8) -> Bool {
        byte.isASCIIDigit || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "@")
    }

    /// Dynamic programming over the pieces: O(pieces · bytes), whatever the pattern.
    private static func matches(_ pieces: ArraySlice<Piece>, _ bytes: ArraySlice<UInt8>) -> Bool {
        // Most paths differ from most patterns in the letters that a pattern begins with.
        let letters = pieces.prefix { if case .byte = $0 { true } else { false } }
        guard letters.count <= bytes.count else { return false }
        for (piece, byte) in zip(letters, bytes) where piece != .byte(byte) { return false }
        let pieces = pieces[letters.endIndex...]
        let bytes = bytes.dropFirst(letters.count)
        if pieces.isEmpty { return bytes.isEmpty }
        if pieces.count == 1, pieces.first == .anyPath { return true }
        // reachable[i]: the pieces so far can match the first i bytes.
        var reachable = [Bool](repeating: false, count: bytes.count + 1)
        reachable[0] = true
        for piece in pieces {
            var next = [Bool](repeating: false, count: bytes.count + 1)
            switch piece {
            case .anyName, .anyPath:
                var isReachable = false
                for index in reachable.indices {
                    if index > 0, piece == .anyName, bytes[bytes.startIndex + index - 1] == UInt8(ascii: "/") {
                        isReachable = false
                    }
                    isReachable = isReachable || reachable[index]
                    next[index] = isReachable
                }
            case .byte, .anyByte, .language:
                for (index, byte) in bytes.enumerated() where reachable[index] {
                    next[index + 1] = piece == .byte(byte) || (piece == .anyByte && byte != UInt8(ascii: "/"))
                }
            }
            reachable = next
        }
        return reachable[bytes.count]
    }
}
