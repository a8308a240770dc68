internal import Glibc
internal import SystemPackage

func isFolder(_ path: FilePath) -> Bool { mode(of: path) & S_IFMT == S_IFDIR }
func isFile(_ path: FilePath) -> Bool { mode(of: path) & S_IFMT == S_IFREG }

private func mode(of path: FilePath) -> mode_t {
    var information = stat()
    let result = unsafe path.withPlatformString { unsafe stat($0, &information) }
    return result == 0 ? information.st_mode : 0
}

/// Whether a file begins as GGUF models do.
func isGGUF(_ path: FilePath) -> Bool {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return false }
    defer { try? file.close() }
    let magic = try? unsafe [UInt8](unsafeUninitializedCapacity: 4) { buffer, count in
        count = try unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    return magic == Array("GGUF".utf8)
}
