/// The report as one HTML page that needs nothing but itself.
public struct ReportPage {
    private let report: BuildReport

    public init(_ report: BuildReport) { self.report = report }

    /// The page, UTF-8.
    public func render() -> String {
        var page = HTMLWriter()
        page.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        page.raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
        page.element("title", text: "\(report.name) – build report")
        page.raw("<style>\(reportStyle)</style></head><body>")
        writeHead(&page)
        writeLanguages(&page)
        writeFunnel(&page)
        writeRejections(&page)
        writeContributions(&page)
        writeDictionaries(&page)
        writeModels(&page)
        writeChanges(&page)
        writeRun(&page)
        page.raw("</body></html>\n")
        return page.html
    }

    // MARK: Head

    private func writeHead(_ page: inout HTMLWriter) {
        page.element("header") { page in
            page.element("p", "class=\"note\"", text: "Build report")
            page.element("h1", text: report.name)
            page.element("p") { page in
                page.text("Root hash ")
                page.element("code", text: report.rootHash)
            }
        }
        let totals = report.totals
        let tiles: [(String, String)] = [
            ("Contributions", FigureText.grouped(totals.contributions - totals.contributionsRejected)),
            ("Languages", FigureText.grouped(report.languages.count)),
            ("Read from disk", FigureText.bytes(totals.rawBytes)),
            ("Documents", FigureText.grouped(totals.documents)),
            ("Translation units", FigureText.grouped(totals.units)),
            ("Words", FigureText.grouped(totals.words)),
            ("Tokens", FigureText.grouped(totals.tokens)),
            ("Outputs", FigureText.bytes(totals.outputBytes)),
        ]
        page.element("dl", "class=\"tiles\"") { page in
            for (label, figure) in tiles {
                page.element("div") { page in
                    page.element("dt", text: label)
                    page.element("dd", text: figure)
                }
            }
        }
        if totals.contributionsRejected > 0 {
            page.element("p", "class=\"bad\"") {
                $0.text(
                    "\(totals.contributionsRejected) of \(totals.contributions) contributions were rejected whole; "
                        + "see Contributions.")
            }
        }
        page.element("nav") { page in
            for (anchor, label) in [
                ("languages", "Languages"), ("funnel", "Funnel"), ("rejections", "Rejections"),
                ("contributions", "Contributions"), ("dictionaries", "Compression"), ("models", "Models"),
                ("changes", "Changes"), ("run", "This run"),
            ] {
                page.element("a", "href=\"#\(anchor)\"", text: label)
            }
        }
    }

    // MARK: Languages

