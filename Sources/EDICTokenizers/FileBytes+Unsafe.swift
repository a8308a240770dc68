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
