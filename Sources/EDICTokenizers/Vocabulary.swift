internal import EDICJSON

/// The tokens of a model by id, each as the bytes of its file; an id may be unused.
///
/// All bytes lie in one array: a list of arrays took as long to make as all else that reading a vocabulary takes, and twice
/// the memory.
struct Vocabulary: Sendable {
    /// The bytes of all tokens, in the order in which they were set.
    private(set) var bytes: [UInt8] = []
    /// Where each token's bytes begin.
    private(set) var starts: [UInt32] = []
    /// How many they are; ``unused`` where no token has the id.
    private(set) var lengths: [UInt32] = []

    static let unused = UInt32.max

    init() {}

    init(_ tokens: [[UInt8]?]) {
        reserve(tokens.count, bytes: tokens.reduce(0) { $0 + ($1?.count ?? 0) })
        for token in tokens { if let token { append(token.span) } else { appendUnused() } }
    }

    /// Room for ids below this.
    var count: Int { lengths.count }

    /// A copy of a token's bytes.
    subscript(id: UInt32) -> [UInt8]? { range(of: id).map { Array(bytes[$0]) } }

    /// Where among ``bytes`` a token is.
    func range(of id: UInt32) -> Range<Int>? {
        guard Int(id) < lengths.count, lengths[Int(id)] != Self.unused else { return nil }
        let start = Int(starts[Int(id)])
        return start..<start + Int(lengths[Int(id)])
    }

    /// The length of a token; 0 where there is none.
    func length(of id: UInt32) -> Int { range(of: id)?.count ?? 0 }

    /// Copies of all tokens.
    var tokens: [[UInt8]?] { (0..<UInt32(count)).map { self[$0] } }

    /// The first id of exactly these bytes, found one by one.
    func first(_ token: [UInt8]) -> UInt32? {
        (0..<UInt32(count)).first { id in
            range(of: id).map { $0.count == token.count && bytes[$0].elementsEqual(token) } ?? false
        }
    }

    mutating func reserve(_ count: Int, bytes: Int) {
        starts.reserveCapacity(count)
        lengths.reserveCapacity(count)
        self.bytes.reserveCapacity(bytes)
    }

    /// Gives the next id to a token.
    mutating func append(_ token: Span<UInt8>) {
        starts.append(place(token))
        lengths.append(UInt32(token.count))
    }

    /// Leaves the next id unused.
    mutating func appendUnused() {
        starts.append(0)
        lengths.append(Self.unused)
    }

    /// Takes tokens that lie among other bytes as they are.
    mutating func append(bytes: Span<UInt8>, starts: [UInt32], lengths: [UInt32]) {
        let base = place(bytes)
        self.starts += starts.map { $0 + base }
        self.lengths += lengths
    }

    mutating func set(_ token: Span<UInt8>, id: Int) throws(TokenizerError) {
        // Ids beyond any real vocabulary are damage, and would take memory without end.
        guard id >= 0, id < 1 << 24 else { throw .malformed("token id \(id) is not between 0 and 16777215") }
        guard bytes.count + token.count < Int(UInt32.max) else { throw .malformed("tokens of more than 4 GiB") }
        // Most added tokens are among a model's own, which then stay shared with it.
        if holds(token, at: UInt32(id)) { return }
        while id >= count { appendUnused() }
        starts[id] = place(token)
        lengths[id] = UInt32(token.count)
    }

    private func holds(_ token: Span<UInt8>, at id: UInt32) -> Bool {
        guard let range = range(of: id), range.count == token.count else { return false }
        return token.indices.allSatisfy { bytes[range.lowerBound + $0] == token[$0] }
    }

    mutating func replace(_ ids: Range<Int>, with other: Vocabulary) {
        let base = place(other.bytes.span)
        starts.replaceSubrange(ids, with: other.starts.map { $0 + base })
        lengths.replaceSubrange(ids, with: other.lengths)
    }

    /// Copies bytes behind the others and says where.
    private mutating func place(_ token: Span<UInt8>) -> UInt32 {
        let start = UInt32(bytes.count)
        precondition(bytes.count + token.count < Int(UInt32.max), "a vocabulary of more than 4 GiB")
        bytes.append(copying: token)
        return start
    }

    /// Finds ids by bytes. Of equal tokens the lowest id counts; an empty one is not found.
    func index() throws(TokenizerError) -> TokenIndex { try TokenIndex(self) }

    /// A trie of the tokens.
    func trie() throws(TokenizerError) -> Trie { try Trie(self) }
}

/// A token and where it ends in the text given to the model.
struct ModelToken {
    var id: UInt32
    var end: Int
}
