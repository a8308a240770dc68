internal import EDICYAML

extension ContributionManifest {
    /// Reads a manifest and says everything that is wrong with it.
    ///
    /// - Parameters:
    ///   - yaml: the text of `contribution.yaml`.
    ///   - file: what findings call it.
    /// - Returns: the manifest, or nil where a finding is an error.
    public static func read(
        yaml: String, file: String = fileName
    ) -> (manifest: ContributionManifest?, findings: [Finding]) {
        var reader = ManifestReader(file: file)
        let manifest = reader.read(yaml)
        let hasErrors = reader.findings.contains { $0.severity == .error }
        return (hasErrors ? nil : manifest, reader.findings)
    }
}

/// Turns YAML into a manifest, gathering findings.
struct ManifestReader {
    private let file: String
    var findings: [Finding] = []

    /// Manifests are written by hand; what is larger is something else.
    private static let sizeLimit = 1 << 20
    /// Collections inside collections, at most. A manifest needs three.
    private static let depthLimit = 16

    init(file: String) { self.file = file }

    mutating func read(_ yaml: String) -> ContributionManifest? {
        guard yaml.utf8.count <= Self.sizeLimit else {
            add(.error, "manifest_too_large", nil, nil, "more than \(Self.sizeLimit) bytes: this is no manifest")
            return nil
        }
        let root: YAMLNode
        do throws(YAMLError) {
            guard let node = try YAMLNode(parsing: yaml, depthLimit: Self.depthLimit) else {
                add(.error, "empty_manifest", 1, nil, "the manifest is empty", "start from what `edic init` writes")
                return nil
            }
            root = node
        } catch {
            let what = error.code == .malformed ? "not YAML: " : ""
            add(.error, "invalid_yaml", error.line, nil, what + error.message)
            return nil
        }
        guard root.members != nil else {
            add(
                .error, "invalid_manifest", root.line, nil, "expected keys with values, such as \"id: …\"",
                "start from what `edic init` writes")
            return nil
        }
        return manifest(root)
    }

    // MARK: - The manifest

    private static let keys = [
        "id", "title", "provider", "member_state", "languages", "licence", "legal_basis", "personal_data", "collected",
        "domain", "description", "files",
    ]

    private mutating func manifest(_ root: YAMLNode) -> ContributionManifest? {
        let fields = ManifestFields(root, path: "", allowed: Self.keys, &self)
        let id = fields.text("id", required: true, &self)
        if let id, !Self.isIdentifier(id.value) {
            add(
                .error, "invalid_value", id.line, "id", "\"\(id.value)\" is no id",
                "use lower-case letters, digits, \"-\", \"_\" and \".\", at most 64, beginning with a letter or digit")
        }
        let title = fields.text("title", required: true, &self)
        let provider = fields.text("provider", required: true, &self)
        let state = fields.text("member_state", required: true, &self)
        if let state, !CountryCodes.all.contains(state.value) {
            let help = Suggestion.phrase(for: state.value, among: CountryCodes.all)
            add(
                .error, "invalid_value", state.line, "member_state",
                "\"\(state.value)\" is no country code of ISO 3166-1 (two capital letters), nor EU",
                help.isEmpty ? "write, for example, member_state: DE" : help)
        }
        let languages = fields.languages("languages", required: true, &self)
        let licence = fields.text("licence", required: true, &self)
        var expression: LicenceExpression?
        if let licence {
            do {
                expression = try LicenceExpression(parsing: licence.value)
            } catch {
                add(.error, "invalid_licence", licence.line, "licence", error.message)
            }
        }
        let basis = fields.text("legal_basis", required: true, &self)
        let personal = fields.choice("personal_data", ContributionManifest.PersonalData.self, required: true, &self)
        let domain = fields.text("domain", required: false, &self)
        let description = fields.text("description", required: false, &self)
        let period = fields["collected"].flatMap { collectionPeriod($0) }
        let files = fileSpecifications(fields, declared: languages)

        guard let id, let title, let provider, let state, let expression, let basis, let personal, !languages.isEmpty
        else { return nil }
        return ContributionManifest(
            id: id.value, title: title.value, provider: provider.value, memberState: state.value, languages: languages,
            licence: expression, legalBasis: basis.value, personalData: personal, collected: period,
            domain: domain?.value, description: description?.value, files: files)
    }

    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, (1...64).contains(text.utf8.count) else { return false }
        func isPlain(_ byte: UInt8) -> Bool { byte.isASCIIDigit || (0x61...0x7A).contains(byte) }
        return isPlain(first) && text.utf8.allSatisfy { isPlain($0) || "-_.".utf8.contains($0) }
    }

    private mutating func collectionPeriod(_ node: YAMLNode) -> ContributionManifest.CollectionPeriod? {
        if let date = node.text {
            guard checkDate(date, node.line, "collected") else { return nil }
            return ContributionManifest.CollectionPeriod(from: date, to: date)
        }
        guard node.members != nil else {
            add(
                .error, "invalid_value", node.line, "collected", "expected a date, or from and to",
                "write, for example, collected: {from: 2023-01, to: 2024-06-30}")
            return nil
        }
        let fields = ManifestFields(node, path: "collected.", allowed: ["from", "to"], &self)
        guard let from = fields.text("from", required: true, &self), let to = fields.text("to", required: true, &self),
            checkDate(from.value, from.line, "collected.from"), checkDate(to.value, to.line, "collected.to")
        else { return nil }
        if to.value.prefix(from.value.utf8.count) < from.value.prefix(to.value.utf8.count) {
            add(.error, "invalid_value", to.line, "collected.to", "\(to.value) is before \(from.value)")
        }
        return ContributionManifest.CollectionPeriod(from: from.value, to: to.value)
    }

    private mutating func checkDate(_ text: String, _ line: Int?, _ key: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let widths = [4, 2, 2]
        let isWritten =
            (1...3).contains(parts.count)
            && parts.indices.allSatisfy { index in
                parts[index].utf8.count == widths[index] && parts[index].utf8.allSatisfy(\.isASCIIDigit)
            }
        let isDate = isWritten && Self.isInCalendar(parts.compactMap { Int($0) })
        if !isDate {
            add(
                .error, "invalid_value", line, key, "\"\(text)\" is no date",
                "write YYYY, YYYY-MM or YYYY-MM-DD")
        }
        return isDate
    }

    /// Whether there is a year, or a month or a day in it (Gregorian).
    private static func isInCalendar(_ date: [Int]) -> Bool {
        guard let year = date.first, year >= 1000 else { return false }
        guard date.count > 1 else { return true }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard days.indices.contains(date[1] - 1) else { return false }
        return date.count == 2 || (1...days[date[1] - 1]).contains(date[2])
    }

    // MARK: - Findings

    mutating func add(
        _ severity: Finding.Severity, _ code: String, _ line: Int?, _ key: String?, _ message: String,
        _ advice: String = ""
    ) {
        findings.append(Finding(severity, code, file: file, line: line, key: key, message, advice: advice))
    }
}
