/// The tokens of a model by id, each as the bytes of its file; an id may be unused.
struct Vocabulary: Sendable {
    private(set) var tokens: [[UInt8]?]

    init() { tokens = [] }

    init(_ tokens: [[UInt8]?]) { self.tokens = tokens }

    /// Room for ids below this.
    var count: Int { tokens.count }

    subscript(id: UInt32) -> [UInt8]? { Int(id) < tokens.count ? tokens[Int(id)] : nil }

    mutating func set(_ token: [UInt8], id: Int) throws(TokenizerError) {
        // Ids beyond any real vocabulary are damage, and would take memory without end.
        guard id >= 0, id < 1 << 24 else { throw .malformed("token id \(id) is not between 0 and 16777215") }
        if id >= tokens.count { tokens += [[UInt8]?](repeating: nil, count: id + 1 - tokens.count) }
        tokens[id] = token
    }

    /// A trie that finds ids by bytes. Of equal tokens the lowest id counts.
    func index() throws(TokenizerError) -> Trie {
        var entries: [(key: [UInt8], id: UInt32, score: Double)] = []
        entries.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() {
            if let token { entries.append((token, UInt32(id), 0)) }
        }
        return try Trie(entries)
    }
}

/// A token and where it ends in the text given to the model.
struct ModelToken {
    var id: UInt32
    var end: Int
}
