import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICBuilds

@Suite struct DeduplicationTests {
    /// Keys with few distinct hashes, in several batches and buckets, so that duplicates abound.
    private static func randomBatches(seed: UInt64) -> [[RowKey]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<5).map { _ in
            var rows: [UInt32] = [0, 0, 0]
            return (0..<Int.random(in: 0...400, using: &generator)).map { _ in
                let bucket = Int.random(in: 0..<3, using: &generator)
                defer { rows[bucket] += 1 }
                let text = UInt64.random(in: 0..<300, using: &generator)
                return RowKey(
                    high: text &* 0x9E37_79B9_7F4A_7C15, low: text, bucket: UInt32(bucket), row: rows[bucket])
            }
        }
    }

    /// What de-duplication means, said without any cleverness.
    private static func expected(_ batches: [[RowKey]]) -> Set<[Int]> {
        var seen: Set<UInt64> = []
        var dropped: Set<[Int]> = []
        for (batch, keys) in batches.enumerated() {
            for key in keys where !seen.insert(key.low).inserted {
                dropped.insert([batch, Int(key.bucket), Int(key.row)])
            }
        }
        return dropped
    }

    @Test(arguments: [1, 2, 3], [UInt64(1), 2, 3])
    func firstRowStays(workers: Int, seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let batches = Self.randomBatches(seed: seed)
        var inputs: [(keys: FilePath, rowsInBuckets: [Int])] = []
        for (index, keys) in batches.enumerated() {
            let path = FilePath(folder.path).appending("\(index).keys")
            var writer = try KeyFileWriter(path)
            for key in keys { try writer.append(key) }
            _ = try writer.commit()
            inputs.append((path, (0..<3).map { bucket in keys.count { $0.bucket == bucket } }))
        }
        let dropped = try Deduplication(
            batches: inputs, pool: WorkerPool(workers: workers), samples: 4, shouldStop: { false }
        ).run()

        var found: Set<[Int]> = []
        for (batch, bitmaps) in dropped.bitmaps.enumerated() {
            for (bucket, bitmap) in bitmaps.enumerated() {
                for row in 0..<inputs[batch].rowsInBuckets[bucket] where bitmap.contains(row) {
                    found.insert([batch, bucket, row])
                }
            }
        }
        #expect(found == Self.expected(batches))
        #expect(dropped.bitmaps.joined().reduce(0) { $0 + $1.count } == found.count)
        #expect(dropped.samples.count == 4)
        #expect(dropped.samples.map(\.dropped) == dropped.samples.map(\.dropped).sorted())
        for sample in dropped.samples { #expect(sample.kept.batch <= sample.dropped.batch) }
    }

    @Test func truncatedKeyFileIsNamed() throws {
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path).appending("cut.keys")
        var writer = try KeyFileWriter(path)
        for row in 0..<100 { try writer.append(RowKey(high: 0, low: UInt64(row), bucket: 0, row: UInt32(row))) }
        _ = try writer.commit()
        let whole = try FileDescriptor.open(path, .readWrite)
        try whole.resize(to: 1024 + 50 * 24)
        try whole.close()
        #expect(throws: BuildError.self) { _ = try KeyFileReader(path) }
    }

    @Test func bucketNamesReadBack() {
        for bucket in [
            RowBucket.documents(language: "pt-BR"), .parallel(languages: ["de", "en"]), .parallel(languages: ["mul"]),
        ] {
            #expect(RowBucket(name: bucket.name) == bucket)
            #expect(RowBucket(flatName: bucket.flatName) == bucket)
        }
        #expect(RowBucket(name: "elsewhere/de") == nil)
        #expect(RowBucket(name: "documents") == nil)
    }
}
