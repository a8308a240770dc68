import Synchronization

/// Shows on a terminal in which of a few long steps a command is, and for how long it has been running: for work that
/// says no more of itself. Nothing elsewhere.
final class StepProgress: Sendable {
    private let started = ContinuousClock.now
    /// What is going on; nil when no line is shown.
    private let step = Mutex<String?>(nil)

    /// Does `work`, which says its steps, and removes the line at its end.
    static func during<Result>(_ work: (StepProgress) throws -> Result) rethrows -> Result {
        let progress = StepProgress()
        let clock = Terminal.errorIsTerminal ? Task.detached { await progress.tick() } : nil
        defer {
            clock?.cancel()
            progress.finish()
        }
        return try work(progress)
    }

    func show(_ text: String) {
        guard Terminal.errorIsTerminal else { return }
        step.withLock { step in
            step = text
            draw(text)
        }
    }

    private func tick() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            step.withLock { step in
                if let step { draw(step) }
            }
        }
    }

    private func finish() {
        step.withLock { step in
            if step != nil { Terminal.redraw("") }
            step = nil
        }
    }

    private func draw(_ step: String) {
        let seconds = (ContinuousClock.now - started).components.seconds
        Terminal.redraw("  \(seconds) s  \(step)")
    }
}
