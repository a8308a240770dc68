internal import EDICTokenizers

/// Collects the tokens of a generation and turns them into text as they come.
struct GenerationRun {
    private let onText: ((String) -> Bool)?
    private var decoder: StreamingDecoder
    private var stops: StopMatcher
    private var shown: [UInt8] = []

    private(set) var tokens: [Int] = []
    private(set) var logProbabilities: [Float] = []
    private(set) var end: Generation.End?

    init(tokenizer: TextCodec, options: GenerationOptions, onText: ((String) -> Bool)?) {
        self.onText = onText
        decoder = tokenizer.streamingDecoder()
        stops = StopMatcher(options.stopStrings)
    }

    mutating func append(_ token: Int, logProbability: Float) {
        tokens.append(token)
        logProbabilities.append(logProbability)
        take(Array(decoder.append(UInt32(token)).utf8))
    }

    private mutating func take(_ bytes: [UInt8]) {
        let (visible, stop) = stops.push(bytes)
        show(visible)
        if let stop { end = .stopString(stop) }
    }

    mutating func finish(_ end: Generation.End) {
        take(Array(decoder.finish().utf8))
        if self.end == nil { show(stops.finish()) }
        if self.end == nil { self.end = end }
    }

    private mutating func show(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        shown += bytes
        if let onText, !onText(String(decoding: bytes, as: UTF8.self)) { end = .stopped }
    }

    var result: Generation {
        Generation(
            text: String(decoding: shown, as: UTF8.self), tokens: tokens, logProbabilities: logProbabilities,
            end: end ?? .length)
    }
}
