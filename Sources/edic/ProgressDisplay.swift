import EDICBuilds
import Synchronization

/// Shows how far a build is: a line that redraws itself on a terminal, a line for each finished stage elsewhere.
final class ProgressDisplay: Sendable {
    private struct State {
        var stage = ""
        var tasks = 0
        var done = 0
        var reused = 0
        var bytes = 0
        var bytesDone = 0
        var label = ""
        var started = ContinuousClock.now
        var drawn = ContinuousClock.now
        var isLineOpen = false
    }

    private let state = Mutex(State())
    private let isLive: Bool
    private let isQuiet: Bool

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        isLive = Terminal.errorIsTerminal && !isQuiet
    }

    func show(_ event: BuildEvent) {
        state.withLock { state in
            switch event {
            case .stageStarted(let stage, let tasks, let bytes):
                state = State(stage: stage, tasks: tasks, bytes: bytes)
                draw(&state, isForced: true)
            case .taskFinished(_, let label, let isReused, let bytes):
                state.done += 1
                state.reused += isReused ? 1 : 0
                state.bytesDone += bytes
                state.label = label
                draw(&state, isForced: false)
            case .stageFinished(let stage, let seconds):
                clear(&state)
                guard !isQuiet else { return }
                Terminal.errorLine(summary(of: stage, state, seconds: seconds))
            case .notice(let text):
                clear(&state)
                guard !isQuiet else { return }
                Terminal.errorLine("  ! \(text)")
                draw(&state, isForced: true)
            }
        }
    }

    /// Removes the live line, so that other output starts at the left.
    func finish() { state.withLock { clear(&$0) } }

    private func summary(of stage: String, _ state: State, seconds: Double) -> String {
        let name = stage.padding(to: 12)
        let tasks = "\(FigureText.grouped(state.tasks)) \(state.tasks == 1 ? "task" : "tasks")"
        let kept = state.reused > 0 ? ", \(FigureText.grouped(state.reused)) kept" : ""
        let volume = state.bytes > 0 ? ", \(FigureText.bytes(state.bytes))" : ""
        return "  \(name) \(FigureText.duration(seconds)) (\(tasks)\(kept)\(volume))"
    }

    private func draw(_ state: inout State, isForced: Bool) {
        guard isLive else { return }
        let now = ContinuousClock.now
        guard isForced || now - state.drawn > .milliseconds(80) else { return }
        state.drawn = now
        let share =
            state.bytes > 0
            ? Double(state.bytesDone) / Double(state.bytes) : Double(state.done) / Double(max(1, state.tasks))
        let cells = 24
        let filled = Int(share * Double(cells))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
        let line = "  \(state.stage.padding(to: 12)) \(bar) \(state.done)/\(state.tasks) \(state.label)"
        Terminal.redraw(line)
        state.isLineOpen = true
    }

    private func clear(_ state: inout State) {
        guard state.isLineOpen else { return }
        Terminal.redraw("")
        state.isLineOpen = false
    }
}

/// Counts lines on the terminal while a long text is worked on; silent where the output is the terminal itself, which
/// then shows the lines.
final class LineProgress: Sendable {
    private struct State {
        var before = 0
        let started = ContinuousClock.now
        var drawn = ContinuousClock.now
        var isOpen = false
    }

    private let state = Mutex(State())
    private let verb: String
    private let isLive = Terminal.errorIsTerminal && !Terminal.outputIsTerminal

    init(_ verb: String) { self.verb = verb }

    /// Lines of this part that are done.
    func show(_ done: Int) {
        guard isLive else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            guard now - state.drawn > .milliseconds(200) else { return }
            state.drawn = now
            let lines = state.before + done
            let seconds = Double((now - state.started).components.seconds) + 0.5
            Terminal.redraw("  \(lines) lines \(verb), \(Int(Double(lines) / seconds)) a second")
            state.isOpen = true
        }
    }

    /// A part is done.
    func add(_ lines: Int) { state.withLock { $0.before += lines } }

    /// Removes the line.
    func finish() {
        state.withLock { state in
            if state.isOpen { Terminal.redraw("") }
            state.isOpen = false
        }
    }
}

extension String {
    /// The text with spaces after it up to `width` characters.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
