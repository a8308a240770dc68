import Glibc

/// The real files and golden outputs that some tests compare with. They are not part of this package; the
/// environment variable `EDIC_SHARED` (default `../shared`) says where they are. Tests that need them are marked
/// `.enabled(if: SharedData.isPresent)`.
public enum SharedData {
    public static let root: String = environment("EDIC_SHARED") ?? "../shared"

    /// Whether the files are there. In continuous integration the answer is yes, so that missing ones are failures.
    public static let isPresent: Bool = {
        if isContinuousIntegration || exists("data/README.md") { return true }
        note("tests that need the shared files are skipped; EDIC_SHARED says where those are")
        return false
    }()

    /// The path of a file below the shared folder's `data`.
    public static func path(_ relative: String) -> String { "\(root)/data/\(relative)" }

    public static func exists(_ relative: String) -> Bool { fileExists("\(root)/\(relative)") }
}

/// The value of an environment variable, or nil.
public func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
}

/// Whether this runs where nothing may be skipped: `CI` is set, and not to nothing or `false`.
public let isContinuousIntegration: Bool = !["", "false", "0"].contains(environment("CI") ?? "")

/// Says something beside the results of the tests.
func note(_ text: String) {
    let line = Array("note: \(text)\n".utf8)
    _ = unsafe write(STDERR_FILENO, line, line.count)
}

/// Whether something is at `path`.
public func fileExists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
