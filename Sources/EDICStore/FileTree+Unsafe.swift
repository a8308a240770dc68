internal import CSystemLibC
internal import Glibc
public import SystemPackage

/// What tells cheaply whether a file changed since it was last seen: its size, time, device and inode.
public struct FileStamp: Hashable, Sendable {
    /// In bytes.
    public var size: Int
    /// Nanoseconds since 1970 of the last change of the content.
    public var modified: Int
    /// The same of the content, the rights or the name: a time that no program sets, though many set the one above.
    public var changed: Int
    /// The device that the file is on.
    public var device: UInt64
    /// Its number there.
    public var inode: UInt64

    public init(size: Int, modified: Int, changed: Int, device: UInt64, inode: UInt64) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.device = device
        self.inode = inode
    }
}

/// What is at a path.
public enum FileKind: Sendable, Hashable {
    case file, folder, symbolicLink
    /// A pipe, a socket or a device.
    case other
}

/// Files, folders and links by path. Every list is sorted by the bytes of the names, so that results do not depend on
/// the file system.
public enum FileTree {
    /// What is at `path`, or nil if nothing is or it cannot be looked at. A link is not followed unless asked.
    public static func kind(of path: FilePath, followingLinks: Bool = true) -> FileKind? {
        guard let status = status(path, followingLinks: followingLinks) else { return nil }
        return kind(status)
    }

    /// Whether there is something at `path`; what a link leads to counts.
    public static func exists(_ path: FilePath) -> Bool { kind(of: path) != nil }

    /// Whether it is sure that nothing is at `path`: what cannot be looked at may be there, and so is a link that leads
    /// nowhere.
    public static func isMissing(_ path: FilePath) -> Bool {
        status(path, followingLinks: false) == nil && nothingWasThere
    }

    /// Whether the look that has just failed found that there is nothing.
    private static var nothingWasThere: Bool { errno == ENOENT || errno == ENOTDIR }

    /// Whether `path` is a folder, or a link to one.
    public static func isFolder(_ path: FilePath) -> Bool { kind(of: path) == .folder }

    /// The stamp of the file that `path` leads to, links followed.
    public static func stamp(of path: FilePath) throws(StoreError) -> FileStamp {
        guard let status = status(path, followingLinks: true) else {
            throw StoreError(Errno(rawValue: errno), doing: "look at it", name: path.string)
        }
        // A file may claim any year; beyond 2262 all are the same.
        func nanoseconds(_ time: timespec) -> Int {
            let (seconds, isFar) = Int(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
            if isFar { return time.tv_sec < 0 ? .min : .max }
            let (all, isBeyond) = seconds.addingReportingOverflow(Int(time.tv_nsec))
            return isBeyond ? .max : all
        }
        return FileStamp(
            size: Int(status.st_size), modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim),
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// The names in a folder, sorted by their bytes, without `.` and `..`. Bytes that are not UTF-8 are replaced.
    public static func names(in folder: FilePath) throws(StoreError) -> [String] {
        try entries(in: folder).map { $0.string }
    }

    /// The names in a folder as they are, whatever their bytes, in the order of these.
    public static func entries(in folder: FilePath) throws(StoreError) -> [FilePath.Component] {
        try listing(of: folder).map(\.component)
    }

    private struct Entry {
        var bytes: [CChar]
        var component: FilePath.Component
        /// Nil where the file system does not tell it with the name.
        var kind: FileKind?
    }

    private static func listing(of folder: FilePath) throws(StoreError) -> [Entry] {
        guard let stream = unsafe folder.withPlatformString({ unsafe opendir($0) }) else {
            throw StoreError(Errno(rawValue: errno), doing: "list the folder", name: folder.string)
        }
        defer { unsafe closedir(stream) }
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else {
                    throw StoreError(Errno(rawValue: errno), doing: "list the folder", name: folder.string)
                }
                break
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe Array(raw.bindMemory(to: CChar.self).prefix { $0 != 0 }) + [0]
            }
            guard let component = FilePath.Component(platformString: name), component.kind == .regular else { continue }
            entries.append(Entry(bytes: name, component: component, kind: unsafe kind(entry.pointee.d_type)))
        }
        entries.sort { left, right in
            left.bytes.lexicographicallyPrecedes(right.bytes) { UInt8(bitPattern: $0) < UInt8(bitPattern: $1) }
        }
        return entries
    }

    private static func kind(_ type: UInt8) -> FileKind? {
        switch Int(type) {
        case Int(DT_REG): .file
        case Int(DT_DIR): .folder
        case Int(DT_LNK): .symbolicLink
        case Int(DT_UNKNOWN): nil
        default: .other
        }
    }

    /// All files below a folder as paths that begin with it, in the order of their bytes. Links to files count as
    /// files; links to folders are not entered, so that a loop of links ends.
    public static func files(under folder: FilePath) throws(StoreError) -> [FilePath] {
        var found: [FilePath] = []
        try walk(folder) { path, kind in
            if kind == .file || kind == .symbolicLink && self.kind(of: path) == .file { found.append(path) }
        } onFailure: { (_, error) throws(StoreError) in
            throw error
        }
        return found
    }

