import EDICText
import Glibc
import Synchronization
import SystemPackage

/// Standard output for results, standard error for all else.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1

    /// Columns of the terminal that standard error goes to; 80 if it will not say.
    static var width: Int {
        var size = winsize()
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
    }

    static func error(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Puts a line that tells of progress in the place of the one before, cut to the terminal's width; empty for none.
    static func redraw(_ line: String) { error("\r\u{1B}[K" + line.onOneLine.prefix(width - 1)) }

    /// A message may quote files and their names, which are anyone's: it is kept to one line, without what a terminal obeys.
    static func errorLine(_ line: String) { write(line.onOneLine + "\n", to: STDERR_FILENO) }

    /// Several lines of that kind.
    static func errorLines(_ text: String) { write(lines(text), to: STDERR_FILENO) }

    /// Lines for people, which may quote files and their names, as results.
    static func report(_ text: String) { write(lines(text), to: STDOUT_FILENO) }

    private static func lines(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { "\(String($0).onOneLine)\n" }.joined()
    }

    /// A line about something that work goes on with, in the place of one that tells of progress.
    static func warn(_ text: String) {
        if errorIsTerminal { redraw("") }
        errorLine("edic: warning: \(text)")
    }

    static func output(_ text: String) { write(text, to: STDOUT_FILENO) }

    static func outputLine(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
}

/// The exit statuses of sysexits.h that this program uses.
enum ExitStatus: Int32 {
    case success = 0
    /// The command ran, and what it checked is not in order.
    case failure = 1
    case usage = 64
    case badData = 65
    case noInput = 66
    case unavailable = 69
    case internalError = 70
    case cannotCreate = 73
    case ioError = 74
    case tryAgain = 75
    /// As shells say of Ctrl-C; another signal has its own (``Interruption/exitStatus``).
    case interrupted = 130
}
