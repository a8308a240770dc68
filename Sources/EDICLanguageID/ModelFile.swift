internal import SystemPackage

/// The bytes of a model file.
func readWholeFile(_ path: FilePath) throws(LanguageIDError) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            let size = Int(try file.seek(offset: 0, from: .end))
            try file.seek(offset: 0, from: .start)
            var bytes = [UInt8](repeating: 0, count: size)
            var filled = 0
            while filled < size {
                let count = try unsafe bytes.withUnsafeMutableBytes { buffer in
                    try unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
                }
                guard count > 0 else { break }
                filled += count
            }
            bytes.removeLast(size - filled)
            return bytes
        }
    } catch {
        throw LanguageIDError(code: .unreadable, message: "cannot be read: \(error); check the path")
    }
}
