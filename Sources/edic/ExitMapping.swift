import ArgumentParser
import EDICBuilds
import EDICCorpora
import EDICJSON
import EDICLanguageID
import EDICNgram
import EDICNumerics
import EDICServer
import EDICStore
import EDICText
import EDICTokenizers
import EDICTransformers

/// Which exit status and which one line an error of the libraries becomes.
enum ExitMapping {
    /// Whether the error comes from this toolkit, and not from parsing the command line.
    static func isOwn(_ error: any Error) -> Bool {
        switch error {
        case is CommandFailure, is BuildError, is CorporaError, is StoreError, is TokenizerError, is NgramError,
            is ModelError, is LanguageIDError, is TextError, is JSONError, is NumericsError, is ServerError:
            true
        default: false
        }
    }

    static func message(_ error: any Error) -> String { "\(error)" }

    static func status(_ error: any Error) -> ExitStatus {
        switch error {
        case let error as CommandFailure: error.status
        case let error as BuildError: status(error.code)
        case let error as CorporaError: status(error.code)
        case let error as StoreError: status(error.code)
        case let error as TokenizerError: status(error.code)
        case let error as NgramError: status(error)
        case let error as ModelError: status(error.code)
        case let error as LanguageIDError: error.code == .unreadable ? .noInput : .badData
        case let error as TextError: error.code == .unicodeLibrary ? .internalError : .usage
        case is JSONError: .badData
        case let error as NumericsError: status(error.code)
        case let error as ServerError: error.code == .cannotListen ? .unavailable : .usage
        default: .internalError
        }
    }

    private static func status(_ code: BuildError.Code) -> ExitStatus {
        switch code {
        case .recipe, .damaged: .badData
        case .missingInput: .noInput
        case .storage: .ioError
        case .busy: .tryAgain
        case .stopped: .interrupted
        case .unbalanced, .stage: .internalError
        }
    }

    private static func status(_ code: CorporaError.Code) -> ExitStatus {
        switch code {
        case .unreadable: .noInput
        case .alreadyExists, .unwritable: .cannotCreate
        case .invalidManifest, .invalidLicence, .invalidRow: .badData
        }
    }

    private static func status(_ code: StoreError.Code) -> ExitStatus {
        switch code {
        case .notFound: .noInput
        case .corrupt, .truncated, .unsupported: .badData
        case .invalidArgument: .usage
        case .permissionDenied, .noSpace, .inputOutput, .limitExceeded: .ioError
        case .stopped: .interrupted
        }
    }

    private static func status(_ code: TokenizerError.Code) -> ExitStatus {
        switch code {
        case .fileUnreadable: .noInput
        case .fileUnwritable: .ioError
        case .unknownFormat, .malformed, .unknownComponent, .unsupported: .badData
        case .notRepresentable, .invalidArgument: .usage
        case .outOfMemory: .internalError
        case .interrupted: .interrupted
        }
    }

    private static func status(_ error: NgramError) -> ExitStatus {
        switch error.code {
        // The file underneath says more: it may be missing, or full of rubbish.
        case .inputOutput: error.cause.map { isOwn($0) ? status($0) : .ioError } ?? .ioError
        case .corrupt, .unsupported, .unusableText: .badData
        case .invalidArgument: .usage
        case .limitExceeded: .ioError
        case .cancelled: .interrupted
        }
    }

    private static func status(_ code: ModelError.Code) -> ExitStatus {
        switch code {
        case .unreadable: .noInput
        case .malformed, .unsupported, .mismatch: .badData
        case .badRequest: .usage
        case .cancelled: .interrupted
        }
    }

    private static func status(_ code: NumericsError.Code) -> ExitStatus {
        switch code {
        case .fileUnreadable: .noInput
        case .outOfBounds, .invalidShape: .badData
        case .unsupportedInstructionSet: .usage
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
