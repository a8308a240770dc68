internal import EDICStore

extension StoreError {
    /// The message without the name of the file that it begins with, for those that name it themselves.
    func message(without name: String) -> String {
        let prefix = "\(name): "
        return message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
    }
}

/// What went wrong with a contribution as a whole. Faults of single rows and files are ``Rejection``s instead.
public struct CorporaError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault.
    public enum Code: String, Sendable {
        /// There is no such file or folder, or it cannot be read.
        case unreadable
        /// The manifest is not YAML, or says something that it must not.
        case invalidManifest = "invalid_manifest"
        /// A licence expression that does not follow SPDX.
        case invalidLicence = "invalid_licence"
        /// A row in JSON that is not what this module writes.
        case invalidRow = "invalid_row"
        /// A file or folder that was to be made cannot be.
        case unwritable
        /// The output exists already.
        case alreadyExists = "already_exists"
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: the file, the place, what was expected, what to do.
    public let message: String
    /// The fault below, where there is one.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}
