internal import EDICNumerics
internal import SystemPackage

/// The counted words of all languages, in memory and in sorted runs on disk when memory is short.
final class WordStore {
    private let units: CountedUnits
    private let pool: WorkerPool
    private let memoryLimit: Int?
    private let folder: FilePath
    /// For each language, a table for each worker.
    private var tables: [String: [WordCounts]] = [:]
    private var runs: [String: [SpilledWords]] = [:]

    /// A weight of 1.
    static let unit: UInt64 = 1 << 20

    init(_ units: CountedUnits, pool: WorkerPool, memoryLimit: Int?, folder: FilePath) {
        self.units = units
        self.pool = pool
        self.memoryLimit = memoryLimit
        self.folder = folder
    }

    /// How many runs were written to disk.
    var spills: Int { runs.values.reduce(0) { $0 + $1.count } }

    func add(_ text: Span<UInt8>, language: String) throws(TokenizerError) {
        var tables = tables[language] ?? []
        if tables.isEmpty {
            for _ in 0..<pool.workers { tables.append(try WordCounts()) }
            self.tables[language] = tables
        }
        try WordCounts.add(text, as: units, to: tables, pool: pool)
        guard let memoryLimit else { return }
        // A table that grows is there twice, and sorting it takes as much again.
        let used = self.tables.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.memory } }
        if used > memoryLimit / 4 { try spill() }
    }

    private func spill() throws(TokenizerError) {
        for (language, tables) in tables {
            for table in tables where table.count > 0 {
                let run = try SpilledWords(WordList([table]), in: folder, pool: pool)
                runs[language, default: []].append(run)
            }
        }
        tables.removeAll()
    }

    /// The words of all languages, each language with a weight in 2^-20; in no order, or sorted.
    func words(_ weights: [String: UInt64], sorted: Bool) throws(TokenizerError) -> WordList {
        let languages = Set(tables.keys).union(runs.keys).sorted()
        if runs.isEmpty {
            let groups = languages.map { (tables: tables[$0] ?? [], weight: weights[$0] ?? Self.unit) }
            let list = try WordList(try WordCounts.sum(groups, pool: pool))
            if sorted { try list.sort(pool: pool) }
            return list
        }
        try spill()
        var sum = try SpilledSum(languages.map { (runs: runs[$0] ?? [], weight: weights[$0] ?? Self.unit) })
        return try sum.list()
    }
}
