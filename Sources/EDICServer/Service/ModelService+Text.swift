internal import EDICJSON
internal import EDICLanguageID
internal import EDICNgram
internal import EDICText
internal import EDICTokenizers
internal import EDICTransformers

// Tasks that look at text: tokens, languages, scores.

extension ModelService {
    func tokenize(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .tokenize, named: try members.string("model"))
        let texts = try texts(&members)
        let addsSpecial = try members.bool("special_tokens") ?? true
        let isLiteral = try members.bool("literal") ?? false
        try members.finish()
        guard let tokenizer = model.tokenizer else { throw ServerError(.internalError, "the tokenizer is gone") }
        let pass = try gate.enter(check: limit.check)
        defer { pass.leave() }
        return results(model) { writer in
            for text in texts {
                let ids = tokenizer.encode(
                    Array(text.utf8).span, addingSpecialTokens: addsSpecial,
                    specialTokens: isLiteral ? .ordinaryText : .recognized)
                writer.beginObject()
                writer.key("ids")
                writer.beginArray()
                for id in ids { writer.value(Int(id)) }
                writer.endArray()
                writer.key("tokens")
                writer.beginArray()
                for id in ids { writer.value(tokenizer.token(id) ?? "") }
                writer.endArray()
                writer.endObject()
            }
        }
    }

    func detokenize(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .tokenize, named: try members.string("model"))
        guard let lists = try members.tokens("ids", atMost: limits.texts) else { throw missing("ids") }
        let keepsSpecial = try members.bool("special_tokens") ?? false
        try members.finish()
        guard let tokenizer = model.tokenizer else { throw ServerError(.internalError, "the tokenizer is gone") }
        if let stranger = lists.joined().first(where: { $0 >= UInt32(tokenizer.vocabularySize) }) {
            throw ServerError(
                .badRequest, "there is no token \(stranger); \(model.name) has \(tokenizer.vocabularySize)")
        }
        return results(model) { writer in
            for ids in lists {
                writer.beginObject()
                writer.member("text", tokenizer.decode(ids, skippingSpecialTokens: !keepsSpecial))
                writer.endObject()
            }
        }
    }

    func identify(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .identify, named: try members.string("model"))
        let texts = try texts(&members)
        let candidates = try members.integer("candidates", in: 1...20) ?? 3
        try members.finish()
        guard case .identifier(let identifier) = model.engine else {
            throw ServerError(.internalError, "no identifier")
        }
        return results(model) { writer in
            for text in texts {
                let found = identifier.identify(text, limit: candidates)
                writer.beginObject()
                writer.members(found)
                writer.endObject()
            }
        }
    }

    func score(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        var members = try RequestMembers(of: request)
        let model = try model(for: .score, named: try members.string("model"))
        let texts = try texts(&members)
        try members.finish()
        if let empty = texts.firstIndex(of: "") { throw ServerError(.badRequest, "text \(empty) is empty") }
        let pass = try gate.enter(check: limit.check)
        defer { pass.leave() }
        switch model.engine {
        case .ngram(let ngram):
            return results(model) { writer in
                for text in texts {
                    let totals = ngram.perplexity(of: text)
                    writer.beginObject()
                    writer.member("perplexity", totals.perplexity)
                    writer.member("log10_probability", totals.logProbability)
                    writer.member("tokens", totals.tokens)
                    writer.member("unknown_words", totals.unknownWords)
                    writer.endObject()
                }
            }
        case .language(let language):
            var scores: [TextScore] = []
            for start in stride(from: 0, to: texts.count, by: 32) {
                try limit.check()
                let part = Array(texts[start..<min(start + 32, texts.count)])
                scores += try limit.keep { try language.score(part, shouldStop: limit.isOver) }
            }
            return results(model) { writer in
                for score in scores {
                    writer.beginObject()
                    writer.member("perplexity", score.perplexity)
                    writer.member("log_probability", score.total)
                    writer.key("tokens")
                    writer.beginArray()
                    for token in score.tokens { writer.value(token) }
                    writer.endArray()
                    writer.key("log_probabilities")
                    writer.beginArray()
                    for value in score.logProbabilities { writer.value(value) }
                    writer.endArray()
                    writer.endObject()
                }
            }
        default: throw ServerError(.internalError, "\(model.name) cannot score")
        }
    }

    // MARK: - What all share

    /// The required member `text`: a string, or an array of strings.
    func texts(_ members: inout RequestMembers) throws(ServerError) -> [String] {
        guard let texts = try members.strings("text", atMost: limits.texts) else { throw missing("text") }
        return texts
    }

    func missing(_ name: String) -> ServerError { ServerError(.badRequest, "the member \(name) is missing") }

    /// `{"model": …, "results": […]}`, with one result for each text.
    func results(_ model: ServedModel, _ write: (inout JSONWriter) -> Void) -> HTTPResponse {
        HTTPResponse { writer in
            writer.beginObject()
            writer.member("model", model.name)
            writer.key("results")
            writer.beginArray()
            write(&writer)
            writer.endArray()
            writer.endObject()
        }
    }
}
