import Glibc
import Synchronization

/// A command with long work that asks ``Interruption/shouldStop``; all others may be ended wherever they are.
protocol StopsInOrder {}

extension BuildCommand: StopsInOrder {}

/// Ctrl-C and `kill`: the first asks the running work to stop at the next safe place, the second ends the process.
enum Interruption {
    /// The number of the first signal; 0 before it.
    private static let asked = Atomic<Int32>(0)
    private static let isReading = Atomic<Bool>(false)

    static var shouldStop: Bool { asked.load(ordering: .relaxed) != 0 }

    /// What a shell says of a process that the signal ended.
    static var exitStatus: Int32 { 128 + asked.load(ordering: .relaxed) }

    /// Between pieces of work, when all that was printed is whole lines and a read may wait for ever: then the first ends the
    /// process.
    ///
    /// - Returns: what it was before.
    @discardableResult
    static func setReading(_ isReading: Bool) -> Bool { self.isReading.exchange(isReading, ordering: .relaxed) }

    static func install(stopsInOrder: Bool) {
        // A closed pipe is an error to report, not a signal to die of.
        _ = signal(SIGPIPE, SIG_IGN)
        // Nor is a file that may not grow (`ulimit -f`).
        _ = signal(SIGXFSZ, SIG_IGN)
        endsWhereFilesShrink()
        if stopsInOrder { stopInOrder() }
    }

    /// A model's file that somebody cuts short while it is read is an error to report, too: what it had is gone.
    private static func endsWhereFilesShrink() {
        _ = signal(SIGBUS) { _ in
            let message: StaticString = """
                edic: a file was cut short, or could not be read, while it was in use; \
                replace files by renaming a new one (mv), not by writing over them

                """
            unsafe _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
            _exit(ExitStatus.ioError.rawValue)
        }
    }

    /// From here on the running work is asked to stop; for commands that have nothing to end in order before.
    static func stopInOrder() {
        for number in [SIGINT, SIGTERM] {
            _ = signal(number) { number in
                let isSecond = Interruption.asked.exchange(number, ordering: .relaxed) != 0
                if isSecond || Interruption.isReading.load(ordering: .relaxed) { _exit(128 + number) }
            }
        }
    }
}
