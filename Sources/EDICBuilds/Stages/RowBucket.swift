import EDICCorpora

/// Where a row goes: documents by language, translation units by their set of languages.
enum RowBucket: Hashable, Comparable, Sendable {
    case documents(language: String)
    case parallel(languages: [String])

    /// Units in more languages than this share one bucket.
    private static let mostLanguagesNamed = 3

    init(_ row: Row) {
        switch row {
        case .document(let document): self = .documents(language: document.language)
        case .unit(let unit):
            let languages = unit.segments.map(\.language)
            self = .parallel(languages: languages.count <= Self.mostLanguagesNamed ? languages : ["mul"])
        }
    }

    /// Whether this is the bucket of a row; quicker than making the row's.
    func takes(_ row: Row) -> Bool {
        switch (self, row) {
        case (.documents(let language), .document(let document)): language == document.language
        case (.parallel(let languages), .unit(let unit)) where languages.count == unit.segments.count:
            zip(languages, unit.segments).allSatisfy { $0 == $1.language }
        default: self == RowBucket(row)
        }
    }

    /// The bucket with this name; nil if there is none.
    init?(name: String) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { return nil }
        switch parts[0] {
        case "documents": self = .documents(language: String(parts[1]))
        case "parallel": self = .parallel(languages: parts[1].split(separator: "_").map(String.init))
        default: return nil
        }
    }

    /// The folder of the bucket's shards, such as `documents/de` or `parallel/de_en`. Language tags hold letters, digits
    /// and hyphens only, so the name is a safe path and tells the tags apart.
    var name: String {
        switch self {
        case .documents(let language): "documents/\(language)"
        case .parallel(let languages): "parallel/\(languages.joined(separator: "_"))"
        }
    }

    /// The name without a slash, for files of the state folder.
    var flatName: String { name.split(separator: "/").joined(separator: "=") }

    init?(flatName: some StringProtocol) {
        self.init(name: flatName.split(separator: "=", maxSplits: 1).joined(separator: "/"))
    }

    static func < (a: Self, b: Self) -> Bool { a.name < b.name }
}
