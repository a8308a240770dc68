import EDICNumerics

/// A tokenizer: text to ids and back, exactly as the library it comes from.
///
/// A value is immutable and may be used from any number of threads at once. Words that were encoded are remembered in
/// tables that all callers share and that take at most ``Tokenizer/wordMemory`` bytes.
///
/// ```swift
/// let tokenizer = try Tokenizer(contentsOf: "tokenizer.json")
/// let ids = tokenizer.encode("Kalimera, Evropi!")
/// let text = tokenizer.decode(ids)
/// ```
public struct Tokenizer: Sendable {
    /// What to do where the text contains the text of a special token such as `<|endoftext|>`.
    public enum SpecialTokenPolicy: Sendable, Equatable {
        /// It is that token: for text that a program wrote.
        case recognized
        /// It is ordinary text: for text that people wrote.
        case ordinaryText
    }

    /// The most memory that a tokenizer's tables of known words take, in bytes, whatever the number of callers; half as much
    /// again while one of them grows.
    public static let wordMemory = 128 << 20

    let core: TokenizerCore

    init(_ parts: TokenizerParts) throws(TokenizerError) { core = try TokenizerCore(parts) }

    /// The number of ids: one more than the greatest, added tokens included.
    public var vocabularySize: Int { core.vocabulary.count }

    /// The token that begins a text, if the tokenizer has one.
    public var beginningOfText: UInt32? { core.parts.special.beginning }
    /// The token that ends a text, if the tokenizer has one.
    public var endOfText: UInt32? { core.parts.special.end }
    /// The token for what the vocabulary lacks, if there is one.
    public var unknown: UInt32? { core.parts.special.unknown }
    /// The token that fills up a batch, if there is one.
    public var padding: UInt32? { core.parts.special.padding }
    /// The tokens looked for in the text itself.
    public var addedTokens: [AddedToken] { core.parts.addedTokens }

    /// The kind of model, in the words of `tokenizer.json`: `BPE`, `Unigram`, `WordPiece` or `WordLevel`.
    public var modelKind: String { core.parts.model.kind }

    /// A token as its file spells it (byte-level tokens in GPT-2's alphabet); nil where no token has this id.
    public func token(_ id: UInt32) -> String? { core.spelling(of: id)?.decodedText }

    /// The bytes that a token stands for; nil where no token has this id.
    public func bytes(of id: UInt32) -> [UInt8]? { core.bytes(of: id) }

    /// The id of a token as its file spells it.
    public func id(of token: String) -> UInt32? { core.id(spelled: Array(token.utf8)) }
}

/// The ids with a role.
public struct SpecialTokens: Sendable, Equatable {
    /// What texts begin with.
    public var beginning: UInt32?
    /// What texts end with.
    public var end: UInt32?
    /// What stands for text that no other token does.
    public var unknown: UInt32?
    /// What short texts are filled up with.
    public var padding: UInt32?

    public init() {}
}

/// Everything a tokenizer consists of, as read from a file or trained.
struct TokenizerParts: Sendable {
    var model: Model
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var postProcessor = PostProcessor.none
    var decoder: Decoder?
    var addedTokens: [AddedToken] = []
    var special = SpecialTokens()
    var truncation: Truncation?
    var paddingRule: PaddingRule?
    /// Where all of this comes from.
    var source = TokenizerSource.constructed
}

/// Where the parts come from, kept for writing them back unchanged.
enum TokenizerSource: Sendable {
    case constructed
    /// The components of a `tokenizer.json` as they were.
    case json([UInt8])
    case sentencePiece(SentencePieceFile)
    case tiktoken(pattern: String)
}

/// How long texts are cut.
public struct Truncation: Sendable, Equatable {
    /// Which text of a pair is cut.
    public enum Strategy: Sendable { case longestFirst, onlyFirst, onlySecond }
    /// Where a text is cut.
    public enum Side: Sendable { case left, right }
    /// The most ids, added special tokens included.
    public var maximumLength: Int
    /// Which text of a pair is cut.
    public var strategy = Strategy.longestFirst
    /// Where it is cut.
    public var side = Side.right

    public init(maximumLength: Int, strategy: Strategy = .longestFirst, side: Side = .right) {
        self.maximumLength = maximumLength
        self.strategy = strategy
        self.side = side
    }
}

/// How short texts are filled up.
public struct PaddingRule: Sendable, Equatable {
    /// Where a text is filled up.
    public enum Side: Sendable { case left, right }
    /// The length to fill up to, at most 16,777,216; nil: the longest of the batch.
    public var length: Int?
    /// Fill up further to a multiple of this, at most 16,777,216.
    public var multiple: Int?
    /// Where it is filled up.
    public var side = Side.right
    /// What it is filled up with.
    public var id: UInt32 = 0
    /// The type of those ids.
    public var typeID: UInt32 = 0

    static let longest = 1 << 24

    /// The length that `count` ids are filled up to where `length` is wanted.
    func filled(_ count: Int, to length: Int) -> Int {
        let length = max(min(length, Self.longest), count)
        guard let multiple, multiple > 0 else { return length }
        let step = min(multiple, Self.longest)
        return (length + step - 1) / step * step
    }

    public init(length: Int? = nil, multiple: Int? = nil, side: Side = .right, id: UInt32 = 0, typeID: UInt32 = 0) {
        self.length = length
        self.multiple = multiple
        self.side = side
        self.id = id
        self.typeID = typeID
    }
}

/// The part that turns words into ids.
enum Model: Sendable {
    case bytePair(BytePairModel)
    case sentencePieceBPE(SentencePieceBPEModel)
    case unigram(UnigramModel)
    case wordPiece(WordPieceModel)
    case wordLevel(WordLevelModel)

    var kind: String {
        switch self {
        case .bytePair, .sentencePieceBPE: "BPE"
        case .unigram: "Unigram"
        case .wordPiece: "WordPiece"
        case .wordLevel: "WordLevel"
        }
    }

    /// Encodes one word, or a whole sentence where the model has no words; `merge` is how BPE merges, if not by its table.
    func encode(_ word: [UInt8], merge: SymbolMerging? = nil) -> [ModelToken] {
        var tokens: [ModelToken] = []
        switch self {
        case .bytePair(let model): model.encode(word, into: &tokens, merge: merge)
        case .sentencePieceBPE(let model):
            model.encode(word, into: &tokens, merge: merge)
            if !model.byteFallback { Model.fuse(model.unknownID, in: &tokens) }
        case .unigram(let model): model.encode(word, into: &tokens)
        case .wordPiece(let model): model.encode(word, into: &tokens)
        case .wordLevel(let model): model.encode(word, into: &tokens)
        }
        return tokens
    }

    /// Makes runs of unknown tokens one.
    private static func fuse(_ unknown: UInt32, in tokens: inout [ModelToken]) {
        guard tokens.contains(where: { $0.id == unknown }) else { return }
        var fused: [ModelToken] = []
        for token in tokens {
            if token.id == unknown, fused.last?.id == unknown {
                fused[fused.count - 1].end = token.end
            } else {
                fused.append(token)
            }
        }
        tokens = fused
    }

    /// The tokens by id, as bytes of the file (byte-level models: raw bytes).
    var vocabulary: Vocabulary {
        switch self {
        case .bytePair(let model): model.vocabulary
        case .sentencePieceBPE(let model): model.pieces.spellings
        case .unigram(let model): model.pieces.spellings
        case .wordPiece(let model): model.vocabulary
        case .wordLevel(let model): model.vocabulary
        }
    }
}
