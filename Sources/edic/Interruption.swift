import Glibc
import Synchronization

/// Ctrl-C and `kill`: the first asks the running work to stop at the next safe place, the second ends the process.
enum Interruption {
    private static let isAsked = Atomic<Bool>(false)

    static var shouldStop: Bool { isAsked.load(ordering: .relaxed) }

    static func install() {
        for number in [SIGINT, SIGTERM] {
            _ = unsafe signal(number) { number in
                if Interruption.isAsked.exchange(true, ordering: .relaxed) { _exit(128 + number) }
            }
        }
        // A closed pipe is an error to report, not a signal to die of.
        _ = unsafe signal(SIGPIPE, SIG_IGN)
    }
}
