import ArgumentParser
import EDICJSON
import EDICNgram
import EDICNumerics
import SystemPackage

struct LMQueryCommand: ParsableCommand {
    enum Detail: String, ExpressibleByArgument, CaseIterable {
        case word, sentence, summary
        var detail: QueryDetail { QueryDetail(rawValue: rawValue) ?? .word }
    }

    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Score each line.",
        discussion: """
            Prints what KenLM's query prints: for each word its id, how many words of the n-gram were known and the \
            base-10 logarithm of its probability, then the sum and the unknown words; at the end the perplexity of all.

            EXAMPLES
              echo "guten Tag" | edic lm query --model de.edlm
              edic lm query --model de.arpa.gz --show summary held-out.txt
              edic lm query --model de.edlm --json held-out.txt
              echo "guten" | edic lm query --model de.edlm --next 5
              edic lm query --model subwords.edlm --ids ids.bin
            """)

    @Option(name: .shortAndLong, help: "The model: ARPA, a KenLM binary or .edlm.", completion: .file())
    var model: String

    @OptionGroup var text: TextOptions

    @Option(help: "word, sentence or summary: how much to print.")
    var show = Detail.word

    @Flag(inversion: .prefixedNo, help: "Put each line between <s> and </s>.")
    var boundaries = true

    @Flag(help: "Read ids instead of text: 32-bit little-endian numbers, each sentence ending in that of </s>.")
    var ids = false

    @Option(help: "Print, for each line, so many of the words that follow it most probably, in place of scores.")
    var next: Int?

    @Flag(help: "Print a JSON object for each line, or, with --show summary, for all.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if let next, next < 1 { throw ValidationError("--next is 1 or more") }
        if next != nil && ids { throw ValidationError("--next is for text, not for --ids") }
        if ids && !boundaries { throw ValidationError("--ids has sentences between <s> and </s> only") }
    }

    func run() throws {
        let model = try NgramModel(contentsOf: FilePath(model))
        if let next { return try foretell(next, model) }
        let pool = work.makePool()
        var totals = PerplexityTotals()
        if ids {
            try text.input.forEachDocument(atMost: 4 << 30) { name, bytes in
                totals += try Self.totals(ofIDs: bytes, name: name, model, pool)
            }
        } else {
            try text.input.forEachPiece { piece in totals += query(piece, model, on: pool) }
        }
        if json && (ids || show == .summary) {
            var output: [UInt8] = []
            Self.append(totals, to: &output) { _ in }
            Terminal.output(output.span)
        } else if !json {
            Terminal.outputLine(NgramModel.querySummary(totals))
        }
    }

    /// Prints the most probable words behind each line.
    private func foretell(_ count: Int, _ model: NgramModel) throws {
        let pool = work.makePool()
        try text.input.forEachBatch(lines: 64) { lines in
            let found = pool.map(count: lines.count) { index, _ in
                var state = boundaries ? model.beginSentenceState : model.emptyState
                let line = lines[index]
                for sentence in model.sentences(of: line.span, isWhole: false) {
                    for word in sentence.words { _ = model.score(id: word.id, after: &state) }
                }
                return model.mostProbableWords(after: state, count: count)
            }
            for (line, words) in zip(lines, found) { Terminal.output(foretold(line, words, model).span) }
        }
    }

    private func foretold(
        _ line: [UInt8], _ words: [(id: UInt32, logProbability: Float)], _ model: NgramModel
    ) -> [UInt8] {
        guard json else {
            let list = words.map { "\(model.word(of: $0.id))=\($0.id) \($0.logProbability)" }
            return Array((list.joined(separator: "\t") + "\n").utf8)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("text")
        writer.value(utf8: line.span)
        writer.key("next")
        writer.beginArray()
        for word in words {
            writer.beginObject()
            writer.member("word", model.word(of: word.id))
            writer.member("id", Int(word.id))
            writer.member("log10_probability", word.logProbability)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }

    /// Scores a piece of whole lines on all workers, and prints what is asked for.
    private func query(_ piece: Span<UInt8>, _ model: NgramModel, on pool: WorkerPool) -> PerplexityTotals {
        let parts = Self.parts(of: piece, atLeast: 1 << 15, most: pool.workers * 4)
        let scored = pool.map(count: parts.count) { index, _ in
            let part = parts[index]
            guard json && show != .summary else {
                return model.query(part.span, detail: show.detail, isWhole: boundaries)
            }
            var output: [UInt8] = []
            var totals = PerplexityTotals()
            let lines = part.split(separator: 0x0A, omittingEmptySubsequences: false)
            for (line, sentence) in zip(lines, model.sentences(of: part.span, isWhole: boundaries)) {
                totals += sentence.totals
                Self.append(sentence.totals, to: &output) { writer in
                    writer.key("text")
                    writer.value(utf8: Array(line).span)
                    if show == .word { Self.append(sentence.words, part, to: &writer) }
                }
            }
            return (output, totals)
        }
        var totals = PerplexityTotals()
        for (output, part) in scored {
            if !output.isEmpty { Terminal.output(output.span) }
            totals += part
        }
        return totals
    }

    /// Cuts whole lines into parts of about one size.
    private static func parts(of piece: Span<UInt8>, atLeast least: Int, most: Int) -> [[UInt8]] {
        let size = max(least, piece.count / max(1, most))
        var parts: [[UInt8]] = []
        var start = 0
        while start < piece.count {
            var end = min(piece.count, start + size)
            while end < piece.count, piece[end - 1] != 0x0A { end += 1 }
            let part = piece.extracting(start..<end)
            parts.append([UInt8](copying: part))
            start = end
        }
        return parts
    }

    /// Sentences of ids, some thousand ids at a time on all workers.
    private static func totals(
        ofIDs bytes: [UInt8], name: String, _ model: NgramModel, _ pool: WorkerPool
    ) throws -> PerplexityTotals {
        guard bytes.count % 4 == 0 else {
            throw CommandFailure(.badData, "\(name): holds \(bytes.count) bytes, which is no number of 32-bit ids")
        }
        let ids = stride(from: 0, to: bytes.count, by: 4).map { at in
            (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
        }
        let end = model.endID
        var starts = [0]
        while let last = starts.last, last < ids.count {
            var next = min(ids.count, last + 1 << 14)
            while next < ids.count, ids[next - 1] != end { next += 1 }
            starts.append(next)
        }
        let bounds = starts
        let parts = pool.map(count: bounds.count - 1) { part, _ in
            model.perplexity(ids: ids.span.extracting(bounds[part]..<bounds[part + 1]))
        }
        return parts.reduce(into: PerplexityTotals()) { $0 += $1 }
    }

    private static func append(
        _ totals: PerplexityTotals, to output: inout [UInt8], _ first: (inout JSONWriter) -> Void
    ) {
        var writer = JSONWriter()
        writer.beginObject()
        first(&writer)
        writer.member("log10_probability", totals.logProbability)
        writer.member("tokens", totals.tokens)
        writer.member("unknown_words", totals.unknownWords)
        writer.member("perplexity", totals.perplexity)
        writer.member("perplexity_without_unknown_words", totals.knownPerplexity)
        writer.endObject()
        writer.endLine()
        output += writer.bytes
    }

    private static func append(_ words: [ScoredWord], _ text: [UInt8], to writer: inout JSONWriter) {
        writer.key("words")
        writer.beginArray()
        for word in words {
            writer.beginObject()
            writer.key("word")
            let bytes = word.range.isEmpty ? Array("</s>".utf8) : Array(text[word.range])
            writer.value(utf8: bytes.span)
            writer.member("id", Int(word.id))
            writer.member("matched", word.score.matchedLength)
            writer.member("log10_probability", word.score.logProbability)
            writer.endObject()
        }
        writer.endArray()
    }
}
