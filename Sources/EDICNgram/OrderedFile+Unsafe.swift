internal import EDICStore
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A file to which workers add numbered pieces at once; the pieces lie in it in the order of their numbers.
///
/// It appears under its name when it is complete. Until then it has none, where the file system can do that, so that
/// nothing is left of it however the process ends.
final class OrderedFile: Sendable {
    private struct State {
        var next = 0
        var offset: Int64 = 0
        var waiting: [Int: [Piece]] = [:]
    }

    struct Piece: Sendable {
        let bytes: Lane<UInt8>
        let count: Int
    }

    private let path: FilePath
    private let partial: FilePath
    private let file: FileDescriptor
    /// Whether the file has no name yet.
    private let isNameless: Bool
    private let state = Mutex(State())
    private let isDone = Atomic(false)

    init(_ name: FilePath) throws(NgramError) {
        do throws(StoreError) {
            path = try FileTree.placeToReplace(name)
        } catch {
            throw NgramError(.inputOutput, error.message, cause: error)
        }
        var random = SystemRandomNumberGenerator()
        partial = FilePath("\(path).\(String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)).partial")
        let folder = path.removingLastComponent()
        // O_TMPFILE, a name that its C header only composes.
        let nameless = FileDescriptor.OpenOptions(rawValue: 0o20000000 | O_DIRECTORY | O_CLOEXEC)
        if let file = try? FileDescriptor.open(
            folder.isEmpty ? "." : folder, .readWrite, options: nameless,
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        {
            if unsafe access("/proc/self/fd/\(file.rawValue)", F_OK) == 0 {
                self.file = file
                isNameless = true
                return
            }
            // Without this folder the file could not be given a name.
            try? file.close()
        }
        isNameless = false
        do {
            file = try FileDescriptor.open(
                partial, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw NgramError(.inputOutput, "\(path): cannot be created: \(error)", cause: error)
        }
    }

    deinit {
        try? file.close()
        if !isNameless, !isDone.load(ordering: .relaxed) { unsafe _ = partial.withPlatformString { unsafe unlink($0) } }
    }

    /// Adds piece `number`, counted from 0. Which worker brings which piece when does not matter.
    func add(_ piece: Piece, number: Int) throws(NgramError) { try add([piece], number: number) }

    /// Adds what makes up number `number`, one piece behind the other.
    func add(_ pieces: [Piece], number: Int) throws(NgramError) {
        let ready = state.withLock { state -> [(Piece, Int64)] in
            state.waiting[number] = pieces
            var ready: [(Piece, Int64)] = []
            while let pieces = state.waiting.removeValue(forKey: state.next) {
                for piece in pieces {
                    ready.append((piece, state.offset))
                    state.offset += Int64(piece.count)
                }
                state.next += 1
            }
            return ready
        }
        for (piece, offset) in ready { try write(piece, at: offset) }
    }

    /// Adds a piece after all that were added so far, of which none may be missing.
    func addNext(_ text: String) throws(NgramError) {
        let bytes = Lane(Array(text.utf8))
        try add(Piece(bytes: bytes, count: bytes.count), number: state.withLock { $0.next })
    }

    /// Puts bytes in the place of others that were added at `offset`.
    func replace(_ bytes: Lane<UInt8>, at offset: Int64) throws(NgramError) {
        try write(Piece(bytes: bytes, count: bytes.count), at: offset)
    }

    var nextNumber: Int { state.withLock { $0.next } }

    private func write(_ piece: Piece, at offset: Int64) throws(NgramError) {
        do {
            _ = try unsafe file.writeAll(
                toAbsoluteOffset: offset, UnsafeRawBufferPointer(start: piece.bytes.pointer, count: piece.count))
        } catch {
            let isFull = (error as? Errno) == .noSpace || (error as? Errno) == .diskQuotaExceeded
            throw NgramError(
                .inputOutput,
                isFull
                    ? "\(path): the disk is full; free space or write to another place"
                    : "\(path): cannot be written: \(error)", cause: error)
        }
    }

    /// Gives the file its name.
    func commit() throws(NgramError) {
        if isNameless {
            // A name cannot be given over another file's: take one of its own first.
            let result = unsafe partial.withPlatformString { name in
                unsafe linkat(AT_FDCWD, "/proc/self/fd/\(file.rawValue)", AT_FDCWD, name, AT_SYMLINK_FOLLOW)
            }
            guard result == 0 else {
                throw NgramError(.inputOutput, "\(path): cannot be put in place: \(Errno(rawValue: errno))")
            }
        }
        let result = unsafe partial.withPlatformString { old in
            unsafe path.withPlatformString { new in unsafe rename(old, new) }
        }
        guard result == 0 else {
            let code = errno
            unsafe _ = partial.withPlatformString { unsafe unlink($0) }
            throw NgramError(.inputOutput, "\(path): cannot be put in place: \(Errno(rawValue: code))")
        }
        isDone.store(true, ordering: .relaxed)
    }
}
