internal import EDICJSON
internal import EDICNumerics
internal import EDICTransformers

// Tasks of the transformers: translations, vectors, generated text.

extension ModelService {
    /// Sentences between two looks at the clock.
    private static let sentencesAtOnce = 64

    func translate(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .translate, named: try members.string("model"))
        guard case .translation(let engine) = model.engine else { throw ServerError(.internalError, "no translation") }
        let texts = try texts(&members)
        var options = engine.defaultOptions
        let alternatives = try members.integer("alternatives", in: 1...16) ?? 1
        options.beamSize = try members.integer("beam", in: 1...16) ?? max(options.beamSize, alternatives)
        options.alternatives = alternatives
        try members.finish()
        guard alternatives <= options.beamSize else {
            throw ServerError(.badRequest, "\(alternatives) alternatives need a beam of \(alternatives) or more")
        }
        // Lines stay lines; a text of one line has a score and may have alternatives.
        let lines = texts.map { text in
            text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { String($0) }
        }
        let sentences = lines.flatMap { $0 }
        guard sentences.count <= limits.texts else {
            throw ServerError(.badRequest, "the texts have \(sentences.count) lines; \(limits.texts) are taken at once")
        }
        guard alternatives == 1 || sentences.count == texts.count else {
            throw ServerError(.badRequest, "alternatives are found for texts of one line only")
        }
        let pass = try gate.enter(check: limit.check)
        defer { pass.leave() }
        var translations: [Translation] = []
        for start in stride(from: 0, to: sentences.count, by: Self.sentencesAtOnce) {
            try limit.check()
            let some = Array(sentences[start..<min(start + Self.sentencesAtOnce, sentences.count)])
            translations += try limit.keep {
                try engine.translate(some, options: options, pool: pool, shouldStop: limit.isOver)
            }
        }
        return results(model) { writer in
            var next = 0
            for lines in lines {
                let own = translations[next..<next + lines.count]
                next += lines.count
                writer.beginObject()
                writer.member("text", own.map(\.text).joined(separator: "\n"))
                if own.count == 1, let best = own.first?.alternatives.first {
                    writer.member("score", best.score)
                }
                if alternatives > 1 {
                    writer.key("alternatives")
                    writer.beginArray()
                    for alternative in own.first?.alternatives ?? [] {
                        writer.beginObject()
                        writer.member("text", alternative.text)
                        writer.member("score", alternative.score)
                        writer.endObject()
                    }
                    writer.endArray()
                }
                writer.endObject()
            }
        }
    }

    func embed(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .embed, named: try members.string("model"))
        guard case .embedder(let engine) = model.engine else { throw ServerError(.internalError, "no embedder") }
        let texts = try texts(&members)
        try members.finish()
        let pass = try gate.enter(check: limit.check)
        defer { pass.leave() }
        var vectors: [[Float]] = []
        for start in stride(from: 0, to: texts.count, by: Self.sentencesAtOnce) {
            try limit.check()
            let some = Array(texts[start..<min(start + Self.sentencesAtOnce, texts.count)])
            vectors += try limit.keep { try engine.embed(some, pool: pool, shouldStop: limit.isOver) }
        }
        return results(model) { writer in
            for vector in vectors {
                writer.beginObject()
                writer.key("vector")
                writer.beginArray()
                for number in vector { writer.value(number) }
                writer.endArray()
                writer.endObject()
            }
        }
    }

    // MARK: - Generation

    func generate(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .generate, named: try members.string("model"))
        guard case .language(let engine) = model.engine else { throw ServerError(.internalError, "no language model") }
        let prompt = try members.string("prompt")
        let messages = try members.messages("messages", atMost: limits.texts)
        let options = try generationOptions(&members)
        let isStream = try members.bool("stream") ?? false
        try members.finish()
        guard (prompt == nil) != (messages == nil) else {
            throw ServerError(.badRequest, "give either a prompt or messages")
        }
        let pass = try gate.enter(check: limit.check)
        /// Generates; `write` is given each piece and says whether to go on.
        func run(_ write: (String) -> Bool) throws -> Generation {
            defer { pass.leave() }
            return try limit.keep {
                try withoutActuallyEscaping(write) { write in
                    let onText = { (piece: String) in !limit.isOver() && write(piece) }
                    if let messages {
                        let chat = messages.map { ChatMessage(role: $0.role, content: $0.content) }
                        return try engine.chat(chat, options: options, onText: onText, shouldStop: limit.isOver)
                    }
                    return try engine.generate(
                        prompt ?? "", options: options, onText: onText, shouldStop: limit.isOver)
                }
            }
        }
        guard isStream else {
            let generation = try run { _ in true }
            if generation.end == .stopped { try limit.check() }
            return HTTPResponse { writer in
                writer.beginObject()
                writer.member("model", model.name)
                writer.member("text", generation.text)
                generation.writeMembers(to: &writer)
                writer.endObject()
            }
        }
        return Self.eventStream(limit, run)
    }

    private func generationOptions(_ members: inout RequestMembers) throws -> GenerationOptions {
        var options = GenerationOptions()
        options.maximumTokens =
            try members.integer("max_tokens", in: 1...limits.generatedTokens) ?? min(256, limits.generatedTokens)
        options.temperature = try members.number("temperature", in: 0...100) ?? 0
        options.topK = try members.integer("top_k", in: 0...1_000_000) ?? 0
        options.topP = try members.number("top_p", in: 0.0001...1) ?? 1
        options.minP = try members.number("min_p", in: 0...1) ?? 0
        options.repetitionPenalty = try members.number("repetition_penalty", in: 0.01...100) ?? 1
        options.seed = UInt64(try members.integer("seed", in: 0...Int.max) ?? 0)
        options.stopStrings = try members.strings("stop", atMost: 16) ?? []
        return options
    }

    /// Sends each piece that `run` generates as it comes, then how the text ended.
    private static func eventStream(
        _ limit: WorkLimit, _ run: @escaping ((String) -> Bool) throws -> Generation
    ) -> HTTPResponse {
        HTTPResponse(
            fields: [("content-type", "text/event-stream; charset=utf-8")],
            body: .stream { send in
                var hasBegun = false
                do {
                    let generation = try run { piece in
                        hasBegun = true
                        return send(event(nil) { $0.member("text", piece) })
                    }
                    if generation.end == .stopped { try limit.check() }
                    _ = send(event("end") { generation.writeMembers(to: &$0) })
                } catch let error where hasBegun {
                    // The status has been sent.
                    _ = send(event("error") { $0.member("error", ServerError(error).json) })
                }
            })
    }

    /// An event of the EventSource format (HTML, 9.2.5) with a JSON object as its data.
    private static func event(_ name: String?, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        write(&writer)
        writer.endObject()
        let head = (name.map { "event: \($0)\n" } ?? "") + "data: "
        return Array(head.utf8) + writer.bytes + Array("\n\n".utf8)
    }
}
