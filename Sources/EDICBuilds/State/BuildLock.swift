import Glibc
import SystemPackage

/// Keeps two builds from working in the same output folder. The system lets go of it when the process ends, however
/// it ends.
struct BuildLock: ~Copyable {
    private let descriptor: FileDescriptor

    init(_ path: FilePath) throws(BuildError) { descriptor = try Self.openAndLock(path) }

    private static func openAndLock(_ path: FilePath) throws(BuildError) -> FileDescriptor {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw BuildError(.storage, "\(path): cannot be opened for writing: \(error)", cause: error)
        }
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? descriptor.close()
            throw BuildError(.busy, "\(path): another build is working in this folder; wait for it to end")
        }
        return descriptor
    }

    /// Ends the lock. It also ends with the value; calling this says where, since a value may end after its last use.
    consuming func release() {}

    deinit { try? descriptor.close() }
}