    /// What lies below a folder, also where some of it cannot be looked into.
    public struct Contents: Sendable {
        /// Files that are no links, in the order of their bytes.
        public var files: [FilePath] = []
        /// Links, pipes, sockets and devices.
        public var others: [FilePath] = []
        /// Folders that cannot be listed, and why.
        public var unreadable: [(folder: FilePath, error: StoreError)] = []
    }

    /// What lies below a folder as paths that begin with it. Links are not followed.
    ///
    /// - Throws: where the folder itself cannot be listed. One below it that cannot is among the contents.
    public static func contents(of folder: FilePath) throws(StoreError) -> Contents {
        var contents = Contents()
        try walk(folder) { path, kind in
            if kind == .file { contents.files.append(path) } else { contents.others.append(path) }
        } onFailure: { (path, error) throws(StoreError) in
            if path == folder { throw error }
            contents.unreadable.append((path, error))
        }
        return contents
    }

    /// Calls `visit` with all that lies below a folder but folders, in the order of its bytes, and `onFailure` with
    /// the folders that cannot be listed.
    private static func walk(
        _ folder: FilePath, visit: (FilePath, FileKind) -> Void,
        onFailure: (FilePath, StoreError) throws(StoreError) -> Void
    ) throws(StoreError) {
        let entries: [Entry]
        do {
            entries = try listing(of: folder)
        } catch {
            return try onFailure(folder, error)
        }
        for entry in entries {
            let path = folder.appending(entry.component)
            switch entry.kind ?? kind(of: path, followingLinks: false) {
            case .folder: try walk(path, visit: visit, onFailure: onFailure)
            case .some(let kind): visit(path, kind)
            // It went away meanwhile.
            case nil: break
            }
        }
    }

    /// Creates a folder and those above it that are missing. It is no error if it exists.
    public static func createFolders(_ path: FilePath) throws(StoreError) {
        if path.isEmpty || isFolder(path) { return }
        let parent = path.removingLastComponent()
        if parent != path { try createFolders(parent) }
        let result = unsafe path.withPlatformString { unsafe mkdir($0, 0o777) }
        let code = errno
        // Another process may have made it meanwhile.
        guard result == 0 || (code == EEXIST && isFolder(path)) else {
            throw StoreError(Errno(rawValue: code), doing: "create the folder", name: path.string)
        }
    }

    /// Removes a file, a link or a folder with all it holds. Links are removed, never followed. It is no error if
    /// nothing is there.
    public static func remove(_ path: FilePath) throws(StoreError) {
        guard let kind = kind(of: path, followingLinks: false) else {
            if nothingWasThere { return }
            throw StoreError(Errno(rawValue: errno), doing: "look at it", name: path.string)
        }
        if kind == .folder {
            for name in try entries(in: path) { try remove(path.appending(name)) }
        }
        let result = unsafe path.withPlatformString { kind == .folder ? unsafe rmdir($0) : unsafe unlink($0) }
        guard result == 0 || errno == ENOENT else {
            throw StoreError(Errno(rawValue: errno), doing: "remove it", name: path.string)
        }
    }

    /// Where a finished file is to be put: at `path`, or where a symbolic link there leads.
    ///
    /// - Throws: `invalidArgument` where something is that a file would replace and should not, such as a device or a pipe.
    public static func placeToReplace(_ path: FilePath) throws(StoreError) -> FilePath {
        guard let kind = kind(of: path) else { return path }
        guard kind == .file else {
            throw StoreError(
                .invalidArgument, "\(path): is no regular file, and would be replaced by one; give another name")
        }
        guard self.kind(of: path, followingLinks: false) == .symbolicLink else { return path }
        let real = unsafe path.withPlatformString { unsafe realpath($0, nil) }
        guard let real = unsafe real else {
            throw StoreError(Errno(rawValue: errno), doing: "follow the link", name: path.string)
        }
        defer { unsafe free(real) }
        return unsafe FilePath(platformString: real)
    }

    /// Renames a file or a folder, replacing a file of the new name at once.
    ///
    /// - Parameter isDurable: false to leave it to the system when the new name reaches the disk.
    public static func rename(_ old: FilePath, to new: FilePath, isDurable: Bool = true) throws(StoreError) {
        let result = unsafe old.withPlatformString { from in
            unsafe new.withPlatformString { to in unsafe Glibc.rename(from, to) }
        }
        guard result == 0 else {
            throw StoreError(Errno(rawValue: errno), doing: "rename it to \(new)", name: old.string)
        }
        if isDurable { try flushFolder(new.removingLastComponent()) }
    }

    /// Who may do what with the file that `path` leads to.
    public static func permissions(of path: FilePath) throws(StoreError) -> FilePermissions {
        guard let status = status(path, followingLinks: true) else {
            throw StoreError(Errno(rawValue: errno), doing: "look at it", name: path.string)
        }
        return FilePermissions(rawValue: status.st_mode & 0o7777)
    }

