import EDICNumerics
import EDICStore
import Synchronization
import SystemPackage

/// The rows of each batch that exact de-duplication drops.
struct DroppedRows: Sendable {
    /// For each batch and each of its buckets: one bit a row, set where the row is dropped.
    var bitmaps: [[RowBitmap]]
    /// The first duplicates by batch, bucket and row.
    var samples: [Sample]

    /// A dropped row and the row with the same text that stays.
    struct Sample: Sendable, Equatable {
        var dropped: Place
        var kept: Place
    }

    struct Place: Sendable, Equatable, Comparable {
        var batch: Int
        var bucket: Int
        var row: Int

        static func < (a: Self, b: Self) -> Bool { (a.batch, a.bucket, a.row) < (b.batch, b.bucket, b.row) }
    }
}

/// A set of row numbers.
struct RowBitmap: Sendable, Equatable {
    private(set) var words: [UInt64]
    private(set) var count = 0

    init(rows: Int) { words = Array(repeating: 0, count: (rows + 63) / 64) }

    func contains(_ row: Int) -> Bool { row >> 6 < words.count && words[row >> 6] >> UInt64(row & 63) & 1 == 1 }

    mutating func insert(_ row: Int) {
        count += contains(row) ? 0 : 1
        words[row >> 6] |= 1 << UInt64(row & 63)
    }

    /// Names the set, for the keys of tasks that depend on it.
    var digest: String {
        var builder = Digest.Builder()
        for word in words { builder.update(String(word, radix: 16) + ",") }
        return builder.finalize().description
    }
}

/// Finds the rows whose text came before, over all batches.
///
/// The batches come in the order of contribution, file and row, and the first row with a text stays; so the result does
/// not depend on which contribution was named or read first. The keys are handled in ranges of partitions, each small
/// enough for memory and independent of the others.
struct Deduplication {
    /// The keys that one range may hold in memory at once (a dictionary entry takes about 50 bytes).
    private static let keysInRange = 2 << 20

    let batches: [(keys: FilePath, rowsInBuckets: [Int])]
    let pool: WorkerPool
    let samples: Int
    let shouldStop: @Sendable () -> Bool

    func run() throws -> DroppedRows {
        let rows = batches.reduce(0) { $0 + $1.rowsInBuckets.reduce(0, +) }
        let ranges = min(256, max(pool.workers, (rows + Self.keysInRange - 1) / Self.keysInRange))
        let result = Mutex(
            DroppedRows(bitmaps: batches.map { $0.rowsInBuckets.map { RowBitmap(rows: $0) } }, samples: []))
        try pool.forEach(count: ranges) { index, _ in
            if shouldStop() { throw BuildError.stopped }
            let found = try duplicates(in: (256 * index / ranges)..<(256 * (index + 1) / ranges))
            result.withLock { result in
                for duplicate in found {
                    result.bitmaps[duplicate.dropped.batch][duplicate.dropped.bucket].insert(duplicate.dropped.row)
                }
                let first = (result.samples + found).sorted { $0.dropped < $1.dropped }
                result.samples = Array(first.prefix(samples))
            }
        }
        return result.withLock { $0 }
    }

    private struct Hash: Hashable {
        var high: UInt64
        var low: UInt64

        func hash(into hasher: inout Hasher) { hasher.combine(low) }
    }

    private func duplicates(in partitions: Range<Int>) throws -> [DroppedRows.Sample] {
        var first: [Hash: DroppedRows.Place] = [:]
        var found: [DroppedRows.Sample] = []
        for (batch, input) in batches.enumerated() {
            try KeyFileReader(input.keys).forEachKey(in: partitions) { key in
                let place = DroppedRows.Place(batch: batch, bucket: Int(key.bucket), row: Int(key.row))
                let hash = Hash(high: key.high, low: key.low)
                if let kept = first[hash] {
                    found.append(.init(dropped: place, kept: kept))
                } else {
                    first[hash] = place
                }
            }
        }
        return found
    }
}
