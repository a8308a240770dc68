/// A token that is looked for in the text before the model sees it.
public struct AddedToken: Sendable, Equatable {
    /// The id that stands for it.
    public var id: UInt32
    /// The text that is looked for.
    public var content: String
    /// Only where it is a word of its own.
    public var singleWord = false
    /// Takes the white space to its left along.
    public var stripsLeft = false
    /// Takes the white space to its right along.
    public var stripsRight = false
    /// Looked for in the normalized text rather than in the text as given.
    public var isNormalized = true
    /// Left out when decoding without special tokens.
    public var isSpecial = false

    public init(id: UInt32, content: String, isSpecial: Bool = false, isNormalized: Bool? = nil) {
        self.id = id
        self.content = content
        self.isSpecial = isSpecial
        self.isNormalized = isNormalized ?? !isSpecial
    }
}

/// Finds added tokens: leftmost, then longest.
struct AddedTokenMatcher: Sendable {
    enum Part {
        case text(Range<Int>)
        /// A token, with the range it takes of the text, white space included.
        case token(UInt32, Range<Int>)

        func shifted(by count: Int) -> Part {
            switch self {
            case .text(let range): .text(range.lowerBound + count..<range.upperBound + count)
            case .token(let id, let range): .token(id, range.lowerBound + count..<range.upperBound + count)
            }
        }
    }

    private let tokens: [UInt32: AddedToken]
    private let trie: Trie
    private let firstBytes: [Bool]

    /// Nil where there is nothing to look for.
    init?(_ tokens: [(token: AddedToken, content: [UInt8])]) throws(TokenizerError) {
        let wanted = tokens.filter { !$0.content.isEmpty }
        guard !wanted.isEmpty else { return nil }
        self.tokens = Dictionary(wanted.map { ($0.token.id, $0.token) }, uniquingKeysWith: { first, _ in first })
        trie = try Trie(wanted.map { ($0.content, $0.token.id, 0) })
        var firstBytes = [Bool](repeating: false, count: 256)
        for token in wanted { firstBytes[Int(token.content[0])] = true }
        self.firstBytes = firstBytes
    }

    /// Where the first byte at or after `start` is that may begin a token.
    func firstCandidate(in text: Span<UInt8>, from start: Int) -> Int? {
        var at = start
        while at < text.count {
            if firstBytes[Int(text[at])] { return at }
            at += 1
        }
        return nil
    }

    /// Whether the spelling of a token is anywhere in the text.
    func isAnywhere(in text: Span<UInt8>) -> Bool {
        var at = 0
        while let candidate = firstCandidate(in: text, from: at) {
            if trie.longestPrefix(of: text.extracting(candidate..<text.count)) != nil { return true }
            at = candidate + 1
        }
        return false
    }

    /// Cuts the text at the tokens `isWanted` lets through.
    func split(_ text: Span<UInt8>, _ isWanted: (AddedToken) -> Bool) -> [Part] {
        var parts: [Part] = []
        var done = 0
        var at = 0
        // Where the white space ends that was read last.
        var spaceEnd = 0
        while let candidate = firstCandidate(in: text, from: at) {
            at = candidate
            guard let match = trie.longestPrefix(of: text.extracting(at..<text.count)),
                let token = tokens[match.id], isWanted(token)
            else {
                at += 1
                continue
            }
            var begin = at
            var end = at + match.length
            if token.singleWord, isWordCharacter(before: begin, text) || isWordCharacter(at: end, text) {
                at = end
                continue
            }
            if token.stripsLeft {
                begin = max(begin, done)
                while begin > done, let space = space(before: begin, text) { begin = max(done, space) }
            }
            if token.stripsRight {
                // A run of such tokens, as line ends may be, is read once.
                end = max(end, spaceEnd)
                while end < text.count, decodeScalar(text, end).scalar.isWhiteSpace { end += utf8Length(text, end) }
                spaceEnd = end
            }
            // One whose text all went along with the token before it is none.
            begin = min(begin, end)
            if begin > done { parts.append(.text(done..<begin)) }
            if begin < end { parts.append(.token(match.id, begin..<end)) }
            done = end
            // As in the reference, a token that begins in the white space that this one takes is found, too.
            at += match.length
        }
        if done < text.count { parts.append(.text(done..<text.count)) }
        return parts
    }

    private func start(before at: Int, _ text: Span<UInt8>) -> Int {
        var before = at - 1
        while before > 0, text[before] & 0xC0 == 0x80 { before -= 1 }
        return before
    }

    private func space(before at: Int, _ text: Span<UInt8>) -> Int? {
        guard at > 0 else { return nil }
        let before = start(before: at, text)
        return decodeScalar(text, before).scalar.isWhiteSpace ? before : nil
    }

    private func isWordCharacter(before at: Int, _ text: Span<UInt8>) -> Bool {
        at > 0 && decodeScalar(text, start(before: at, text)).scalar.isWordCharacter
    }

    private func isWordCharacter(at: Int, _ text: Span<UInt8>) -> Bool {
        at < text.count && decodeScalar(text, at).scalar.isWordCharacter
    }
}
