internal import EDICYAML

extension ManifestReader {
    private static let fileKeys = [
        "path", "format", "language", "languages", "encoding", "unit", "columns", "header", "text_field",
        "language_field", "id_field", "metadata", "source_language", "include_fuzzy",
    ]

    /// The keys that have a meaning for some formats only.
    private static let formatsOfKey: [String: [FileFormat]] = [
        "unit": [.text, .conllu], "columns": [.tsv], "header": [.tsv], "text_field": [.jsonl],
        "language_field": [.jsonl], "id_field": [.jsonl], "metadata": [.jsonl], "source_language": [.po, .mo],
        "include_fuzzy": [.po],
    ]

    /// The entries of `files`.
    mutating func fileSpecifications(_ fields: ManifestFields, declared: [String]) -> [FileSpecification] {
        guard let node = fields["files"] else {
            add(.error, "missing_key", nil, "files", "the key is missing", "add \"files:\" with a list of entries")
            return []
        }
        guard let sequence = node.elements, !sequence.isEmpty else {
            add(
                .error, "invalid_value", node.line, "files", "expected a list of entries",
                "write \"- path: …\" and, below it, \"format: …\"")
            return []
        }
        var specifications: [FileSpecification] = []
        for (index, entry) in sequence.enumerated() {
            let path = "files[\(index)]"
            guard entry.members != nil else {
                add(.error, "invalid_value", entry.line, path, "expected path, format and more")
                continue
            }
            if let specification = fileSpecification(entry, path: path + ".", declared: declared) {
                specifications.append(specification)
            }
        }
        return specifications
    }

    private mutating func fileSpecification(
        _ entry: YAMLNode, path: String, declared: [String]
    ) -> FileSpecification? {
        let line = entry.line
        let fields = ManifestFields(entry, path: path, allowed: Self.fileKeys, &self)
        let patterns = fields.texts("path", required: true, &self)
        for pattern in patterns {
            if let problem = PathPattern.problem(in: pattern.value) {
                add(.error, "invalid_value", pattern.line, path + "path", "\"\(pattern.value)\": \(problem)")
            }
        }
        let format = fields.choice("format", FileFormat.self, required: true, &self)
        let one = fields.languages("language", required: false, &self)
        var languages = one.isEmpty ? fields.languages("languages", required: false, &self) : one
        for language in languages where !declared.isEmpty && !declared.contains(language) {
            add(
                .error, "undeclared_language", line, path + "language",
                "\(language) is not among the contribution's languages", "add it there, or correct it here")
        }
        let encoding = fields.text("encoding", required: false, &self)
        if let encoding, encoding.value != "auto", !TextSource.knowsCharset(encoding.value) {
            add(
                .error, "invalid_value", encoding.line, path + "encoding", "\"\(encoding.value)\" is no known charset",
                "write, for example, UTF-8 or ISO-8859-2, or auto to have it detected")
        }
        guard let format, !patterns.isEmpty else { return nil }
        for (key, formats) in Self.formatsOfKey.sorted(by: { $0.key < $1.key }) {
            guard let node = fields[key], !formats.contains(format) else { continue }
            let names = formats.map(\.rawValue).joined(separator: ", ")
            add(.warning, "useless_key", node.line, path + key, "has a meaning for \(names) only")
        }
        let options = fileOptions(fields, format, path: path, languages: languages, line)
        if format == .moses, !patterns.allSatisfy({ $0.value.contains(PathPattern.languageMark) }) {
            add(
                .error, "invalid_value", line, path + "path", "Moses files need {language} in their path",
                "write, for example, path: minutes.{language}")
        }
        if format == .tsv, languages.isEmpty, !options.columns.isEmpty {
            languages = options.columns.compactMap { if case .text(let tag) = $0 { tag } else { nil } }
        }
        return FileSpecification(
            patterns: patterns.map(\.value), format: format, languages: languages,
            encoding: encoding.flatMap { $0.value == "auto" ? nil : $0.value }, options: options, line: line)
    }

    private mutating func fileOptions(
        _ fields: ManifestFields, _ format: FileFormat, path: String, languages: [String], _ line: Int
    ) -> FileOptions {
        var options = FileOptions()
        if let unit = fields.choice("unit", FileOptions.TextUnit.self, required: false, &self) { options.unit = unit }
        if let flag = fields.flag("header", &self) { options.hasHeader = flag }
        if let flag = fields.flag("include_fuzzy", &self) { options.includesFuzzy = flag }
        if let key = fields.text("text_field", required: false, &self) { options.textField = key.value }
        if let key = fields.text("language_field", required: false, &self) { options.languageField = key.value }
        if let key = fields.text("id_field", required: false, &self) { options.idField = key.value }
        options.metadataKeys = fields.texts("metadata", required: false, &self).map(\.value)
        if let tag = fields.languages("source_language", required: false, &self).first { options.sourceLanguage = tag }
        for column in fields.texts("columns", required: false, &self) {
            if column.value == "-" {
                options.columns.append(.ignored)
            } else if column.value.hasPrefix("meta:") {
                options.columns.append(.metadata(String(column.value.dropFirst("meta:".count))))
            } else if let tag = LanguageName.canonical(column.value) {
                options.columns.append(.text(tag))
            } else {
                add(
                    .error, "invalid_value", column.line, path + "columns",
                    "\"\(column.value)\" is no column", "write a language tag, meta:NAME, or - for one to skip")
            }
        }
        let texts = options.columns.count { if case .text = $0 { true } else { false } }
        if format == .tsv, texts == 0, languages.isEmpty {
            add(
                .error, "missing_key", line, path + "columns", "the columns of the file are unknown",
                "write, for example, columns: [de, en] or columns: [meta:id, de]")
        }
        return options
    }
}
