internal import SystemPackage

/// The bytes of a model file.
func readWholeFile(_ path: FilePath) throws(LanguageIDError) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try file.closeAfter {
            // Read to the end rather than to a size asked for: a pipe has none, and a folder a senseless one.
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 1 << 18)
            while true {
                let count = try unsafe piece.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
                guard count > 0 else { return bytes }
                bytes += piece[..<count]
            }
        }
    } catch {
        throw LanguageIDError(code: .unreadable, message: "cannot be read: \(error); check the path")
    }
}
