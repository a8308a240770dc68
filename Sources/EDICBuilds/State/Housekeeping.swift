import EDICStore
import SystemPackage

/// Keeps the output folder from growing: after a build, what neither it nor the release before it needs goes.
struct Housekeeping {
    /// How many releases stay, the new one included.
    private static let releasesKept = 2

    let folders: BuildFolders

    /// - Parameters:
    ///   - keys: the tasks of the build that just ended.
    ///   - release: what it published.
    func removeWhatNothingNeeds(keeping keys: Set<TaskKey>, release: Release) throws {
        let records = TaskRecords(folder: folders.tasks)
        let objects = ObjectStore(folder: folders.objects)
        var needed = Set(release.files.values.map(\.digest.description))
        for key in keys {
            guard let result = records.result(of: key, in: objects) else { continue }
            for object in result.outputs.values { needed.insert(object.digest.description) }
        }
        let keyNames = Set(keys.map { "\($0.digest).json" })
        try removeFiles(in: folders.tasks) { keyNames.contains($0) }
        try removeFiles(in: folders.objects) { needed.contains($0) }
        try removeOldReleases(current: release.rootHash)
    }

    private func removeFiles(in folder: FilePath, unless isNeeded: (String) -> Bool) throws {
        guard FileTree.isFolder(folder) else { return }
        for shelf in try FileTree.names(in: folder) {
            for name in try FileTree.names(in: folder.appending(shelf)) where !isNeeded(name) {
                try FileTree.remove(folder.appending(shelf).appending(name))
            }
        }
    }

    private func removeOldReleases(current: Digest) throws {
        let newest = folders.release(current)
        var others: [(folder: FilePath, modified: Int)] = []
        for name in try FileTree.names(in: folders.releases) {
            let folder = folders.releases.appending(name)
            if folder != newest { others.append((folder, try FileTree.stamp(of: folder).modified)) }
        }
        others.sort { $0.modified > $1.modified }
        for old in others.dropFirst(Self.releasesKept - 1) { try FileTree.remove(old.folder) }
    }
}
