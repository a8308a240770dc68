internal import Glibc
internal import SystemPackage

/// A file descriptor with a name for messages, closed when its last user is gone.
///
/// Reading at an offset does not move a position, so one `OpenFile` serves many readers and threads.
final class OpenFile: Sendable {
    let descriptor: FileDescriptor
    let name: String
    private let closes: Bool

    /// Opens a file for reading.
    init(reading path: FilePath) throws(StoreError) {
        let name = path.string
        let descriptor = try system("open", name) { try FileDescriptor.open(path, .readOnly, options: .closeOnExec) }
        self.descriptor = descriptor
        self.name = name
        closes = true
        // Opening a folder succeeds; only reading it fails, with a message nobody understands.
        if try status().st_mode & S_IFMT == S_IFDIR {
            throw StoreError(.notFound, "\(name): is a folder; give a file")
        }
    }

    /// Wraps a descriptor, for instance standard input. It stays open unless `closes`.
    init(_ descriptor: FileDescriptor, name: String, closes: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.closes = closes
    }

    deinit {
        if closes { try? descriptor.close() }
    }

    func status() throws(StoreError) -> Glibc.stat {
        var status = Glibc.stat()
        guard unsafe fstat(descriptor.rawValue, &status) == 0 else {
            throw StoreError(Errno(rawValue: errno), doing: "read the status of the file", name: name)
        }
        return status
    }

    /// The size in bytes at this moment.
    func size() throws(StoreError) -> Int { Int(try status().st_size) }

    /// Reads up to the buffer's size from the current position; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        try system("read", name) { try unsafe descriptor.read(into: buffer) }
    }

    /// Fills the whole buffer from `offset` on, or throws.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) {
        var done = 0
        while done < buffer.count {
            let count = try system("read", name) {
                try unsafe descriptor.read(
                    fromAbsoluteOffset: Int64(offset + done),
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
            }
            guard count > 0 else {
                throw StoreError(
                    .truncated,
                    "\(name): ends at byte \(offset + done), but \(buffer.count) bytes were expected from byte \(offset)"
                )
            }
            done += count
        }
    }

    /// `count` bytes from `offset` on. The caller has checked that the file is that long.
    func bytes(at offset: Int, count: Int) throws(StoreError) -> [UInt8] {
        let buffer = RawBuffer(count: count)
        try unsafe read(at: offset, into: buffer.slice(0, count))
        return unsafe Array(buffer.slice(0, count))
    }
}
