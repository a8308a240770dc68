import EDICCorpora
import EDICNumerics
import EDICStore
import Glibc
import Synchronization
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICBuilds

/// Whole builds over small contributions that the tests write.
@Suite(.serialized) struct BuildTests {
    /// Three small contributions and a recipe.
    private struct Fixture {
        let folder: TemporaryFolder
        var root: FilePath { FilePath(folder.path) }

        init() throws {
            folder = try TemporaryFolder()
            for id in ["archive", "library", "museum"] { try write(id) }
        }

        func write(_ id: String, extra: String = "") throws {
            let place = root.appending("in").appending(id)
            try FileTree.createFolders(place)
            _ = try writeAtomically(
                """
                id: \(id)
                title: Notes of the \(id)
                provider: The \(id)
                member_state: AT
                languages: [de, en]
                licence: CC0-1.0
                legal_basis: own work
                personal_data: none
                files:
                  - {path: "notes.txt", format: text, unit: line, language: de}
                  - {path: "pairs.tsv", format: tsv, columns: [de, en]}
                """, to: place.appending("contribution.yaml"))
            var notes = extra
            for number in 0..<12 {
                notes += "Das Haus Nummer \(number) gehört seit vielen Jahren dem \(id) in der alten Stadt am Fluss.\n"
            }
            notes += "Dieser eine Satz steht in jeder der drei Einsendungen und bleibt nur einmal stehen.\n"
            _ = try writeAtomically(notes, to: place.appending("notes.txt"))
            var pairs = ""
            for number in 0..<6 {
                pairs += "Im Saal \(number) des \(id) hängen Bilder.\tPictures hang in hall \(number) of the \(id).\n"
            }
            _ = try writeAtomically(pairs, to: place.appending("pairs.tsv"))
        }

        func replaceInManifest(of id: String, _ old: String, with new: String) throws {
            let path = root.appending("in").appending(id).appending("contribution.yaml")
            var reader = try ByteReader(path)
            let text = String(decoding: try reader.readAll(atMost: 1 << 16), as: UTF8.self)
            _ = try writeAtomically(text.replacing(old, with: new), to: path)
        }

        func recipe(workers: Int = 1, output: String = "out", contributions: [String] = ["in/*"]) -> Recipe {
            var recipe = Recipe()
            recipe.name = "test"
            recipe.contributions = contributions
            recipe.output = output
            recipe.workers = workers
            recipe.tokenizer.vocabularySize = 300
            recipe.ngram.order = 2
            recipe.ngram.heldOut = 0.2
            // Judging each row by the built-in identifier takes long in debug builds; one test asks for it.
            recipe.filter.verifyLanguage = false
            recipe.models.sample = 0
            return recipe
        }

        func build(_ recipe: Recipe, shouldStop: @escaping @Sendable () -> Bool = { false }) throws -> Build.Outcome {
            try Build(recipe: recipe, base: root, shouldStop: shouldStop).run()
        }
    }

    @Test func nothingIsLostAndDuplicatesAreNamed() throws {
        let fixture = try Fixture()
        let report = try fixture.build(fixture.recipe()).report
        for stage in report.stages { #expect(stage.isBalanced, "\(stage.name)") }
        #expect(report.totals.contributions == 3)
        #expect(report.totals.documents == 3 * 12 + 1)
        #expect(report.totals.units == 18)
        let duplicates = try #require(report.rejections.first { $0.reason == "duplicate" })
        #expect(duplicates.count == 2)
        #expect(duplicates.samples.first?.place == "library/notes.txt, line 13")
        #expect(duplicates.samples.first?.detail.contains("archive/notes.txt, line 13") == true)
        let german = try #require(report.languages.first { $0.tag == "de" })
        #expect(german.documents == 37 && german.segments == 18)
        #expect(german.tokens > german.words)
        #expect(german.perplexity != nil)
    }

    @Test func rootHashDoesNotDependOnWorkersOrOrder() throws {
        let fixture = try Fixture()
        let one = try fixture.build(fixture.recipe(workers: 1, output: "one"))
        let three = try fixture.build(fixture.recipe(workers: 3, output: "three"))
        let permuted = try fixture.build(
            fixture.recipe(workers: 2, output: "permuted", contributions: ["in/museum", "in/archive", "in/library"]))
        #expect(one.rootHash == three.rootHash)
        #expect(one.rootHash == permuted.rootHash)
    }

    @Test func secondBuildDoesNothing() throws {
        let fixture = try Fixture()
        let first = try fixture.build(fixture.recipe())
        let second = try fixture.build(fixture.recipe())
        #expect(!first.isUnchanged && second.isUnchanged)
        #expect(first.rootHash == second.rootHash)
    }

    /// Programs that copy files set the time of the copy to that of the original.
    @Test func aChangeOfTheSameSizeAndTimeIsSeen() throws {
        let fixture = try Fixture()
        let first = try fixture.build(fixture.recipe())
        let path = fixture.root.appending("in").appending("library").appending("notes.txt")
        var status = stat()
        #expect(unsafe stat(path.string, &status) == 0)
        // In place: another file would have another number.
        let file = try FileDescriptor.open(path, .writeOnly)
        try file.closeAfter { _ = try file.writeAll(Array("X".utf8)) }
        let times = [status.st_atim, status.st_mtim]
        #expect(unsafe utimensat(AT_FDCWD, path.string, times, 0) == 0)
        #expect(
            try FileTree.stamp(of: path).modified == Int(status.st_mtim.tv_sec) * 1_000_000_000
                + Int(status.st_mtim.tv_nsec))
        let second = try fixture.build(fixture.recipe())
        #expect(!second.isUnchanged && second.rootHash != first.rootHash)
    }

