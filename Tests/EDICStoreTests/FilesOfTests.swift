import EDICStore
import SystemPackage
import _EDICTestSupport

extension TemporaryFolder {
    var root: FilePath { FilePath(path) }

    func file(_ name: String) -> FilePath { root.appending(name) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> FilePath {
        // Not by `writeAtomically`, whose flush to the disk would dominate tests that write a thousand variants.
        let descriptor = try FileDescriptor.open(
            file(name), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? descriptor.close() }
        try descriptor.writeAll(bytes)
        return file(name)
    }
}

/// The whole content of a file as it lies on disk.
func contents(of path: FilePath) throws -> [UInt8] {
    let descriptor = try FileDescriptor.open(path, .readOnly)
    defer { try? descriptor.close() }
    let size = try Int(descriptor.seek(offset: 0, from: .end))
    try descriptor.seek(offset: 0, from: .start)
    return unsafe try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < buffer.count {
            let read = try unsafe descriptor.read(
                into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]))
            if read == 0 { break }
            count += read
        }
    }
}

/// The error that `body` throws, which must be a `StoreError`.
func storeError(_ body: () throws -> Void) -> StoreError? {
    do {
        try body()
        return nil
    } catch {
        return error as? StoreError
    }
}
