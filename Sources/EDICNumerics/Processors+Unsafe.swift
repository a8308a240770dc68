internal import SystemPackage

extension Processors {
    /// A small file of the kernel's, or nil.
    static func contents(_ path: FilePath) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        let capacity = 4096
        return unsafe String(unsafeUninitializedCapacity: capacity) { buffer in
            (try? unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
    }
}
