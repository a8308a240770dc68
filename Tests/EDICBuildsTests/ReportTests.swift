import EDICJSON
import Testing

@testable import EDICBuilds

@Suite struct ReportTests {
    /// Whatever number of rows one stage has too many or too few of, it is seen.
    @Test func lostRowsAreSeen() {
        var report = BuildReport()
        report.stages = [
            .init(name: "check", rowsIn: 2, rowsOut: 1, rejected: [.init(reason: "unreadable_file", count: 1)]),
            .init(name: "read", rowsIn: 9, rowsOut: 8, rejected: [.init(reason: "empty", count: 1)]),
            .init(name: "filter", rowsIn: 8, rowsOut: 7, rejected: [.init(reason: "too_long", count: 1)]),
            .init(name: "deduplicate", rowsIn: 7, rowsOut: 5, rejected: [.init(reason: "duplicate", count: 2)]),
            .init(name: "shard", rowsIn: 5, rowsOut: 5), .init(name: "tokens", rowsIn: 6, rowsOut: 6),
            .init(name: "ngram", rowsIn: 6, rowsOut: 6),
        ]
        var language = BuildReport.Language(tag: "et", name: "Estonian")
        (language.documents, language.segments) = (4, 2)
        report.languages = [language]
        #expect(RowBalance(report).loss == nil)
        for index in report.stages.indices {
            for change in [-1, 1] {
                var within = report
                within.stages[index].rowsOut += change
                #expect(RowBalance(within).loss != nil)
                // Balanced by itself, but not with its neighbours; nothing goes before a check, nor behind it.
                guard index > 0 else { continue }
                var between = within
                between.stages[index].rowsIn += change
                #expect(RowBalance(between).loss != nil, "\(report.stages[index].name)")
            }
        }
        // A stage that is left out has no ledger; one in the middle is missed.
        report.stages.removeLast()
        #expect(RowBalance(report).loss == nil)
        report.stages.remove(at: 2)
        #expect(RowBalance(report).loss != nil)
    }

