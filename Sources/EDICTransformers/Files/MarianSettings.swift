internal import EDICNumerics
internal import EDICYAML
internal import SystemPackage

/// The options in Marian's YAML: of a model (`special:model.yml` inside it) or of a decoder (`config.yml` beside it).
struct MarianSettings {
    /// The file, for messages.
    let source: String
    private let root: YAMLNode

    static let sizeLimit = 1 << 20

    init(_ path: FilePath) throws(ModelError) {
        let file = try MappedFile.open(path)
        guard file.count <= Self.sizeLimit else {
            throw ModelError(.malformed, "\(path): is \(file.count) bytes, too large for a configuration file")
        }
        try self.init(yaml: file.whole().withBytes { $0.text(in: 0..<$0.count) }, source: path.string)
    }

    /// The options a model carries, as text that ends with a NUL.
    init(modelItem tensor: Tensor) throws(ModelError) {
        guard tensor.byteCount <= Self.sizeLimit else {
            throw ModelError(.malformed, "\(tensor.file): \(tensor.name) is too large for options")
        }
        let text = try tensor.bytes().withBytes { bytes in
            var end = bytes.count
            while end > 0, bytes[end - 1] == 0 { end -= 1 }
            return bytes.text(in: 0..<end)
        }
        try self.init(yaml: text, source: "\(tensor.file): \(tensor.name)")
    }

    init(yaml: String, source: String) throws(ModelError) {
        self.source = source
        let node: YAMLNode?
        do throws(YAMLError) {
            node = try YAMLNode(parsing: yaml)
        } catch {
            throw ModelError(.malformed, "\(source): is not YAML: \(error)", cause: error)
        }
        guard let node, node.members != nil else {
            throw ModelError(.malformed, "\(source): is not a YAML mapping")
        }
        root = node
    }

    func string(_ key: String) -> String? { root[key]?.text }

    func int(_ key: String) -> Int? { string(key).flatMap { Int($0) } }

    func float(_ key: String) -> Float? { string(key).flatMap { Float($0) } }

    func bool(_ key: String) -> Bool? {
        switch string(key) {
        case "true", "True", "yes", "on": true
        case "false", "False", "no", "off": false
        default: nil
        }
    }

    /// The scalars of a list; a lone scalar is a list of one.
    func strings(_ key: String) -> [String]? {
        switch root[key]?.content {
        case .sequence(let nodes): nodes.compactMap(\.text)
        case .scalar(let text, _): [text]
        default: nil
        }
    }

    /// All options that have one value, in the order of the file.
    var scalars: [(name: String, value: String)] {
        (root.members ?? []).compactMap { member in
            guard let name = member.key.text, let text = member.value.text else { return nil }
            return (name, text)
        }
    }

    /// The number of a key; what is there and is none is an error, as it is for Marian.
    func int(_ key: String, default value: Int) throws(ModelError) -> Int {
        guard let text = string(key) else { return value }
        guard let number = Int(text) else {
            throw ModelError(.malformed, "\(source): \(key) is \(text), which is no whole number")
        }
        return number
    }

    func float(_ key: String, default value: Float) throws(ModelError) -> Float {
        guard let text = string(key) else { return value }
        guard let number = Float(text), number.isFinite else {
            throw ModelError(.malformed, "\(source): \(key) is \(text), which is no number")
        }
        return number
    }

    func required(_ key: String) throws(ModelError) -> Int {
        guard let value = int(key), value > 0 else {
            throw ModelError(.malformed, "\(source): \(key) should be a whole number above zero")
        }
        return value
    }
}
