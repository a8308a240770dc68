/// Why a model file, a model or a request could not be used.
///
/// The message is one line that names the file and the place in it, what was expected, and what to do.
public struct ModelError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Hashable {
        /// A file or a folder is missing or cannot be read.
        case unreadable
        /// A file breaks its own format: truncated, damaged, or with lengths that do not fit.
        case malformed
        /// A sound file of a kind, family, type or option this library does not run.
        case unsupported
        /// Parts that do not belong together: a tensor of another shape, a vocabulary of another size.
        case mismatch
        /// The caller asked for something the model cannot do: too long a text, an option out of range.
        case badRequest
        /// The caller's task was cancelled.
        case cancelled
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line for people: where, what was expected, what to do.
    public let message: String
    /// The failure below, where there is one.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }

    /// Of a model whose numbers lead to none.
    static func noNumber(_ folder: ModelFolder) -> ModelError {
        ModelError(
            .malformed,
            "\(folder.path): computes what is no number: weights are damaged, or beyond what floats hold; fetch the model again"
        )
    }
}
