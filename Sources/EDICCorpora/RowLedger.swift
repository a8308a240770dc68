/// The account of a stage: every row that went in came out or was rejected with a reason.
///
/// Ledgers of parts of the work merge into the ledger of the whole, in any order, with the same result: the samples
/// kept are those that come first by place, not by time.
public struct RowLedger: Sendable, Equatable {
    /// The rejections kept as samples for each reason, at most.
    public static let samplesPerReason = 8

    /// Rows that went in. A text that is left out of its unit counts as a row of its own.
    public private(set) var rowsIn = 0
    /// Rows that came out.
    public private(set) var rowsOut = 0
    /// Rows rejected, by reason.
    public private(set) var rejected: [RejectionReason: Int] = [:]
    /// The first rejections of each reason by contribution, file and position.
    public private(set) var samples: [RejectionReason: [Rejection]] = [:]

    public init() {}

    /// A ledger from its numbers, as a report or a build state holds them.
    public init(
        rowsIn: Int, rowsOut: Int, rejected: [RejectionReason: Int], samples: [RejectionReason: [Rejection]] = [:]
    ) {
        self.rowsIn = rowsIn
        self.rowsOut = rowsOut
        self.rejected = rejected
        self.samples = samples.mapValues { Self.first(of: $0) }
    }

    /// Rows rejected for any reason.
    public var rowsRejected: Int { rejected.values.reduce(0, +) }

    /// Whether nothing was lost: rows in = rows out + rows rejected.
    public var isBalanced: Bool { rowsIn == rowsOut + rowsRejected }

    /// Notes that `count` rows went in.
    public mutating func recordIn(_ count: Int = 1) { rowsIn += count }

    /// Notes that `count` rows came out.
    public mutating func recordOut(_ count: Int = 1) { rowsOut += count }

    /// Notes that a row was rejected.
    public mutating func record(_ rejection: Rejection) {
        rejected[rejection.reason, default: 0] += 1
        let kept = samples[rejection.reason, default: []]
        if kept.count == Self.samplesPerReason, let last = kept.last, !Self.precedes(rejection, last) { return }
        samples[rejection.reason] = Self.first(of: kept + [rejection])
    }

    /// Adds the account of another part of the same stage.
    public mutating func merge(_ other: RowLedger) {
        rowsIn += other.rowsIn
        rowsOut += other.rowsOut
        rejected.merge(other.rejected, uniquingKeysWith: +)
        samples.merge(other.samples) { Self.first(of: $0 + $1) }
    }

    private static func first(of rejections: [Rejection]) -> [Rejection] {
        Array(rejections.sorted(by: precedes).prefix(samplesPerReason))
    }

    /// The order of samples: by contribution, file, position, then message, so that it never depends on timing.
    private static func precedes(_ first: Rejection, _ second: Rejection) -> Bool {
        let (a, b) = (first.provenance, second.provenance)
        if a.contribution != b.contribution { return a.contribution < b.contribution }
        if a.file != b.file { return a.file < b.file }
        if a.position != b.position { return a.position < b.position }
        return (first.message, first.excerpt) < (second.message, second.excerpt)
    }
}

extension Provenance.Position: Comparable {
    /// Whole files come first, then lines, bytes and units, each by number.
    public static func < (first: Self, second: Self) -> Bool { first.rank < second.rank }

    private var rank: (Int, Int) {
        switch self {
        case .file: (0, 0)
        case .line(let number): (1, number)
        case .byte(let offset): (2, offset)
        case .unit(let number): (3, number)
        }
    }
}