    @Test func changeRedoesOnlyWhatDependsOnItAndEqualsAFullBuild() throws {
        let fixture = try Fixture()
        _ = try fixture.build(fixture.recipe())
        try fixture.write("library", extra: "Eine neue Zeile steht ganz oben in den Aufzeichnungen der Bibliothek.\n")
        let delta = try fixture.build(fixture.recipe())
        #expect(delta.report.changes?.changed == ["library"])
        // Reading and packing the other two is kept; what learns from all text is done again.
        #expect(delta.report.run.tasksReused >= 2 * 3)
        let full = try fixture.build(fixture.recipe(output: "full"))
        #expect(delta.rootHash == full.rootHash)

        try FileTree.remove(fixture.root.appending("in").appending("archive"))
        let withdrawn = try fixture.build(fixture.recipe())
        #expect(withdrawn.report.changes?.removed == ["archive"])
        #expect(withdrawn.rootHash == (try fixture.build(fixture.recipe(output: "full2"))).rootHash)
        #expect(withdrawn.rootHash != delta.rootHash)
    }

    @Test func stoppedBuildGoesOnToTheSameBytes() throws {
        let fixture = try Fixture()
        let whole = try fixture.build(fixture.recipe(output: "whole"))
        // Stops after more and more questions, so at many different places.
        for patience in [1, 3, 40, 200, 400] {
            let questions = Counter()
            do {
                _ = try fixture.build(fixture.recipe(output: "stopped")) { questions.next() > patience }
            } catch let error as BuildError {
                #expect(error.code == .stopped)
            }
        }
        let resumed = try fixture.build(fixture.recipe(output: "stopped"))
        #expect(resumed.rootHash == whole.rootHash)
    }

    @Test func releaseHoldsWhatItsManifestSays() throws {
        let fixture = try Fixture()
        let outcome = try fixture.build(fixture.recipe())
        let current = fixture.root.appending("out").appending("current")
        var builder = Digest.Builder()
        for file in try FileTree.files(under: outcome.release).map(\.string).sorted() {
            let name = String(file.dropFirst(outcome.release.string.count + 1))
            if ["manifest.json", "report.json", "report.html"].contains(name) { continue }
            builder.update("\(try Digest.ofFile(FilePath(file)))  \(name)\n")
        }
        #expect(builder.finalize().description == outcome.rootHash)
        #expect(try ReportFile.read(current.appending("report.json")).rootHash == outcome.rootHash)
        for file in try FileTree.files(under: outcome.release) where file.string.hasSuffix(".zst") {
            #expect(try ShardVerification(of: file).isSound, "\(file)")
        }
    }

    @Test func brokenContributionIsRejectedAndTheBuildGoesOn() throws {
        let fixture = try Fixture()
        let broken = fixture.root.appending("in").appending("broken")
        try FileTree.createFolders(broken)
        _ = try writeAtomically("id: broken\ntitel: Notes\n", to: broken.appending("contribution.yaml"))
        let report = try fixture.build(fixture.recipe()).report
        #expect(report.totals.contributionsRejected == 1)
        let row = try #require(report.contributions.first { !$0.isAccepted })
        #expect(row.findings.first?.contains("contribution.yaml") == true)
        #expect(report.stages.first?.rejected.first?.reason == "invalid_manifest")
    }

