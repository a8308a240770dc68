import Glibc

/// A folder of its own for one test, removed with the value.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        let base = environment("TMPDIR") ?? "/tmp"
        var template = Array("\(base)/edic-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw CannotMakeFolder(base: base, code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove(path) }

    private func remove(_ path: String) {
        if let folder = unsafe opendir(path) {
            while let entry = unsafe readdir(folder) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                if unsafe entry.pointee.d_type == UInt8(DT_DIR) {
                    remove("\(path)/\(name)")
                } else {
                    _ = unsafe unlink("\(path)/\(name)")
                }
            }
            unsafe closedir(folder)
        }
        _ = unsafe rmdir(path)
    }

    struct CannotMakeFolder: Error {
        var base: String
        var code: Int32
    }
}
