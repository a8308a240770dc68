internal import EDICStore
public import SystemPackage

/// A folder with a manifest: what an institute sends.
public struct Contribution: Sendable, Equatable {
    /// The contribution's folder.
    public let directory: FilePath
    /// What its `contribution.yaml` says.
    public let manifest: ContributionManifest

    public init(directory: FilePath, manifest: ContributionManifest) {
        self.directory = directory
        self.manifest = manifest
    }

    /// Opens the contribution in a folder; the path of the manifest itself will do too.
    ///
    /// - Throws: ``CorporaError`` with the first thing that is wrong with the manifest, and how many more there are.
    public static func open(_ path: FilePath) throws(CorporaError) -> Contribution {
        let directory = folder(path)
        let opened = inspect(directory)
        if let manifest = opened.manifest { return Contribution(directory: directory, manifest: manifest) }
        let errors = opened.findings.filter { $0.severity == .error }
        let more = errors.count > 1 ? " (and \(errors.count - 1) more; run `edic check \(directory)`)" : ""
        let isMissing = errors.first?.code == "no_manifest"
        throw CorporaError(
            isMissing ? .unreadable : .invalidManifest,
            "\(directory.string)/\(errors.first?.description ?? "no manifest")\(more)")
    }

    /// The folder of a contribution named by itself or by its manifest.
    static func folder(_ path: FilePath) -> FilePath {
        path.lastComponent?.string == ContributionManifest.fileName ? path.removingLastComponent() : path
    }

