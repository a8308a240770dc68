import EDICCorpora
import EDICLanguageID
import EDICStore
import EDICText
import SystemPackage
import Testing
import _EDICTestSupport

/// What the sample contributions promise together: languages, amounts, and the faults that are in them on purpose.
@Suite struct SampleLanguages {
    /// The official languages of the European Union, and seven more; Norwegian is there in either form.
    static let languages = [
        "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt", "lv", "mt", "nl",
        "pl", "pt", "ro", "sk", "sl", "sv", "ca", "eu", "gl", "lb", "is", "uk",
    ]

    /// Everything in the samples, read and filtered once.
    struct Contents: Sendable {
        var contributions: [Contribution] = []
        /// Distinct parallel texts by language, those of pairs that the filter keeps.
        var parallel: [String: Set<String>] = [:]
        var reasons: Set<RejectionReason> = []
        var encodings: Set<String> = []
    }

    static let contents = Swift.Result { try read() }

    private static func read() throws -> Contents {
        let folder = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("Corpora")
        let identifier = try LanguageIdentifier.builtIn()
        let filter = RowFilter { text in
            identifier.identify(text, limit: 1).first.map { ($0.language.description, $0.probability) }
        }
        var keys = ExactKey.Maker()
        var seen: Set<ExactKey> = []
        var contents = Contents()
        for name in try sampleNames(in: folder) {
            let contribution = try Contribution.open(folder.appending(name))
            contents.contributions.append(contribution)
            contents.encodings.formUnion(contribution.manifest.files.compactMap(\.encoding))
            for file in try contribution.listing().files {
                _ = try CorpusReader().read(
                    file,
                    onRow: { row in
                        if let rejection = filter.rejection(of: row) {
                            contents.reasons.insert(rejection.reason)
                        } else if !seen.insert(keys.key(of: row)).inserted {
                            contents.reasons.insert(.duplicate)
                        } else if row.segments.count > 1 {
                            for segment in row.segments {
                                contents.parallel[segment.language, default: []].insert(segment.text)
                            }
                        }
                    }, onRejection: { contents.reasons.insert($0.reason) })
            }
        }
        return contents
    }

    private static func sampleNames(in folder: FilePath) throws -> [String] {
        try FileTree.names(in: folder).filter {
            $0 != "fetched" && FileTree.exists(folder.appending($0).appending(ContributionManifest.fileName))
        }
    }

    @Test func everyLanguageHasSixtyParallelSentences() throws {
        let parallel = try Self.contents.get().parallel
        for language in Self.languages {
            let count = parallel[language]?.count ?? 0
            #expect(count >= 60, "\(language): \(count) distinct parallel sentences")
        }
        let norwegian = (parallel["nb"]?.count ?? 0) + (parallel["nn"]?.count ?? 0)
        #expect(norwegian >= 60, "Norwegian: \(norwegian) distinct parallel sentences")
    }

    @Test func institutesDescribeWhatTheySend() throws {
        let contributions = try Self.contents.get().contributions
        #expect(Set(contributions.map(\.manifest.provider)).count >= 8)
        for manifest in contributions.map(\.manifest) {
            #expect(manifest.licence.description == "CC0-1.0", "\(manifest.id)")
            #expect(!manifest.title.isEmpty && !manifest.legalBasis.isEmpty && manifest.memberState.count == 2)
            #expect(manifest.collected != nil && manifest.domain != nil, "\(manifest.id)")
            #expect(!manifest.languages.isEmpty && !manifest.files.isEmpty)
        }
    }

    @Test func someOfItIsDirtyOnPurpose() throws {
        let contents = try Self.contents.get()
        for reason in [RejectionReason.duplicate, .misaligned, .brokenXML] {
            #expect(contents.reasons.contains(reason), "no \(reason) in the samples")
        }
        #expect(contents.reasons.contains(.wrongLanguage), "no text in another language than it says in the samples")
        #expect(contents.encodings.contains { $0.lowercased() != "utf-8" })
    }
}
