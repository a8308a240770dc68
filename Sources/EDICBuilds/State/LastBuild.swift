import EDICJSON
import EDICStore
import SystemPackage

/// What the last complete build was made of and what it made.
struct LastBuild: Sendable, JSONRecord {
    var fingerprint = ""
    var root = ""

    static var fields: [JSONField<Self>] { [JSONField("fingerprint", \.fingerprint), JSONField("root", \.root)] }

    init() {}

    init(fingerprint: String, root: String) {
        self.fingerprint = fingerprint
        self.root = root
    }

    static func read(_ path: FilePath) -> LastBuild? {
        guard var reader = try? ByteReader(path), let bytes = try? reader.readAll(atMost: 1 << 16),
            let json = try? JSONValue(parsing: bytes.span)
        else { return nil }
        return LastBuild(json: json)
    }

    func write(_ path: FilePath) throws(StoreError) {
        var writer = JSONWriter()
        writer.value(json)
        _ = try writeAtomically(writer.bytes.span, to: path)
    }
}