    /// Reads the manifest in a folder with all that is wrong with it.
    static func inspect(_ directory: FilePath) -> (manifest: ContributionManifest?, findings: [Finding]) {
        let name = ContributionManifest.fileName
        let path = directory.appending(name)
        // Who opens a pipe waits until somebody writes into it.
        guard FileTree.kind(of: path) != .other else {
            return (
                nil, [Finding(.error, "irregular_manifest", file: name, "is no file", advice: "write one in its place")]
            )
        }
        do {
            var reader = try ByteReader(path)
            let bytes = try reader.readAll(atMost: 2 << 20)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                let line = 1 + bytes.prefix(firstInvalid(bytes)).count { $0 == 0x0A }
                return (
                    nil,
                    [
                        Finding(
                            .error, "invalid_encoding", file: name, line: line, "not UTF-8", advice: "save it as UTF-8")
                    ]
                )
            }
            return ContributionManifest.read(yaml: text, file: name)
        } catch  where error.code == .limitExceeded {
            let message = error.message(without: path.string)
            return (nil, [Finding(.error, "long_manifest", file: name, message, advice: "name files by patterns")])
        } catch {
            let isThere = error.code != .notFound
            let message = isThere ? "cannot be read: \(error.message(without: path.string))" : "is not there"
            let advice =
                isThere ? "see who may read it, and its disk" : "write one, or start with `edic init \(directory)`"
            return (nil, [Finding(.error, "no_manifest", file: name, message, advice: advice)])
        }
    }

    private static func firstInvalid(_ bytes: [UInt8]) -> Int {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return bytes.count
        } catch {
            return error.byteOffsets.lowerBound
        }
    }

    /// Whether a folder means to be a contribution: it has a manifest, or cannot be looked into.
    public static func isClaimed(by folder: FilePath) -> Bool {
        !FileTree.isMissing(folder.appending(ContributionManifest.fileName))
    }

    /// The files of the contribution, and what does not fit.
    public struct Listing: Sendable, Equatable {
        /// What to read, in the order of the manifest's entries and then by name.
        public var files: [ContributionFile] = []
        /// Entries of the manifest for which there is no file.
        public var missing: [FileSpecification] = []
        /// Files that no entry of the manifest covers.
        public var unlisted: [String] = []
        /// Files in languages that the manifest does not declare, by the `{language}` of their pattern.
        public var undeclared: [String] = []
        /// Files that two entries cover: the first one counts.
        public var repeated: [String] = []
        /// Links, pipes and devices, which are not read.
        public var irregular: [String] = []
        /// Folders that cannot be listed, so that what is in them is not known.
        public var unreadable: [Unreadable] = []

        /// A folder that cannot be listed.
        public struct Unreadable: Sendable, Equatable {
            /// The path inside the contribution.
            public var name: String
            /// Why.
            public var message: String

            public init(name: String, message: String) {
                self.name = name
                self.message = message
            }
        }
    }

    /// Finds the files in the folder. Links are not followed: they could lead out of it.
    ///
    /// - Throws: where the folder cannot be listed. One inside it that cannot is in the listing.
    public func listing() throws(CorporaError) -> Listing {
        let contents: FileTree.Contents
        do {
            contents = try FileTree.contents(of: directory)
        } catch {
            throw CorporaError(.unreadable, error.message, cause: error)
        }
        var listing = Listing()
        let files = contents.files.map { (name: name(of: $0), path: $0) }
            .filter { $0.name != ContributionManifest.fileName }
        // By path, not by name: names that look alike are different files.
        var taken: Set<FilePath> = []
        var undeclared: Set<FilePath> = []
        for specification in manifest.files {
            list(specification, files, &taken, &undeclared, &listing)
        }
        listing.unlisted = files.filter {
            !taken.contains($0.path) && !undeclared.contains($0.path) && !Self.isIgnored($0.name)
        }.map(\.name)
        listing.irregular = contents.others.map(name)
            .filter { $0 != ContributionManifest.fileName && !Self.isIgnored($0) }
        listing.unreadable = contents.unreadable.map { folder, error in
            Listing.Unreadable(name: name(of: folder), message: error.message(without: folder.string))
        }
        return listing
    }

    /// The name of something in the folder.
    private func name(of path: FilePath) -> String {
        var relative = path
        return relative.removePrefix(directory) ? relative.string : path.string
    }

    /// Files that may lie in any folder.
    private static func isIgnored(_ name: String) -> Bool {
        guard let last = name.split(separator: "/").last else { return true }
        let lower = last.lowercased()
        return last.hasPrefix(".") || lower.hasPrefix("readme") || lower.hasPrefix("licen")
            || lower.hasPrefix("copying")
            || lower == "copyright"
    }

    private func list(
        _ specification: FileSpecification, _ files: [(name: String, path: FilePath)], _ taken: inout Set<FilePath>,
        _ undeclared: inout Set<FilePath>, _ listing: inout Listing
    ) {
        let patterns = specification.patterns.map { PathPattern($0) }
        var groups: [(name: String, parts: [ContributionFile.Part])] = []
        var places: [String: Int] = [:]
        var found = false
        for (name, path) in files {
            guard let match = patterns.lazy.compactMap({ $0.match(name) }).first else { continue }
            found = true
            var language: String?
            if let raw = match.language {
                guard let tag = declaredLanguage(raw, specification) else {
                    if !taken.contains(path), undeclared.insert(path).inserted { listing.undeclared.append(name) }
                    continue
                }
                language = tag
            }
            guard taken.insert(path).inserted else {
                listing.repeated.append(name)
                continue
            }
            let part = ContributionFile.Part(path: path, name: name, language: language)
            if specification.format == .moses {
                if let place = places[match.group] {
                    groups[place].parts.append(part)
                } else {
                    places[match.group] = groups.count
                    groups.append((match.group, [part]))
                }
            } else {
                groups.append((name, [part]))
            }
        }
        if !found { listing.missing.append(specification) }
        for group in groups {
            listing.files.append(
                ContributionFile(
                    contribution: manifest.id, name: group.name,
                    parts: group.parts.sorted { ($0.language ?? "", $0.name) < ($1.language ?? "", $1.name) },
                    specification: specification, languages: manifest.languages))
        }
    }

    private func declaredLanguage(_ raw: String, _ specification: FileSpecification) -> String? {
        let declared = specification.languages.isEmpty ? manifest.languages : specification.languages
        var matcher = LanguageMatcher(declared: declared, fallback: nil)
        return matcher.resolve(raw)
    }
}

/// A file of a contribution, or several that belong together, and how to read it.
public struct ContributionFile: Sendable, Equatable {
    /// One file on the disk.
    public struct Part: Sendable, Equatable {
        /// Where it lies.
        public var path: FilePath
        /// The path inside the contribution.
        public var name: String
        /// The language that its path names.
        public var language: String?

        public init(path: FilePath, name: String, language: String? = nil) {
            self.path = path
            self.name = name
            self.language = language
        }
    }

    /// The id of the contribution.
    public var contribution: String
    /// The path inside the contribution; for Moses files, with `{language}` in place of the languages.
    public var name: String
    /// One file; two or more for Moses files.
    public var parts: [Part]
    /// The entry of the manifest that names it.
    public var specification: FileSpecification
    /// The languages that the contribution declares.
    public var languages: [String]

    public init(
        contribution: String, name: String, parts: [Part], specification: FileSpecification, languages: [String]
    ) {
        self.contribution = contribution
        self.name = name
        self.parts = parts
        self.specification = specification
        self.languages = languages
    }
}
