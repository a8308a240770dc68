/// Why a language identification model cannot be read or trained.
public struct LanguageIDError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable {
        /// The file cannot be read.
        case unreadable
        /// The file is no model, or is cut or damaged.
        case malformedModel
        /// A model of a kind that this module does not run.
        case unsupportedModel
        /// There is too little to train on.
        case unusableTrainingData
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: which file, where, what was expected.
    public let message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
