import EDICCorpora
import SystemPackage
import Testing
import _EDICTestSupport

/// The contributions that come with the project: sound but for what is wrong with them on purpose.
@Suite struct SampleContributions {
    private static let folder = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent().appending("Corpora")

    private static let names = [
        "aegean-library-thessaloniki", "black-sea-observatory-varna", "danube-archive-vienna",
        "dependency-workshop-brno", "folk-memory-cluj", "harbour-institute-tallinn", "harvest-archive-helsingor",
        "interpreters-school-rijeka", "island-studies-valletta", "lighthouse-service-coruna",
        "records-institute-galway", "small-dictionaries-vilnius", "translators-house-remich",
    ]

    @Test(arguments: names) func canBeRead(name: String) throws {
        let report = ContributionCheck().check(Self.folder.appending(name))
        #expect(report.contribution == name)
        #expect(report.files.allSatisfy { $0.rows > 0 })
        let onPurpose: Set<String> = [
            "broken_xml", "marked_unfit", "empty", "wrong_encoding", "invalid_encoding", "wrong_script",
        ]
        for finding in report.findings { #expect(onPurpose.contains(finding.code), "\(finding)") }
    }

    @Test func damageIsFound() {
        let findings = { (name: String) in ContributionCheck().check(Self.folder.appending(name)).findings }
        #expect(
            findings("folk-memory-cluj").contains {
                $0.code == "broken_xml" && $0.file == "evenings.tmx" && $0.line != nil
            })
        #expect(
            findings("translators-house-remich").contains {
                $0.code == "invalid_encoding" && $0.file == "postbox.fr.txt"
            })
        #expect(
            findings("small-dictionaries-vilnius").contains {
                $0.code == "wrong_encoding" && $0.file == "evenings.pl.txt"
            })
    }
}
