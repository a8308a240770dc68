import EDICCorpora
import EDICStore
import EDICText
import SystemPackage

extension Pipeline {
    /// What the stages found, without what depends on the run or on the last build.
    func report() -> BuildReport {
        var report = BuildReport()
        report.name = recipe.name
        report.toolVersion = EDICVersion.current
        report.rootHash = release.rootHash.description
        report.contributions = contributionRows()
        let ledgers = self.ledgers()
        report.stages = ledgers.map {
            .init(name: $0.name, rowsIn: $0.ledger.rowsIn, rowsOut: $0.ledger.rowsOut, rejected: $0.ledger.rejected)
        }
        report.rejections = ledgers.flatMap { rejections(stage: $0.name, $0.ledger) }
        report.languages = languageRows()
        report.pairs = pairRows()
        report.tokenizer.description = tokenizer.description
        report.tokenizer.vocabularySize = tokenizer.vocabularySize
        report.tokenizer.digest = tokenizerDigest
        report.dictionaries = dictionaries
        report.models = models
        report.totals = totals(report)
        return report
    }

    private func ledgers() -> [(name: String, ledger: StageLedger)] {
        var check = StageLedger()
        check.rowsIn = plan.contributions.count + plan.rejected.count
        check.rowsOut = plan.contributions.count
        for rejected in plan.rejected {
            check.reject(rejected.reason, count: 1)
            check.samples.append(
                .init(
                    reason: rejected.reason.rawValue,
                    sample: .init(place: rejected.folder.string, detail: rejected.message, excerpt: "")))
        }
        var read = StageLedger()
        var filter = StageLedger()
        for planned in plan.contributions where !planned.unreadable.isEmpty {
            var folders = RowLedger()
            for rejection in planned.unreadable {
                folders.recordIn()
                folders.record(rejection)
            }
            read.merge(StageLedger(folders))
        }
        for batch in batches {
            read.merge(batch.facts.read)
            filter.merge(batch.facts.filter)
        }
        var shard = StageLedger()
        for entry in shardFacts { shard.merge(entry.facts.ledger) }
        var tokens = StageLedger()
        for entry in tokenFacts { tokens.merge(entry.facts.ledger) }
        var ngram = StageLedger()
        for entry in ngrams { ngram.merge(entry.facts.ledger) }
        return [
            ("check", check), (ReadStage.name, read), (RowBalance.filter, filter),
            (DeduplicationStage.name, deduplication.ledger),
            (ShardStage.name, shard), (TokenStage.name, tokens), (NgramStage.name, ngram),
        ].filter { $0.ledger.rowsIn > 0 }
    }

    private func rejections(stage: String, _ ledger: StageLedger) -> [BuildReport.Rejections] {
        ledger.rejected.map { group in
            let samples = ledger.samples.filter { $0.reason == group.reason }.prefix(recipe.report.samples)
            return .init(stage: stage, reason: group.reason, count: group.count, samples: samples.map(\.sample))
        }
    }

    private func contributionRows() -> [BuildReport.Contribution] {
        var read: [String: Int] = [:]
        for batch in batches { read[batch.batch.contribution, default: 0] += batch.facts.read.rowsIn }
        for planned in plan.contributions { read[planned.id, default: 0] += planned.unreadable.count }
        var kept: [String: Int] = [:]
        for entry in shardFacts { kept[entry.contribution, default: 0] += entry.facts.ledger.rowsOut }
        let accepted = plan.contributions.map { planned in
            let manifest = planned.contribution.manifest
            var row = BuildReport.Contribution()
            row.id = manifest.id
            row.title = manifest.title
            row.provider = manifest.provider
            row.memberState = manifest.memberState
            row.languages = manifest.languages
            row.licence = manifest.licence.description
            row.legalBasis = manifest.legalBasis
            row.personalData = manifest.personalData.rawValue
            row.findings = planned.findings
            row.files = planned.files
            row.rawBytes = planned.rawBytes
            row.rowsRead = read[manifest.id] ?? 0
            row.rowsKept = kept[manifest.id] ?? 0
            row.digest = planned.digest
            return row
        }
        let rejected = plan.rejected.map { rejected in
            var row = BuildReport.Contribution()
            row.id = rejected.folder.lastComponent?.string ?? rejected.folder.string
            row.isAccepted = false
            row.findings = [rejected.message]
            return row
        }
        return accepted + rejected
    }

