internal import EDICNumerics
internal import EDICStore
public import SystemPackage

/// An n-gram language model, open for queries.
///
/// Reads ARPA text (plain, gzip, zstd, xz), KenLM binaries of version 5 (probing, trie, quantised and array-compressed
/// trie) and this module's own format. Binaries are mapped, not loaded: opening takes the same short time for any size.
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
    }

    let storage: Storage
    public let format: Format
    /// The path the model was opened from, for messages.
    public let name: String

    init(_ storage: Storage, format: Format, name: String) {
        self.storage = storage
        self.format = format
        self.name = name
    }

    /// Opens a model file of any format that this module reads.
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

    /// The id of `<s>`.
    public var beginID: UInt32 { id(of: Array("<s>".utf8).span) }

    /// The id of `</s>`.
    public var endID: UInt32 { id(of: Array("</s>".utf8).span) }

    /// The id of a word given as UTF-8, or ``unknownID``.
    public func id(of word: Span<UInt8>) -> UInt32 {
        switch storage {
        case .index(let index): index.id(word) ?? 0
        case .probing(let model): model.vocabulary.id(hash: KenLMVocabulary.hash(word))
        case .trie(let model): model.vocabulary.id(hash: KenLMVocabulary.hash(word))
        }
    }

    /// The id of a word, or ``unknownID``.
    public func id(of word: String) -> UInt32 { id(of: Array(word.utf8).span) }

    /// The word of an id; empty for an id outside the vocabulary.
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

    private func unigram(_ id: UInt32) -> GramWeights {
        switch storage {
        case .index(let index): index.unigram(id)
        case .probing(let model): model.unigram(id)
        case .trie(let model): model.unigram(id)
        }
    }

    /// Scores the word `id` after `state`, and makes `state` the one after it. Takes time in the order of the model.
    public func score(id: UInt32, after state: inout NgramState) -> NgramScore {
        var next = NgramState()
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
