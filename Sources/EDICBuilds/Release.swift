import EDICJSON
import EDICStore
public import SystemPackage

/// The files that a build publishes, by their path in the release.
///
/// The root hash is SHA-256 over the lines `DIGEST␣␣PATH`, sorted by path, of all files but the two reports: those hold
/// times. It is what `sha256sum` over the sorted output of `sha256sum` on the files would give.
struct Release: Sendable {
    static let manifestName = "manifest.json"

    private(set) var files: [String: ObjectReference] = [:]

    mutating func add(_ path: String, _ object: ObjectReference) { files[path] = object }

    var sortedFiles: [(path: String, object: ObjectReference)] {
        files.sorted { $0.key < $1.key }.map { (path: $0.key, object: $0.value) }
    }

    var bytes: Int { files.values.reduce(0) { $0 + $1.size } }

    var rootHash: Digest {
        var builder = Digest.Builder()
        for file in sortedFiles { builder.update("\(file.object.digest)  \(file.path)\n") }
        return builder.finalize()
    }

    /// `manifest.json`: path, digest and size of every file, for those who fetch a release piece by piece.
    var manifest: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("root_hash", rootHash.description)
        writer.key("files")
        writer.beginArray()
        for file in sortedFiles {
            writer.beginObject()
            writer.member("path", file.path)
            writer.member("sha256", file.object.digest.description)
            writer.member("bytes", file.object.size)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }

    /// Lays out the release in a folder of its own and points `current` to it; until that moment readers see the last
    /// one. Files are links to the object store, so that releases share what they have in common.
    func publish(_ report: BuildReport, in folders: BuildFolders, objects: ObjectStore) throws -> FilePath {
        let root = rootHash
        let final = folders.release(root)
        let making = folders.scratch.appending("release")
        try FileTree.remove(making)
        for file in sortedFiles {
            let path = making.appending(file.path)
            try FileTree.createFolders(path.removingLastComponent())
            try FileTree.linkOrCopy(objects.path(of: file.object), to: path)
        }
        try FileTree.createFolders(making)
        _ = try writeAtomically(manifest.span, to: making.appending(Self.manifestName))
        try write(report, in: making)
        if FileTree.exists(final) {
            // The same outputs as an earlier release: only the reports differ.
            try write(report, in: final)
        } else {
            try FileTree.createFolders(folders.releases)
            try FileTree.rename(making, to: final)
        }
        try FileTree.replaceLink(folders.current, target: folders.releaseLink(root))
        return final
    }

    private func write(_ report: BuildReport, in folder: FilePath) throws {
        _ = try writeAtomically(report.jsonText, to: folder.appending(ReportFile.json))
        _ = try writeAtomically(ReportPage(report).render(), to: folder.appending(ReportFile.html))
    }
}

/// The reports of a release.
public enum ReportFile {
    /// The name of the report as numbers.
    public static let json = "report.json"
    /// The name of the report as a page.
    public static let html = "report.html"

    /// Reads the numbers of a report back.
    public static func read(_ path: FilePath) throws(BuildError) -> BuildReport {
        let json: JSONValue
        do {
            json = try parse(path)
        } catch {
            throw BuildError(.missingInput, "\(path): cannot be read: \(error)", cause: error)
        }
        guard let report = BuildReport(json: json) else {
            throw BuildError(.missingInput, "\(path): is not the report of a build")
        }
        return report
    }

    private static func parse(_ path: FilePath) throws -> JSONValue {
        var reader = try ByteReader(path)
        let bytes = try reader.readAll(atMost: 256 << 20)
        return try JSONValue(parsing: bytes.span)
    }
}
