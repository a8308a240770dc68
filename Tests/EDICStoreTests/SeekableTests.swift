import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

struct SeekableTests {
    static let content: [UInt8] = {
        var random = SeededGenerator(seed: 9)
        return (0..<3000).map { _ in UInt8.random(in: 97...105, using: &random) }
    }()

    static func write(to path: FilePath, frameSize: Int) throws {
        var writer = try SeekableWriter(path, frameSize: frameSize)
        var position = 0
        var random = SeededGenerator(seed: UInt64(frameSize))
        while position < content.count {
            let end = min(content.count, position + Int.random(in: 1...200, using: &random))
            try writer.write(content.span.extracting(position..<end))
            position = end
        }
        try writer.finish()
    }

    @Test(arguments: [1, 7, 100, 2999, 3000, 5000])
    func anyRangeComesBack(frameSize: Int) throws {
        let folder = try TemporaryFolder()
        try Self.write(to: folder.file("x"), frameSize: frameSize)
        let reader = try SeekableReader(folder.file("x"))
        #expect(reader.contentSize == 3000)
        #expect(reader.frameCount == (3000 + frameSize - 1) / frameSize)
        var random = SeededGenerator(seed: 4)
        for _ in 0..<20 {
            let start = Int.random(in: 0...3000, using: &random)
            let range = start..<Int.random(in: start...3000, using: &random)
            #expect(try reader.content(in: range) == Array(Self.content[range]))
        }
        #expect(try readAll(folder.file("x")) == Self.content)
    }

    @Test func tablesOfOthersAreRead() throws {
        // Two frames of "alpha\nbeta\n" and a table without checksums, then one with a skippable frame between.
        let folder = try TemporaryFolder()
        func table(_ entries: [(Int, Int)]) -> [UInt8] {
            var bytes: [UInt8] = [0x5E, 0x2A, 0x4D, 0x18]
            func add(_ value: Int) { bytes += (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
            add(entries.count * 8 + 9)
            for entry in entries {
                add(entry.0)
                add(entry.1)
            }
            add(entries.count)
            return bytes + [0, 0xB1, 0xEA, 0x92, 0x8F]
        }
        let frame = samples[1].bytes
        let plain = try folder.write(frame + frame + table([(frame.count, 11), (frame.count, 11)]), to: "x")
        #expect(try SeekableReader(plain).content(in: 8..<14) == Array("ta\nalp".utf8))
        let skipped: [UInt8] = [0x51, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 7, 7]
        let mixed = try folder.write(
            frame + skipped + frame + table([(frame.count, 11), (10, 0), (frame.count, 11)]), to: "y")
        #expect(try SeekableReader(mixed).content(in: 8..<14) == Array("ta\nalp".utf8))
        // The size is wrong by one.
        let wrong = try folder.write(frame + table([(frame.count, 12)]), to: "z")
        #expect(storeError { _ = try SeekableReader(wrong).content(in: 0..<12) }?.code == .corrupt)
        // Claims that would take memory the file cannot fill.
        for claim in [[(frame.count, 1 << 30)], [(frame.count, 11), (1 << 31, 1 << 30)], [(frame.count - 1, 11)]] {
            let path = try folder.write(frame + table(claim), to: "c")
            #expect(storeError { _ = try SeekableReader(path) }?.code == .corrupt)
        }
        var huge = table([(frame.count, 11)])
        huge.replaceSubrange((huge.count - 9)..<(huge.count - 5), with: [255, 255, 255, 255])
        let path = try folder.write(frame + huge, to: "h")
        #expect(storeError { _ = try SeekableReader(path) }?.code == .corrupt)
    }

    @Test func framesOneShotAndStreamed() throws {
        var compressor = try ZstdCompressor(level: 5)
        var decompressor = try ZstdDecompressor()
        let frame = try compressor.compress(Self.content.span)
        #expect(frame.count < 2500)
        #expect(try decompressor.decompress(frame.span, atMost: 3000) == Self.content)
        var streamed: [UInt8] = []
        for start in stride(from: 0, to: 3000, by: 500) {
            try compressor.write(Self.content.span.extracting(start..<(start + 500)), appendingTo: &streamed)
        }
        try compressor.endFrame(appendingTo: &streamed)
        let both = streamed + frame
        #expect(try decompressor.decompress(both.span, atMost: 6000) == Self.content + Self.content)
        func code(_ bytes: [UInt8], atMost count: Int) -> StoreError.Code? {
            storeError {
                var decompressor = try ZstdDecompressor()
                _ = try decompressor.decompress(bytes.span, atMost: count)
            }?.code
        }
        #expect(code(frame, atMost: 2999) == .limitExceeded)
        #expect(code(Array(frame.dropLast()), atMost: 3000) == .truncated)
        #expect(code(Array("rubbish".utf8), atMost: 3000) == .corrupt)
    }

    @Test func dictionariesAreDeterministicAndHelp() throws {
        let rows = RowFixture(count: 500, seed: 2).rows
        let dictionary = try ZstdDictionary.train(samples: rows, capacity: 4000)
        #expect(dictionary == (try ZstdDictionary.train(samples: rows, capacity: 4000)))
        #expect(dictionary == (try ZstdDictionary(bytes: dictionary.bytes)))
        #expect(dictionary.bytes.count <= 4000)
        #expect(dictionary.id != 0)
        let row = rows[7]
        var plain = try ZstdCompressor()
        var helped = try ZstdCompressor(dictionary: dictionary)
        #expect(try helped.compress(row.span).count < plain.compress(row.span).count)
        var without = try ZstdDecompressor()
        var with = try ZstdDecompressor(dictionary: dictionary)
        let frame = try helped.compress(row.span)
        #expect(try with.decompress(frame.span, atMost: 1000) == rows[7])
        var code: StoreError.Code?
        do { _ = try without.decompress(frame.span, atMost: 1000) } catch { code = error.code }
        #expect(code == .corrupt)
        #expect(storeError { _ = try ZstdDictionary(bytes: [1, 2, 3]) }?.code == .corrupt)
        #expect(storeError { _ = try ZstdDictionary.train(samples: [[1]], capacity: 4000) }?.code == .invalidArgument)
        #expect(storeError { _ = try ZstdDictionary.train(samples: [], capacity: 0) }?.code == .invalidArgument)
    }
}
