import ArgumentParser
import EDICBuilds
import EDICCorpora
import EDICJSON
import EDICLanguageID
import EDICNumerics
import EDICStore
import EDICText
import SystemPackage

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look at contributions as the build will, and say what is wrong, where, and what to do.",
        discussion: """
            Every file is read once. Each finding is a line: file:line: severity: what is wrong; what to do. A folder of \
            contributions stands for all of them. The exit status is 0 when every contribution can be built (there may be \
            warnings), and 65 when one cannot.

            EXAMPLES
              edic check my-contribution
              edic check Corpora
              edic check --json my-contribution | jq '.contributions[].findings[].message'
            """)

    @Argument(help: "Contributions: their folders or contribution.yaml, or a folder of them.", completion: .directory)
    var paths: [String]

    @Flag(help: "Print everything that was found as JSON.")
    var json = false

    @Flag(help: "Do not compare the language of the texts with what the contribution says.")
    var skipLanguages = false

    func run() throws {
        for path in paths where !FileTree.exists(FilePath(path)) {
            throw CommandFailure(.noInput, "\(path): there is no such folder")
        }
        let check = ContributionCheck(identify: skipLanguages ? nil : try Self.identify())
        let contributions = try paths.flatMap { try Self.contributions(at: FilePath($0)) }
        var reports = WorkerPool.shared.map(count: contributions.count) { index, _ in
            check.check(contributions[index])
        }
        Self.nameTwins(&reports)
        if json {
            Terminal.output(Self.json(reports))
        } else {
            for report in reports { Terminal.report(Self.text(report)) }
        }
        guard reports.allSatisfy(\.isAcceptable) else { throw ExitCode(ExitStatus.badData.rawValue) }
    }

    /// The contribution at a path, or those in a folder that is none itself.
    private static func contributions(at path: FilePath) throws -> [FilePath] {
        guard FileTree.isFolder(path), FileTree.isMissing(path.appending(ContributionManifest.fileName)) else {
            return [path]
        }
        let names = try FileTree.entries(in: path).filter { !$0.string.hasPrefix(".") }
        let inside = names.map { path.appending($0) }.filter(Contribution.isClaimed)
        return inside.isEmpty ? [path] : inside
    }

    /// Of contributions with one id, a build takes the first only.
    private static func nameTwins(_ reports: inout [ContributionCheck.Report]) {
        var folders: [String: String] = [:]
        for index in reports.indices {
            guard let id = reports[index].contribution else { continue }
            if let first = folders[id], first != reports[index].directory {
                reports[index].findings.append(
                    Finding(
                        .error, "duplicate_contribution", file: ContributionManifest.fileName, key: "id",
                        "\(first) is \(id), too", advice: "give each contribution an id of its own"))
            } else {
                folders[id] = reports[index].directory
            }
        }
    }

    private static func identify() throws -> RowFilter.LanguageIdentifier {
        let identifier = try LanguageIdentifier.builtIn()
        return { text in
            identifier.identify(text, limit: 1).first.map { ($0.language.description, $0.probability) }
        }
    }

    private static func text(_ report: ContributionCheck.Report) -> String {
        var text = ""
        for var finding in report.findings {
            finding.file = FilePath(report.directory).appending(finding.file).string
            text += "\("\(finding)".onOneLine)\n"
        }
        let errors = report.findings.count { $0.severity == .error }
        let warnings = report.findings.count - errors
        let rows = report.files.reduce(0) { $0 + $1.rows }
        let rejected = report.files.reduce(0) { $0 + $1.rejected }
        text += "\(report.contribution ?? report.directory): \(report.isAcceptable ? "acceptable" : "not acceptable"); "
        text +=
            "\(count(report.files.count, "file")), \(count(rows, "row")), \(FigureText.grouped(rejected)) rejected; "
        text += "\(count(errors, "error")), \(count(warnings, "warning"))\n"
        return text
    }

    private static func count(_ count: Int, _ noun: String) -> String {
        "\(FigureText.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }

    private static func json(_ reports: [ContributionCheck.Report]) -> String {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        writer.member("acceptable", reports.allSatisfy(\.isAcceptable))
        writer.key("contributions")
        writer.beginArray()
        for report in reports { report.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
