import EDICJSON
import EDICStore
public import SystemPackage

/// The outcome of comparing every file of a release with the release's manifest, and the manifest with its root hash.
public struct ReleaseVerification: Sendable {
    /// A file that is not what the manifest says.
    public struct Problem: Sendable, Equatable {
        /// The path in the release.
        public var path: String
        /// One line that names the file.
        public var message: String
    }

    /// What is not as the manifest says.
    public private(set) var problems: [Problem] = []
    /// Files looked at, and the bytes that they have.
    public private(set) var files = 0
    public private(set) var bytes = 0
    /// As the manifest says it, 64 hexadecimal digits.
    public private(set) var rootHash = ""
    /// Whether every file was looked at; not so when the caller ended it early.
    public private(set) var isComplete = false

    /// Whether every file was looked at and is as the manifest says.
    public var isSound: Bool { isComplete && problems.isEmpty }

    /// Whether there is the manifest of a release in a folder.
    public static func isRelease(_ folder: FilePath) -> Bool { FileTree.exists(folder.appending(Release.manifestName)) }

    /// Reads every file of the release once.
    ///
    /// - Parameter progress: called before each file; returning false stops with what was found so far.
    /// - Throws: ``BuildError`` if there is no manifest that can be read. Damage is not thrown.
    public init(of folder: FilePath, progress: (_ path: String) -> Bool = { _ in true }) throws(BuildError) {
        let manifest = folder.appending(Release.manifestName)
        let text: [UInt8]
        do {
            var reader = try ByteReader(manifest)
            text = try reader.readAll(atMost: 256 << 20)
        } catch {
            throw BuildError(.missingInput, "\(manifest): cannot be read: \(error)", cause: error)
        }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: text.span)
        } catch {
            throw BuildError(.damaged, "\(manifest): is no JSON: \(error)", cause: error)
        }
        guard let root = json["root_hash"]?.string, case .array(let entries)? = json["files"] else {
            throw BuildError(.damaged, "\(manifest): is no manifest of a release")
        }
        rootHash = root
        var release = Release()
        for entry in entries {
            guard let path = entry["path"]?.string, let size = entry["bytes"]?.int, size >= 0,
                let digest = entry["sha256"]?.string.flatMap({ Digest(hex: $0) })
            else {
                throw BuildError(.damaged, "\(manifest): is no manifest of a release")
            }
            // What lies elsewhere is no part of the release, and nobody's to be read.
            guard FilePath(path).isRelative, !FilePath(path).components.contains(where: { $0.kind == .parentDirectory })
            else {
                throw BuildError(.damaged, "\(manifest): names \(path), which is not within the release")
            }
            release.add(path, ObjectReference(digest: digest, size: size))
        }
        if release.rootHash.description != root {
            add(Release.manifestName, "\(manifest): its files do not add up to the root hash that it names")
        }
        for file in release.sortedFiles {
            guard progress(file.path) else { return }
            files += 1
            look(at: file.path, file.object, in: folder)
        }
        isComplete = true
    }

    private mutating func look(at path: String, _ object: ObjectReference, in folder: FilePath) {
        let place = folder.pushing(FilePath(path))
        do {
            let size = try FileTree.stamp(of: place).size
            bytes += size
            guard size == object.size else {
                return add(path, "\(place): has \(size) bytes, the manifest says \(object.size)")
            }
            let digest = try Digest.ofFile(place)
            if digest != object.digest {
                add(path, "\(place): has the SHA-256 \(digest), the manifest says \(object.digest)")
            }
        } catch {
            add(path, error.message)
        }
    }

    private mutating func add(_ path: String, _ message: String) {
        problems.append(Problem(path: path, message: message))
    }
}
