import EDICStore
import SystemPackage

/// Says that files of the state may not be on disk yet, and since which start of the machine.
///
/// Tasks leave it to the system when their files reach the disk; a build flushes them all before it publishes them. If
/// it was killed before, nothing is lost: the system has the files. If the machine stopped, they may be cut, so they
/// are looked at before they are used.
struct FlushMark {
    private let path: FilePath

    init(_ path: FilePath) { self.path = path }

    /// Whether the machine stopped while files were not on disk.
    var tellsOfLoss: Bool {
        guard let mark = Self.content(of: path) else { return false }
        return mark.isEmpty || mark != Self.machineStart
    }

    func set() throws(StoreError) { _ = try writeAtomically(Self.machineStart.span, to: path) }

    func clear() throws(StoreError) { try FileTree.remove(path) }

    /// Changes with each start of the machine; empty where the system does not tell.
    private static var machineStart: [UInt8] { content(of: "/proc/sys/kernel/random/boot_id") ?? [] }

    private static func content(of path: FilePath) -> [UInt8]? {
        guard FileTree.exists(path) else { return nil }
        guard var reader = try? ByteReader(path) else { return [] }
        return (try? reader.readAll(atMost: 4096)) ?? []
    }
}
