internal import EDICStore
public import SystemPackage

extension ContributionManifest {
    /// A manifest to start from: every key with what it is for. `edic init` writes it.
    ///
    /// - Parameters:
    ///   - id: the id to put in.
    ///   - files: entries for files that are there already: path and format.
    public static func scaffold(id: String, files: [(path: String, format: FileFormat)] = []) -> String {
        let entries = files.isEmpty ? [("texts/*.txt", FileFormat.text)] : files
        let list = entries.map { path, format in
            """
              - path: \(quoted(path))
                format: \(format.rawValue)

            """
        }.joined()
        return """
            # What is in this folder, for those who build from it. Lines that begin with # are notes.

            id: \(quoted(id))                       # lower-case letters, digits, - _ .
            title: Title of the collection
            provider: Name of the institute
            member_state: EU                    # ISO 3166-1, two letters; EU for bodies of the Union
            languages: [en]                     # BCP 47: de, pt-BR, sr-Latn
            licence: CC-BY-4.0                  # an SPDX expression, or LicenseRef-NAME
            legal_basis: own-work               # own-work, public-domain, licence, consent, cdsm-article-3, …
            personal_data: unknown              # none, public-officials, pseudonymised, present, unknown
            collected: {from: 2024-01, to: 2024-12-31}
            domain: parliament                  # what the texts are about

            # Paths may hold *, ** and {language}. Formats: \(FileFormat.allCases.map(\.rawValue).joined(separator: ", ")).
            # Further keys: language, languages, encoding; unit (text, conllu: file, line, paragraph); columns and header
            # (tsv); text_field, language_field, id_field, metadata (jsonl); source_language, include_fuzzy (po, mo).
            files:
            \(list)
            """
    }

    /// The text as YAML, in quotes where it needs them.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte.isASCIIDigit || (0x61...0x7A ~= byte) || (0x41...0x5A ~= byte) || "-_./".utf8.contains(byte)
        }
        if isPlain, let first = text.utf8.first, (0x61...0x7A ~= first) || (0x41...0x5A ~= first) { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

extension Contribution {
    /// Makes a manifest to start from in a folder, with entries for the files there whose format can be told.
    ///
    /// - Returns: the path of the manifest.
    /// - Throws: ``CorporaError`` with code `alreadyExists` where there is one, `unwritable` where none can be made.
    public static func scaffold(in directory: FilePath) throws(CorporaError) -> FilePath {
        let path = directory.appending(ContributionManifest.fileName)
        guard !FileTree.exists(path) else {
            throw CorporaError(.alreadyExists, "\(path): there is a manifest already; `edic check` says what it lacks")
        }
        do {
            try FileTree.createFolders(directory)
            var files: [(path: String, format: FileFormat)] = []
            for file in try FileTree.files(under: directory) {
                var relative = file
                guard relative.removePrefix(directory), let format = format(ofFileNamed: relative.string) else {
                    continue
                }
                files.append((relative.string, format))
            }
            let text = ContributionManifest.scaffold(id: identifier(of: directory), files: files)
            _ = try writeAtomically(text, to: path)
        } catch {
            throw CorporaError(.unwritable, "\(path): cannot be written: \(error)", cause: error)
        }
        return path
    }

    /// The folder's name in the letters of an id.
    private static func identifier(of directory: FilePath) -> String {
        let name = (directory.lastComponent?.string ?? "").lowercased()
        let letters = name.unicodeScalars.prefix(64).map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains(scalar))
                ? Character(scalar) : "-"
        }
        let id = String(letters.drop { $0 == "-" || $0 == "_" || $0 == "." })
        return id.isEmpty ? "contribution" : id
    }

    private static func format(ofFileNamed name: String) -> FileFormat? {
        var parts = name.lowercased().split(separator: ".").map(String.init)
        if let last = parts.last, ["gz", "zst", "xz"].contains(last) { parts.removeLast() }
        guard parts.count > 1, let suffix = parts.last else { return nil }
        switch suffix {
        case "txt": return .text
        case "htm", "xhtml": return .html
        case "ndjson": return .jsonl
        case "xml": return .tei
        default: return FileFormat(rawValue: suffix)
        }
    }
}
