import EDICCorpora
import EDICNumerics
import EDICStore
import SystemPackage

/// What goes into a build: the contributions in the order of their ids, and their files in batches.
struct BuildPlan: Sendable {
    var contributions: [PlannedContribution] = []
    /// Folders that cannot be read, or whose manifest cannot be used, with what is wrong.
    var rejected: [RejectedContribution] = []

    /// In the order of contribution and file: the order that decides which of two equal rows stays.
    var batches: [ReadBatch] { contributions.flatMap(\.batches) }

    /// Whether all that was contributed could be looked at.
    var isComplete: Bool {
        contributions.allSatisfy { $0.unreadable.isEmpty } && !rejected.contains { $0.reason == .unreadableFile }
    }

    struct RejectedContribution: Sendable {
        var folder: FilePath
        var message: String
        var reason: RejectionReason
    }
}

struct PlannedContribution: Sendable {
    var contribution: Contribution
    var findings: [String] = []
    /// Folders that cannot be listed: each counts as a row that was rejected.
    var unreadable: [Rejection] = []
    var batches: [ReadBatch] = []
    var files = 0
    var rawBytes = 0
    /// Over the manifest and all files.
    var digest = ""

    var id: String { contribution.manifest.id }
}

/// Files of one contribution that one task reads.
struct ReadBatch: Sendable {
    var contribution: String
    var ordinal: Int
    var files: [ContributionFile] = []
    /// For each file, what its parts hold.
    var contents: [[InputDigests.Known]] = []
    var bytes = 0

    /// Batches are closed at this many bytes or files. Small enough to spread over cores, large enough that the work
    /// for each task does not count.
    static let closingBytes = 8 << 20
    static let closingFiles = 1000
}

extension BuildPlan {
    /// Finds the contributions of a recipe and the digests of all their files.
    static func make(
        folders: [FilePath], digests: InputDigests, pool: WorkerPool, shouldStop: @Sendable () -> Bool
    ) throws -> BuildPlan {
        var plan = BuildPlan()
        var opened: [PlannedContribution] = []
        for folder in folders {
            if shouldStop() { throw BuildError.stopped }
            do {
                opened.append(PlannedContribution(contribution: try Contribution.open(folder)))
            } catch {
                let reason: RejectionReason = error.code == .unreadable ? .unreadableFile : .invalidManifest
                plan.rejected.append(.init(folder: folder, message: error.message, reason: reason))
            }
        }
        opened.sort { ($0.id, $0.contribution.directory.string) < ($1.id, $1.contribution.directory.string) }
        for planned in opened {
            if let twin = plan.contributions.last, twin.id == planned.id {
                let message =
                    "\(planned.contribution.directory): has the id \"\(planned.id)\" of \(twin.contribution.directory); "
                    + "give it another"
                plan.rejected.append(
                    .init(folder: planned.contribution.directory, message: message, reason: .duplicate))
            } else {
                plan.contributions.append(planned)
            }
        }
        try plan.listFiles(digests: digests, pool: pool, shouldStop: shouldStop)
        return plan
    }

    private mutating func listFiles(
        digests: InputDigests, pool: WorkerPool, shouldStop: @Sendable () -> Bool
    ) throws {
        var listings: [Contribution.Listing] = []
        var listed: [PlannedContribution] = []
        for planned in contributions {
            if shouldStop() { throw BuildError.stopped }
            do {
                listings.append(try planned.contribution.listing())
                listed.append(planned)
            } catch {
                rejected.append(
                    .init(folder: planned.contribution.directory, message: error.message, reason: .unreadableFile))
            }
        }
        contributions = listed
        var paths: [FilePath] = []
        for (planned, listing) in zip(contributions, listings) {
            paths.append(planned.contribution.directory.appending(ContributionManifest.fileName))
            paths += listing.files.flatMap { $0.parts.map(\.path) }
        }
        let all = try digests.digests(of: paths, pool: pool, shouldStop: shouldStop)
        var next = 0
        for index in contributions.indices {
            let listing = listings[index]
            var names = Digest.Builder()
            names.update(Self.name(all[next].digest))
            next += 1
            for file in listing.files {
                let own = Array(all[next..<next + file.parts.count])
                next += file.parts.count
                for (part, known) in zip(file.parts, own) { names.update("\n\(part.name)\n\(Self.name(known.digest))") }
                contributions[index].add(file, own)
            }
            contributions[index].digest = names.finalize().description
            contributions[index].findings += Self.findings(contributions[index].contribution, listing)
            contributions[index].unreadable = listing.unreadable.map { folder in
                Rejection(
                    .unreadableFile, folder.message,
                    at: Provenance(contribution: contributions[index].id, file: folder.name, position: .file))
            }
        }
    }

