import EDICJSON
import EDICNumerics
import EDICStore
import Synchronization
import SystemPackage

/// The digests of contributed files. A file whose size, times and inode are those of the last build is not read again.
final class InputDigests: Sendable {
    private struct Entry {
        var stamp: FileStamp
        var digest: Digest
    }

    private let path: FilePath
    private let known: Mutex<[String: Entry]>

    /// Loads what the last build knew; an index that cannot be read counts as empty.
    init(_ path: FilePath) {
        self.path = path
        var known: [String: Entry] = [:]
        if var reader = try? ByteReader(path), let bytes = try? reader.readAll(atMost: 1 << 30),
            let json = try? JSONValue(parsing: bytes.span), case .object(let files) = json
        {
            known.reserveCapacity(files.count)
            for (name, value) in files {
                guard let size = value[0]?.int, let modified = value[1]?.int, let device = value[2]?.int,
                    let inode = value[3]?.int, let digest = value[4]?.string.flatMap({ Digest(hex: $0) }),
                    let changed = value[5]?.int
                else { continue }
                let stamp = FileStamp(
                    size: size, modified: modified, changed: changed, device: UInt64(bitPattern: Int64(device)),
                    inode: UInt64(bitPattern: Int64(inode)))
                known[name] = Entry(stamp: stamp, digest: digest)
            }
        }
        self.known = Mutex(known)
    }

    /// What a file holds, and how many bytes that is.
    struct Known: Sendable {
        /// Nil where the file cannot be read.
        var digest: Digest?
        var stamp: FileStamp?

        var size: Int { stamp?.size ?? 0 }
    }

    /// The digests of `files`, in their order. Files are read in parallel.
    func digests(of files: [FilePath], pool: WorkerPool, shouldStop: @Sendable () -> Bool) throws -> [Known] {
        try pool.map(count: files.count) { index, _ in
            if shouldStop() { throw BuildError.stopped }
            return (try? known(files[index])) ?? Known()
        }
    }

    private func known(_ file: FilePath) throws(StoreError) -> Known {
        let stamp = try FileTree.stamp(of: file)
        let name = file.string
        if let entry = known.withLock({ $0[name] }), entry.stamp == stamp {
            return Known(digest: entry.digest, stamp: stamp)
        }
        let digest = try Digest.ofFile(file)
        known.withLock { $0[name] = Entry(stamp: stamp, digest: digest) }
        return Known(digest: digest, stamp: stamp)
    }

    /// Writes the index, for the files named only: those of withdrawn contributions are forgotten.
    func save(keeping files: [FilePath]) throws(StoreError) {
        let entries = known.withLock { $0 }
        var writer = JSONWriter()
        writer.beginObject()
        for name in Set(files.map(\.string)).sorted() {
            guard let entry = entries[name] else { continue }
            writer.key(name)
            writer.beginArray()
            writer.value(entry.stamp.size)
            writer.value(entry.stamp.modified)
            writer.value(Int64(bitPattern: entry.stamp.device))
            writer.value(Int64(bitPattern: entry.stamp.inode))
            writer.value(entry.digest.description)
            writer.value(entry.stamp.changed)
            writer.endArray()
        }
        writer.endObject()
        _ = try writeAtomically(writer.bytes.span, to: path)
    }
}
