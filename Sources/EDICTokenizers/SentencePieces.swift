/// What a `.model` file holds: pieces with scores and kinds, and how sentences are normalized.
struct SentencePiece: Sendable {
    enum Kind: Int, Sendable {
        case normal = 1
        case unknown, control, userDefined, unused, byte

        /// Whether such pieces are found by their text.
        var isText: Bool {
            switch self {
            case .normal, .userDefined, .unused: true
            case .unknown, .control, .byte: false
            }
        }
    }
    var bytes: [UInt8]
    var score: Double
    var kind: Kind
}

/// The pieces of a model by id: an array of ``SentencePiece`` laid out as one array of each member, which is read several
/// times as fast. What looks at many pieces looks at those.
struct SentencePieces: Sendable, RandomAccessCollection, RangeReplaceableCollection, ExpressibleByArrayLiteral {
    private(set) var spellings = Vocabulary()
    private(set) var scores: [Double] = []
    private(set) var kinds: [SentencePiece.Kind] = []

    init() {}

    init(arrayLiteral pieces: SentencePiece...) { append(contentsOf: pieces) }

    var startIndex: Int { 0 }
    var endIndex: Int { kinds.count }

    subscript(id: Int) -> SentencePiece {
        SentencePiece(bytes: spellings[UInt32(id)] ?? [], score: scores[id], kind: kinds[id])
    }

    mutating func append(_ bytes: Span<UInt8>, score: Double, kind: SentencePiece.Kind) {
        spellings.append(bytes)
        scores.append(score)
        kinds.append(kind)
    }

    mutating func append(_ piece: SentencePiece) { append(piece.bytes.span, score: piece.score, kind: piece.kind) }

    mutating func replaceSubrange(_ ids: Range<Int>, with pieces: some Collection<SentencePiece>) {
        spellings.replace(ids, with: Vocabulary(pieces.map(\.bytes)))
        scores.replaceSubrange(ids, with: pieces.map(\.score))
        kinds.replaceSubrange(ids, with: pieces.map(\.kind))
    }

    mutating func setKind(_ kind: SentencePiece.Kind, of id: Int) { kinds[id] = kind }

    mutating func reserveCapacity(_ count: Int) {
        spellings.reserve(count, bytes: count * 8)
        scores.reserveCapacity(count)
        kinds.reserveCapacity(count)
    }

    /// The ids of the pieces of a kind.
    func ids(of kind: SentencePiece.Kind) -> [Int] { kinds.indices.filter { kinds[$0] == kind } }

    /// The pieces of a kind, with their ids and scores, for a trie.
    func entries(of kind: SentencePiece.Kind) -> [(key: [UInt8], id: UInt32, score: Double)] {
        ids(of: kind).map { (self[$0].bytes, UInt32($0), scores[$0]) }
    }

    /// Whether a piece is ▁, has a ▁ after something else, or is the user's.
    func concernsSpaces(_ id: Int) -> Bool {
        guard kinds[id] != .userDefined, let range = spellings.range(of: UInt32(id)) else { return true }
        let text = spellings.bytes.span.extracting(range)
        let space = (UInt8(0xE2), UInt8(0x96), UInt8(0x81))
        var at = 0
        var begin = 0
        while at + 2 < text.count {
            if text[at] == space.0, text[at + 1] == space.1, text[at + 2] == space.2 {
                if at > begin { return true }
                begin = at + 3
                at += 2
            }
            at += 1
        }
        return begin == text.count && begin == 3
    }

    /// The lengths of the pieces that are found by their text; those of the others are left out.
    var textLengths: [UInt32] {
        kinds.indices.map { kinds[$0].isText ? spellings.lengths[$0] : Vocabulary.unused }
    }
}
