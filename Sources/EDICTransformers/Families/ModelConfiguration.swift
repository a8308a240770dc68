internal import EDICJSON
internal import SystemPackage

/// A `config.json`, with errors that name the key.
struct ModelConfiguration: Sendable {
    let source: String
    let json: JSONValue

    init(_ path: FilePath) throws(ModelError) {
        source = path.string
        json = try JSONFile.read(path)
    }

    init(source: String, json: JSONValue) {
        self.source = source
        self.json = json
    }

    /// The same with values that a family has where the file does not say, not even null.
    func supposing(_ values: KeyValuePairs<String, JSONValue>) -> ModelConfiguration {
        guard var object = json.object else { return self }
        for (key, value) in values where object[key] == nil { object[key] = value }
        return ModelConfiguration(source: source, json: .object(object))
    }

    /// The value of a key; nil also where that is null.
    subscript(key: String) -> JSONValue? {
        // A plain `nil` could be taken for JSON's null here.
        guard let value = json[key], !value.isNull else { return Optional.none }
        return value
    }

    /// Whether the key is there and not null.
    func has(_ key: String) -> Bool { json[key].map { !$0.isNull } ?? false }

    /// A whole number above zero and below 2³¹.
    func count(_ key: String) throws(ModelError) -> Int {
        guard let value = self[key]?.int, value > 0, value < 1 << 31 else {
            throw ModelError(.malformed, "\(source): \(key) should be a whole number above zero")
        }
        return value
    }

    func count(_ key: String, default value: Int) throws(ModelError) -> Int {
        has(key) ? try count(key) : value
    }

    func float(_ key: String, default value: Float) throws(ModelError) -> Float {
        guard let stored = self[key] else { return value }
        guard let number = stored.double.map({ Float($0) }), number.isFinite else {
            throw ModelError(.malformed, "\(source): \(key) should be a number that a float can be")
        }
        return number
    }

    func epsilon(_ key: String, default value: Float) throws(ModelError) -> Float {
        try Self.epsilon(try float(key, default: value), key, source: source)
    }

    /// What norms add to a variance: zero or a little more.
    static func epsilon(_ value: Float, _ key: String, source: String) throws(ModelError) -> Float {
        guard (0..<1).contains(value) else {
            throw ModelError(.malformed, "\(source): \(key) is \(value), but should be at least 0 and below 1")
        }
        return value
    }

    func bool(_ key: String, default value: Bool) -> Bool { self[key]?.bool ?? value }

    func string(_ key: String) -> String? { self[key]?.string }

    /// Token numbers under a key that holds one or a list.
    func tokens(_ key: String) -> [Int] {
        guard let value = self[key] else { return [] }
        return value.int.map { [$0] } ?? value.array?.compactMap(\.int) ?? []
    }

    /// Refuses heads that do not divide the width.
    static func headDimension(width: Int, heads: Int, source: String) throws(ModelError) -> Int {
        guard width % heads == 0 else {
            throw ModelError(.malformed, "\(source): \(heads) attention heads do not divide the width \(width)")
        }
        return width / heads
    }
}
