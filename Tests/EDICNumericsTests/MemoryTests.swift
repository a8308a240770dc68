import EDICNumerics
import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct MemoryTests {
    /// A file that lives for the length of `body`.
    private func withFile<Result>(_ bytes: [UInt8], _ body: (FilePath) throws -> Result) throws -> Result {
        let path = FilePath("/tmp/edic-memory-test-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
        defer { unsafe unlink(path.string) }
        try file.closeAfter { _ = try file.writeAll(bytes) }
        return try body(path)
    }

    @Test func aMappedFileIsTheFile() throws {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try withFile(bytes) { path in
            let file = try MappedFile(path)
            #expect(file.count == bytes.count)
            file.advise(.sequential)
            file.advise(.willNeed, in: 4097..<9000)
            file.advise(.random, in: 9_999..<20_000)
            file.advise(.hugePages)
            #expect(try file.withBytes { span in span.indices.map { span[$0] } } == bytes)
            #expect(
                try file.withBytes(in: 5000..<5003) { span in span.indices.map { span[$0] } }
                    == Array(bytes[5000..<5003]))
        }
    }

    @Test func aRegionKeepsItsFileMapped() throws {
        let region = try withFile([1, 2, 3, 4]) { try MappedFile($0).region(1..<3) }
        #expect(region.withBytes { [$0[0], $0[1]] } == [2, 3])
        #expect(region.count == 2)
        #expect(!region.isAligned(to: 64))
    }

    /// The system maps the neighbours of what is read, and a file's small parts would keep most of it in memory.
    @Test func releasingAFewBytesGivesTheirNeighboursBack() throws {
        let bytes = [UInt8](repeating: 3, count: 300_001)
        try withFile(bytes) { path in
            let file = try MappedFile(path)
            let few = try file.region(200_000..<200_008)
            let last = try file.region(300_000..<300_001)
            #expect(few.withBytes { $0[7] } + last.withBytes { $0[0] } == 6)
            let read = try Self.residentBytes(of: path)
            few.release()
            last.release()
            let released = try Self.residentBytes(of: path)
            #expect(read > 4096 && released == 0)
            last.release(5..<5)
            #expect(try file.withBytes { span in span.indices.allSatisfy { span[$0] == 3 } })
        }
    }

    /// How much of a file this process has mapped pages of.
    private static func residentBytes(of path: FilePath) throws -> Int {
        let lines = String(decoding: try readFile("/proc/self/smaps"), as: UTF8.self).split(separator: "\n")
        guard let start = lines.firstIndex(where: { $0.hasSuffix(path.string) }),
            let resident = lines[start...].first(where: { $0.hasPrefix("Rss:") })
        else { return 0 }
        return 1024 * (resident.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
    }

    /// A large matrix gives back what is packed, also where its file's pages are its neighbours' too.
    @Test func aMappedMatrixIsPackedAsItsBytes() throws {
        let (rows, columns, start) = (1003, 4 * 32 * 17, 37)
        let matrix = randomBlocks(.q8_0, rows: rows, columns: columns, seed: 15)
        #expect(matrix.count > 2 << 20)
        let bytes = [UInt8](repeating: 7, count: start) + matrix + [1, 2, 3]
        try withFile(bytes) { path in
            let file = try MappedFile(path)
            let region = try file.region(start..<start + matrix.count)
            let expected = try WeightMatrix(rows: rows, columns: columns, format: .q8_0, bytes: matrix.span)
            for pool in [nil, WorkerPool(workers: 3)] {
                let packed = try WeightMatrix(rows: rows, columns: columns, format: .q8_0, region: region, pool: pool)
                for row in [0, 15, 16, 500, 1002] {
                    var (one, other) = ([Float](repeating: 0, count: columns), [Float](repeating: 1, count: columns))
                    var span = one.mutableSpan
                    packed.copyRow(row, into: &span)
                    span = other.mutableSpan
                    expected.copyRow(row, into: &span)
                    #expect(one == other)
                }
            }
            #expect(try file.withBytes { span in span.indices.allSatisfy { span[$0] == bytes[$0] } })
        }
    }

    @Test(arguments: [0..<5, 4..<5, 3..<1_000_000_000_000, -1..<2])
    func rangesOutsideAreRefused(range: Range<Int>) throws {
        try withFile([1, 2, 3, 4]) { path in
            let file = try MappedFile(path)
            let error = #expect(throws: NumericsError.self) { try file.region(range) }
            #expect(error?.code == .outOfBounds)
            #expect(error?.message.contains(path.string) == true)
        }
    }

    @Test func anEmptyFileIsNoBytes() throws {
        try withFile([]) { path in
            let file = try MappedFile(path)
            file.advise(.willNeed)
            #expect(file.count == 0)
            #expect(try file.withBytes { $0.count } == 0)
        }
    }

    @Test(arguments: ["/nonexistent/file", "/tmp", "/dev/null"])
    func whatCannotBeMappedIsAnError(path: String) {
        let error = #expect(throws: NumericsError.self) { try MappedFile(FilePath(path)) }
        #expect(error?.code == .fileUnreadable)
        #expect(error?.message.hasPrefix(path) == true)
    }

    @Test(arguments: [0, 1, 15, 16, 17, 1000, 600_000], [false, true])
    func buffersAreAlignedAndZeroed(count: Int, hugePages: Bool) {
        var buffer = AlignedBuffer<Float>(count: count, hugePages: hugePages)
        #expect(buffer.count == count)
        #expect(unsafe Int(bitPattern: buffer.unsafePointer) % 64 == 0)
        #expect(buffer.span.indices.allSatisfy { buffer.span[$0] == 0 })
        if count > 0 {
            buffer[count - 1] = 2
            var span = buffer.mutableSpan
            span[0] += 1
            #expect(buffer.span[count - 1] == (count == 1 ? 3 : 2))
            let copy = AlignedBuffer(buffer.span)
            #expect(copy[0] == buffer[0])
        }
    }
}
