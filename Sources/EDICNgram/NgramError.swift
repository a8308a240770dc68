/// What went wrong while estimating, reading, writing or querying an n-gram model.
///
/// `message` is one line for a person: which file, where in it, what was expected and what to do. `code` is for programs.
public struct NgramError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Hashable {
        /// A file cannot be read or written.
        case inputOutput
        /// The bytes contradict their format.
        case corrupt
        /// A format or a version that this module does not read, or a model that a format cannot hold.
        case unsupported
        /// The caller asked for something that has no meaning, such as order 0.
        case invalidArgument
        /// The text cannot be estimated from: no words, or words reserved by the format.
        case unusableText
        /// A memory or size limit would be passed.
        case limitExceeded
        /// The caller asked to stop.
        case cancelled
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line for people: where, what was expected, what to do.
    public let message: String
    /// The error underneath, for instance one of the store's.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }

    /// The bytes of the file `name` contradict its format.
    static func damaged(_ name: String, _ what: String) -> NgramError {
        NgramError(.corrupt, "\(name): \(what); the file is damaged or incomplete, make or copy it again")
    }
}
