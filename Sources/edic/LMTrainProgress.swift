import EDICBuilds
import EDICNgram

/// Shows how far an estimation is: a line that redraws itself on a terminal, nothing elsewhere.
final class LMTrainProgress {
    private let bytes: Int?
    private var started = ContinuousClock.now
    private var drawn = ContinuousClock.now - .seconds(1)
    private var isOpen = false

    /// `bytes` is how much there is to read, where that is known.
    init(bytes: Int?) { self.bytes = bytes }

    /// Says something on a line of its own.
    func note(_ text: String) {
        guard Terminal.errorIsTerminal else { return }
        Terminal.error(text)
    }

    func show(_ step: NgramEstimator.Step) {
        guard Terminal.errorIsTerminal else { return }
        let now = ContinuousClock.now
        if case .reading = step, now - drawn < .milliseconds(80) { return }
        drawn = now
        let seconds = Int((now - started).components.seconds)
        Terminal.redraw("  \(seconds) s  \(text(step))")
        isOpen = true
    }

    func finish() {
        if isOpen { Terminal.redraw("") }
        isOpen = false
    }

    private func text(_ step: NgramEstimator.Step) -> String {
        switch step {
        case .reading(let count):
            "reading \(FigureText.bytes(count))" + (bytes.map { " of \(FigureText.bytes($0))" } ?? "")
        case .counting(let pass, let passes):
            passes == 1 ? "counting n-grams" : "counting n-grams, pass \(pass + 1) of \(passes)"
        case .estimating(let order): "estimating \(order)-grams"
        case .writing: "writing"
        }
    }
}
