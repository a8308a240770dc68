import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

struct DocumentShardTests {
    @Test func rowsComeBackByNumberAndByID() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 150, seed: 1)
        let summary = try fixture.write(to: folder.file("x"))
        let shard = try DocumentShard(folder.file("x"))
        #expect(shard.rowCount == 150)
        #expect(shard.frameCount == summary.frameCount)
        #expect(shard.frameCount > 10)
        #expect(shard.contentSize == fixture.lines.count)
        #expect(shard.contentDigest == Digest(of: fixture.lines.span))
        #expect(summary.fileDigest == (try Digest.ofFile(folder.file("x"))))
        for row in 0..<150 {
            #expect(try shard.row(at: row) == fixture.rows[row])
            #expect(try shard.row(id: fixture.ids[row]) == fixture.rows[row])
            #expect(try shard.index(ofID: fixture.ids[row]) == row)
        }
        #expect(try shard.row(id: "nobody") == nil)
        #expect(storeError { _ = try shard.row(at: 150) }?.code == .notFound)
        #expect(storeError { _ = try shard.row(at: -1) }?.code == .notFound)
    }

    @Test func rowsStreamFromAnywhere() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 60, seed: 2)
        try fixture.write(to: folder.file("x"))
        let shard = try DocumentShard(folder.file("x"))
        for first in [0, 1, 30, 59, 60, 99] {
            var rows = shard.rows(from: first)
            var expected = first
            while try rows.advance() {
                #expect(rows.number == expected)
                rows.withRow { row in #expect(fixture.rows[expected] == (0..<row.count).map { row[$0] }) }
                expected += 1
            }
            #expect(expected == max(first, 60))
        }
        var count = 0
        try shard.forEachRow { number, row in
            #expect(number == count)
            count += 1
        }
        #expect(count == 60)
    }

    @Test func anyZstdReadsIt() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 80, seed: 3)
        try fixture.write(to: folder.file("x"))
        // Our own stream reader passes over the index; the command-line tool must too, where it is installed.
        #expect(try readAll(folder.file("x")) == fixture.lines)
        if fileExists("/usr/bin/zstd") {
            #expect(try run(["zstd", "-dcq", folder.file("x").string]) == fixture.lines)
        }
    }

    @Test func aLargeRowHasAFrameOfItsOwn() throws {
        let folder = try TemporaryFolder()
        var fixture = RowFixture(count: 10, seed: 4, largestRow: 20)
        fixture.rows[5] = Array(#"{"id":"\#(fixture.ids[5])","text":"\#(String(repeating: "x", count: 5000))"}"#.utf8)
        try fixture.write(to: folder.file("x"), frameSize: 200)
        let shard = try DocumentShard(folder.file("x"))
        #expect(shard.rows(inFrame: shard.frame(ofRow: 5)) == 5..<6)
        for frame in 0..<shard.frameCount where frame != shard.frame(ofRow: 5) {
            #expect(shard.rows(inFrame: frame).reduce(0) { $0 + fixture.rows[$1].count + 1 } <= 200)
        }
        #expect(try shard.row(at: 5) == fixture.rows[5])
    }

    @Test func anEmptyShardIsAShard() throws {
        let folder = try TemporaryFolder()
        try RowFixture(count: 0, seed: 0).write(to: folder.file("x"))
        let shard = try DocumentShard(folder.file("x"))
        #expect(shard.rowCount == 0)
        #expect(try shard.row(id: "x") == nil)
        var rows = shard.rows()
        #expect(try rows.advance() == false)
        #expect(try readAll(folder.file("x")) == [])
    }

    @Test func theSameRowsGiveTheSameBytes() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 50, seed: 5)
        let one = try fixture.write(to: folder.file("x"))
        let two = try fixture.write(to: folder.file("y"))
        #expect(one == two)
        // Level and frame size change the file and not the content.
        let three = try fixture.write(to: folder.file("z"), frameSize: 5000, level: 1)
        #expect(three.contentDigest == one.contentDigest)
        #expect(three.fileDigest != one.fileDigest)
    }

    @Test func rowsThatAreNotLinesAreRefused() throws {
        let folder = try TemporaryFolder()
        var writer = try DocumentShardWriter(folder.file("x"))
        for bad in ["", "{}\n", "\n"] {
            var code: StoreError.Code?
            do { try writer.append(bad.utf8.span, id: "a") } catch { code = error.code }
            #expect(code == .invalidArgument)
        }
        #expect(storeError { _ = try DocumentShardWriter(folder.file("y"), frameSize: 0) }?.code == .invalidArgument)
        #expect(storeError { _ = try DocumentShardWriter(folder.file("y"), level: 99) }?.code == .invalidArgument)
    }

    @Test func equalIDsGiveTheFirstRow() throws {
        let folder = try TemporaryFolder()
        var writer = try DocumentShardWriter(folder.file("x"))
        for text in ["one", "two"] { try writer.append(#"{"id":"same","text":"\#(text)"}"#.utf8.span, id: "same") }
        try writer.finish()
        #expect(try DocumentShard(folder.file("x")).index(ofID: "same") == 0)
    }

    @Test func aDictionaryTravelsWithTheShard() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 400, seed: 6)
        let dictionary = try ZstdDictionary.train(samples: fixture.rows, capacity: 2000)
        try fixture.write(to: folder.file("x"), dictionary: dictionary)
        let shard = try DocumentShard(folder.file("x"))
        #expect(shard.dictionary == dictionary)
        #expect(shard.rowCount == 400)
        #expect(try shard.row(at: 399) == fixture.rows[399])
        #expect(try shard.row(id: fixture.ids[17]) == fixture.rows[17])
        if fileExists("/usr/bin/zstd") {
            try folder.write(dictionary.bytes, to: "d")
            let arguments = ["zstd", "-dcq", "-D", folder.file("d").string, folder.file("x").string]
            #expect(try run(arguments) == fixture.lines)
        }
    }

    @Test func manyThreadsReadOneShard() async throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 100, seed: 7)
        try fixture.write(to: folder.file("x"))
        let shard = try DocumentShard(folder.file("x"))
        let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var wrong = 0
                    for row in stride(from: worker, to: 100, by: 3) {
                        if try shard.row(id: fixture.ids[row]) != fixture.rows[row] { wrong += 1 }
                    }
                    return wrong
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }

    @Test func otherFilesAreRefused() throws {
        let folder = try TemporaryFolder()
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 0, count: 300), samples[1].bytes] {
            let path = try folder.write(bytes, to: "x")
            #expect(storeError { _ = try DocumentShard(path) } != nil)
        }
        var seekable = try SeekableWriter(folder.file("s"))
        try seekable.write("not a shard".utf8.span)
        try seekable.finish()
        #expect(storeError { _ = try DocumentShard(folder.file("s")) }?.code == .unsupported)
        try TokenFixture(count: 3, vocabularySize: 10, seed: 1).write(to: folder.file("t"))
        #expect(storeError { _ = try DocumentShard(folder.file("t")) }?.code == .unsupported)
    }
}
