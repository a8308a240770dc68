internal import EDICJSON
public import EDICNumerics
internal import EDICStore
internal import Synchronization
public import SystemPackage

/// A model that translates sentences: Marian's transformers and students, from their published files.
///
/// ```swift
/// let model = try TranslationModel(folder: "Models/en-pt")
/// for translation in try model.translate(["Good morning.", "How are you?"]) { print(translation.text) }
/// ```
///
/// The translation of a sentence is the same to the last bit whatever the other sentences, their number and order, and
/// the number of threads, on one machine and instruction set. A model may be used from several threads at once.
public final class TranslationModel: Sendable {
    /// The files that it was read from.
    public let folder: ModelFolder
    /// The options the model's files ask for.
    public var defaultOptions: TranslationOptions { rules.options }
    /// Whether the files have a lexical shortlist.
    public var hasShortlist: Bool { shortlist != nil }

    let marian: Marian
    private let source: TextCodec
    private let target: TextCodec
    private let shortlist: LexicalShortlist?
    private let sharesVocabulary: Bool
    private let rules: TranslationRules

    /// Opens a Marian folder or a Hugging Face folder of a Marian model.
    ///
    /// - Parameters:
    ///   - precision: in which numbers to compute.
    ///   - pool: the threads that open it.
    public init(
        folder path: FilePath, precision: Precision = .asPublished, pool: WorkerPool = .shared
    ) throws(ModelError) {
        folder = try ModelFolder.discover(in: path)
        guard folder.kind == .translation else {
            throw ModelError(
                .unsupported, "\(path): is a \(folder.family) model, which does not translate")
        }
        let tensors = try folder.tensors(pool: pool)
        switch folder.layout {
        case .gguf(let file):
            throw ModelError(.unsupported, "\(file): no GGUF architecture of translation models is known")
        case .marian(let files):
            sharesVocabulary = files.sourceVocabulary == files.targetVocabulary
            let words = try Marian.targetWords(tensors)
            let separate = sharesVocabulary && files.pieces == nil ? nil : files.targetVocabulary
            let parts = try Concurrently.open(
                on: pool,
                { () throws(ModelError) in try Self.codec(files.sourceVocabulary, files.pieces?.source) },
                { () throws(ModelError) in
                    let settings = try MarianSettings(modelItem: tensors.required(MarianBinary.optionsItem))
                    return try Marian(settings, tensors, precision, hasShortlist: files.shortlist != nil)
                },
                { () throws(ModelError) in
                    try files.shortlist.map { path throws(ModelError) in
                        try LexicalShortlist(path, targetVocabulary: words)
                    }
                },
                { () throws(ModelError) in
                    try separate.map { path throws(ModelError) in try Self.codec(path, files.pieces?.target) }
                })
            source = parts.0
            marian = parts.1
            shortlist = parts.2
            target = parts.3 ?? source
            rules = try TranslationRules(
                files.configuration.map { path throws(ModelError) in try MarianSettings(path) },
                endOfSentence: marian.endOfSentence, unknown: target.unknown)
        case .huggingFace(let file):
            let configuration = try ModelConfiguration(file)
            let own = path.appending("generation_config.json")
            let hasOwn = FileTree.exists(own)
            let generation = hasOwn ? try ModelConfiguration(own) : configuration
            let words = try TextCodec.words(in: path.appending("vocab.json"))
            let separate = path.appending("target_vocab.json")
            sharesVocabulary = !FileTree.exists(separate)
            let targetWords = sharesVocabulary ? words : try TextCodec.words(in: separate)
            // The weights first, as in other models: whoever has read the vocabularies then helps to pack them.
            let parts = try Concurrently.open(
                on: pool,
                { () throws(ModelError) in try Marian(configuration, generation: generation, tensors, precision) },
                { () throws(ModelError) in
                    try TextCodec(sentencePiece: path.appending("source.spm"), words: words)
                },
                { () throws(ModelError) in
                    try TextCodec(sentencePiece: path.appending("target.spm"), words: targetWords)
                }, { 0 })
            marian = parts.0
            source = parts.1
            target = parts.2
            shortlist = nil
            rules = try TranslationRules(generation, isOwnFile: hasOwn, marian: marian)
        }
        WeightMatrix.releaseSpareMemory()
        for (side, codec, words) in [
            ("source", source, marian.sourceVocabulary), ("target", target, marian.targetEmbedding.outputs),
        ] where codec.vocabularySize > words {
            throw ModelError(
                .mismatch, "\(path): the \(side) vocabulary has \(codec.vocabularySize) pieces, but the model \(words)")
        }
    }