    private func writeLanguages(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"languages\"", text: "Languages")
        page.element("div", "class=\"charts\"") { page in
            let bySize = report.languages.sorted { ($1.bytesKept, $0.tag) < ($0.bytesKept, $1.tag) }
            BarChart(
                caption: "Text kept",
                bars: bySize.map {
                    .init(
                        label: $0.name, title: $0.tag, value: Double($0.bytesKept),
                        outlined: Double(max(0, $0.read.bytes - $0.bytesKept)), figure: FigureText.bytes($0.bytesKept)
                    )
                }
            ).write(to: &page)
            writeFertility(&page)
            writePerplexity(&page)
        }
        page.element(
            "p", "class=\"note\"",
            text:
                "Outlined parts of the bars were read and then rejected by the filter or as duplicates. Perplexity is a word, over held-out "
                + "rows and known words only; compare it between builds of one language, not between languages.")
        writeLanguageTable(&page)
        writePairs(&page)
    }

    private func writeFertility(_ page: inout HTMLWriter) {
        let known = report.languages.compactMap { row in row.tokensPerWord.map { (row, $0) } }
            .sorted { ($0.1, $0.0.tag) < ($1.1, $1.0.tag) }
        guard !known.isEmpty else { return }
        let mean = known.reduce(0) { $0 + $1.1 } / Double(known.count)
        BarChart(
            caption: "Tokens a word",
            bars: known.map {
                .init(label: $0.0.name, title: $0.0.tag, value: $0.1, figure: FigureText.decimal($0.1))
            },
            mark: (mean, "the mean of the languages, \(FigureText.decimal(mean))")
        ).write(to: &page)
    }

    private func writePerplexity(_ page: inout HTMLWriter) {
        let known = report.languages.compactMap { row in row.perplexity.map { (row, $0) } }
            .sorted { ($0.1, $0.0.tag) < ($1.1, $1.0.tag) }
        BarChart(
            caption: "Held-out perplexity",
            bars: known.map {
                .init(label: $0.0.name, title: $0.0.tag, value: $0.1, figure: FigureText.decimal($0.1, places: 0))
            }
        ).write(to: &page)
    }

    private func writeLanguageTable(_ page: inout HTMLWriter) {
        page.element("h3", text: "Text through the stages")
        let stageColumns = [
            "Language", "", "Texts read", "filtered", "kept", "Words read", "filtered", "kept", "Bytes read",
            "filtered", "kept", "Tokens",
        ]
        writeTable(&page, columns: stageColumns, textColumns: [0, 1]) { table in
            for row in report.languages {
                let texts = [row.read.texts, row.filtered.texts, row.documents + row.segments]
                let words = [row.read.words, row.filtered.words, row.words]
                let bytes = [row.read.bytes, row.filtered.bytes, row.bytesKept]
                table.row(
                    [row.name, row.tag] + (texts + words).map { FigureText.grouped($0) }
                        + bytes.map { FigureText.bytes($0) } + [FigureText.grouped(row.tokens)])
            }
        }
        page.element(
            "p", "class=\"note\"",
            text:
                "A text is a document or one side of a translation unit. Filtered: what passed the filter; kept: what "
                + "de-duplication left, which is what the shards, the tokens and the models hold. There are tokens only "
                + "from there on: the tokenizer is trained on what is kept.")
        page.element("h3", text: "Shards")
        let textColumns = ["Language", "", "Documents", "Segments", "Shards", "JSONL/shard"]
        writeTable(&page, columns: textColumns, textColumns: [0, 1]) { table in
            for row in report.languages {
                table.row([
                    row.name, row.tag, FigureText.grouped(row.documents), FigureText.grouped(row.segments),
                    bytes(row.shardBytes), decimal(row.compression),
                ])
            }
        }
        page.element(
            "p", "class=\"note\"", text: "Shards of documents: those of translation units hold several languages.")
        page.element("h3", text: "Tokens and n-gram models")
        let modelColumns = [
            "Language", "", "Tokens", "Tokens/word", "Bytes/token", "Token shards", "Perplexity", "Unknown words",
            "Held-out words", "n-grams", "Model",
        ]
        writeTable(&page, columns: modelColumns, textColumns: [0, 1]) { table in
            for row in report.languages {
                table.row([
                    row.name, row.tag, FigureText.grouped(row.tokens), decimal(row.tokensPerWord),
                    decimal(row.bytesPerToken), bytes(row.tokenBytes), decimal(row.perplexity, places: 1),
                    row.outOfVocabulary.map { FigureText.percent($0) } ?? "–",
                    FigureText.grouped(row.heldOutWords), FigureText.grouped(row.ngrams),
                    bytes(row.modelBytes),
                ])
            }
        }
    }

    private func writePairs(_ page: inout HTMLWriter) {
        guard !report.pairs.isEmpty else { return }
        page.element("h3", text: "Translation units")
        writeTable(&page, columns: ["Languages", "Units"], textColumns: [0]) { table in
            for pair in report.pairs {
                let tags = pair.tags == ["mul"] ? "mul (four and more)" : pair.tags.joined(separator: " ")
                table.row([tags, FigureText.grouped(pair.units)])
            }
        }
    }

    // MARK: Rows

    private func writeFunnel(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"funnel\"", text: "Funnel")
        BarChart(
            caption: "Rows that left each stage; the outlined part was rejected",
            bars: report.stages.map { stage in
                let rejected = stage.rowsIn - stage.rowsOut
                return .init(
                    label: stage.name, value: Double(stage.rowsOut), outlined: Double(rejected),
                    figure: FigureText.grouped(stage.rowsOut)
                        + (rejected > 0 ? " (\(FigureText.signed(-rejected)))" : ""))
            }
        ).write(to: &page)
        page.element(
            "p", "class=\"note\"",
            text:
                "check counts contributions; tokens and ngram count texts: a document is one, each side of a translation "
                + "unit is one. The other stages count documents and units.")
        writeTable(&page, columns: ["Stage", "Rows in", "Rows out", "Rejected", "Why"], textColumns: [0, 4]) { table in
            for stage in report.stages {
                table.row([
                    stage.name, FigureText.grouped(stage.rowsIn), FigureText.grouped(stage.rowsOut),
                    FigureText.grouped(stage.rowsIn - stage.rowsOut),
                    stage.rejected.map { "\($0.reason) \(FigureText.grouped($0.count))" }.joined(separator: ", "),
                ])
            }
        }
    }

    private func writeRejections(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"rejections\"", text: "Rejections")
        guard !report.rejections.isEmpty else {
            page.element("p", text: "Nothing was rejected.")
            return
        }
        for group in report.rejections {
            page.element("h3") { page in
                page.element("code", text: group.reason)
                page.text(" in \(group.stage): \(FigureText.grouped(group.count))")
            }
            for sample in group.samples {
                page.element("blockquote") { page in
                    page.text(sample.excerpt.isEmpty ? sample.detail : sample.excerpt)
                    page.element("cite") { page in
                        page.text(sample.place)
                        if !sample.excerpt.isEmpty && !sample.detail.isEmpty { page.text(" – \(sample.detail)") }
                    }
                }
            }
        }
    }

    // MARK: Contributions

    private func writeContributions(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"contributions\"", text: "Contributions")
        let columns = [
            "Contribution", "Provider", "State", "Languages", "Licence", "Legal basis", "Personal data", "Files",
            "Bytes",
            "Rows read", "Rows kept",
        ]
        writeTable(&page, columns: columns, textColumns: [0, 1, 2, 3, 4, 5, 6]) { table in
            for row in report.contributions {
                table.row([
                    row.title.isEmpty ? row.id : "\(row.title) (\(row.id))", row.provider, row.memberState,
                    row.languages.joined(separator: " "), row.licence, row.legalBasis, row.personalData,
                    FigureText.grouped(row.files), FigureText.bytes(row.rawBytes),
                    row.isAccepted ? FigureText.grouped(row.rowsRead) : "rejected",
                    FigureText.grouped(row.rowsKept),
                ])
            }
        }
        let withFindings = report.contributions.filter { !$0.findings.isEmpty }
        guard !withFindings.isEmpty else { return }
        page.element("h3", text: "What the check found")
        page.element("ul") { page in
            for row in withFindings {
                for finding in row.findings { page.element("li", text: finding) }
            }
        }
    }

    // MARK: Compression, models, changes, run

    private func writeDictionaries(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"dictionaries\"", text: "Compression")
        page.element("p") {
            $0.text(
                "Document shards are plain zstd, so that any tool reads them. Token shards have smaller frames; a dictionary "
                    + "trained for the language is used where it saves enough, its own bytes counted.")
        }
        guard !report.dictionaries.isEmpty else { return }
        let columns = ["Language", "Plain zstd", "With dictionary", "Saved", "Used", "Plain MB/s", "Dictionary MB/s"]
        writeTable(&page, columns: columns, textColumns: [0, 4]) { table in
            for row in report.dictionaries {
                table.row([
                    row.language, FigureText.bytes(row.plainBytes), FigureText.bytes(row.dictionaryBytes),
                    FigureText.percent(row.gain), row.isUsed ? "yes" : "no",
                    FigureText.decimal(row.plainSpeed, places: 0),
                    FigureText.decimal(row.dictionarySpeed, places: 0),
                ])
            }
        }
    }

    private func writeModels(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"models\"", text: "Models")
        if report.tokenizer.vocabularySize > 0 {
            page.element("p") { page in
                page.text(
                    "Tokenizer: \(report.tokenizer.description), \(FigureText.grouped(report.tokenizer.vocabularySize)) "
                        + "pieces, digest ")
                page.element("code", text: String(report.tokenizer.digest.prefix(16)))
            }
        }
        if report.models.isEmpty {
            page.element("p", "class=\"note\"", text: "No transformer model was found to try.")
        }
        for model in report.models {
            page.element("h3", text: "\(model.model) (\(model.kind))")
            if let problem = model.problem { page.element("p", "class=\"bad\"", text: problem) }
            guard !model.lines.isEmpty else { continue }
            writeTable(&page, columns: ["In", "Out"], textColumns: [0, 1]) { table in
                for line in model.lines { table.row([line.input, line.output]) }
            }
        }
    }

    private func writeChanges(_ page: inout HTMLWriter) {
        page.element("h2", "id=\"changes\"", text: "Changes since the last build")
        guard let changes = report.changes else {
            page.element("p", text: "This is the first build here.")
            return
        }
        guard changes.previousRootHash != report.rootHash else {
            page.element("p", text: "None: the outputs are the same, byte for byte.")
            return
        }
        page.element("p") { page in
            page.text("The root hash was ")
            page.element("code", text: changes.previousRootHash)
            page.text(".")
        }
        page.element("ul") { page in
            for (label, ids) in [
                ("New", changes.added), ("Withdrawn", changes.removed), ("Changed", changes.changed),
            ] where !ids.isEmpty {
                page.element("li", text: "\(label): \(ids.joined(separator: ", "))")
            }
        }
        guard !changes.languages.isEmpty else { return }
        writeTable(&page, columns: ["Language", "Texts", "Tokens"], textColumns: [0]) { table in
            for row in changes.languages {
                table.row([row.tag, FigureText.signed(row.texts), FigureText.signed(row.tokens)])
            }
        }
    }

    private func writeRun(_ page: inout HTMLWriter) {
        let run = report.run
        page.element("h2", "id=\"run\"", text: "This run")
        page.element("p") {
            $0.text(
                "\(FigureText.duration(run.seconds)) with \(run.workers) \(run.workers == 1 ? "worker" : "workers"); "
                    + "\(FigureText.grouped(run.tasks)) tasks, \(FigureText.grouped(run.tasksReused)) of them kept from "
                    + "earlier builds; peak memory \(FigureText.bytes(run.peakMemory)); edic \(report.toolVersion).")
        }
        BarChart(
            caption: "Time by stage",
            bars: run.stages.map {
                .init(label: $0.stage, value: $0.seconds, figure: FigureText.duration($0.seconds))
            }
        ).write(to: &page)
    }

    // MARK: Tables

    private struct TableRows {
        var page: HTMLWriter
        let textColumns: Set<Int>

        mutating func row(_ cells: [String]) {
            page.element("tr") { page in
                for (index, cell) in cells.enumerated() {
                    page.element("td", textColumns.contains(index) ? "" : "class=\"number\"", text: cell)
                }
            }
        }
    }

    private func writeTable(
        _ page: inout HTMLWriter, columns: [String], textColumns: Set<Int>, rows: (inout TableRows) -> Void
    ) {
        page.element("div", "class=\"scroll\"") { page in
            page.element("table") { page in
                page.element("thead") { page in
                    page.element("tr") { page in
                        for (index, column) in columns.enumerated() {
                            page.element("th", textColumns.contains(index) ? "" : "class=\"number\"", text: column)
                        }
                    }
                }
                page.element("tbody") { page in
                    var table = TableRows(page: HTMLWriter(), textColumns: textColumns)
                    rows(&table)
                    page.raw(table.page.html)
                }
            }
        }
    }

    /// A size; a dash where there is no such thing.
    private func bytes(_ count: Int) -> String { count > 0 ? FigureText.bytes(count) : "–" }

    private func decimal(_ value: Double?, places: Int = 2) -> String {
        value.map { FigureText.decimal($0, places: places) } ?? "–"
    }
}
