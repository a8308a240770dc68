import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

struct ShardExportTests {
    static func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
        numbers.flatMap { number in (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    }

    static func shard(_ documents: [[UInt32]], vocabularySize: Int, at path: FilePath) throws -> TokenShard {
        var fixture = TokenFixture(count: 0, vocabularySize: vocabularySize, seed: 0)
        fixture.documents = documents
        try fixture.write(to: path)
        return try TokenShard(path)
    }

    @Test func megatronByteForByte() throws {
        let folder = try TemporaryFolder()
        let one = try Self.shard([[1, 2, 3], []], vocabularySize: 65_499, at: folder.file("1"))
        let two = try Self.shard([[65_498]], vocabularySize: 65_499, at: folder.file("2"))
        let files = try ShardExport.megatron([one, two], to: folder.file("out"))
        #expect(files.map(\.path) == [folder.file("out.bin"), folder.file("out.idx")])
        #expect(try contents(of: files[0].path) == Self.bytes([1, 2, 3, 65_498] as [UInt16]))
        let expected =
            Array("MMIDIDX".utf8) + [0, 0] + Self.bytes([1] as [UInt64]) + [8] + Self.bytes([3, 4] as [UInt64])
            + Self.bytes([3, 0, 1] as [Int32]) + Self.bytes([0, 6, 6] as [Int64]) + Self.bytes([0, 1, 2, 3] as [Int64])
        #expect(try contents(of: files[1].path) == expected)
        // A larger vocabulary takes signed 32-bit numbers although the shard holds 16-bit ones.
        let three = try Self.shard([[7], [65_499]], vocabularySize: 65_500, at: folder.file("3"))
        try ShardExport.megatron([three], to: folder.file("wide"), endToken: 5)
        #expect(try contents(of: folder.file("wide.bin")) == Self.bytes([7, 5, 65_499, 5] as [Int32]))
        #expect(try contents(of: folder.file("wide.idx"))[17] == 4)
    }

    @Test func numpyByteForByte() throws {
        let folder = try TemporaryFolder()
        let shard = try Self.shard([[1, 2, 3], [], [70_000]], vocabularySize: 70_001, at: folder.file("1"))
        try ShardExport.numpy([shard], to: folder.file("out"))
        let tokens = try contents(of: folder.file("out.tokens.npy"))
        #expect(Array(tokens.prefix(10)) == [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0])
        #expect(tokens.count == 128 + 16)
        #expect(tokens[127] == 10)
        #expect(Array(tokens.dropFirst(128)) == Self.bytes([1, 2, 3, 70_000] as [UInt32]))
        let documents = try contents(of: folder.file("out.documents.npy"))
        #expect(Array(documents.dropFirst(128)) == Self.bytes([0, 3, 3, 4] as [Int64]))
    }

    @Test func shardsOfDifferentTokenizersAreNotMixed() throws {
        let folder = try TemporaryFolder()
        let one = try Self.shard([[1]], vocabularySize: 10, at: folder.file("1"))
        let two = try Self.shard([[1]], vocabularySize: 11, at: folder.file("2"))
        #expect(storeError { try ShardExport.numpy([one, two], to: folder.file("x")) }?.code == .invalidArgument)
        #expect(storeError { try ShardExport.numpy([], to: folder.file("x")) }?.code == .invalidArgument)
        #expect(
            storeError { try ShardExport.megatron([one], to: folder.file("x"), endToken: 10) }?.code == .invalidArgument
        )
    }

    static let numpyIsInstalled = (try? run(["python3", "-c", "import numpy"])) != nil

    /// NumPy is another's reading of both formats.
    @Test(.enabled(if: numpyIsInstalled)) func numpyReadsThemBack() throws {
        let folder = try TemporaryFolder()
        for vocabularySize in [300, 65_510, 100_000] {
            let fixture = TokenFixture(count: 50, vocabularySize: vocabularySize, seed: 5)
            try fixture.write(to: folder.file("x"))
            let shard = try TokenShard(folder.file("x"))
            try ShardExport.numpy([shard, shard], to: folder.file("n"))
            try ShardExport.megatron([shard, shard], to: folder.file("m"))
            let script = """
                import numpy as np, sys
                p = sys.argv[1]
                t = np.load(p + "n.tokens.npy", mmap_mode="r")
                d = np.load(p + "n.documents.npy")
                n = [t[d[i]:d[i + 1]].tolist() for i in range(len(d) - 1)]
                raw = open(p + "m.idx", "rb").read()
                assert raw[:9] == b"MMIDIDX" + bytes(2)
                kind = {8: np.uint16, 4: np.int32}[raw[17]]
                s, c = np.frombuffer(raw, np.uint64, 2, 18)
                lengths = np.frombuffer(raw, np.int32, s, 34)
                starts = np.frombuffer(raw, np.int64, s, 34 + 4 * s)
                ends = np.frombuffer(raw, np.int64, c, 34 + 12 * s)
                assert len(raw) == 34 + 12 * s + 8 * c and ends.tolist() == list(range(s + 1))
                m = [np.fromfile(p + "m.bin", kind, lengths[i], offset=starts[i]).tolist() for i in range(s)]
                assert n == m
                for x in n: print(*x)
                """
            let scriptPath = try folder.write(Array(script.utf8), to: "check.py")
            let printed = try run(["python3", scriptPath.string, folder.root.string + "/"])
            let lines = fixture.documents.map { $0.map(String.init).joined(separator: " ") + "\n" }.joined()
            #expect(printed == Array((lines + lines).utf8))
        }
    }
}
