internal import EDICStore
internal import EDICText

/// The reading of one file: its text goes through the parser of its format, piece by piece.
struct ReadingSession {
    private let file: ContributionFile
    private let limits: ReadingLimits
    private var batch: RowBatch
    private(set) var reading = FileReading()

    init(_ file: ContributionFile, limits: ReadingLimits) {
        self.file = file
        self.limits = limits
        let specification = file.specification
        let named = file.parts.first?.language
        var declared = file.languages
        let source = specification.options.sourceLanguage
        let isCatalogue = specification.format == .po || specification.format == .mo
        if isCatalogue, !declared.isEmpty, !declared.contains(source) { declared.append(source) }
        let languages = LanguageMatcher(
            declared: declared,
            fallback: named ?? (specification.languages.count == 1 ? specification.languages[0] : nil))
        batch = RowBatch(contribution: file.contribution, file: file.name, languages: languages, limits: limits)
    }

    /// The target language of a catalogue, where its name or the manifest's entry for it says.
    private var catalogueLanguage: String? {
        if let language = file.parts.first?.language { return language }
        let others = file.specification.languages.filter { $0 != file.specification.options.sourceLanguage }
        return others.count == 1 ? others[0] : nil
    }

    mutating func run(_ onBlock: (RowBlock) throws -> Void, _ onRejection: (Rejection) throws -> Void) throws {
        do {
            try parse(onBlock, onRejection)
        } catch let fault as FileFault {
            batch.reject(fault)
        }
        try drain(onBlock, onRejection)
        reading.ledger.recordIn(batch.rowsIn)
        reading.charactersNormalized = batch.charactersNormalized
    }

    private mutating func parse(_ onBlock: (RowBlock) throws -> Void, _ onRejection: (Rejection) throws -> Void) throws
    {
        let (specification, options) = (file.specification, file.specification.options)
        switch (specification.format, options.unit) {
        case (.text, .file): try feed(WholeTextParser(limits: limits), onBlock, onRejection)
        case (.text, .line): try feed(LineByLine(TextLines(), limits: limits), onBlock, onRejection)
        case (.text, .paragraph):
            try feed(LineByLine(TextParagraphs(limits: limits), limits: limits), onBlock, onRejection)
        case (.jsonl, _): try feed(LineByLine(JSONRecords(options: options), limits: limits), onBlock, onRejection)
        case (.tsv, _):
            let records = TSVRecords(options: options, languages: specification.languages)
            try feed(LineByLine(records, limits: limits), onBlock, onRejection)
        case (.conllu, _):
            let sentences = CoNLLUSentences(options: options, limits: limits)
            try feed(LineByLine(sentences, limits: limits), onBlock, onRejection)
        case (.po, _):
            let entries = GettextPOEntries(options: options, language: catalogueLanguage, limits: limits)
            try feed(LineByLine(entries, limits: limits), onBlock, onRejection)
        case (.tmx, _): try feed(TMXParser(limits: limits), onBlock, onRejection)
        case (.tei, _): try feed(TEIParser(limits: limits), onBlock, onRejection)
        case (.html, _): try feed(HTMLParser(limits: limits), onBlock, onRejection)
        case (.mo, _): try readCatalogue(onBlock, onRejection)
        case (.moses, _): try feedTogether(onBlock, onRejection)
        }
    }

    /// Feeds a file to its parser.
    private mutating func feed<Parser: RowParser & ~Copyable>(
        _ parser: consuming Parser, _ onBlock: (RowBlock) throws -> Void, _ onRejection: (Rejection) throws -> Void
    ) throws {
        guard let part = file.parts.first else { return }
        var source = try open(part)
        reading.charset = source.charset.name
        reading.charsetContradiction = source.contradiction
        do {
            var text: [UInt8] = []
            while try source.next(into: &text) {
                try parser.feed(text.span, into: &batch)
                try drain(onBlock, onRejection)
            }
            try parser.finish(into: &batch)
        } catch let fault as FileFault {
            note(source)
            throw fault.saying(unread: source.bytesUnread)
        } catch {
            note(source)
            throw error
        }
        note(source)
    }