    /// - Parameter pieces: what cuts text into the words of `vocabulary`, where it does not itself.
    private static func codec(_ vocabulary: FilePath, _ pieces: FilePath?) throws(ModelError) -> TextCodec {
        guard let pieces else { return try TextCodec(vocabulary) }
        return try TextCodec(sentencePiece: pieces, words: TextCodec.words(in: vocabulary))
    }

    // MARK: - Translation

    /// Translates sentences; results are in their order. An empty sentence stays empty.
    ///
    /// - Parameters:
    ///   - options: by default those of the model's files.
    ///   - prefixes: how each translation begins, where it is given.
    ///   - pool: the threads; each takes whole batches of sentences.
    ///   - progress: is given the number of finished sentences, from any thread.
    ///   - shouldStop: asked before each word of a batch, from any thread; true ends the translation.
    /// - Throws: `badRequest` for options out of range, `malformed` where what is computed is no number, `cancelled` when the
    ///   task is or `shouldStop` says so.
    public func translate(
        _ sentences: [String], options: TranslationOptions? = nil, prefixes: [String]? = nil,
        pool: WorkerPool = .shared, progress: (@Sendable (Int) -> Void)? = nil,
        shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> [Translation] {
        let options = options ?? defaultOptions
        try options.check()
        guard prefixes.map({ $0.count == sentences.count }) ?? true else {
            throw ModelError(.badRequest, "\(prefixes?.count ?? 0) prefixes for \(sentences.count) sentences")
        }
        let work = pieces(of: sentences, prefixes, options)
        let batches = Self.batches(of: work.map(\.tokens.count), size: options.batchSize, workers: pool.workers)
        let finishedCount = Atomic(0)
        // A single batch is shared out product by product.
        let compute = Compute(pool: batches.count == 1 ? pool : nil, stop: StopSignal(shouldStop))
        let search = TranslationSearch(
            marian: marian, shortlist: shortlist, sharesVocabulary: sharesVocabulary, rules: rules,
            options: options, compute: compute)
        let results = try pool.map(count: batches.count) { index, _ throws(ModelError) in
            let batch = batches[index]
            let found = try search.run(batch.map { work[$0].tokens }, prefixes: batch.map { work[$0].prefix })
            let total = finishedCount.add(batch.count, ordering: .relaxed).newValue
            progress?(min(total, sentences.count))
            return found
        }
        var found = [[BeamSearch.Finished]](repeating: [], count: work.count)
        for (batch, results) in zip(batches, results) {
            for (place, result) in zip(batch, results) { found[place] = result }
        }
        guard found.allSatisfy({ !$0.isEmpty }) else { throw .noNumber(folder) }
        return translations(sentences.count, work, found)
    }

    /// Translates one sentence.
    public func translate(_ sentence: String, options: TranslationOptions? = nil) throws(ModelError) -> Translation {
        try translate([sentence], options: options)[0]
    }

    /// A sentence, or a part of one that is too long.
    private struct Piece: Sendable {
        let sentence: Int
        /// With the end of sentence.
        let tokens: [Int]
        let prefix: [Int]
        /// Whether white space was between this and the piece before.
        let followsSpace: Bool
    }

    private func pieces(of sentences: [String], _ prefixes: [String]?, _ options: TranslationOptions) -> [Piece] {
        var work: [Piece] = []
        for (index, sentence) in sentences.enumerated() {
            for (place, part) in parts(of: sentence, options).enumerated() {
                let prefix = place == 0 ? prefixes.map { target.encode($0[index], addingSpecialTokens: false) } : nil
                work.append(
                    Piece(
                        sentence: index, tokens: part.tokens,
                        prefix: (prefix ?? []).filter { $0 != marian.endOfSentence },
                        followsSpace: part.followsSpace))
            }
        }
        return work
    }

    /// What is translated in one go: a whole text, the sentences of a paragraph, the parts of an endless sentence.
    private func parts(
        of sentence: String, _ options: TranslationOptions
    ) -> [(tokens: [Int], followsSpace: Bool)] {
        // Each part is to be in the language that the whole asks for.
        let language = source.languageToken(of: sentence)
        let text = language?.rest ?? sentence
        func encode(_ text: String) -> [Int] { self.encode(text, after: language?.token) }
        if text.unicodeScalars.allSatisfy(\.properties.isWhitespace) { return [] }
        let whole = encode(text)
        if whole.count <= min(options.paragraphTokens, options.maximumSourceTokens) { return [(whole, false)] }
        let sentences =
            whole.count > options.paragraphTokens
            ? TextCutter.sentences(of: text, language: options.sourceLanguage) : nil
        return (sentences ?? [TextCutter.Part(text: text, followsSpace: false)]).flatMap { sentence in
            let parts = TextCutter.parts(of: sentence.text) { encode($0).count <= options.maximumSourceTokens }
            return parts.enumerated().map { place, part in
                (encode(part.text), place == 0 ? sentence.followsSpace : part.followsSpace)
            }
        }
    }

    /// The source tokens of a sentence, its end included.
    public func sourceTokens(of sentence: String) -> [Int] {
        guard let (token, rest) = source.languageToken(of: sentence) else { return encode(sentence, after: nil) }
        return encode(rest, after: token)
    }

    private func encode(_ text: String, after language: Int?) -> [Int] {
        var tokens = source.encode(text, addingSpecialTokens: false, recognizesSpecialTokens: false)
        if let language { tokens.insert(language, at: 0) }
        if tokens.last != marian.endOfSentence { tokens.append(marian.endOfSentence) }
        return tokens
    }

    /// Sentences of like length together; several batches a worker where there are enough.
    private static func batches(of lengths: [Int], size: Int, workers: Int) -> [[Int]] {
        let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        // A smaller batch keeps every worker busy; results do not depend on it.
        let share = max(1, (order.count + workers - 1) / workers)
        let step = min(size, share)
        return stride(from: 0, to: order.count, by: step).map { Array(order[$0..<min($0 + step, order.count)]) }
    }

    private func translations(_ count: Int, _ work: [Piece], _ found: [[BeamSearch.Finished]]) -> [Translation] {
        var parts = [[Int]](repeating: [], count: count)
        for (index, piece) in work.enumerated() { parts[piece.sentence].append(index) }
        return parts.map { indices in
            guard let first = indices.first else { return Translation(alternatives: []) }
            if indices.count == 1 { return Translation(alternatives: found[first].map { alternative($0) }) }
            // A sentence in parts has one translation: the best of each, joined.
            var (text, tokens, alignment) = ("", [Int](), [[Float]]())
            var (score, count, sourceTokens) = (Float(0), 0, 0)
            for index in indices {
                if let best = found[index].first.map({ alternative($0) }) {
                    text += (work[index].followsSpace && !text.isEmpty ? " " : "") + best.text
                    tokens += best.tokens
                    alignment += best.alignment.map { [Float](repeating: 0, count: sourceTokens) + $0 }
                    score += best.score
                    count += 1
                }
                sourceTokens += work[index].tokens.count
            }
            return Translation(alternatives: [
                .init(text: text, score: score / Float(max(count, 1)), tokens: tokens, alignment: alignment)
            ])
        }
    }

    private func alternative(_ finished: BeamSearch.Finished) -> Translation.Alternative {
        var words = finished.hypothesis.words
        if let last = words.last, rules.endWords.contains(last) { words.removeLast() }
        return .init(
            text: target.decode(words), score: finished.score, tokens: words,
            alignment: Array(finished.hypothesis.alignment.prefix(words.count)))
    }
}
