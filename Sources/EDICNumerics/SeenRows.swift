internal import CEDICKernels

/// What each of some queries sees, and which queries go through keys and values together: made once for all layers of a
/// model.
public struct SeenRows: Sendable {
    let visible: [VisibleRows]
    let groups: [Group]
    /// One above the last row that any query sees.
    let limit: Int

    /// Neighbouring queries that one call of a kernel covers.
    struct Group: Sendable {
        let queries: Range<Int>
        /// Where they see lists.
        var shared: SharedRows?
    }

    /// The rows that any query of a group sees, in the order of their positions.
    struct SharedRows: Sendable {
        var list: [Int32] = []
        /// How many positions each query sees.
        let length: Int
        /// For each query and position, its place in the list.
        var places: [Int32] = []
    }

    /// So many queries share the turning of keys, and their scores stay in a cache. A multiple of every kernel's tile.
    static let groupSize = Int(ek_dense_rows)

    /// - Parameter readsListsTogether: whether neighbours that see lists of the same length with the same first row read what
    ///   they share once: hypotheses of a beam. Their results are the same to the last bit. Only where each head of queries
    ///   has keys and values of its own.
    public init(_ visible: [VisibleRows], readsListsTogether: Bool = false) {
        self.visible = visible
        var limit = 0
        for seen in visible {
            switch seen {
            case .range(let range):
                precondition(range.lowerBound >= 0, "no such row")
                limit = max(limit, range.upperBound)
            case .rows(let rows):
                for row in rows {
                    precondition(row >= 0, "no such row")
                    limit = max(limit, Int(row) + 1)
                }
            }
        }
        self.limit = limit
        var ranges: [Range<Int>] = []
        for row in visible.indices {
            if let last = ranges.last, last.count < Self.groupSize,
                Self.go(visible[row], with: visible[row - 1], lists: readsListsTogether)
            {
                ranges[ranges.count - 1] = last.lowerBound..<row + 1
            } else {
                ranges.append(row..<row + 1)
            }
        }
        groups = ranges.flatMap { Self.sharing($0, visible) }
    }

    private static func go(_ seen: VisibleRows, with before: VisibleRows, lists: Bool) -> Bool {
        switch (seen, before) {
        case (.range(let range), .range(let before)): range.isEmpty || before.isEmpty || range.overlaps(before)
        case (.rows(let rows), .rows(let before)): lists && rows.count == before.count && rows.first == before.first
        default: false
        }
    }

    /// A group as it is, or with what its lists share, or each query by itself where that is too little.
    private static func sharing(_ queries: Range<Int>, _ visible: [VisibleRows]) -> [Group] {
        guard queries.count > 1, case .rows(let first) = visible[queries.lowerBound] else {
            return [Group(queries: queries)]
        }
        var lists: [ArraySlice<Int32>] = []
        for query in queries {
            if case .rows(let rows) = visible[query] { lists.append(rows) }
        }
        let length = first.count
        var shared = SharedRows(length: length, places: Array(repeating: 0, count: length * lists.count))
        for position in 0..<length {
            let start = shared.list.count
            for (query, rows) in lists.enumerated() {
                let row = rows[rows.startIndex + position]
                var place = start
                while place < shared.list.count, shared.list[place] != row { place += 1 }
                if place == shared.list.count { shared.list.append(row) }
                shared.places[query * length + position] = Int32(place)
            }
        }
        // All queries meet all rows of the list, so that few rows in common are no gain.
        guard shared.list.count <= 2 * length else { return queries.map { Group(queries: $0..<$0 + 1) } }
        return [Group(queries: queries, shared: shared)]
    }
}
