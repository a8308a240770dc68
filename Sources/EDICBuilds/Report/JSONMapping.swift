import EDICJSON

/// A value with a JSON form that it can be read back from.
protocol JSONMappable {
    var json: JSONValue { get }
    init?(json: JSONValue)
}

/// A struct whose JSON form is an object with one member for each field: one list of fields serves both directions.
protocol JSONRecord: JSONMappable {
    init()
    static var fields: [JSONField<Self>] { get }
}

/// One member of a record's JSON object.
struct JSONField<Record> {
    let key: String
    let read: (Record) -> JSONValue
    let write: (inout Record, JSONValue) -> Bool

    init<Value: JSONMappable>(_ key: String, _ path: WritableKeyPath<Record, Value>) {
        self.key = key
        read = { $0[keyPath: path].json }
        write = { record, json in
            guard let value = Value(json: json) else { return false }
            record[keyPath: path] = value
            return true
        }
    }
}

extension JSONRecord {
    var json: JSONValue {
        var object = JSONObject()
        for field in Self.fields { object[field.key] = field.read(self) }
        return .object(object)
    }

    /// Members that are missing keep their defaults; members of the wrong type make it fail.
    init?(json: JSONValue) {
        guard case .object(let object) = json else { return nil }
        self.init()
        for field in Self.fields {
            guard let value = object[field.key] else { continue }
            guard field.write(&self, value) else { return nil }
        }
    }
}

extension String: JSONMappable {
    var json: JSONValue { .string(self) }
    init?(json: JSONValue) {
        guard let value = json.string else { return nil }
        self = value
    }
}

extension Int: JSONMappable {
    var json: JSONValue { .integer(Int64(self)) }
    init?(json: JSONValue) {
        guard let value = json.int else { return nil }
        self = value
    }
}

extension Double: JSONMappable {
    var json: JSONValue { .double(self) }
    init?(json: JSONValue) {
        guard let value = json.double else { return nil }
        self = value
    }
}

extension Bool: JSONMappable {
    var json: JSONValue { .bool(self) }
    init?(json: JSONValue) {
        guard let value = json.bool else { return nil }
        self = value
    }
}

extension Optional: JSONMappable where Wrapped: JSONMappable {
    var json: JSONValue { self?.json ?? .null }
    init?(json: JSONValue) {
        if json.isNull {
            self = .none
        } else {
            guard let value = Wrapped(json: json) else { return nil }
            self = .some(value)
        }
    }
}

extension Array: JSONMappable where Element: JSONMappable {
    var json: JSONValue { .array(map(\.json)) }
    init?(json: JSONValue) {
        guard let values = json.array else { return nil }
        self = []
        for value in values {
            guard let element = Element(json: value) else { return nil }
            append(element)
        }
    }
}
