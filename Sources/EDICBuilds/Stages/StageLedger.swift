import EDICCorpora
import EDICJSON

/// A stage's account of its rows, as task records and the report keep it.
struct StageLedger: Sendable, Equatable, JSONRecord {
    var rowsIn = 0
    var rowsOut = 0
    /// Sorted by reason.
    var rejected: [BuildReport.ReasonCount] = []
    /// The first rejections of each reason.
    var samples: [Sample] = []

    struct Sample: Sendable, Equatable, JSONRecord {
        var reason = ""
        var sample = BuildReport.Rejections.Sample()

        static var fields: [JSONField<Self>] { [JSONField("reason", \.reason), JSONField("sample", \.sample)] }
    }

    static var fields: [JSONField<Self>] {
        [
            JSONField("rows_in", \.rowsIn), JSONField("rows_out", \.rowsOut), JSONField("rejected", \.rejected),
            JSONField("samples", \.samples),
        ]
    }

    init() {}

    init(_ ledger: RowLedger) {
        rowsIn = ledger.rowsIn
        rowsOut = ledger.rowsOut
        for (reason, count) in ledger.rejected.sorted(by: { $0.key < $1.key }) {
            rejected.append(.init(reason: reason.rawValue, count: count))
            for rejection in ledger.samples[reason] ?? [] {
                samples.append(Sample(reason: reason.rawValue, sample: .init(rejection)))
            }
        }
    }

    mutating func reject(_ reason: RejectionReason, count: Int) {
        guard count > 0 else { return }
        if let index = rejected.firstIndex(where: { $0.reason == reason.rawValue }) {
            rejected[index].count += count
        } else {
            rejected.append(.init(reason: reason.rawValue, count: count))
            rejected.sort { $0.reason < $1.reason }
        }
    }

    /// Adds the account of the next part; parts come in the order of their rows, so the first samples stay.
    mutating func merge(_ next: StageLedger) {
        rowsIn += next.rowsIn
        rowsOut += next.rowsOut
        for group in next.rejected { reject(RejectionReason(rawValue: group.reason), count: group.count) }
        for sample in next.samples
        where samples.count(where: { $0.reason == sample.reason }) < RowLedger.samplesPerReason {
            samples.append(sample)
        }
    }
}

extension BuildReport.Rejections.Sample {
    init(_ rejection: Rejection) {
        self.init(place: rejection.provenance.description, detail: rejection.message, excerpt: rejection.excerpt)
    }
}

extension Provenance {
    /// For people: `contribution/file, line 3`.
    var description: String {
        let place =
            switch position {
            case .file: ""
            case .line(let number): ", line \(number)"
            case .byte(let offset): ", byte \(offset)"
            case .unit(let number): ", unit \(number)"
            }
        return "\(contribution)/\(file)\(place)"
    }
}
