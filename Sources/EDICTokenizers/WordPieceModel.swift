/// WordPiece: the longest piece that fits, then the longest that goes on.
struct WordPieceModel: Sendable {
    let vocabulary: Vocabulary
    let unknownID: UInt32
    let prefix: [UInt8]
    let longestWord: Int
    let starting: Trie
    let continuing: Trie

    init(vocabulary: Vocabulary, unknownID: UInt32, prefix: [UInt8], longestWord: Int) throws(TokenizerError) {
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.prefix = prefix
        self.longestWord = longestWord
        starting = try vocabulary.trie()
        var tails = Vocabulary()
        var ids: [UInt32] = []
        for id in 0..<UInt32(vocabulary.count) {
            guard let range = vocabulary.range(of: id), vocabulary.bytes[range].starts(with: prefix) else { continue }
            tails.append(vocabulary.bytes.span.extracting(range.dropFirst(prefix.count)))
            ids.append(id)
        }
        continuing = try Trie(tails, ids: ids)
    }

    func encode(_ word: [UInt8], into tokens: inout [ModelToken]) {
        let first = tokens.count
        var at = 0
        let characters = word.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
        if characters <= longestWord {
            while at < word.count {
                let rest = word.span.extracting(at..<word.count)
                guard let match = (at == 0 ? starting : continuing).longestPrefix(of: rest) else { break }
                at += match.length
                tokens.append(ModelToken(id: match.id, end: at))
            }
        }
        guard at < word.count else { return }
        tokens.removeLast(tokens.count - first)
        tokens.append(ModelToken(id: unknownID, end: word.count))
    }
}

/// A word is a token or unknown.
struct WordLevelModel: Sendable {
    let vocabulary: Vocabulary
    let index: TokenIndex
    let unknownID: UInt32

    func encode(_ word: [UInt8], into tokens: inout [ModelToken]) {
        tokens.append(ModelToken(id: index.id(of: word.span) ?? unknownID, end: word.count))
    }
}
