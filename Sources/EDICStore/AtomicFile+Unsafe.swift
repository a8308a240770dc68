internal import Glibc
public import SystemPackage

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same folder. `commit()` flushes it to the disk, renames it over `path` and
/// flushes the folder, so a reader sees the old file or the new one, whenever the machine stops. A file that is not
/// committed is removed when it goes out of scope; after `kill -9` its temporary file is left behind, unlocked, for
/// `FileTree.removeStaleTemporaries(in:)`.
public struct AtomicFile: ~Copyable {
    /// What `commit()` wrote.
    public struct Written: Sendable, Hashable {
        /// The size in bytes.
        public let count: Int
        /// The SHA-256 of the bytes.
        public let digest: Digest
    }

    /// The name the file will have.
    public let path: FilePath
    /// Bytes written so far.
    public private(set) var count = 0

    private let isDurable: Bool
    private let temporary: TemporaryFile
    private let buffer: RawBuffer
    private var filled = 0
    /// Of a write that failed: what comes behind it would make a file with a hole.
    private var failure: StoreError?
    private var digest = Digest.Builder()

    /// Begins a file. The folder must exist; a file of this name is kept until `commit()`. A symbolic link stays one, and the file
    /// that it leads to is replaced.
    ///
    /// - Parameters:
    ///   - permissions: of the new file, before the process's mask.
    ///   - isDurable: false to leave it to the system when the bytes reach the disk: for files that a later step
    ///     flushes together, or that can be made again. They still appear complete or not at all to other processes,
    ///     but not after the machine stopped.
    public init(
        _ path: FilePath, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead],
        isDurable: Bool = true
    ) throws(StoreError) {
        self.path = path
        self.isDurable = isDurable
        temporary = try TemporaryFile(for: FileTree.placeToReplace(path), permissions: permissions)
        buffer = RawBuffer(count: 1 << 17)
    }

    /// Writes bytes behind those that were written before.
    public mutating func write(_ bytes: Span<UInt8>) throws(StoreError) {
        unsafe try bytes.withRawBytes { (raw) throws(StoreError) in try unsafe write(raw: raw) }
    }

    /// Writes the UTF-8 of `text`.
    public mutating func write(_ text: String) throws(StoreError) {
        try write(text.utf8.span)
    }

    /// Writes the first `count` bytes of a buffer.
    mutating func write(_ buffer: borrowing RawBuffer, count: Int) throws(StoreError) {
        try unsafe write(raw: UnsafeRawBufferPointer(buffer.slice(0, count)))
    }

    mutating func write(raw bytes: UnsafeRawBufferPointer) throws(StoreError) {
        unsafe digest.update(raw: bytes)
        count += bytes.count
        if bytes.count > buffer.count - filled { try flush() }
        if bytes.count >= buffer.count {
            try unsafe put(bytes)
        } else {
            unsafe buffer.slice(filled, filled + bytes.count).copyMemory(from: bytes)
            filled += bytes.count
        }
    }

    private mutating func flush() throws(StoreError) {
        let end = filled
        filled = 0
        try unsafe put(UnsafeRawBufferPointer(buffer.slice(0, end)))
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        if let failure { throw failure }
        do throws(StoreError) {
            try unsafe temporary.write(bytes)
        } catch {
            failure = error
            throw error
        }
    }

    /// Makes the file appear under its name, complete and on the disk.
    ///
    /// - Throws: `StoreError`, also where a write had failed before; then the name still shows what it showed before, but
    ///   where only the folder could not be flushed to the disk.
    @discardableResult
    public consuming func commit() throws(StoreError) -> Written { try complete() }

    /// `commit()` for owners that are being consumed themselves; nothing may be written afterwards.
    mutating func complete() throws(StoreError) -> Written {
        try flush()
        try temporary.commit(isDurable: isDurable)
        return Written(count: count, digest: digest.current())
    }
}

/// Replaces the file at `path` with these bytes, at once.
@discardableResult
public func writeAtomically(
    _ bytes: Span<UInt8>, to path: FilePath, isDurable: Bool = true
) throws(StoreError) -> AtomicFile.Written {
    var file = try AtomicFile(path, isDurable: isDurable)
    try file.write(bytes)
    return try file.commit()
}

/// Replaces the file at `path` with the UTF-8 of `text`, at once.
@discardableResult
public func writeAtomically(_ text: String, to path: FilePath) throws(StoreError) -> AtomicFile.Written {
    try writeAtomically(text.utf8.span, to: path)
}
