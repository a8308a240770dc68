internal import EDICNumerics
internal import EDICStore
public import SystemPackage

/// An n-gram language model, open for queries.
///
/// Reads ARPA text (plain, gzip, zstd, xz), KenLM binaries of version 5 (probing, trie, quantised and array-compressed
/// trie) and this module's own format. Binaries are mapped, not loaded: opening takes the same short time for any size.
/// A model never changes; any number of threads may query one at once. A file must not be written to while it is mapped:
/// replace it by renaming another over it, as all that this toolkit writes is.
///
/// ```swift
/// let model = try NgramModel(contentsOf: "de.edlm")
/// var state = model.beginSentenceState
/// for word in ["guten", "Tag"] {
///     let score = model.score(word, after: &state)
///     print(word, score.logProbability, score.matchedLength)
/// }
/// ```
public final class NgramModel: Sendable {
    /// Where a model's bytes come from.
    public enum Format: String, Sendable, CaseIterable {
        case arpa
        case edic
        case kenLMProbing = "kenlm-probing"
        case kenLMTrie = "kenlm-trie"
    }

    enum Storage: Sendable {
        case index(GramIndex)
        case probing(KenLMProbing)
        case trie(KenLMTrie)

        /// The id of a word, or 0.
        func id(of word: Span<UInt8>) -> UInt32 {
            switch self {
            case .index(let index): index.id(word) ?? 0
            case .probing(let model): model.vocabulary.id(hash: KenLMVocabulary.hash(word))
            case .trie(let model): model.vocabulary.id(hash: KenLMVocabulary.hash(word))
            }
        }
    }

    let storage: Storage
    /// The format of the file, or of the model in memory.
    public let format: Format
    /// The path the model was opened from, for messages.
    public let name: String
    /// The id of `<s>`; ``unknownID`` where the model has none.
    public let beginID: UInt32
    /// The id of `</s>`; ``unknownID`` where the model has none.
    public let endID: UInt32

    init(_ storage: Storage, format: Format, name: String) {
        self.storage = storage
        self.format = format
        self.name = name
        beginID = storage.id(of: Array("<s>".utf8).span)
        endID = storage.id(of: Array("</s>".utf8).span)
    }

    /// Opens a model file of any format that this module reads. A binary is opened in a few milliseconds whatever its
    /// size, and read as look-ups touch it; ARPA text is read whole and built in memory, which takes time and memory in
    /// proportion to its n-grams: write it in the module's own format where it is opened more than once.
    ///
    /// - Throws: ``NgramError`` with code `corrupt` where the file is damaged, `unsupported` where it is of another kind.
    public convenience init(contentsOf path: FilePath) throws(NgramError) {
        let file: MappedFile
        let bytes: ByteView
        do {
            file = try MappedFile(path)
            bytes = try ByteView(file)
        } catch {
            throw NgramError(.inputOutput, error.message, cause: error)
        }
        let magic = GramIndexHeader.magic
        if bytes.count >= magic.count, magic.indices.allSatisfy({ bytes.load(UInt8.self, at: $0) == magic[$0] }) {
            file.advise(.hugePages)
            self.init(.index(try GramIndex(bytes, name: "\(path)")), format: .edic, name: "\(path)")
            return
        }
        if KenLMHeader.isPresent(in: bytes) {
            file.advise(.hugePages)
            let header = try KenLMHeader(bytes, name: "\(path)")
            if header.kind == .probing {
                let model = try KenLMProbing(header, bytes, name: "\(path)")
                self.init(.probing(model), format: .kenLMProbing, name: "\(path)")
            } else {
                self.init(
                    .trie(try KenLMTrie(header, bytes, name: "\(path)")), format: .kenLMTrie, name: "\(path)")
            }
            return
        }
        let text = try ARPAText(path)
        let builder = try ModelBuilding.build(text, quantisation: nil, pool: .shared, name: "\(path)")
        self.init(.index(try builder.index(name: "\(path)")), format: .arpa, name: "\(path)")
    }

