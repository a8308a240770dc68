import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

/// What gzip, zstd and xz (the command-line tools) make of "alpha\nbeta\n".
let samples: [(format: CompressionFormat, bytes: [UInt8])] = [
    (.gzip, hex("1f8b08000000000000034bcc29c848e44a4a2d49e402006e50306e0b000000")),
    (.zstd, hex("28b52ffd0458590000616c7068610a626574610a746c5207")),
    (
        .xz,
        hex(
            "fd377a585a000004e6d6b4460200210116000000742fe5a301000a616c7068610a626574610a0000cf86bded84720e0a"
                + "0001230bc21bfd091fb6f37d010000000004595a")
    ),
    (.none, Array("alpha\nbeta\n".utf8)),
]

func hex(_ digits: String) -> [UInt8] {
    let values = Array(digits.utf8).map { UInt8(String(UnicodeScalar($0)), radix: 16) ?? 0 }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
}

func readAll(_ path: FilePath, limits: ByteReader.Limits = .init()) throws -> [UInt8] {
    var reader = try ByteReader(path, limits: limits)
    return try reader.readAll(atMost: 1 << 24)
}

struct ReaderTests {
    @Test func readsEveryFormat() throws {
        let folder = try TemporaryFolder()
        for sample in samples {
            let path = try folder.write(sample.bytes, to: "x")
            var reader = try ByteReader(path)
            #expect(reader.format == sample.format)
            #expect(try reader.readAll(atMost: 100) == Array("alpha\nbeta\n".utf8))
            #expect(reader.offset == 11)
            #expect(reader.compressedOffset == sample.bytes.count)
        }
    }

    @Test func readsConcatenatedStreamsAndPadding() throws {
        let folder = try TemporaryFolder()
        let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
        let paddings: [CompressionFormat: [[UInt8]]] = [
            .gzip: [[], [0], [UInt8](repeating: 0, count: 700)], .zstd: [[], skippable], .xz: [[], [0, 0, 0, 0]],
            .none: [[]],
        ]
        for sample in samples {
            for padding in paddings[sample.format] ?? [] {
                let path = try folder.write(sample.bytes + sample.bytes + padding, to: "x")
                #expect(try readAll(path) == Array("alpha\nbeta\nalpha\nbeta\n".utf8), "\(sample.format)")
            }
        }
        let path = try folder.write(skippable + samples[1].bytes, to: "y")
        #expect(try readAll(path) == Array("alpha\nbeta\n".utf8))
    }

    @Test func aFileCutAnywhereIsRefused() throws {
        let folder = try TemporaryFolder()
        for sample in samples where sample.format != .none {
            let twice = sample.bytes + sample.bytes
            for length in 1..<twice.count where length != sample.bytes.count {
                let path = try folder.write(Array(twice.prefix(length)), to: "x")
                // With fewer bytes than the magic number it cannot be told from text.
                let isTold = length >= (sample.format == .gzip ? 2 : sample.format == .zstd ? 4 : 6)
                let error = storeError { _ = try readAll(path) }
                #expect((error != nil) == isTold, "\(sample.format) cut at \(length)")
                if let error {
                    #expect(error.code == .truncated || error.code == .corrupt)
                    #expect(error.message.hasPrefix("\(path): "))
                }
            }
        }
    }

