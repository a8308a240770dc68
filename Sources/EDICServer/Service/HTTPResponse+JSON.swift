internal import EDICJSON
internal import EDICLanguageID
internal import EDICNgram
internal import EDICTokenizers
internal import EDICTransformers

extension HTTPResponse {
    /// An answer in JSON that `write` writes.
    init(json write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        writer.endLine()
        self.init(type: "application/json; charset=utf-8", writer.bytes)
    }

    /// What a client reads when something went wrong: `{"error": {"status": …, "code": …, "message": …}}`.
    init(_ error: any Error) {
        let error = ServerError(error)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("error", error.json)
        writer.endObject()
        writer.endLine()
        self.init(status: error.status, type: "application/json; charset=utf-8", writer.bytes)
        if error.code == .busy { fields.append(("retry-after", "5")) }
    }
}

extension ServerError {
    /// Any error as one a client reads.
    init(_ error: any Error) {
        switch error {
        case let error as ServerError: self = error
        case let error as ModelError:
            self.init(error.code == .badRequest ? .badRequest : .internalError, error.message, cause: error)
        case let error as TokenizerError:
            let isRequest = error.code == .invalidArgument || error.code == .notRepresentable
            self.init(isRequest ? .badRequest : .internalError, error.description, cause: error)
        case let error as JSONError: self.init(.badRequest, "the body is not JSON: \(error)", cause: error)
        default: self.init(.internalError, "\(error)", cause: error)
        }
    }

    var json: JSONValue {
        ["status": .integer(Int64(status)), "code": .string(code.rawValue), "message": .string(message)]
    }
}
