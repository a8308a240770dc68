internal import Glibc
internal import SystemPackage

/// Reads a whole file.
func readFile(_ path: FilePath) throws(TokenizerError) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(path, .readOnly)
        defer { try? file.close() }
        // The size says how much to ask for at first; what is no file, or grows, is read to its end all the same.
        var information = stat()
        let size = unsafe fstat(file.rawValue, &information) == 0 ? Int(information.st_size) : 0
        var bytes: [UInt8] = []
        var step = min(max(size, 0), 1 << 30) + 1
        while true {
            let chunk = try unsafe [UInt8](unsafeUninitializedCapacity: step) { buffer, count in
                count = try unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if chunk.isEmpty { return bytes }
            bytes = bytes.isEmpty ? chunk : bytes + chunk
            step = max(1 << 16, step - chunk.count)
        }
    } catch {
        throw TokenizerError(.fileUnreadable, "\(path): cannot be read: \(error)", cause: error)
    }
}

/// Writes a whole file beside its place and renames it there, so that a reader never sees half of it.
func writeFile(_ bytes: [UInt8], to path: FilePath) throws(TokenizerError) {
    let partial = FilePath("\(path).partial")
    do {
        let file = try FileDescriptor.open(
            partial, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
        do {
            try file.closeAfter { _ = try file.writeAll(bytes) }
        }
    } catch {
        throw TokenizerError(.fileUnreadable, "\(path): cannot be written: \(error)", cause: error)
    }
    guard rename(partial, to: path) else {
        throw TokenizerError(.fileUnreadable, "\(path): the finished file cannot be put in place")
    }
}

private func rename(_ from: FilePath, to: FilePath) -> Bool {
    unsafe from.withPlatformString { from in unsafe to.withPlatformString { to in unsafe Glibc.rename(from, to) == 0 } }
}
