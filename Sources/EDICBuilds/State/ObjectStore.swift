import EDICStore
import SystemPackage

/// A file in the object store, named by what is in it.
struct ObjectReference: Sendable, Hashable {
    var digest: Digest
    var size: Int
}

/// The outputs of all tasks, each in a file named by its SHA-256: what a name promises is what the file holds.
struct ObjectStore: Sendable {
    let folder: FilePath

    func path(of object: ObjectReference) -> FilePath {
        let name = object.digest.description
        return folder.appending(String(name.prefix(2))).appending(name)
    }

    /// Whether the object is here, whole. Looks at the size only: objects are renamed into place when complete.
    func contains(_ object: ObjectReference) -> Bool {
        (try? FileTree.stamp(of: path(of: object)).size) == object.size
    }

    /// Moves a finished file into the store, or drops it when the store has it already. In the store it is read-only:
    /// releases are links to it.
    ///
    /// - Parameter known: what the file holds, if its writer said.
    func adopt(_ file: FilePath, known: ObjectReference?) throws(StoreError) -> ObjectReference {
        let object: ObjectReference
        if let known { object = known } else { object = try Self.reference(to: file) }
        if contains(object) {
            try FileTree.remove(file)
        } else {
            let destination = path(of: object)
            try FileTree.createFolders(destination.removingLastComponent())
            try FileTree.makeReadOnly(file)
            try FileTree.rename(file, to: destination, isDurable: false)
        }
        return object
    }

    private static func reference(to file: FilePath) throws(StoreError) -> ObjectReference {
        ObjectReference(digest: try Digest.ofFile(file), size: try FileTree.stamp(of: file).size)
    }

    /// Removes the objects that are not what their names promise: after the machine stopped before they were on disk.
    func removeDamaged() throws(StoreError) {
        for path in FileTree.isFolder(folder) ? try FileTree.files(under: folder) : [] {
            let digest = try Digest.ofFile(path)
            if path.lastComponent?.string != digest.description { try FileTree.remove(path) }
        }
    }
}