    /// The length of the longest n-grams.
    public var order: Int {
        switch storage {
        case .index(let index): index.order
        case .probing(let model): model.order
        case .trie(let model): model.order
        }
    }

    /// How many n-grams of each order there are.
    public var counts: [Int] {
        switch storage {
        case .index(let index): index.counts
        case .probing(let model): model.counts
        case .trie(let model): model.counts
        }
    }

    /// The bits of the weights of n-grams of two and more words; nil where they are floats.
    public var quantisation: NgramQuantisation? {
        switch storage {
        case .index(let index): index.quantisation
        case .probing: nil
        case .trie(let model): model.quantisation
        }
    }

    /// How many words the model knows, `<unk>`, `<s>` and `</s>` counted. Ids are `0 ..< vocabularyCount`.
    public var vocabularyCount: Int {
        switch storage {
        case .index(let index): index.wordCount
        case .probing(let model): model.vocabulary.count
        case .trie(let model): model.vocabulary.count
        }
    }

    // MARK: Words

    /// The id of an unknown word.
    public var unknownID: UInt32 { 0 }

    /// The id of a word given as UTF-8, or ``unknownID``. One hash and, as a rule, one comparison.
    public func id(of word: Span<UInt8>) -> UInt32 { storage.id(of: word) }

    /// The id of a word, or ``unknownID``.
    public func id(of word: String) -> UInt32 { id(of: Array(word.utf8).span) }

    /// The word of an id; empty for an id outside the vocabulary, and where a KenLM file does not hold its words. The first
    /// call for a KenLM file goes through all its words.
    public func word(of id: UInt32) -> String {
        switch storage {
        case .index(let index): String(decoding: index.bytes(of: id), as: UTF8.self)
        case .probing(let model): String(decoding: model.vocabulary.bytes(of: id), as: UTF8.self)
        case .trie(let model): String(decoding: model.vocabulary.bytes(of: id), as: UTF8.self)
        }
    }

    // MARK: Scoring

    /// The state at the beginning of a sentence, after `<s>`.
    public var beginSentenceState: NgramState {
        var state = NgramState()
        if order > 1 {
            state.words[0] = beginID
            state.backoffs[0] = unigram(beginID).backoff
            state.length = 1
        }
        return state
    }

    /// The state that knows no word before.
    public var emptyState: NgramState { NgramState() }

    /// The id itself where it is one of the vocabulary, else ``unknownID``.
    @inline(__always)
    func known(_ id: UInt32) -> UInt32 { Int(id) < vocabularyCount ? id : unknownID }

    private func unigram(_ id: UInt32) -> GramWeights {
        switch storage {
        case .index(let index): index.unigram(id)
        case .probing(let model): model.unigram(id)
        case .trie(let model): model.unigram(id)
        }
    }

    /// Scores the word `id` after `state`, and makes `state` the one after it. An id outside the vocabulary is that of an
    /// unknown word. Takes time in the order of the model.
    public func score(id: UInt32, after state: inout NgramState) -> NgramScore {
        var next = NgramState()
        let id = known(id)
        let score: NgramScore =
            switch storage {
            case .index(let index): index.score(id, after: state, into: &next)
            case .probing(let model): model.score(id, after: state, into: &next)
            case .trie(let model): model.score(id, after: state, into: &next)
            }
        state = next
        return score
    }

    /// Scores `word` after `state`, and makes `state` the one after it.
    public func score(_ word: String, after state: inout NgramState) -> NgramScore {
        score(id: id(of: word), after: &state)
    }

    /// Scores the word `id` after `state`, whose successor is the second result.
    public func score(id: UInt32, in state: NgramState) -> (score: NgramScore, next: NgramState) {
        var next = state
        return (score(id: id, after: &next), next)
    }
}
