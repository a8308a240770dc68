/// Why a text is not the YAML that was asked for.
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Hashable {
        /// Not YAML, or YAML whose aliases name nothing.
        case malformed
        /// A mapping has a key twice.
        case repeatedKey
        /// Deeper nesting, or more nodes, than the reader takes.
        case tooLarge
    }

    /// What kind of failure it is.
    public let code: Code
    /// Where, counted from 1.
    public let line: Int
    /// What, in one line.
    public let message: String

    public var description: String { "line \(line): \(message)" }
}
