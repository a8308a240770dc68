import ArgumentParser
import EDICNumerics
import EDICTokenizers

/// Pairs, and how long encodings are made.
struct EncodingShapeOptions: ParsableArguments {
    @Flag(help: "Each line is two texts with a tab between.")
    var pair = false

    @Option(
        help: """
            Cut encodings to so many tokens, the longer text of a pair first, on the side that the tokenizer's file says; \
            else at the end.
            """)
    var maxLength: Int?

    @Option(help: "Fill encodings up to so many tokens, on the side that the tokenizer's file says; else at the end.")
    var padTo: Int?

    @Option(help: "Cut each text into parts of at most so many tokens, one part a line of output.")
    var split: Int?

    func validate() throws {
        for (name, value) in [("--max-length", maxLength), ("--pad-to", padTo), ("--split", split)] {
            if let value, !(1...1 << 24 ~= value) { throw ValidationError("\(name) is 1 to \(1 << 24)") }
        }
        if split != nil, pair || maxLength != nil || padTo != nil {
            throw ValidationError("--split goes with neither --pair, --max-length nor --pad-to")
        }
    }

    struct Shape: Sendable {
        var isPair: Bool
        var maxLength: Int?
        var padding: Int?
        var split: Int?

        var isPlain: Bool { !isPair && maxLength == nil && padding == nil && split == nil }
    }

    var shape: Shape { Shape(isPair: pair, maxLength: maxLength, padding: padTo, split: split) }
}

/// Subword regularisation.
struct SamplingOptions: ParsableArguments {
    @Option(help: "BPE-dropout: pass over each merge with this probability.")
    var dropout: Double?

    @Option(help: "Unigram: choose a segmentation at random, by its probability to this power.")
    var smoothing: Double?

    @Option(help: "With --smoothing: choose among so many best ones only.")
    var best: Int?

    @Option(help: "Unigram: print so many of the likeliest segmentations of each line, with their log-probabilities.")
    var nBest: Int?

    @Option(help: "The seed of random choices; each line adds its number.")
    var seed: UInt64 = 0

    func validate() throws {
        if dropout != nil, smoothing != nil { throw ValidationError("--dropout is for BPE, --smoothing for Unigram") }
        if best != nil, smoothing == nil { throw ValidationError("--best goes with --smoothing") }
        if let nBest {
            if !(1...1024 ~= nBest) { throw ValidationError("--n-best is 1 to 1024") }
            if dropout != nil || smoothing != nil { throw ValidationError("--n-best goes with no sampling") }
        }
    }

    var sampling: Tokenizer.Sampling? {
        if let dropout { return .dropout(dropout) }
        guard let smoothing else { return nil }
        return best.map { .nBest($0, smoothing: smoothing) } ?? .segmentation(smoothing: smoothing)
    }
}

/// Encodes lines as the options say.
struct LineEncoder: Sendable {
    let tokenizer: Tokenizer
    let addsSpecial: Bool
    let policy: Tokenizer.SpecialTokenPolicy
    let shape: EncodingShapeOptions.Shape
    let sampling: Tokenizer.Sampling?
    let seed: UInt64

    /// Whether each line's ids are those of its text, whatever its number.
    var isPlain: Bool { sampling == nil && shape.isPlain }

    /// The ids of lines of a buffer one after the other, and where those of each end; for plain encoding.
    func encode(_ lines: [Range<Int>], in bytes: [UInt8]) -> (ids: [UInt32], ends: [Int]) {
        var ids: [UInt32] = []
        let ends = tokenizer.encode(
            texts: lines, in: bytes.span, addingSpecialTokens: addsSpecial, specialTokens: policy, into: &ids)
        return (ids, ends)
    }

    /// The ids of a file as one text, or of its parts.
    func encode(document: [UInt8], number: Int, _ pool: WorkerPool) throws -> [[UInt32]] {
        guard isPlain else { return try encode(document[...], number: number) }
        var ids: [UInt32] = []
        tokenizer.encode(
            document.span, addingSpecialTokens: addsSpecial, specialTokens: policy, pool: pool, into: &ids)
        return [ids]
    }

    /// The ids of a line, or of its parts.
    func encode(_ line: ArraySlice<UInt8>, number: Int) throws -> [[UInt32]] {
        if let sampling {
            return [
                try tokenizer.sampleEncode(
                    Array(line).text, sampling, seed: seed &+ UInt64(number) &* 0x9E37_79B9, specialTokens: policy)
            ]
        }
        if let limit = shape.split {
            let line = Array(line)
            let parts = try tokenizer.split(
                line.text, atMost: limit, addingSpecialTokens: addsSpecial, specialTokens: policy)
            return parts.map { part in
                tokenizer.encode(line.span.extracting(part), addingSpecialTokens: addsSpecial, specialTokens: policy)
            }
        }
        var texts = [line, []]
        if shape.isPair {
            guard let tab = line.firstIndex(of: 0x09) else {
                throw CommandFailure(.badData, "line \(number + 1): no tab; --pair wants two texts with a tab between")
            }
            texts = [line[..<tab], line[(tab + 1)...]]
        }
        let encoding = tokenizer.encoding(
            of: Array(texts[0]).text, pair: shape.isPair ? Array(texts[1]).text : nil,
            addingSpecialTokens: addsSpecial, truncation: truncation, padding: padding, specialTokens: policy)
        return [encoding.ids]
    }

    /// How the tokenizer's file says, to the length that is asked for.
    private var truncation: Truncation? {
        guard let length = shape.maxLength else { return nil }
        var rule = tokenizer.defaultTruncation ?? Truncation(maximumLength: length)
        rule.maximumLength = length
        // The others leave one of two texts as long as it is.
        rule.strategy = .longestFirst
        return rule
    }

    private var padding: PaddingRule? {
        guard let length = shape.padding else { return nil }
        var rule = tokenizer.defaultPadding ?? PaddingRule(id: tokenizer.padding ?? 0)
        rule.length = length
        rule.multiple = nil
        return rule
    }
}
