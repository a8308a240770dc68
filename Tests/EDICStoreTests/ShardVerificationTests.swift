import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

struct ShardVerificationTests {
    /// Writes one small shard of each kind, with and without a dictionary.
    static func writeShards(in folder: TemporaryFolder) throws -> [FilePath] {
        let rows = RowFixture(count: 300, seed: 8, largestRow: 60)
        let dictionary = try ZstdDictionary.train(samples: rows.rows, capacity: 256)
        var few = rows
        few.rows = Array(rows.rows.prefix(7))
        few.ids = Array(rows.ids.prefix(7))
        try few.write(to: folder.file("rows"), frameSize: 200)
        try few.write(to: folder.file("rows-dictionary"), frameSize: 200, dictionary: dictionary)
        let tokens = TokenFixture(count: 7, vocabularySize: 900, seed: 8)
        try tokens.write(to: folder.file("tokens"))
        try tokens.write(to: folder.file("tokens-dictionary"), dictionary: dictionary)
        return ["rows", "rows-dictionary", "tokens", "tokens-dictionary"].map { folder.file($0) }
    }

    @Test func soundShardsAreSound() throws {
        let folder = try TemporaryFolder()
        for path in try Self.writeShards(in: folder) {
            var calls = 0
            let verification = try ShardVerification(of: path) { done, total in
                #expect(done <= total)
                calls += 1
                return true
            }
            let statistics = try ShardStatistics(of: path, digesting: true)
            #expect(verification.isSound)
            #expect(verification.soundFrames == statistics.frameCount)
            #expect(verification.itemCount == 7)
            #expect(calls == statistics.frameCount)
            #expect(statistics.fileDigest == (try Digest.ofFile(path)))
            #expect(
                statistics.fileSize == statistics.compressedSize + statistics.indexSize + statistics.dictionarySize)
            #expect(statistics.frameCompressed.smallest <= statistics.frameCompressed.median)
            #expect(statistics.frameContent.largest <= statistics.contentSize)
        }
    }

    @Test func aStoppedCheckIsNotSound() throws {
        let folder = try TemporaryFolder()
        let path = try Self.writeShards(in: folder)[0]
        let verification = try ShardVerification(of: path) { _, _ in false }
        #expect(verification.problems.isEmpty)
        #expect(!verification.isComplete)
        #expect(!verification.isSound)
        #expect(verification.soundFrames == 1)
    }

    /// Every byte of every kind of shard, one after the other: found, and named within the bytes that are reported.
    @Test(arguments: 0..<4) func oneWrongByteIsFoundAndNamed(shard: Int) throws {
        let folder = try TemporaryFolder()
        let path = try Self.writeShards(in: folder)[shard]
        let sound = try contents(of: path)
        let copy = folder.file("copy")
        let descriptor = try FileDescriptor.open(
            copy, .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? descriptor.close() }
        try descriptor.writeAll(sound)
        for position in sound.indices {
            // Another single bit for each byte, and now and then all of them.
            let flip: UInt8 = position % 9 == 8 ? 0xFF : 1 << (position % 8)
            try descriptor.writeAll(toAbsoluteOffset: Int64(position), [sound[position] ^ flip])
            let verification = try ShardVerification(of: copy)
            let problem = verification.problems.first
            #expect(problem != nil, "byte \(position) of \(sound.count)")
            #expect(problem?.bytes?.contains(position) == true, "byte \(position): \(problem?.message ?? "")")
            #expect(problem?.message.hasPrefix("\(copy): ") == true)
            try descriptor.writeAll(toAbsoluteOffset: Int64(position), [sound[position]])
        }
        #expect(try ShardVerification(of: copy).isSound)
    }

    @Test func aWrongByteInALargerShardBlamesOneFrame() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x")
        try RowFixture(count: 900, seed: 9).write(to: path, frameSize: 4000)
        let sound = try contents(of: path)
        let reader = try SeekableReader(path)
        var random = SeededGenerator(seed: 10)
        for _ in 0..<40 {
            let frame = Int.random(in: 0..<(reader.frameCount - 1), using: &random)
            var bytes = sound
            bytes[Int.random(in: reader.fileRange(ofFrame: frame), using: &random)] ^= 0x10
            let copy = try folder.write(bytes, to: "copy")
            let verification = try ShardVerification(of: copy)
            #expect(verification.problems.map(\.bytes) == [reader.fileRange(ofFrame: frame)])
            #expect(verification.soundFrames == reader.frameCount - 2)
            // Reading meets the same damage instead of wrong rows.
            #expect(storeError { try DocumentShard(copy).forEachRow { _, _ in } }?.code == .corrupt)
        }
    }

    /// Cut anywhere, or longer than it was: refused on opening, never a crash.
    @Test func cutShardsAreRefused() throws {
        let folder = try TemporaryFolder()
        for path in try Self.writeShards(in: folder) {
            let sound = try contents(of: path)
            for length in sound.indices {
                let copy = try folder.write(Array(sound.prefix(length)), to: "copy")
                #expect(storeError { _ = try DocumentShard(copy) } != nil)
                #expect(storeError { _ = try TokenShard(copy) } != nil)
                #expect((try? ShardVerification(of: copy))?.isSound != true)
            }
            let longer = try folder.write(sound + [0], to: "copy")
            #expect(try ShardVerification(of: longer).isSound == false)
        }
    }

    /// Random damage of many bytes: whatever reading gives, it returns or throws a `StoreError`.
    @Test func rubbishNeverCrashesAReader() throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: 11)
        for path in try Self.writeShards(in: folder) {
            let sound = try contents(of: path)
            for _ in 0..<150 {
                var bytes = sound
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let copy = try folder.write(bytes, to: "copy")
                let error = storeError {
                    if let shard = try? DocumentShard(copy) {
                        try shard.forEachRow { _, _ in }
                        _ = try shard.row(id: "institute/3-é")
                    } else {
                        let shard = try TokenShard(copy)
                        try shard.forEachDocument { _, _ in }
                        _ = try shard.document(id: "doc-3")
                    }
                    throw StoreError(.notFound, "nothing was met")
                }
                #expect(error != nil, "an error of another type")
                _ = try? ShardVerification(of: copy)
            }
        }
    }

    @Test func rowsThatContradictTheirIDsAreFound() throws {
        let folder = try TemporaryFolder()
        for (row, part) in [(#"{"id":"other"}"#, "table of ids"), ("[1]", "JSON object"), ("{", "JSON object")] {
            var writer = try DocumentShardWriter(folder.file("x"))
            try writer.append(row.utf8.span, id: "a")
            try writer.finish()
            let verification = try ShardVerification(of: folder.file("x"))
            #expect(verification.problems.count == 1)
            #expect(verification.problems.first?.message.contains(part) == true)
            #expect(try DocumentShard(folder.file("x")).row(id: "a") == nil)
        }
    }
}