    /// Opening a pipe waits for somebody to write into it, and a name need not be UTF-8.
    @Test(.timeLimit(.minutes(1))) func oddFilesStopNoBuild() throws {
        let fixture = try Fixture()
        let odd = fixture.root.appending("in").appending("odd")
        try FileTree.createFolders(odd)
        let manifest = odd.appending("contribution.yaml")
        #expect(unsafe mkfifo(manifest.string, 0o644) == 0)
        let rejected = try fixture.build(fixture.recipe()).report
        #expect(rejected.contributions.first { !$0.isAccepted }?.findings.first?.contains("is no file") == true)

        try FileTree.remove(manifest)
        try fixture.write("odd")
        let (notes, name) = (odd.appending("notes.txt"), "caf\u{E9}")
        _ = try writeAtomically("An diesem Ort steht nur ein einziger Satz in deutscher Sprache.\n", to: notes)
        let latin = unsafe FilePath(
            platformString: odd.string.utf8CString.dropLast() + Array("/n-".utf8CString.dropLast())
                + name.unicodeScalars.map { CChar(truncatingIfNeeded: $0.value) } + [0])
        #expect(unsafe latin.withPlatformString { unsafe rename(notes.string, $0) } == 0)
        #expect(unsafe symlink("/etc/passwd", odd.appending("link").string) == 0)
        let recipe = fixture.recipe()
        try fixture.replaceInManifest(of: "odd", "notes.txt", with: "n-*")
        let report = try fixture.build(recipe).report
        let row = try #require(report.contributions.first { $0.id == "odd" })
        #expect(row.isAccepted && row.rowsKept == 7, "\(row)")
        #expect(row.findings == ["odd/link: is a link, a pipe or a device; not read"])
    }

    /// What a task could not read may be there the next night.
    @Test func whatWasNotReadIsNotRecorded() throws {
        let fixture = try Fixture()
        let file = ContributionFile(
            contribution: "c", name: "gone", parts: [.init(path: fixture.root.appending("gone"), name: "gone")],
            specification: FileSpecification(patterns: ["gone"], format: .text), languages: ["de"])
        let digests = InputDigests(fixture.root.appending("inputs"))
        let pool = WorkerPool(workers: 1)
        let found = try digests.digests(of: [file.parts[0].path], pool: pool) { false }
        #expect(found.map(\.digest) == [nil])
        let stage = ReadStage(recipe: fixture.recipe(), identify: nil, identifierDigest: "")
        for digest in [nil, Digest(of: "")] {
            let batch = ReadBatch(contribution: "c", ordinal: 0, files: [file], contents: [[.init(digest: digest)]])
            let folder = fixture.root.appending("scratch\(digest == nil)")
            try FileTree.createFolders(folder)
            let scratch = TaskScratch(folder: folder) { false }
            let facts = try stage.task(batch).body(scratch)
            #expect(!scratch.isRecorded)
            #expect(ReadStage.Facts(json: facts)?.read.rejected.map(\.reason) == ["unreadable_file"])
        }
    }

    /// What a file held when it was planned is the name under which its rows are remembered.
    @Test func whatChangedWhileItWasReadIsNotRecorded() throws {
        let fixture = try Fixture()
        let path = fixture.root.appending("growing")
        _ = try writeAtomically("Das ist ein Satz in deutscher Sprache.\n", to: path)
        let file = ContributionFile(
            contribution: "c", name: "growing", parts: [.init(path: path, name: "growing")],
            specification: FileSpecification(patterns: ["growing"], format: .text), languages: ["de"])
        let digests = InputDigests(fixture.root.appending("inputs"))
        let known = try digests.digests(of: [path], pool: WorkerPool(workers: 1)) { false }
        let batch = ReadBatch(contribution: "c", ordinal: 0, files: [file], contents: [known])
        let stage = ReadStage(recipe: fixture.recipe(), identify: nil, identifierDigest: "")
        for isChanged in [false, true] {
            if isChanged { _ = try writeAtomically("Das ist ein anderer Satz.\n", to: path) }
            let folder = fixture.root.appending("scratch\(isChanged)")
            try FileTree.createFolders(folder)
            let scratch = TaskScratch(folder: folder) { false }
            let facts = try #require(ReadStage.Facts(json: try stage.task(batch).body(scratch)))
            #expect(facts.read.rowsOut == 1 && scratch.isRecorded == !isChanged)
            #expect(facts.notices.contains { $0.hasPrefix("c/growing: was changed") } == isChanged)
        }
    }

    @Test func twoBuildsDoNotWorkInOneFolder() throws {
        let fixture = try Fixture()
        let folders = BuildFolders(output: fixture.root.appending("out"))
        try FileTree.createFolders(folders.state)
        let lock = try BuildLock(folders.lock)
        let error = #expect(throws: BuildError.self) { try fixture.build(fixture.recipe()) }
        #expect(error?.code == .busy)
        lock.release()
        _ = try fixture.build(fixture.recipe())
    }

