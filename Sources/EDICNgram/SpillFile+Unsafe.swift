internal import CEDICNgram
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// What does not fit in memory: a file without a name, gone when its owner is, however the process ends.
@safe final class SpillFile: Sendable {
    private struct State {
        var file: FileDescriptor?
        var end: Int64 = 0
    }

    private let folder: FilePath
    private let state = Mutex(State())

    init(folder: FilePath) { self.folder = folder }

    deinit { state.withLock { state in try? state.file?.close() } }

    /// Bytes written so far.
    var size: Int64 { state.withLock { $0.end } }

    /// Writes bytes and says where they lie.
    func write(_ bytes: UnsafeRawBufferPointer) throws(NgramError) -> Int64 {
        let (file, offset) = try reserve(bytes.count)
        do {
            _ = try unsafe file.writeAll(toAbsoluteOffset: offset, bytes)
        } catch {
            let isFull = (error as? Errno) == .noSpace || (error as? Errno) == .diskQuotaExceeded
            throw NgramError(
                .inputOutput,
                isFull
                    ? "\(folder): the disk is full after \(size >> 20) MB of spilled n-grams; free space, give more memory, or name another temporary folder"
                    : "\(folder): spilled n-grams cannot be written: \(error)", cause: error)
        }
        return offset
    }

    /// Fills `bytes` from `offset` on.
    func read(_ bytes: UnsafeMutableRawBufferPointer, from offset: Int64) throws(NgramError) {
        let file = state.withLock { $0.file }
        var done = 0
        do {
            while done < bytes.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
                let count = try unsafe file?.read(fromAbsoluteOffset: offset + Int64(done), into: rest) ?? 0
                guard count > 0 else { throw Errno.ioError }
                done += count
            }
        } catch {
            throw NgramError(.inputOutput, "\(folder): spilled n-grams cannot be read back: \(error)", cause: error)
        }
    }

    /// Gives the space back to the disk.
    func free(_ count: Int, at offset: Int64) {
        state.withLock { state in
            guard let file = state.file, count > 0 else { return }
            edic_ngram_free_space(file.rawValue, offset, Int64(count))
        }
    }

    private func reserve(_ count: Int) throws(NgramError) -> (FileDescriptor, Int64) {
        do {
            return try state.withLock { state in
                let file = if let open = state.file { open } else { try Self.open(in: folder) }
                state.file = file
                let offset = state.end
                state.end += Int64(count)
                return (file, offset)
            }
        } catch {
            throw NgramError(
                .inputOutput, "\(folder): spilled n-grams cannot be put here: \(error); name another temporary folder",
                cause: error)
        }
    }

    /// A new file that is removed at once, so that only the descriptor keeps it.
    private static func open(in folder: FilePath) throws -> FileDescriptor {
        while true {
            let path = folder.appending(".edic-ngrams.\(UInt64.random(in: 0 ... .max)).spill")
            do {
                let file = try FileDescriptor.open(
                    path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
                    permissions: [.ownerReadWrite])
                unsafe path.withPlatformString { _ = unsafe unlink($0) }
                return file
            } catch Errno.fileExists {
                continue
            }
        }
    }
}