    @Test func aFlippedBitNeverGivesOtherBytesSilently() throws {
        let folder = try TemporaryFolder()
        let whole = Array("alpha\nbeta\n".utf8)
        for sample in samples where sample.format != .none {
            for position in sample.bytes.indices {
                for bit in 0..<8 {
                    var bytes = sample.bytes
                    bytes[position] ^= 1 << bit
                    let path = try folder.write(bytes, to: "x")
                    // Some header bits carry nothing (gzip's time and system); a broken magic number makes plain text.
                    if let read = try? readAll(path) { #expect(read == whole || read == bytes || read.isEmpty) }
                }
            }
        }
    }

    @Test func rubbishAfterTheEndIsRefused() throws {
        let folder = try TemporaryFolder()
        for sample in samples where sample.format != .none {
            let path = try folder.write(sample.bytes + Array("rubbish, more of it".utf8), to: "x")
            #expect(storeError { _ = try readAll(path) }?.code == .corrupt, "\(sample.format)")
        }
        let path = try folder.write(Array("BZh91AY&SY".utf8), to: "x")
        #expect(storeError { _ = try readAll(path) }?.code == .unsupported)
    }

    @Test func limitsHold() throws {
        let folder = try TemporaryFolder()
        for sample in samples {
            let path = try folder.write(sample.bytes, to: "x")
            #expect(storeError { _ = try readAll(path, limits: .init(maximumOutput: 10)) }?.code == .limitExceeded)
            #expect(try readAll(path, limits: .init(maximumOutput: 11)).count == 11)
        }
        // A zstd frame that claims a window of 2 GiB.
        let path = try folder.write([0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00], to: "x")
        #expect(storeError { _ = try readAll(path) }?.code == .limitExceeded)
        // An xz decoder needs more than one byte.
        let xz = try folder.write(samples[2].bytes, to: "x")
        #expect(storeError { _ = try readAll(xz, limits: .init(maximumMemory: 1)) }?.code == .limitExceeded)
    }

    /// 96 MiB of zeros in a few kilobytes: given out in pieces, and stopped by the limit of expansion.
    @Test func aBombIsStopped() throws {
        let folder = try TemporaryFolder()
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var compressor = try ZstdCompressor(level: 1)
        var bomb: [UInt8] = []
        for _ in 0..<96 { try compressor.write(zeros.span, appendingTo: &bomb) }
        try compressor.endFrame(appendingTo: &bomb)
        #expect(bomb.count < 20_000)
        let path = try folder.write(bomb, to: "x")
        var reader = try ByteReader(path)
        var code: StoreError.Code?
        do {
            while try reader.withChunk({ $0.count }) > 0 {}
        } catch {
            code = error.code
        }
        #expect(code == .limitExceeded)
        #expect(reader.offset < 66 << 20)
        // The limit is the caller's to lift.
        var lenient = try ByteReader(path, limits: .init(maximumExpansion: 1_000_000))
        var total = 0
        while true {
            let count = try lenient.withChunk { $0.count }
            if count == 0 { break }
            total += count
        }
        #expect(total == 96 << 20)
    }

    @Test func readsAnEmptyFile() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([], to: "x")
        #expect(try readAll(path) == [])
        #expect(storeError { _ = try readAll(folder.file("none")) }?.code == .notFound)
        #expect(storeError { _ = try readAll(folder.root) }?.code == .notFound)
    }

    @Test func readsAPipe() throws {
        let (read, write) = try FileDescriptor.pipe()
        try write.writeAll(samples[0].bytes)
        try write.close()
        var reader = try ByteReader(read, name: "standard input")
        #expect(try reader.readAll(atMost: 100) == Array("alpha\nbeta\n".utf8))
        try read.close()
    }
}

struct LineReaderTests {
    static func lines(_ path: FilePath, maximumLength: Int = 1 << 20) throws -> [(String, Int)] {
        var lines = try LineReader(path, maximumLength: maximumLength)
        var found: [(String, Int)] = []
        while try lines.advance() {
            found.append(
                (
                    lines.withLine { line in String(decoding: (0..<line.count).map { line[$0] }, as: UTF8.self) },
                    lines.offset
                ))
            #expect(lines.number == found.count)
        }
        #expect(try lines.advance() == false)
        return found
    }

    @Test func splitsAsTheStandardLibraryDoes() throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: 3)
        for round in 0..<60 {
            // Around the size of the buffer (256 KiB) now and then.
            let target = round % 6 == 0 ? 600_000 : Int.random(in: 0...200, using: &random)
            var text = ""
            while text.utf8.count < target {
                let length =
                    round % 6 == 0 ? Int.random(in: 0...90_000, using: &random) : Int.random(in: 0...9, using: &random)
                text +=
                    String(repeating: "é", count: length) + ["\n", "\r\n", "\r", "\n\n"].randomElement(using: &random)!
            }
            if round % 2 == 0 { text += "end" }
            let path = try folder.write(Array(text.utf8), to: "x")
            var expected = text.utf8.split(separator: 10, omittingEmptySubsequences: false).map {
                (
                    $0.last == 13 && $0.endIndex < text.utf8.endIndex ? $0.dropLast() : $0,
                    text.utf8.distance(from: text.startIndex, to: $0.startIndex)
                )
            }
            if text.isEmpty || text.utf8.last == 10 { expected.removeLast() }
            let found = try Self.lines(path)
            #expect(found.map(\.0) == expected.map { String($0.0)! })
            #expect(found.map(\.1) == expected.map(\.1))
        }
    }

    @Test func tooLongALineIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("ab\n".utf8) + [UInt8](repeating: 120, count: 600_000), to: "x")
        let error = storeError { _ = try Self.lines(path, maximumLength: 500_000) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("line 2, at byte 3") == true)
        #expect(try Self.lines(path, maximumLength: 600_000).count == 2)
        #expect(storeError { _ = try Self.lines(path, maximumLength: 1) }?.message.contains("line 1") == true)
    }
}
