import EDICCorpora

/// Where a row goes: documents by language, translation units by their set of languages.
enum RowBucket: Hashable, Comparable, Sendable {
    case documents(language: String)
    case parallel(languages: [String])

    /// Units in more languages than this share one bucket.
    private static let mostLanguagesNamed = 3

    init(_ row: Int, of block: RowBlock) {
        let segments = block.segments(of: row)
        if !block.isUnit(row) {
            self = .documents(language: block.language(of: segments.lowerBound))
        } else if segments.count <= Self.mostLanguagesNamed {
            self = .parallel(languages: segments.map { block.language(of: $0) })
        } else {
            self = .parallel(languages: ["mul"])
        }
    }

    /// Whether this is the bucket of a row; quicker than making the row's.
    func takes(_ row: Int, of block: RowBlock) -> Bool {
        let segments = block.segments(of: row)
        return switch self {
        case .documents(let language): !block.isUnit(row) && language == block.language(of: segments.lowerBound)
        case .parallel(let languages) where languages.count == segments.count:
            block.isUnit(row) && zip(languages, segments).allSatisfy { $0 == block.language(of: $1) }
        case .parallel: self == RowBucket(row, of: block)
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
