/// The rule that no row is lost: within a stage each that goes in comes out or is rejected with a reason, and what comes out of a
/// stage goes into the next one.
struct RowBalance {
    private let stages: [BuildReport.Stage]
    /// Texts in the shards: documents, and each language's text of a unit.
    private let texts: Int

    init(_ report: BuildReport) {
        stages = report.stages
        texts = report.languages.reduce(0) { $0 + $1.documents + $1.segments }
    }

    /// Where rows are lost or doubled, in a sentence; nil if nowhere.
    var loss: String? {
        for stage in stages where !stage.isBalanced {
            let rejected = stage.rejected.reduce(0) { $0 + $1.count }
            return
                "stage \(stage.name): \(stage.rowsIn) rows went in, \(stage.rowsOut) came out and \(rejected) were rejected"
        }
        let chain = [ReadStage.name, Self.filter, DeduplicationStage.name, ShardStage.name]
        for (before, after) in zip(chain, chain.dropFirst()) {
            let (out, into) = (stage(before)?.rowsOut ?? 0, stage(after)?.rowsIn ?? 0)
            if out != into { return "\(out) rows came out of stage \(before), and \(into) went into stage \(after)" }
        }
        // A stage that is switched off has no row.
        for reader in [TokenStage.name, NgramStage.name].compactMap(stage) where reader.rowsIn != texts {
            return "\(texts) texts are in the shards, and stage \(reader.name) read \(reader.rowsIn)"
        }
        return nil
    }

    /// Part of reading, with a ledger of its own.
    static let filter = "filter"

    private func stage(_ name: String) -> BuildReport.Stage? { stages.first { $0.name == name } }
}
