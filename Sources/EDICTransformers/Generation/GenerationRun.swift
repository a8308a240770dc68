/// Collects the tokens of a generation and turns them into text as they come.
struct GenerationRun {
    private let tokenizer: TextCodec
    private let onText: ((String) -> Bool)?
    private var stops: StopMatcher
    private var shown: [UInt8] = []
    /// How much of the decoded text has been handed to the stop matcher.
    private var decodedCount = 0

    private(set) var tokens: [Int] = []
    private(set) var logProbabilities: [Float] = []
    private(set) var end: Generation.End?

    init(tokenizer: TextCodec, options: GenerationOptions, onText: ((String) -> Bool)?) {
        self.tokenizer = tokenizer
        self.onText = onText
        stops = StopMatcher(options.stopStrings)
    }

    mutating func append(_ token: Int, logProbability: Float) throws(ModelError) {
        tokens.append(token)
        logProbabilities.append(logProbability)
        let text = Array(try tokenizer.decode(tokens).utf8)
        // A character that is not whole yet shows as U+FFFD at the end and waits for its other tokens.
        guard !text.suffix(3).elementsEqual([0xEF, 0xBF, 0xBD]), text.count >= decodedCount else { return }
        let fresh = Array(text[decodedCount...])
        decodedCount = text.count
        let (visible, stop) = stops.push(fresh)
        show(visible)
        if let stop { end = .stopString(stop) }
    }

    mutating func finish(_ end: Generation.End) {
        show(stops.finish())
        if self.end == nil { self.end = end }
    }

    private mutating func show(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        shown += bytes
        if let onText, !onText(String(decoding: bytes, as: UTF8.self)) { end = .stopped }
    }

    func result() throws(ModelError) -> Generation {
        var text = shown
        // What was held back as half a character, where the text ended with it.
        if case .length = end {
            let whole = Array(try tokenizer.decode(tokens).utf8)
            if whole.count > decodedCount { text += whole[decodedCount...] }
        }
        return Generation(
            text: String(decoding: text, as: UTF8.self), tokens: tokens, logProbabilities: logProbabilities,
            end: end ?? .length)
    }
}
