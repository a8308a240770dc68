import Glibc
import SystemPackage

extension FilePath {
    /// The path from the root, for one that the user gave relative to where they are.
    static func absolute(_ path: String) -> FilePath {
        let path = FilePath(path)
        guard path.isRelative else { return path.lexicallyNormalized() }
        guard let current = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(current) }
        return FilePath(unsafe String(cString: current)).pushing(path).lexicallyNormalized()
    }
}
