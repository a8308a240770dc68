import Glibc

/// The real files and golden outputs that some tests compare with. They are not part of this package; the
/// environment variable `EDIC_SHARED` (default `../shared`) says where they are. Tests that need them are marked
/// `.enabled(if: SharedData.isPresent)`, and continuous integration fails when they are absent.
public enum SharedData {
    public static let root: String = environment("EDIC_SHARED") ?? "../shared"

    public static let isPresent: Bool = exists("data/README.md")

    /// The path of a file below the shared folder's `data`.
    public static func path(_ relative: String) -> String { "\(root)/data/\(relative)" }

    public static func exists(_ relative: String) -> Bool { fileExists("\(root)/\(relative)") }
}

/// The value of an environment variable, or nil.
public func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
}

/// Whether something is at `path`.
public func fileExists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
