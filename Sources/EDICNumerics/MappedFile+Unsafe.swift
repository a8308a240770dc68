internal import Glibc
public import SystemPackage

/// A file mapped read-only into memory, unmapped when the last reference goes.
///
/// Pages are read from the file as they are touched and shared with every process that maps it. A file that another
/// process truncates while it is mapped ends this process when a lost page is touched (SIGBUS): replace files by
/// renaming over them, never by rewriting in place.
///
/// Unchecked: the mapping is read-only, and stays until nobody has the file any more.
@safe public final class MappedFile: @unchecked Sendable {
    /// How the bytes will be read, a hint to the system.
    public enum Access: Sendable {
        case sequential
        case random
        /// Soon and all of them: starts reading ahead.
        case willNeed
        /// Worth large pages, where the file system offers them.
        case hugePages
    }

    /// As it was given.
    public let path: FilePath

    /// The size in bytes when the file was mapped.
    public let count: Int

    fileprivate let base: UnsafeRawPointer

    /// Maps the whole file. An empty file is a mapping of no bytes.
    public init(_ path: FilePath) throws(NumericsError) {
        self.path = path
        let file: FileDescriptor
        do {
            // A pipe is refused below rather than waited for.
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch {
            throw NumericsError(.fileUnreadable, "\(path): cannot be opened: \(error)", cause: error)
        }
        defer { try? file.close() }
        var information = stat()
        guard unsafe fstat(file.rawValue, &information) == 0 else {
            throw NumericsError(.fileUnreadable, "\(path): cannot be measured: \(Errno(rawValue: errno))")
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw NumericsError(.fileUnreadable, "\(path): is not a regular file, and only those can be mapped")
        }
        count = Int(information.st_size)
        guard count > 0 else {
            unsafe base = UnsafeRawPointer(bitPattern: MemoryLayout<Int>.alignment).unsafelyUnwrapped
            return
        }
        let mapping = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, file.rawValue, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            throw NumericsError(.fileUnreadable, "\(path): cannot be mapped: \(Errno(rawValue: errno))")
        }
        unsafe base = UnsafeRawPointer(mapping)
    }

    deinit {
        if count > 0 { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }
    }

    /// Tells the system how `range` (by default, everything) will be read. Never fails: it is a hint.
    public func advise(_ access: Access, in range: Range<Int>? = nil) {
        let range = (range ?? 0..<count).clamped(to: 0..<count)
        guard !range.isEmpty else { return }
        // The system wants whole pages.
        let start = range.lowerBound & ~(Int(getpagesize()) - 1)
        let advice =
            switch access {
            case .sequential: MADV_SEQUENTIAL
            case .random: MADV_RANDOM
            case .willNeed: MADV_WILLNEED
            case .hugePages: MADV_HUGEPAGE
            }
        unsafe madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, advice)
    }

    /// Reads `range` (by default, everything) in place.
    ///
    /// - Throws: `outOfBounds` where the range reaches past the end of the file.
    public func withBytes<Result>(
        in range: Range<Int>? = nil, _ body: (Span<UInt8>) -> Result
    ) throws(NumericsError) -> Result {
        let bytes = try region(range ?? 0..<count)
        return bytes.withBytes(body)
    }

    /// A part of the file, checked once and then readable without checks.
    ///
    /// - Throws: `outOfBounds` where the range reaches past the end of the file.
    public func region(_ range: Range<Int>) throws(NumericsError) -> MappedRegion {
        guard range.lowerBound >= 0, range.upperBound <= count else {
            throw NumericsError(
                .outOfBounds, "\(path): bytes \(range) are wanted but the file has \(count); it may be truncated")
        }
        return unsafe MappedRegion(file: self, start: base + range.lowerBound, count: range.count)
    }
}

/// A range of a ``MappedFile``'s bytes, which keeps the file mapped.
///
/// Unchecked: its bytes are only read.
@safe public struct MappedRegion: @unchecked Sendable {
    /// The file the bytes are in.
    public let file: MappedFile

    /// The size in bytes.
    public let count: Int

    private let start: UnsafeRawPointer

    fileprivate init(file: MappedFile, start: UnsafeRawPointer, count: Int) {
        self.file = file
        unsafe self.start = unsafe start
        self.count = count
    }

    /// Reads the bytes in place.
    public func withBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = unsafe UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: count)
        return try unsafe body(bytes.span)
    }

    /// The bytes, valid while this value or another reference to the file lives.
    @unsafe public var unsafeBytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Tells the system that the bytes will hardly be read again: their memory is given back, and comes from the file when
    /// they are. Never fails: it is a hint.
    ///
    /// Neighbours go with them, and come back likewise: around each page that is read the system maps 64 KiB, or all of the up to
    /// 2 MiB that it holds in one piece, so that some vectors read among released matrices would keep most of a file.
    ///
    /// - Parameter range: by default, all of them.
    public func release(_ range: Range<Int>? = nil) {
        let range = (range ?? 0..<count).clamped(to: 0..<count)
        guard !range.isEmpty else { return }
        let piece = 2 << 20
        let first = unsafe start - file.base + range.lowerBound
        let from = first / piece * piece
        let end = min(file.count, (first + range.count + piece - 1) / piece * piece)
        unsafe madvise(UnsafeMutableRawPointer(mutating: file.base + from), end - from, MADV_DONTNEED)
    }

    /// Whether the first byte lies on a multiple of `alignment` in memory.
    public func isAligned(to alignment: Int) -> Bool { unsafe Int(bitPattern: start) % alignment == 0 }
}