    /// Takes away everybody's permission to write to a file.
    public static func makeReadOnly(_ file: FilePath) throws(StoreError) {
        guard let status = status(file, followingLinks: true),
            unsafe file.withPlatformString({ unsafe chmod($0, status.st_mode & 0o555) }) == 0
        else { throw StoreError(Errno(rawValue: errno), doing: "make it read-only", name: file.string) }
    }

    /// Waits until all that was written on the file system that holds a folder is on its disk: one wait in place of one
    /// for each file. Other file systems of the machine are left alone.
    public static func flushFileSystem(holding folder: FilePath) throws(StoreError) {
        let descriptor = try system("open the folder", folder.string) {
            try FileDescriptor.open(folder, .readOnly, options: [.directory, .closeOnExec])
        }
        defer { try? descriptor.close() }
        guard syncfs(descriptor.rawValue) == 0 else {
            throw StoreError(Errno(rawValue: errno), doing: "flush its file system to the disk", name: folder.string)
        }
    }

    /// Gives a file a second name; copies it where the file system has no such links.
    public static func linkOrCopy(_ file: FilePath, to new: FilePath) throws(StoreError) {
        let result = unsafe file.withPlatformString { from in
            unsafe new.withPlatformString { to in unsafe link(from, to) }
        }
        if result == 0 { return }
        let source = try OpenFile(reading: file)
        let buffer = RawBuffer(count: 1 << 18)
        var copy = try AtomicFile(new)
        while true {
            let count = try unsafe source.read(into: buffer.bytes)
            if count == 0 { break }
            try unsafe UnsafeRawBufferPointer(buffer.slice(0, count)).withByteSpan { (bytes) throws(StoreError) in
                try copy.write(bytes)
            }
        }
        _ = try copy.commit()
    }

    /// Makes `link` a symbolic link to `target`, replacing a link of this name at once: a reader sees the old target
    /// or the new one.
    public static func replaceLink(_ link: FilePath, target: FilePath) throws(StoreError) {
        if let kind = kind(of: link, followingLinks: false), kind != .symbolicLink {
            throw StoreError(.invalidArgument, "\(link): is not a link, so it is not replaced by one; move it away")
        }
        let folder = link.removingLastComponent()
        var random = SystemRandomNumberGenerator()
        let unique = String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
        let temporary = folder.appending(".link.\(unique)\(TemporaryFile.suffix)")
        let made = unsafe target.withPlatformString { to in
            unsafe temporary.withPlatformString { at in unsafe symlink(to, at) }
        }
        guard made == 0 else { throw StoreError(Errno(rawValue: errno), doing: "make a link", name: link.string) }
        do {
            try rename(temporary, to: link)
        } catch {
            unsafe temporary.withPlatformString { _ = unsafe unlink($0) }
            throw error
        }
    }

    /// Bytes that this process may still write on the file system that holds `path`.
    public static func freeSpace(at path: FilePath) throws(StoreError) -> Int {
        var status = Glibc.statvfs()
        let result = unsafe path.withPlatformString { unsafe statvfs($0, &status) }
        guard result == 0 else {
            throw StoreError(Errno(rawValue: errno), doing: "ask for the free space", name: path.string)
        }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// Removes the temporary files in a folder that killed writers left behind, and returns how many. Files that a
    /// living process still writes are locked and stay.
    @discardableResult
    public static func removeStaleTemporaries(in folder: FilePath) throws(StoreError) -> Int {
        var removed = 0
        for name in try names(in: folder) where name.hasPrefix(".") && name.hasSuffix(TemporaryFile.suffix) {
            let path = folder.appending(name)
            if kind(of: path, followingLinks: false) == .file {
                guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else {
                    continue
                }
                defer { try? descriptor.close() }
                guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else { continue }
            }
            if unsafe path.withPlatformString({ unsafe unlink($0) }) == 0 { removed += 1 }
        }
        return removed
    }

    /// Waits until the names in a folder are on the disk.
    static func flushFolder(_ folder: FilePath) throws(StoreError) {
        let folder = folder.isEmpty ? FilePath(".") : folder
        let descriptor = try system("open the folder", folder.string) {
            try FileDescriptor.open(folder, .readOnly, options: [.directory, .closeOnExec])
        }
        defer { try? descriptor.close() }
        // Some network file systems refuse to flush a folder and keep the order by themselves.
        guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else {
            throw StoreError(Errno(rawValue: errno), doing: "flush the folder to the disk", name: folder.string)
        }
    }

    private static func kind(_ status: Glibc.stat) -> FileKind {
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .symbolicLink
        default: .other
        }
    }

    private static func status(_ path: FilePath, followingLinks: Bool) -> Glibc.stat? {
        var status = Glibc.stat()
        let result = unsafe path.withPlatformString {
            followingLinks ? unsafe stat($0, &status) : unsafe lstat($0, &status)
        }
        return result == 0 ? status : nil
    }
}
