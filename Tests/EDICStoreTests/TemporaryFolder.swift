import EDICStore
import SystemPackage

/// A folder of its own for a test, removed afterwards.
struct TemporaryFolder: ~Copyable {
    let path: FilePath

    init() throws {
        var random = SystemRandomNumberGenerator()
        path = FilePath("/tmp/edic-store-\(String(UInt64.random(in: 0 ... .max, using: &random), radix: 36))")
        try FileTree.createFolders(path)
    }

    deinit { try? FileTree.remove(path) }

    func file(_ name: String) -> FilePath { path.appending(name) }

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
