import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

/// Reads shards by the offsets of the pages DocumentShards and TokenShards, without the module's own reader.
struct ShardFormatTests {
    struct Bytes {
        var bytes: [UInt8]

        func number(_ offset: Int, _ width: Int) -> Int {
            (0..<width).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }

        func digest(_ offset: Int) -> String {
            bytes[offset..<(offset + 32)].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// The frames of a file as its seek table tells them, and where the table begins.
    static func frames(_ file: Bytes) -> (starts: [Int], sizes: [Int], contents: [Int], table: Int) {
        let end = file.bytes.count
        #expect(file.number(end - 4, 4) == 0x8F92_EAB1)
        #expect(file.bytes[end - 5] == 0x80)
        let count = file.number(end - 9, 4)
        let table = end - 17 - 12 * count
        #expect(file.number(table, 4) == 0x184D_2A5E)
        #expect(file.number(table + 4, 4) == 9 + 12 * count)
        let sizes = (0..<count).map { file.number(table + 8 + 12 * $0, 4) }
        let contents = (0..<count).map { file.number(table + 12 + 12 * $0, 4) }
        return (sizes.indices.map { sizes[..<$0].reduce(0, +) }, sizes, contents, table)
    }

    @Test func documentShardsAreAsThePageSays() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 40, seed: 21)
        let dictionary = try ZstdDictionary.train(samples: RowFixture(count: 300, seed: 22).rows, capacity: 500)
        try fixture.write(to: folder.file("x"), frameSize: 2000, dictionary: dictionary)
        let file = Bytes(bytes: try contents(of: folder.file("x")))
        let (starts, sizes, contents, table) = Self.frames(file)
        #expect(file.number(0, 4) == 0x184D_2A5C)
        #expect(Array(file.bytes[8..<sizes[0]]) == dictionary.bytes)
        #expect(contents[0] == 0)
        let index = try #require(starts.last)
        #expect(index + sizes[sizes.count - 1] == table)
        #expect(contents.last == 0)
        #expect(file.number(table + 8 + 12 * (sizes.count - 1) + 8, 4) == 0x51D8_E999)
        let frames = sizes.count - 2
        #expect(file.number(index, 4) == 0x184D_2A5D)
        #expect(file.number(index + 4, 4) == sizes[sizes.count - 1] - 8)
        #expect(Array(file.bytes[(index + 8)..<(index + 16)]) == Array("EDICDOCS".utf8))
        #expect(file.number(index + 16, 4) == 1)
        #expect(file.number(index + 20, 4) == frames)
        #expect(file.number(index + 24, 8) == 40)
        #expect(file.number(index + 32, 8) == fixture.lines.count)
        #expect(file.digest(index + 40) == Digest(of: fixture.lines.span).description)
        #expect(file.number(index + 80, 4) == sizes[0])
        let counts = index + 128 + 8 * (frames + 1)
        #expect((0..<frames).reduce(0) { $0 + file.number(counts + 4 * $1, 4) } == 40)
        let hashes = counts + 4 * frames + 8
        let numbers = hashes + 8 * 40
        #expect(numbers + 4 * 40 + 8 == table)
        #expect(Set((0..<40).map { file.number(numbers + 4 * $0, 4) }) == Set(0..<40))
        let ordered = (0..<40).map { UInt64(truncatingIfNeeded: file.number(hashes + 8 * $0, 8)) }
        #expect(ordered == ordered.sorted())
    }

    @Test func tokenShardsAreAsThePageSays() throws {
        let folder = try TemporaryFolder()
        let fixture = TokenFixture(count: 30, vocabularySize: 1234, seed: 23)
        try fixture.write(to: folder.file("x"))
        let file = Bytes(bytes: try contents(of: folder.file("x")))
        let (starts, sizes, contents, table) = Self.frames(file)
        let index = try #require(starts.last)
        let frames = sizes.count - 1
        #expect(Array(file.bytes[(index + 8)..<(index + 16)]) == Array("EDICTOKS".utf8))
        #expect(file.number(index + 20, 4) == frames)
        #expect(file.number(index + 24, 8) == 30)
        #expect(file.number(index + 32, 8) == contents.reduce(0, +))
        #expect(file.number(index + 80, 4) == 0)
        #expect(file.number(index + 84, 4) == 2)
        #expect(file.number(index + 88, 8) == 1234)
        #expect(file.digest(index + 96) == TokenFixture.tokenizer.description)
        let counts = index + 128 + 8 * frames
        #expect((0..<30).map { file.number(counts + 4 * $0, 4) } == fixture.documents.map(\.count))
        #expect(counts + 4 * 30 + 8 + 12 * 30 + 8 == table)
        // All ids as one array for any zstd.
        let all = fixture.documents.flatMap { $0 }
        #expect(try readAll(folder.file("x")) == all.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    }

    /// A row costs one frame: with every other frame destroyed it still comes back, by number and by id.
    @Test func aRowNeedsItsFrameOnly() throws {
        let folder = try TemporaryFolder()
        let fixture = RowFixture(count: 50, seed: 24)
        try fixture.write(to: folder.file("x"), frameSize: 1500)
        let sound = try DocumentShard(folder.file("x"))
        let bytes = try contents(of: folder.file("x"))
        let reader = try SeekableReader(folder.file("x"))
        for row in [0, 25, 49] {
            var damaged = bytes
            for frame in 0..<sound.frameCount where frame != sound.frame(ofRow: row) {
                for position in reader.fileRange(ofFrame: frame) { damaged[position] = 0 }
            }
            let shard = try DocumentShard(folder.write(damaged, to: "y"))
            #expect(try shard.row(at: row) == fixture.rows[row])
            #expect(try shard.row(id: fixture.ids[row]) == fixture.rows[row])
        }
    }
}
