import EDICStore
import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

struct FileTests {
    @Test func aFileAppearsWhenCommitted() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("old".utf8), to: "x")
        var file = try AtomicFile(path)
        try file.write("new")
        try file.write([UInt8](repeating: 65, count: 300_000).span)
        try file.write("end")
        #expect(try contents(of: path) == Array("old".utf8))
        #expect(file.count == 300_006)
        let written = try file.commit()
        #expect(
            try contents(of: path) == Array("new".utf8) + [UInt8](repeating: 65, count: 300_000) + Array("end".utf8))
        #expect(written.count == 300_006)
        #expect(written.digest == (try Digest.ofFile(path)))
        #expect(try FileTree.names(in: folder.root) == ["x"])
    }

    /// A device or a pipe is not a name that is free, and a link is somebody's way to his file.
    @Test func onlyFilesAreReplaced() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        #expect(unsafe mkfifo(pipe.string, 0o600) == 0)
        for path in [pipe, folder.root, "/dev/null"] {
            let error = storeError { try writeAtomically("new", to: path) }
            #expect(error?.code == .invalidArgument, "\(path)")
        }
        #expect(FileTree.kind(of: pipe) == .other && FileTree.kind(of: "/dev/null") == .other)
        let real = try folder.write(Array("old".utf8), to: "real")
        #expect(unsafe symlink("real", folder.file("link").string) == 0)
        try writeAtomically("new", to: folder.file("link"))
        #expect(FileTree.kind(of: folder.file("link"), followingLinks: false) == .symbolicLink)
        #expect(try contents(of: real) == Array("new".utf8))
    }

    @Test func anAbandonedFileLeavesNothing() throws {
        let folder = try TemporaryFolder()
        do {
            var file = try AtomicFile(folder.file("x"))
            try file.write("half")
            #expect(try FileTree.names(in: folder.root).count == 1)
            // A living writer's file is not stale.
            #expect(try FileTree.removeStaleTemporaries(in: folder.root) == 0)
        }
        #expect(try FileTree.names(in: folder.root) == [])
    }

    @Test func whatAKilledWriterLeftIsRemoved() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: ".x.abc.edic-partial")
        try folder.write([1], to: "kept")
        #expect(try FileTree.removeStaleTemporaries(in: folder.root) == 1)
        #expect(try FileTree.names(in: folder.root) == ["kept"])
    }

    /// Writers and removers of stale files at the same time: no writer loses its file.
    @Test func removingStaleFilesNeverHurtsALivingWriter() async throws {
        let folder = try TemporaryFolder()
        let path = folder.root
        let written = await withTaskGroup(of: Int.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    (0..<12).filter { number in
                        (try? writeAtomically("text", to: path.appending("\(writer)-\(number)"))) != nil
                    }.count
                }
            }
            group.addTask {
                for _ in 0..<100 { _ = try? FileTree.removeStaleTemporaries(in: path) }
                return 0
            }
            return await group.reduce(0, +)
        }
        #expect(written == 24)
        #expect(try FileTree.names(in: path).count == 24)
    }

    @Test func errorsNameTheFile() throws {
        let folder = try TemporaryFolder()
        let missing = folder.file("none").appending("x")
        let error = storeError { _ = try AtomicFile(missing) }
        #expect(error?.code == .notFound)
        #expect(error?.message.hasPrefix(missing.string) == true)
        #expect(storeError { try writeAtomically("x", to: "/dev/full/x") }?.code == .notFound)
        #expect(storeError { try writeAtomically("x", to: "/") }?.code == .invalidArgument)
    }

    @Test func treesAreListedSortedAndRemoved() throws {
        let folder = try TemporaryFolder()
        for name in ["b/2", "b/1", "a/é", "a/z", "c"] {
            let path = folder.root.pushing(FilePath(name))
            try FileTree.createFolders(path.removingLastComponent())
            try writeAtomically(name, to: path)
        }
        try FileTree.replaceLink(folder.file("loop"), target: folder.root)
        let expected = ["a/z", "a/é", "b/1", "b/2", "c"].map { folder.root.pushing(FilePath($0)) }
        #expect(try FileTree.files(under: folder.root) == expected)
        #expect(try FileTree.names(in: folder.root) == ["a", "b", "c", "loop"])
        // Removing a link leaves what it points to.
        try FileTree.remove(folder.file("loop"))
        #expect(FileTree.exists(folder.file("c")))
        try FileTree.remove(folder.file("a"))
        try FileTree.remove(folder.file("never"))
        #expect(try FileTree.names(in: folder.root) == ["b", "c"])
    }

    /// Contributors on old systems have names that are not UTF-8.
    @Test func namesOfAnyBytesAreFoundAndRemoved() throws {
        let folder = try TemporaryFolder()
        let name: [CChar] = [0x66, -1, -2, 0x78, 0]
        let component = try #require(FilePath.Component(platformString: name))
        let path = folder.root.appending("sub").appending(component)
        try FileTree.createFolders(folder.file("sub"))
        try writeAtomically("found", to: path)
        #expect(try FileTree.files(under: folder.root) == [path])
        #expect(try contents(of: path) == Array("found".utf8))
        try FileTree.remove(folder.file("sub"))
        #expect(try FileTree.names(in: folder.root) == [])
    }

    @Test func linksAreReplaced() throws {
        let folder = try TemporaryFolder()
        try writeAtomically("one", to: folder.file("one"))
        try writeAtomically("two", to: folder.file("two"))
        try FileTree.replaceLink(folder.file("current"), target: "one")
        #expect(try contents(of: folder.file("current")) == Array("one".utf8))
        try FileTree.replaceLink(folder.file("current"), target: "two")
        #expect(try contents(of: folder.file("current")) == Array("two".utf8))
        #expect(FileTree.kind(of: folder.file("current"), followingLinks: false) == .symbolicLink)
        #expect(storeError { try FileTree.replaceLink(folder.file("one"), target: "two") }?.code == .invalidArgument)
        #expect(try FileTree.names(in: folder.root) == ["current", "one", "two"])
    }

    @Test func stampsTellAChange() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2], to: "x")
        let before = try FileTree.stamp(of: path)
        #expect(before.size == 2)
        #expect(try FileTree.stamp(of: path) == before)
        try writeAtomically([1, 3].span, to: path)
        #expect(try FileTree.stamp(of: path) != before)
        #expect(try FileTree.freeSpace(at: folder.root) > 0)
        #expect(storeError { _ = try FileTree.stamp(of: folder.file("none")) }?.code == .notFound)
    }

    /// Copies keep times, whatever a clock said when they were made.
    @Test(arguments: [10_413_792_000, -10_000_000_000]) func timesMayBeFarAway(_ seconds: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1], to: "x")
        let time = timespec(tv_sec: seconds, tv_nsec: 7)
        #expect(unsafe utimensat(AT_FDCWD, path.string, [time, time], 0) == 0)
        let stamp = try FileTree.stamp(of: path)
        #expect(stamp.size == 1 && (stamp.modified > 0) == (seconds > 0))
    }

    /// What cannot be looked at is not taken for gone.
    @Test func removingSaysWhatItCannotSee() throws {
        let folder = try TemporaryFolder()
        try FileTree.remove(folder.file("none"))
        let long = String(repeating: "x", count: 300)
        #expect(storeError { try FileTree.remove(folder.file(long)) } != nil)
    }
}
