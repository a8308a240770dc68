public import EDICText
public import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Darwin)
    private import Darwin
#endif

/// A language and how likely it is.
public struct LanguageProbability: Hashable, Sendable {
    /// A primary language such as "de"; for models that tell scripts apart, such as "sr-Latn".
    public let language: LanguageTag
    /// From 0 to 1.
    public let probability: Double

    public init(language: LanguageTag, probability: Double) {
        self.language = language
        self.probability = probability
    }
}

/// Tells which language a text is in.
///
/// ```swift
/// let identifier = try LanguageIdentifier.builtIn()
/// identifier.identify("Guten Morgen, liebe Leute")   // [(de, 0.99…), …]
/// ```
///
/// The built-in model knows the languages of ``languages``; ``init(fastText:)`` reads fastText's models, such as
/// lid.176.ftz with 176 languages. A value is immutable: any number of threads may use one.
public struct LanguageIdentifier: Sendable {
    private enum Engine: Sendable {
        case linear(LanguageModel, Answers)
        case fastText(FastTextModel, [String: LanguageTag])
    }

    /// The languages of a model's classes: two classes may be one language in two scripts.
    private struct Answers: Sendable {
        var languages: [LanguageTag] = []
        /// The place in `languages` of each class.
        var places: [Int] = []
        /// Where each class has its letters.
        var blocks: [LetterBlocks] = []
    }

    private let engine: Engine

    /// Below this many letters the built-in model says nothing: two short words are in several languages at once.
    public static let fewestLetters = 8

    /// The identifier with the model that comes with EDIC; its card is `Sources/CEDICLanguageID/MODEL-CARD.md`.
    public static func builtIn() throws(LanguageIDError) -> LanguageIdentifier {
        try LanguageIdentifier(try LanguageModel.builtIn.get())
    }

    /// A model in a file: one trained by ``LanguageIdentifierTrainer``, or one of fastText.
    public init(contentsOf path: FilePath) throws(LanguageIDError) {
        do {
            try self.init(parsing: try readWholeFile(path))
        } catch {
            throw LanguageIDError(code: error.code, message: "\(path): \(error.message)")
        }
    }

    /// A model in memory: one trained by ``LanguageIdentifierTrainer``, or one of fastText.
    public init(parsing bytes: [UInt8]) throws(LanguageIDError) {
        if bytes.starts(with: FastTextModel.magic) {
            self.init(fastText: try FastTextModel(parsing: bytes))
        } else {
            try self.init(try LanguageModel(parsing: bytes))
        }
    }

    /// Whether a file that begins with these bytes, at least ``magicLength``, is a model of languages.
    public static func isModel(beginning bytes: [UInt8]) -> Bool {
        bytes.starts(with: FastTextModel.magic) || bytes.starts(with: LanguageModel.magic)
    }

    /// How many bytes of a file ``isModel(beginning:)`` needs.
    public static let magicLength = 8

    /// fastText's identification, with the labels of the model as language tags.
    public init(fastText model: FastTextModel) {
        var tags: [String: LanguageTag] = [:]
        for label in model.labels {
            let text = String(label.map { $0 == "_" ? "-" : $0 })
            tags[label] = (try? LanguageTag(text))?.canonical
        }
        engine = .fastText(model, tags)
    }

    private init(_ model: LanguageModel) throws(LanguageIDError) {
        var answers = Answers()
        for name in model.classes {
            guard let tag = try? LanguageTag(name) else {
                throw LanguageIDError(code: .malformedModel, message: "the class '\(name)' is no language tag")
            }
            answers.blocks.append(LetterBlocks(of: name))
            if let known = answers.languages.firstIndex(of: tag.primary) {
                answers.places.append(known)
            } else {
                answers.places.append(answers.languages.count)
                answers.languages.append(tag.primary)
            }
        }
        engine = .linear(model, answers)
    }

    /// The languages that this identifier can answer, in alphabetical order.
    public var languages: [LanguageTag] {
        switch engine {
        case .linear(_, let answers): return answers.languages.sorted()
        case .fastText(_, let tags): return Set(tags.values).sorted()
        }
    }

    /// The most likely languages of UTF-8 text, the likeliest first, with probabilities that add up to at most 1.
    ///
    /// Empty where there is too little to tell: fewer than ``fewestLetters`` letters, or mostly letters of scripts that
    /// the model does not know. No language is among them that is written in other scripts only. Of a text above 2 MiB its
    /// beginning counts.
    public func identify(_ text: Span<UInt8>, limit: Int = 3) -> [LanguageProbability] {
        let utf8 = text.extracting(..<min(text.count, Self.mostBytes))
        switch engine {
        case .linear(let model, let answers): return Self.classify(utf8, model, answers, limit: limit)
        case .fastText(let model, let tags):
            return Self.oneLine(utf8) { line in
                model.predict(line, limit: limit).compactMap { found in
                    tags[found.label].map {
                        LanguageProbability(language: $0, probability: min(1, Double(found.probability)))
                    }
                }
            }
        }
    }

    /// The same for a string.
    public func identify(_ text: String, limit: Int = 3) -> [LanguageProbability] {
        identify(Array(text.utf8).span, limit: limit)
    }

    /// The sums of a text of so many bytes stay within 32 bits: a feature adds at most 127, and a byte has a few features.
    private static let mostBytes = 2 << 20

    /// fastText reads up to a line feed: make the text one line.
    private static func oneLine<R>(_ utf8: Span<UInt8>, _ body: (Span<UInt8>) -> R) -> R {
        var line: [UInt8] = []
        line.reserveCapacity(utf8.count)
        for i in utf8.indices { line.append(utf8[i] == 0x0A ? 0x20 : utf8[i]) }
        return body(line.span)
    }

    private static func classify(
        _ utf8: Span<UInt8>, _ model: LanguageModel, _ answers: Answers, limit: Int
    ) -> [LanguageProbability] {
        var sums = [Int32](repeating: 0, count: LanguageFeatures.classLimit)
        let evidence = LanguageFeatures.sum(utf8, tags: model.tags, weights: model.weights, into: &sums)
        guard evidence.letters >= fewestLetters, evidence.letters > evidence.foreignLetters, evidence.features > 0
        else {
            return []
        }
        let factor = model.scale / Float(evidence.features).squareRoot()
        // What the model saw of one language within texts of another tells nothing where there is no letter of its script.
        func isPossible(_ k: Int) -> Bool { !answers.blocks[k].isDisjoint(with: evidence.blocks) }
        var top = Int32.min
        for k in answers.places.indices where isPossible(k) { top = max(top, sums[k]) }
        var total: Float = 0
        var shares = [Float](repeating: 0, count: answers.languages.count)
        for k in answers.places.indices where isPossible(k) {
            let exponent = Float(Int(sums[k]) - Int(top)) * factor
            // What is less than a millionth changes no answer.
            guard exponent > -14 else { continue }
            let share = exp(exponent)
            shares[answers.places[k]] += share
            total += share
        }
        var found: [LanguageProbability] = []
        while found.count < min(limit, shares.count) {
            var best = 0
            for k in shares.indices where shares[k] > shares[best] { best = k }
            guard shares[best] > total * 1e-4 else { break }
            found.append(
                LanguageProbability(language: answers.languages[best], probability: Double(shares[best] / total)))
            shares[best] = 0
        }
        return found
    }
}