    /// Opens a file of text; its languages help to tell its charset.
    private func open(_ part: ContributionFile.Part) throws(FileFault) -> TextSource {
        let own = file.specification.languages.isEmpty ? file.languages : file.specification.languages
        return try TextSource(
            part.path, specification: file.specification, languages: part.language.map { [$0] } ?? own,
            lineBytes: file.specification.isOfLines ? limits.lineBytes : nil)
    }

    /// Reads files whose lines belong together, if they have the same number of lines.
    private mutating func feedTogether(
        _ onBlock: (RowBlock) throws -> Void, _ onRejection: (Rejection) throws -> Void
    ) throws {
        try checkLineCounts()
        var parser = MosesParser(languages: file.parts.map { $0.language ?? "" }, limits: limits)
        var sources = MosesSources()
        for part in file.parts { sources.add(try open(part)) }
        reading.charset = sources.charsets
        var text: [UInt8] = []
        while let part = parser.hungriest {
            if try sources.next(part, into: &text) {
                parser.feed(text.span, part: part, into: &batch)
            } else {
                parser.finish(part: part, into: &batch)
            }
            try drain(onBlock, onRejection)
        }
        sources.visit { note($0) }
    }

    /// Pairs by line number mean nothing if a line is missing somewhere, so that is found out first.
    private mutating func checkLineCounts() throws(FileFault) {
        guard file.parts.count >= 2 else {
            let names = file.parts.map(\.name).joined()
            throw FileFault(.brokenFile, "\(names) has no partner in another language", .file)
        }
        var counts: [Int] = []
        for part in file.parts {
            var source = try open(part)
            var text: [UInt8] = []
            var lines = 0
            var last: UInt8 = 0x0A
            while try source.next(into: &text) {
                lines += text.span.count(of: 0x0A)
                last = text.last ?? last
            }
            counts.append(lines + (last == 0x0A ? 0 : 1))
        }
        guard let fewest = counts.min(), counts.contains(where: { $0 != fewest }) else { return }
        let sizes = zip(file.parts, counts).map { "\($0.name) has \($1) lines" }.joined(separator: ", ")
        let message = "\(sizes): from line \(fewest + 1) on a side is missing, and where before that is not known"
        throw FileFault(.brokenFile, message, .line(fewest + 1))
    }

    /// Reads a compiled catalogue.
    private mutating func readCatalogue(
        _ onBlock: (RowBlock) throws -> Void, _ onRejection: (Rejection) throws -> Void
    ) throws {
        guard let part = file.parts.first else { return }
        let bytes = try readWhole(part)
        var decoder = CatalogueDecoder(declared: file.specification.encoding)
        defer {
            reading.charset = decoder.charset.name
            reading.invalidSequences += decoder.invalidSequences
        }
        var parser = try GettextMOParser(bytes.span, options: file.specification.options, language: catalogueLanguage)
        while try parser.parse(bytes.span, decoder: &decoder, into: &batch) { try drain(onBlock, onRejection) }
    }

    private mutating func readWhole(_ part: ContributionFile.Part) throws(FileFault) -> [UInt8] {
        var reader = try TextSource.open(part.path)
        do {
            let bytes = try reader.readAll(atMost: limits.wholeFileBytes)
            reading.bytes += bytes.count
            return bytes
        } catch {
            throw FileFault(error, of: reader.name, .file)
        }
    }

    private mutating func note(_ source: borrowing TextSource) {
        reading.bytes += source.bytesRead
        reading.invalidSequences += source.report.invalidCount
        if source.endsLinesWithReturns { reading.endsLinesWithReturns = true }
        reading.invalidOffsets += source.report.invalidSamples.map(\.offset)
    }

    /// Gives what the parser found to the caller.
    private mutating func drain(_ onBlock: (RowBlock) throws -> Void, _ onRejection: (Rejection) throws -> Void) throws
    {
        if batch.block.count > 0 { try onBlock(batch.block) }
        for rejection in batch.rejections {
            reading.ledger.record(rejection)
            try onRejection(rejection)
        }
        reading.ledger.recordOut(batch.block.count)
        batch.drain()
    }
}

extension FileSpecification {
    /// Whether the records of the file are lines of text, or made of them. In JSON a carriage return is a space.
    fileprivate var isOfLines: Bool {
        switch format {
        case .text: options.unit != .file
        case .tsv, .conllu, .po, .moses: true
        case .jsonl, .tmx, .tei, .html, .mo: false
        }
    }
}
