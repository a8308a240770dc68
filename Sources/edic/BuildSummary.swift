import EDICBuilds
import SystemPackage

/// The one screen at the end of a build.
struct BuildSummary {
    private let outcome: Build.Outcome

    init(_ outcome: Build.Outcome) { self.outcome = outcome }

    var text: String {
        let report = outcome.report
        guard !outcome.isUnchanged else {
            return """
                Nothing to do: no contribution, setting or version has changed since the last build.

                  Root hash  \(report.rootHash)
                  Report     \(outcome.reportPage)

                """
        }
        var lines = ["", "  \(report.name)", ""]
        let totals = report.totals
        let accepted = totals.contributions - totals.contributionsRejected
        let rejected = totals.contributionsRejected > 0 ? ", \(totals.contributionsRejected) rejected" : ""
        lines += [
            row(
                "Contributions",
                "\(accepted)\(rejected); \(grouped(totals.files)) files, \(FigureText.bytes(totals.rawBytes))"),
            row(
                "Kept",
                "\(grouped(totals.documents)) documents, \(grouped(totals.units)) translation units, \(grouped(totals.words)) words, \(FigureText.bytes(totals.textBytes)) of text in \(report.languages.count) languages"
            ),
        ]
        if totals.tokens > 0 {
            lines.append(row("Tokens", "\(grouped(totals.tokens)) (\(report.tokenizer.description))"))
        }
        lines.append(row("Outputs", FigureText.bytes(totals.outputBytes)))
        lines += stageLines(report)
        lines += languageLines(report)
        let run = report.run
        let speed = run.seconds > 0 ? ", \(FigureText.bytes(Int(Double(totals.rawBytes) / run.seconds)))/s" : ""
        lines += [
            "",
            row(
                "Time",
                "\(FigureText.duration(run.seconds)) with \(run.workers) \(run.workers == 1 ? "worker" : "workers")\(speed); \(grouped(run.tasks)) tasks, \(grouped(run.tasksReused)) kept; peak memory \(FigureText.bytes(run.peakMemory))"
            ),
            row("Root hash", report.rootHash),
            row("Release", outcome.release.string),
            row("Report", outcome.reportPage.string),
            "",
        ]
        return lines.joined(separator: "\n")
    }

    private func row(_ label: String, _ text: String) -> String { "  \(label.padding(to: 15))\(text)" }

    private func grouped(_ count: Int) -> String { FigureText.grouped(count) }

    private func stageLines(_ report: BuildReport) -> [String] {
        var lines = ["", "  \("Stage".padding(to: 15))\(right("rows in", 12))\(right("rows out", 12))  rejected"]
        for stage in report.stages {
            let reasons = stage.rejected.map { "\($0.reason) \(grouped($0.count))" }.joined(separator: ", ")
            lines.append(
                "  \(stage.name.padding(to: 15))\(right(grouped(stage.rowsIn), 12))\(right(grouped(stage.rowsOut), 12))  \(reasons)"
            )
        }
        return lines
    }

    /// The largest languages: the report has them all.
    private func languageLines(_ report: BuildReport) -> [String] {
        let shown = report.languages.sorted { ($1.bytesKept, $0.tag) < ($0.bytesKept, $1.tag) }.prefix(8)
        guard !shown.isEmpty else { return [] }
        var lines = [
            "",
            "  \("Language".padding(to: 15))\(right("texts", 12))\(right("text", 10))\(right("tokens/word", 13))\(right("perplexity", 12))",
        ]
        for language in shown {
            let ratio = language.tokensPerWord.map { FigureText.decimal($0) } ?? "–"
            let perplexity = language.perplexity.map { FigureText.decimal($0, places: 0) } ?? "–"
            lines.append(
                "  \(language.name.padding(to: 15))\(right(grouped(language.documents + language.segments), 12))"
                    + "\(right(FigureText.bytes(language.bytesKept), 10))\(right(ratio, 13))\(right(perplexity, 12))")
        }
        if report.languages.count > shown.count {
            lines.append("  … and \(report.languages.count - shown.count) more in the report")
        }
        return lines
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
