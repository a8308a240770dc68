/// Compares the language of some of a file's texts with what their tags say.
struct LanguageSample {
    private var judged: [String: (count: Int, wrong: Int, first: Rejection?)] = [:]
    private let filter: RowFilter

    /// Texts judged of each language, at most.
    private static let limit = 200
    /// The share of wrong ones that is worth a finding.
    private static let share = 0.2

    init(identify: RowFilter.LanguageIdentifier?) { filter = RowFilter(identify: identify) }

    mutating func add(_ segment: Segment, at provenance: Provenance) {
        var entry = judged[segment.language] ?? (0, 0, nil)
        guard entry.count < Self.limit else { return }
        entry.count += 1
        let document = Document(language: segment.language, text: segment.text, provenance: provenance)
        if let rejection = filter.rejection(of: .document(document)),
            rejection.reason == .wrongLanguage || rejection.reason == .wrongScript
        {
            entry.wrong += 1
            entry.first = entry.first ?? rejection
        }
        judged[segment.language] = entry
    }

    func findings(file: String) -> [Finding] {
        judged.sorted { $0.key < $1.key }.compactMap { language, entry in
            guard let first = entry.first, Double(entry.wrong) >= Self.share * Double(entry.count) else { return nil }
            return Finding(
                .warning, first.reason.rawValue, file: file, line: first.provenance.position.line,
                "\(entry.wrong) of \(entry.count) texts looked at are not in \(language): \(first.message)",
                advice: "correct the language in the manifest or in the file")
        }
    }
}
