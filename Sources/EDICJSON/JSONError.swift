/// Why some bytes are not the JSON that was expected.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable {
        /// There is no value at all, only white space.
        case empty
        /// Not the grammar of RFC 8259.
        case syntax
        /// A string or the document is not well-formed UTF-8.
        case invalidUTF8
        /// A `\uD800`–`\uDFFF` escape that is not half of a pair, so that it names no character.
        case loneSurrogate
        /// A number beyond the range of a 64-bit floating-point number.
        case numberOutOfRange
        /// Arrays and objects are nested deeper than the limit.
        case tooDeep
        /// A document of 4 GiB or more.
        case tooLarge
        /// The computer has no memory for it.
        case outOfMemory
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: what was expected, and what stands there.
    public let message: String
    /// Where in the document, counted from 0, when that is known.
    public let byteOffset: Int?

    public init(code: Code, message: String, byteOffset: Int? = nil) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
    }

    public var description: String {
        guard let byteOffset else { return message }
        return "byte \(byteOffset): \(message)"
    }
}
