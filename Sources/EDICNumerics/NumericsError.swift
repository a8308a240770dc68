/// What went wrong in this module: a file that cannot be mapped, shapes that do not fit, an instruction set that this
/// machine lacks.
public struct NumericsError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure a caller may want to tell apart.
    public enum Code: Sendable {
        /// A file could not be opened, measured or mapped.
        case fileUnreadable
        /// A byte range reaches past the end of a file or buffer.
        case outOfBounds
        /// Shapes or block sizes do not fit the storage format.
        case invalidShape
        /// A name in the environment or on the command line is unknown, or this machine cannot do it.
        case unsupportedInstructionSet
    }

    /// What kind of failure it is.
    public let code: Code

    /// One line: which file or value, what was expected, what to do.
    public let message: String

    /// The error beneath this one, where there is one.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}
