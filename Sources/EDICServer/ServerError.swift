/// Why a request was refused, or why the server cannot run.
///
/// The message is one line that says what was expected and what to do; it is what the client reads.
public struct ServerError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; the raw value is what clients see as `code`.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The request breaks HTTP, is not the JSON that was expected, or asks for what a model cannot do.
        case badRequest = "bad_request"
        /// The request names another host than this machine, so that it may come from a foreign web page.
        case foreignHost = "foreign_host"
        /// There is no such path, or no such model.
        case notFound = "not_found"
        /// The path is there, for other methods.
        case methodNotAllowed = "method_not_allowed"
        /// The request did not arrive in time.
        case requestTimeout = "request_timeout"
        /// The body is larger than the server takes.
        case tooLarge = "too_large"
        /// The body is not declared as JSON.
        case unsupportedType = "unsupported_type"
        /// The head of the request is larger than the server takes.
        case headTooLarge = "head_too_large"
        /// A failure of the server.
        case internalError = "internal_error"
        /// A transfer coding that the server does not know.
        case notImplemented = "not_implemented"
        /// Too many requests wait already, or the server is ending.
        case busy
        /// The work took longer than the server allows.
        case timedOut = "timed_out"
        /// Another HTTP version than 1.0 and 1.1.
        case unsupportedVersion = "unsupported_version"
        /// The server cannot listen at the address it was given.
        case cannotListen = "cannot_listen"
        /// Two models have one name, or a file is no model.
        case invalidModel = "invalid_model"
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line for people: where, what was expected, what to do.
    public let message: String
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }

    /// The HTTP status for the code.
    public var status: Int {
        switch code {
        case .badRequest: 400
        case .foreignHost: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .tooLarge: 413
        case .unsupportedType: 415
        case .headTooLarge: 431
        case .internalError, .cannotListen, .invalidModel: 500
        case .notImplemented: 501
        case .busy: 503
        case .timedOut: 504
        case .unsupportedVersion: 505
        }
    }
}
