/// Why a tokenizer could not be read, trained, written or used.
public struct TokenizerError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable {
        /// A file cannot be opened or read.
        case fileUnreadable
        /// A file cannot be written.
        case fileUnwritable
        /// The bytes are of no tokenizer format this module knows.
        case unknownFormat
        /// A known format with a damaged or contradictory content.
        case malformed
        /// A component (normalizer, pre-tokenizer, model, …) this module does not have.
        case unknownComponent
        /// A known component with a setting this module does not have.
        case unsupported
        /// The tokenizer has no form in the format asked for.
        case notRepresentable
        /// An argument outside its range.
        case invalidArgument
        /// Memory is exhausted.
        case outOfMemory
        /// Somebody asked to stop.
        case interrupted
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: which file, where in it, what was expected and what to do.
    public let message: String
    /// The failure below, where there is one.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }

    /// The same error with the name of the file in front.
    func inFile(_ name: String) -> TokenizerError { TokenizerError(code, "\(name): \(message)", cause: cause) }

    static func malformed(_ message: String) -> TokenizerError { TokenizerError(.malformed, message) }
    static var interrupted: TokenizerError { TokenizerError(.interrupted, "training was stopped on request") }
    static var outOfMemory: TokenizerError { TokenizerError(.outOfMemory, "memory is exhausted") }
}