    private static func name(_ digest: Digest?) -> String { digest?.description ?? "unread" }

    private static func findings(_ contribution: Contribution, _ listing: Contribution.Listing) -> [String] {
        let name = contribution.manifest.id
        var findings: [String] = []
        for entry in listing.missing {
            findings.append(
                "\(name)/\(ContributionManifest.fileName):\(entry.line): no file matches "
                    + entry.patterns.joined(separator: ", "))
        }
        findings += listing.undeclared.map { "\(name)/\($0): its language is not declared; not read" }
        findings += listing.repeated.map { "\(name)/\($0): two entries of the manifest cover it; the first one counts" }
        findings += listing.irregular.map { "\(name)/\($0): is a link, a pipe or a device; not read" }
        findings += listing.unreadable.map { "\(name)/\($0.name): \($0.message); not read" }
        findings += listing.unlisted.map { "\(name)/\($0): no entry of the manifest covers it; not read" }
        return findings
    }
}

extension PlannedContribution {
    fileprivate mutating func add(_ file: ContributionFile, _ parts: [InputDigests.Known]) {
        let size = parts.reduce(0) { $0 + $1.size }
        if batches.isEmpty || batches[batches.count - 1].isFull {
            batches.append(ReadBatch(contribution: id, ordinal: batches.count))
        }
        batches[batches.count - 1].files.append(file)
        batches[batches.count - 1].contents.append(parts)
        batches[batches.count - 1].bytes += size
        files += file.parts.count
        rawBytes += size
    }
}

extension ReadBatch {
    fileprivate var isFull: Bool { bytes >= Self.closingBytes || files.count >= Self.closingFiles }

    /// Whether it is known what all of its files hold.
    var isKnown: Bool { contents.joined().allSatisfy { $0.digest != nil } }

    /// The parts of a file that are no longer what the plan knows of them.
    func changedParts(of index: Int) -> [ContributionFile.Part] {
        zip(files[index].parts, contents[index]).filter { part, known in
            known.stamp != nil && (try? FileTree.stamp(of: part.path)) != known.stamp
        }.map(\.0)
    }

    /// What the rows of the batch depend on.
    var identity: [String] {
        var parts = [contribution]
        // Files of one entry come together, and printing its options takes longer than all else here.
        var last: FileSpecification?
        var options = ""
        for (file, contents) in zip(files, contents) {
            let specification = file.specification
            if specification.options != last?.options { options = "\(specification.options)" }
            last = specification
            parts += [
                file.name, specification.format.rawValue, specification.languages.joined(separator: " "),
                specification.encoding ?? "", options, file.languages.joined(separator: " "),
            ]
            parts += zip(file.parts, contents).flatMap {
                [$0.name, $0.language ?? "", $1.digest?.description ?? "unread"]
            }
        }
        return parts
    }

    var label: String {
        guard let first = files.first else { return contribution }
        return files.count == 1 ? "\(contribution)/\(first.name)" : "\(contribution): \(files.count) files"
    }
}

extension RejectionReason {
    /// The manifest of a contribution cannot be used.
    static let invalidManifest = RejectionReason(rawValue: "invalid_manifest")
}
