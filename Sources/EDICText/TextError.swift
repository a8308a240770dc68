/// Why some text, charset or tag cannot be used.
public struct TextError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable {
        /// No charset of this name is known.
        case unknownCharset
        /// A language tag is not well-formed (RFC 5646).
        case malformedLanguageTag
        /// ICU failed; the message says how.
        case unicodeLibrary
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: what was expected, what stands there, what to do.
    public let message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
