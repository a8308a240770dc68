internal import Glibc
internal import SystemPackage

/// A file that is being written beside its final place, locked while its writer lives.
final class TemporaryFile {
    private let target: FilePath
    private let path: FilePath
    private let descriptor: FileDescriptor
    private var isCommitted = false

    /// What every temporary file's name ends in.
    static let suffix = ".edic-partial"

    init(for target: FilePath, permissions: FilePermissions) throws(StoreError) {
        guard let name = target.lastComponent?.string, name != ".", name != ".." else {
            throw StoreError(.invalidArgument, "\(target): is not a name for a file")
        }
        self.target = target
        let folder = target.removingLastComponent()
        // A long name is cut: names have 255 bytes at most.
        let stem = String(decoding: Array(name.utf8.prefix(60)), as: UTF8.self)
        while true {
            var random = SystemRandomNumberGenerator()
            let unique = String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
            let path = folder.appending(".\(stem).\(unique)\(Self.suffix)")
            do {
                let descriptor = try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions)
                if Self.claim(descriptor) {
                    self.descriptor = descriptor
                    self.path = path
                    return
                }
                try? descriptor.close()
            } catch let errno as Errno where errno == .fileExists {
                continue
            } catch let errno as Errno {
                throw StoreError(errno, doing: "create a file there", name: target.string)
            } catch {
                throw StoreError(.inputOutput, "\(target): cannot create a file there: \(error)", cause: error)
            }
        }
    }

    /// Locks a new file to say that its writer lives; false if somebody who removes stale files was faster.
    ///
    /// Where the file system has no locks, stale files stay until they are removed by hand.
    private static func claim(_ descriptor: FileDescriptor) -> Bool {
        if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK { return false }
        var status = Glibc.stat()
        return unsafe fstat(descriptor.rawValue, &status) != 0 || status.st_nlink > 0
    }

    deinit {
        try? descriptor.close()
        if !isCommitted { unsafe path.withPlatformString { _ = unsafe unlink($0) } }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        _ = try system("write", target.string) { try unsafe descriptor.writeAll(bytes) }
    }

    func commit(isDurable: Bool) throws(StoreError) {
        guard !isDurable || fsync(descriptor.rawValue) == 0 else {
            throw StoreError(Errno(rawValue: errno), doing: "flush to the disk", name: target.string)
        }
        let renamed = unsafe path.withPlatformString { from in
            unsafe target.withPlatformString { to in unsafe rename(from, to) }
        }
        guard renamed == 0 else {
            throw StoreError(Errno(rawValue: errno), doing: "give the finished file its name", name: target.string)
        }
        isCommitted = true
        if isDurable { try FileTree.flushFolder(target.removingLastComponent()) }
    }
}
