import EDICJSON
import EDICStore
import SystemPackage

/// What is known of finished tasks: one small JSON file for each key, written when all outputs are in the store.
struct TaskRecords: Sendable {
    let folder: FilePath

    /// The result recorded for a key, if all of its files are still in the store. A record that cannot be read is
    /// treated as absent: the task is done again.
    func result(of key: TaskKey, in objects: ObjectStore) -> TaskResult? {
        guard
            var reader = try? ByteReader(path(of: key)), let bytes = try? reader.readAll(atMost: 64 << 20),
            let json = try? JSONValue(parsing: bytes.span), let facts = json["facts"],
            case .object(let members)? = json["outputs"]
        else { return nil }
        var outputs: [String: ObjectReference] = [:]
        for (name, value) in members {
            guard let digest = value["digest"]?.string.flatMap({ Digest(hex: $0) }), let size = value["size"]?.int
            else {
                return nil
            }
            let object = ObjectReference(digest: digest, size: size)
            guard objects.contains(object) else { return nil }
            outputs[name] = object
        }
        return TaskResult(outputs: outputs, facts: facts, isReused: true)
    }

    func store(_ result: TaskResult, for key: TaskKey) throws(StoreError) {
        var outputs = JSONObject()
        for (name, object) in result.sortedOutputs {
            outputs[name] = [
                "digest": .string(object.digest.description), "size": .integer(Int64(object.size)),
            ]
        }
        var writer = JSONWriter()
        writer.value(["facts": result.facts, "outputs": .object(outputs)])
        let path = path(of: key)
        try FileTree.createFolders(path.removingLastComponent())
        _ = try writeAtomically(writer.bytes.span, to: path, isDurable: false)
    }

    func path(of key: TaskKey) -> FilePath {
        let name = key.digest.description
        return folder.appending(String(name.prefix(2))).appending("\(name).json")
    }
}
