import ArgumentParser
import EDICJSON
import EDICNgram
import EDICNumerics
import EDICStore
import SystemPackage

struct LMBucketsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "buckets",
        abstract: "Cut documents into head, middle and tail by perplexity.",
        discussion: """
            Prints, for each document, its part, its perplexity and the document, with tabs between. A document is a line, \
            or, with --input documents, a row of a build's document shards, of which the id is printed.

            The parts are shares of the documents given, for each language apart: the head is what a model of trusted text \
            foretells best. Keep the limits with --save-limits and give them back with --limits, so that a document is in \
            the same part every night.

            EXAMPLES
              edic lm buckets --model de.edlm web.txt
              edic lm buckets --model de.edlm --show summary \\
                  --save-limits de.json sample.txt
              zcat web.gz | edic lm buckets --model de.edlm --limits de.json | grep ^head
              edic lm buckets --model et=et.edlm --model fi=fi.edlm \\
                  --input documents Build/nightly/current/documents/*/*.zst
            """)

    enum Input: String, ExpressibleByArgument, CaseIterable { case lines, documents }
    enum Detail: String, ExpressibleByArgument, CaseIterable { case documents, summary }

    @Option(name: .shortAndLong, help: "The model; LANGUAGE=MODEL for documents of one language.", completion: .file())
    var model: [String]

    @OptionGroup var text: TextOptions

    @Option(help: "What the files hold: lines, each a document, or documents (document shards).")
    var input = Input.lines

    @Option(help: "The share of documents in the head.")
    var head = 0.3

    @Option(help: "The share of documents in the tail.")
    var tail = 0.4

    @Option(help: "Use the limits of this file, not shares of these documents.", completion: .file())
    var limits: String?

    @Option(help: "Write the limits to this file.", completion: .file())
    var saveLimits: String?

    @Option(help: "documents, or summary: only how many there are in each part, and the limits.")
    var show = Detail.documents

    @Flag(help: "Print JSON objects, one a line.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if !(head >= 0 && tail >= 0 && head + tail <= 1) {
            throw ValidationError("--head and --tail are shares, 0 or more and together at most 1")
        }
        if model.isEmpty { throw ValidationError("--model names the model") }
        let languages = model.map { NamedPath($0).name }
        if Set(languages).count < languages.count { throw ValidationError("--model names a language twice") }
        if model.count > 1 && languages.contains(nil) {
            throw ValidationError("of several models each needs its language: --model de=de.edlm")
        }
        if input == .lines && model.count > 1 {
            throw ValidationError("lines have no language; give one model, or --input documents")
        }
        if limits == nil && (text.files.isEmpty || text.files.contains("-")) {
            throw ValidationError(
                "shares are of all documents, and standard input can be read only once; name files, or give --limits")
        }
        if input == .documents && (text.files.isEmpty || text.files.contains("-")) {
            throw ValidationError("--input documents needs files")
        }
        if limits != nil && saveLimits != nil { throw ValidationError("give either --limits or --save-limits") }
    }

    /// A document: what is printed of it, and its text.
    private struct Document: Sendable {
        var name: [UInt8]
        var text: [UInt8]
        var language: String?
    }

    func run() throws {
        let named = model.map { NamedPath($0) }
        try OutputFiles.check([saveLimits], apartFrom: text.input.paths + named.map(\.path))
        var models: [String: NgramModel] = [:]
        for model in named { models[model.name ?? ""] = try NgramModel(contentsOf: FilePath(model.path)) }
        var buckets = try limits.map { try Self.read($0) } ?? [:]
        if limits == nil {
            var samples: [String: [Double]] = [:]
            try forEachScore(models) { _, language, totals in
                if let language { samples[language, default: []].append(totals.perplexity) }
            }
            for (language, sample) in samples where sample.contains(where: \.isFinite) {
                buckets[language] = try PerplexityBuckets(sample: sample, headShare: head, tailShare: 1 - tail)
            }
            guard !buckets.isEmpty else {
                throw CommandFailure(.badData, "\(text.files[0]): holds no document in the language of a model")
            }
            if let saveLimits { try Self.write(buckets, to: saveLimits) }
            if show == .summary {
                return summarise(
                    buckets,
                    samples.reduce(into: [:]) { counts, sample in
                        for perplexity in sample.value {
                            guard let part = buckets[sample.key]?.part(of: perplexity) else { continue }
                            counts[sample.key, default: [:]][part, default: 0] += 1
                        }
                    })
            }
        } else if let lacking = models.keys.sorted().first(where: { buckets[$0] == nil }) {
            throw CommandFailure(
                .badData, "\(limits ?? ""): has no limits for \(lacking.isEmpty ? "a model without language" : lacking)"
            )
        }
        var counts: [String: [PerplexityBuckets.Part: Int]] = [:]
        try forEachScore(models) { document, language, totals in
            guard let language, let part = buckets[language]?.part(of: totals.perplexity) else { return }
            counts[language, default: [:]][part, default: 0] += 1
            if show == .documents { output(document, part, totals) }
        }
        if show == .summary { summarise(buckets, counts) }
    }

    /// Scores all documents, some at a time on all workers; the language is nil where no model is for it.
    private func forEachScore(
        _ models: [String: NgramModel], _ body: (Document, String?, PerplexityTotals) throws -> Void
    ) throws {
        let pool = work.makePool()
        func score(_ documents: [Document]) throws {
            let scored = pool.map(count: documents.count, grain: 8) { index, _ in
                let document = documents[index]
                let language = models[""] == nil ? document.language ?? "" : ""
                guard let model = models[language] else { return (nil as String?, PerplexityTotals()) }
                return (language, model.perplexity(of: document.text.span))
            }
            for (document, (language, totals)) in zip(documents, scored) { try body(document, language, totals) }
        }
        guard input == .documents else {
            let language = models.keys.first
            return try text.input.forEachBatch { lines in
                try score(lines.map { Document(name: $0, text: $0, language: language) })
            }
        }
        var parser = try JSONLineParser()
        for file in text.files {
            var rows = try DocumentShard(FilePath(file)).rows()
            var batch: [Document] = []
            var size = 0
            while try rows.advance() {
                try rows.withRow { line in
                    size += line.count
                    try parser.parse(line)
                    let name = Array((parser.string("id") ?? "").utf8)
                    if let text = parser.string("text") {
                        batch.append(
                            Document(name: name, text: Array(text.utf8), language: parser.string("lang")))
                    } else if case .object(let texts)? = parser.value("texts") {
                        for (language, value) in texts {
                            batch.append(
                                Document(name: name, text: Array((value.string ?? "").utf8), language: language))
                        }
                    }
                }
                if batch.count >= 1024 || size >= 4 << 20 {
                    try score(batch)
                    batch.removeAll(keepingCapacity: true)
                    size = 0
                }
            }
            try score(batch)
        }
    }

    private func output(_ document: Document, _ part: PerplexityBuckets.Part, _ totals: PerplexityTotals) {
        guard json else {
            var line = Array("\(part.rawValue)\t\(Decimals.fixed(totals.perplexity, 2))\t".utf8)
            if input == .documents { line.append("\(document.language ?? "")\t") }
            line += document.name
            line.append(0x0A)
            return Terminal.output(line.span)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("part", part.rawValue)
        writer.member("perplexity", totals.perplexity)
        writer.member("perplexity_without_unknown_words", totals.knownPerplexity)
        writer.member("tokens", totals.tokens)
        writer.member("unknown_words", totals.unknownWords)
        if input == .documents, let language = document.language { writer.member("language", language) }
        writer.key(input == .documents ? "id" : "text")
        writer.value(utf8: document.name.span)
        writer.endObject()
        writer.endLine()
        Terminal.output(writer.bytes.span)
    }

    private func summarise(
        _ buckets: [String: PerplexityBuckets], _ counts: [String: [PerplexityBuckets.Part: Int]]
    ) {
        for (language, limits) in buckets.sorted(by: { $0.key < $1.key }) {
            let parts = PerplexityBuckets.Part.allCases.map { ($0, counts[language]?[$0] ?? 0) }
            guard json else {
                let numbers = parts.map { "\($0.0.rawValue) \($0.1)" }.joined(separator: "\t")
                let ends = [limits.headLimit, limits.tailLimit].map { Decimals.fixed($0, 2) }
                Terminal.outputLine(
                    (language.isEmpty ? "" : "\(language)\t") + "\(numbers)\tlimits \(ends[0]) \(ends[1])")
                continue
            }
            var writer = JSONWriter()
            writer.beginObject()
            if !language.isEmpty { writer.member("language", language) }
            for (part, count) in parts { writer.member(part.rawValue, count) }
            writer.member("head_limit", limits.headLimit)
            writer.member("tail_limit", limits.tailLimit)
            writer.endObject()
            writer.endLine()
            Terminal.output(writer.bytes.span)
        }
    }

    // MARK: Limits

    private static func write(_ buckets: [String: PerplexityBuckets], to path: String) throws {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        for (language, limits) in buckets.sorted(by: { $0.key < $1.key }) {
            writer.key(language)
            writer.beginObject()
            writer.member("head_limit", limits.headLimit)
            writer.member("tail_limit", limits.tailLimit)
            writer.endObject()
        }
        writer.endObject()
        writer.endLine()
        var file = try AtomicFile(FilePath(path))
        try file.write(writer.bytes.span)
        _ = try file.commit()
    }

    private static func read(_ path: String) throws -> [String: PerplexityBuckets] {
        var buckets: [String: PerplexityBuckets] = [:]
        try TextInput([path]).forEachDocument(atMost: 16 << 20) { _, bytes in
            let value: JSONValue
            do {
                value = try JSONValue(parsing: bytes.span)
            } catch {
                throw CommandFailure(.badData, "\(path): \(error)")
            }
            guard case .object(let languages) = value else {
                throw CommandFailure(.badData, "\(path): expected an object of languages, as --save-limits writes it")
            }
            for (language, limits) in languages {
                guard let head = limits["head_limit"]?.double, let tail = limits["tail_limit"]?.double, head <= tail
                else {
                    throw CommandFailure(
                        .badData, "\(path): \"\(language)\": expected head_limit and tail_limit, the first not above")
                }
                buckets[language] = PerplexityBuckets(headLimit: head, tailLimit: tail)
            }
        }
        return buckets
    }
}