    /// A report with something in every field, some of it hostile.
    static let sample: BuildReport = {
        var report = BuildReport()
        report.name = "Night <&> \"quotes\""
        report.rootHash = String(repeating: "ab", count: 32)
        report.toolVersion = "0.1.0"
        report.totals.contributions = 11
        report.totals.contributionsRejected = 1
        report.totals.rawBytes = 413_220_117
        report.totals.documents = 82_113
        report.totals.units = 1860
        report.totals.words = 4_120_000
        report.totals.tokens = 6_300_417
        report.totals.outputBytes = 91_000_000
        report.stages = [
            .init(
                name: "read", rowsIn: 90_000, rowsOut: 84_000,
                rejected: [.init(reason: "empty", count: 5990), .init(reason: "broken_xml", count: 10)]),
            .init(
                name: "deduplicate", rowsIn: 84_000, rowsOut: 82_113,
                rejected: [.init(reason: "duplicate", count: 1887)]),
            .init(name: "shard", rowsIn: 82_113, rowsOut: 82_113, rejected: []),
        ]
        for (index, (tag, name)) in [("de", "German"), ("mt", "Maltese"), ("el", "Greek"), ("lb", "Luxembourgish")]
            .enumerated()
        {
            var language = BuildReport.Language(tag: tag, name: name)
            language.read.texts = 1000 * (index + 1)
            language.read.bytes = 60_000_000 / (index + 1)
            language.filtered.words = 900 * (index + 1)
            language.bytesKept = 52_000_000 / (index + 1)
            language.documents = 900
            language.segments = 60
            language.words = 400_000
            language.tokens = 520_000 + 90_000 * index
            language.shardBytes = 9_000_000
            language.shardContentBytes = 31_000_000
            language.tokenBytes = 700_000
            language.perplexity = 180 + 70 * Double(index)
            language.outOfVocabulary = 0.031
            language.heldOutWords = 20_000
            language.ngrams = 900_000
            language.modelBytes = 5_000_000
            report.languages.append(language)
        }
        report.pairs = [.init(tags: ["de", "mt"], units: 60)]
        report.rejections = [
            .init(
                stage: "read", reason: "broken_xml", count: 10,
                samples: [
                    .init(
                        place: "archive-vienna/session.xml, line 88", detail: "the element <seg> is not closed",
                        excerpt: "<script>alert(1)</script> Die Sitzung wird \u{1} eröffnet")
                ])
        ]
        var contribution = BuildReport.Contribution()
        contribution.id = "archive-vienna"
        contribution.title = "Sittings"
        contribution.provider = "Archive of Vienna"
        contribution.memberState = "AT"
        contribution.languages = ["de", "en"]
        contribution.licence = "CC0-1.0"
        contribution.legalBasis = "original work of the provider"
        contribution.personalData = "none"
        contribution.files = 3
        contribution.rawBytes = 120_000
        contribution.rowsRead = 900
        contribution.rowsKept = 880
        contribution.findings = ["session.xml:88: the element <seg> is not closed"]
        report.contributions = [contribution]
        report.tokenizer = .init()
        report.tokenizer.description = "byte-level BPE"
        report.tokenizer.vocabularySize = 16_000
        report.tokenizer.digest = String(repeating: "cd", count: 32)
        report.dictionaries = [
            .init(
                language: "de", plainBytes: 700_000, dictionaryBytes: 640_000, isUsed: true, plainSpeed: 310,
                dictionarySpeed: 290)
        ]
        report.models = [
            .init(
                model: "en-pt", kind: "translation",
                lines: [.init(input: "The harbour is open.", output: "O porto está aberto.")])
        ]
        var changes = BuildReport.Changes()
        changes.previousRootHash = String(repeating: "ef", count: 32)
        changes.added = ["archive-vienna"]
        changes.languages = [.init(tag: "de", texts: 900, tokens: 520_000)]
        report.changes = changes
        report.run.workers = 2
        report.run.tasks = 120
        report.run.tasksReused = 100
        report.run.seconds = 42.4
        report.run.peakMemory = 412_000_000
        report.run.stages = [.init(stage: "read", seconds: 20), .init(stage: "tokenizer", seconds: 12)]
        return report
    }()

    @Test func jsonHoldsEverything() throws {
        var writer = JSONWriter()
        writer.value(Self.sample.json)
        let parsed = try JSONValue(parsing: writer.bytes.span)
        #expect(BuildReport(json: parsed) == Self.sample)
    }

    @Test func wrongTypesAreRefused() throws {
        #expect(BuildReport(json: try JSONValue(parsing: #"{"name": 3}"#)) == nil)
        #expect(BuildReport(json: try JSONValue(parsing: #"{"stages": [{"rows_in": "many"}]}"#)) == nil)
    }

    @Test func pageEscapesWhatContributorsWrote() {
        let page = ReportPage(Self.sample).render()
        #expect(!page.contains("<script"))
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(!page.contains("\u{1}"))
        #expect(page.contains("Night &lt;&amp;&gt; &quot;quotes&quot;"))
    }

    @Test func pageNeedsNothingElse() {
        let page = ReportPage(Self.sample).render()
        for outside in ["http:", "https:", "src=", "@import", "url("] { #expect(!page.contains(outside)) }
    }

    @Test func numbersReadTheSameEverywhere() {
        #expect(FigureText.grouped(1_234_567) == "1\u{202F}234\u{202F}567")
        #expect(FigureText.grouped(-1000) == "−1\u{202F}000")
        #expect(FigureText.decimal(2.005, places: 1) == "2.0")
        #expect(FigureText.decimal(0.999, places: 2) == "1.00")
        #expect(FigureText.decimal(-0.001, places: 2) == "0.00")
        #expect(FigureText.bytes(999) == "999\u{202F}B")
        #expect(FigureText.bytes(999_999) == "1.0\u{202F}MB")
        #expect(FigureText.bytes(12_345_678) == "12\u{202F}MB")
        #expect(FigureText.duration(59.7) == "1\u{202F}min 00\u{202F}s")
        #expect(FigureText.percent(0.1234) == "12.3\u{202F}%")
    }
}
