/// What went wrong in a build.
public struct BuildError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Equatable {
        /// The recipe is wrong.
        case recipe
        /// A file or folder the recipe names is not there.
        case missingInput
        /// A file of a build is not what a build writes.
        case damaged
        /// The output folder cannot be read or written.
        case storage
        /// Another build is using the output folder.
        case busy
        /// The build was asked to stop.
        case stopped
        /// Rows are not accounted for: a defect of the toolkit.
        case unbalanced
        /// A stage failed.
        case stage
    }

    /// What kind of failure it is.
    public var code: Code
    /// One line: the file, the place, what was expected, what to do.
    public var message: String
    /// The failure below, where there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    static let stopped = BuildError(.stopped, "stopped; what was finished is kept: run the same command again to go on")

    public var description: String { message }
}