    /// A stop of the machine can cut or empty what had not reached the disk. The mark that such a build leaves makes the next
    /// one look into every object.
    @Test func objectsCutByAPowerFailureAreMadeAgain() throws {
        let fixture = try Fixture()
        let first = try fixture.build(fixture.recipe())
        let folders = BuildFolders(output: fixture.root.appending("out"))
        let objects = try FileTree.files(under: folders.objects)
        // Same size but other bytes, half of the bytes, none.
        for (number, path) in objects.enumerated() {
            let size = try FileTree.stamp(of: path).size
            let kept = [size, size / 2, 0][number % 3]
            try FileTree.remove(path)
            _ = try writeAtomically([UInt8](repeating: 0, count: kept).span, to: path)
        }
        // Another start of the machine than this one.
        _ = try writeAtomically("another start\n", to: folders.unflushed)
        try FileTree.remove(folders.last)
        try FileTree.remove(folders.releases)
        let second = try fixture.build(fixture.recipe())
        #expect(second.rootHash == first.rootHash)
        #expect(second.report.run.tasksReused < second.report.run.tasks)
        #expect(!FileTree.exists(folders.unflushed))
        #expect(try ReleaseVerification(of: second.release).isSound)
    }

    @Test func objectsCannotBeWrittenTo() throws {
        let fixture = try Fixture()
        _ = try fixture.build(fixture.recipe())
        let objects = BuildFolders(output: fixture.root.appending("out")).objects
        for path in try FileTree.files(under: objects) {
            #expect(try FileTree.permissions(of: path).isDisjoint(with: [.ownerWrite, .groupWrite, .otherWrite]))
        }
    }

    @Test func wrongByteInAReleaseIsNamed() throws {
        let fixture = try Fixture()
        let release = try fixture.build(fixture.recipe()).release
        let sound = try ReleaseVerification(of: release)
        #expect(sound.isSound && sound.files > 8)
        let victim = release.appending("tokenizer.json")
        var reader = try ByteReader(victim)
        var bytes = try reader.readAll(atMost: 1 << 24)
        bytes[bytes.count / 2] ^= 1
        try FileTree.remove(victim)
        _ = try writeAtomically(bytes.span, to: victim)
        try FileTree.remove(release.appending("ngram").appending("de.edlm"))
        let damaged = try ReleaseVerification(of: release)
        #expect(damaged.problems.map(\.path) == ["ngram/de.edlm", "tokenizer.json"])
    }

    /// A manifest may be anyone's.
    @Test func manifestsOfReleasesAreNotTrusted() throws {
        let fixture = try Fixture()
        let release = try fixture.build(fixture.recipe()).release
        let manifest = release.appending(Release.manifestName)
        var reader = try ByteReader(manifest)
        let text = String(decoding: try reader.readAll(atMost: 1 << 24), as: UTF8.self)
        let size = try #require(text.firstMatch(of: /"bytes":\s*(\d+)/)?.1)
        func verify(_ changed: String) throws -> ReleaseVerification {
            #expect(changed != text)
            try FileTree.remove(manifest)
            _ = try writeAtomically(changed, to: manifest)
            return try ReleaseVerification(of: release)
        }
        for wrong in ["5", "\(Int.max)"] {
            let checked = try verify(text.replacing(/"bytes":\s*\d+/, with: "\"bytes\": \(wrong)"))
            #expect(
                checked.problems.count == checked.files
                    && checked.problems[0].message.contains("the manifest says \(wrong)"))
        }
        let path = try #require(text.firstMatch(of: /"path":\s*"([^"]+)"/)?.1)
        for foreign in ["/etc/hostname", "../\(path)", "ngram/../../../x"] {
            #expect(throws: BuildError.self) { try verify(text.replacing(path, with: foreign, maxReplacements: 1)) }
        }
        #expect(throws: BuildError.self) { try verify(text.replacing(size, with: "-\(size)", maxReplacements: 1)) }
    }

    @Test func damagedStateIsDoneAgain() throws {
        let fixture = try Fixture()
        let first = try fixture.build(fixture.recipe())
        let state = fixture.root.appending("out").appending("state")
        for file in try FileTree.files(under: state) where file.string.hasSuffix(".json") {
            _ = try writeAtomically("{", to: file)
        }
        let second = try fixture.build(fixture.recipe())
        #expect(second.rootHash == first.rootHash)
    }
}

/// Counts from several threads.
private final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
        value.withLock {
            $0 += 1
            return $0
        }
    }
}
