import ArgumentParser
import EDICBuilds
import EDICCorpora
import EDICStore

/// Which exit status and which one line an error of the libraries becomes.
enum ExitMapping {
    /// Whether the error comes from this toolkit, and not from parsing the command line.
    static func isOwn(_ error: any Error) -> Bool {
        switch error {
        case is BuildError, is CorporaError, is StoreError, is CommandFailure: true
        default: false
        }
    }

    static func message(_ error: any Error) -> String { "\(error)" }

    static func status(_ error: any Error) -> ExitStatus {
        switch error {
        case let error as CommandFailure: return error.status
        case let error as BuildError:
            switch error.code {
            case .recipe: return .badData
            case .missingInput: return .noInput
            case .storage: return .ioError
            case .busy: return .tryAgain
            case .stopped: return .interrupted
            case .unbalanced, .stage: return .internalError
            }
        case let error as StoreError:
            switch error.code {
            case .notFound: return .noInput
            case .corrupt, .truncated: return .badData
            case .invalidArgument: return .usage
            default: return .ioError
            }
        case is CorporaError: return .badData
        default: return .internalError
        }
    }
}

/// A failure that a command itself finds.
struct CommandFailure: Error, CustomStringConvertible {
    var status: ExitStatus
    var description: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        description = message
    }
}
