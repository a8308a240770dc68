internal import SystemPackage

/// What went wrong while reading or writing bytes at rest.
///
/// `message` is one line for a person: which file, where in it, what was expected and what to do. `code` is for programs.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Hashable {
        /// The file, folder, row or document does not exist, or a folder is where a file was expected.
        case notFound
        /// The system refused access.
        case permissionDenied
        /// The file system is full, or a quota is used up.
        case noSpace
        /// Any other failure of the system while reading or writing.
        case inputOutput
        /// The bytes contradict their format or a checksum.
        case corrupt
        /// The file ends before its format says it should.
        case truncated
        /// A size, ratio or memory limit given by the caller would be passed.
        case limitExceeded
        /// A format or a version that this module does not read.
        case unsupported
        /// The caller asked for something that has no meaning, such as a negative row.
        case invalidArgument
        /// The caller asked to stop.
        case stopped
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line for people: where, what was expected, what to do.
    public let message: String
    /// The error underneath, for instance an `Errno`.
    public let cause: (any Error)?
    /// The bytes of the file that are damaged, where that is known. The message says them too.
    public let bytes: Range<Int>?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil, bytes: Range<Int>? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.bytes = bytes
    }

    public var description: String { message }
}

extension StoreError {
    /// Damage in a known place: `part` is what lies there, such as "frame 3" or "the seek table".
    static func damaged(_ name: String, _ part: String, _ bytes: Range<Int>, _ reason: String) -> StoreError {
        StoreError(
            .corrupt, "\(name): \(part), bytes \(bytes.lowerBound)..<\(bytes.upperBound): \(reason)", bytes: bytes)
    }

    /// An error of the operating system met while `doing` something with the file `name`.
    init(_ errno: Errno, doing: String, name: String) {
        let code: Code =
            switch errno {
            case .noSuchFileOrDirectory, .notDirectory: .notFound
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .permissionDenied
            case .noSpace, .diskQuotaExceeded, .fileTooLarge: .noSpace
            default: .inputOutput
            }
        self.init(code, "\(name): cannot \(doing): \(errno)", cause: errno)
    }
}

/// Runs a call of `SystemPackage`, which throws `Errno`, and says what it was for when it fails.
func system<Value>(
    _ doing: String, _ name: @autoclosure () -> String, _ call: () throws -> Value
) throws(StoreError) -> Value {
    do {
        return try call()
    } catch let errno as Errno {
        throw StoreError(errno, doing: doing, name: name())
    } catch {
        throw StoreError(.inputOutput, "\(name()): cannot \(doing): \(error)", cause: error)
    }
}