    private func languageRows() -> [BuildReport.Language] {
        var rows: [String: BuildReport.Language] = [:]
        func row(_ tag: String) -> BuildReport.Language { rows[tag] ?? .init(tag: tag, name: Self.languageName(tag)) }
        for batch in batches {
            for count in batch.facts.textsRead {
                var language = row(count.tag)
                language.read.add(texts: count.documents + count.segments, words: count.words, bytes: count.bytes)
                rows[count.tag] = language
            }
            for count in batch.facts.textsKept {
                var language = row(count.tag)
                language.filtered.add(texts: count.documents + count.segments, words: count.words, bytes: count.bytes)
                rows[count.tag] = language
            }
        }
        for entry in shardFacts {
            for text in entry.facts.languages {
                var language = row(text.tag)
                language.documents += text.documents
                language.segments += text.segments
                language.words += text.words
                language.bytesKept += text.bytes
                rows[text.tag] = language
            }
            if case .documents(let tag) = entry.bucket { rows[tag]?.shardContentBytes += entry.facts.contentBytes }
        }
        for shard in shards {
            if case .documents(let tag) = shard.bucket { rows[tag]?.shardBytes += shard.object.size }
        }
        for entry in tokenFacts {
            for count in entry.facts.languages { rows[count.tag]?.tokens += count.tokens }
            if case .documents(let tag) = entry.shard.bucket { rows[tag]?.tokenBytes += entry.size }
        }
        for entry in ngrams {
            rows[entry.language]?.perplexity = entry.facts.perplexity
            rows[entry.language]?.outOfVocabulary = entry.facts.outOfVocabulary
            rows[entry.language]?.heldOutWords = entry.facts.heldOutWords
            rows[entry.language]?.ngrams = entry.facts.ngrams
            rows[entry.language]?.modelBytes = entry.size
        }
        return rows.values.sorted { $0.tag < $1.tag }
    }

    /// The English name of a language, or its tag.
    static func languageName(_ tag: String) -> String {
        guard let parsed = try? LanguageTag(tag), let language = Language.of(parsed) else { return tag }
        return parsed.description == language.code ? language.englishName : "\(language.englishName) (\(tag))"
    }

    private func pairRows() -> [BuildReport.Pair] {
        var units: [[String]: Int] = [:]
        for entry in shardFacts {
            if case .parallel(let languages) = entry.bucket {
                units[languages, default: 0] += entry.facts.ledger.rowsOut
            }
        }
        return units.map { .init(tags: $0.key, units: $0.value) }.sorted {
            ($1.units, $0.tags.joined()) < ($0.units, $1.tags.joined())
        }
    }

    private func totals(_ report: BuildReport) -> BuildReport.Totals {
        var totals = BuildReport.Totals()
        totals.contributions = plan.contributions.count + plan.rejected.count
        totals.contributionsRejected = plan.rejected.count
        totals.files = plan.contributions.reduce(0) { $0 + $1.files }
        totals.rawBytes = plan.contributions.reduce(0) { $0 + $1.rawBytes }
        totals.documents = report.languages.reduce(0) { $0 + $1.documents }
        totals.units = report.pairs.reduce(0) { $0 + $1.units }
        totals.words = report.languages.reduce(0) { $0 + $1.words }
        totals.tokens = report.languages.reduce(0) { $0 + $1.tokens }
        totals.textBytes = report.languages.reduce(0) { $0 + $1.bytesKept }
        totals.outputBytes = release.bytes
        return totals
    }
}

extension BuildReport {
    /// How this build differs from the one before.
    func changes(since last: BuildReport) -> Changes {
        var changes = Changes()
        changes.previousRootHash = last.rootHash
        let before = Dictionary(last.contributions.map { ($0.id, $0.digest) }, uniquingKeysWith: { first, _ in first })
        let now = Dictionary(contributions.map { ($0.id, $0.digest) }, uniquingKeysWith: { first, _ in first })
        changes.added = now.keys.filter { before[$0] == nil }.sorted()
        changes.removed = before.keys.filter { now[$0] == nil }.sorted()
        changes.changed = now.keys.filter { before[$0] != nil && before[$0] != now[$0] }.sorted()
        let old = Dictionary(last.languages.map { ($0.tag, $0) }, uniquingKeysWith: { first, _ in first })
        let new = Dictionary(languages.map { ($0.tag, $0) }, uniquingKeysWith: { first, _ in first })
        for tag in Set(old.keys).union(new.keys).sorted() {
            let texts = (new[tag]?.texts ?? 0) - (old[tag]?.texts ?? 0)
            let tokens = (new[tag]?.tokens ?? 0) - (old[tag]?.tokens ?? 0)
            if texts != 0 || tokens != 0 { changes.languages.append(.init(tag: tag, texts: texts, tokens: tokens)) }
        }
        return changes
    }
}

extension BuildReport.Language {
    /// Documents and segments kept.
    var texts: Int { documents + segments }
}
