/// A JSON value as a tree. Use ``JSONDocument`` for big files and ``JSONLineParser`` for JSONL.
///
/// Integers of at most 64 bits are exact. Beyond 64 bits they become the nearest `double`; a number beyond the range
/// of `Double` is an error. Escapes that name half a surrogate pair and bytes that are not UTF-8 are errors. Where an
/// object has a key twice, the last value counts, at the place of the first.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer above `Int64.max`; smaller ones are ``integer(_:)``.
    case unsigned(UInt64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Parses one JSON value in UTF-8 with optional white space around it.
    public init(
        parsing bytes: Span<UInt8>, depthLimit: Int = JSONDocument.defaultDepthLimit
    ) throws(JSONError) {
        self = try JSONDocument(parsing: bytes, depthLimit: depthLimit).root.value
    }

    /// Parses one JSON value.
    public init(parsing text: String, depthLimit: Int = JSONDocument.defaultDepthLimit) throws(JSONError) {
        try self.init(parsing: Array(text.utf8).span, depthLimit: depthLimit)
    }

    /// Whether the value is `null`.
    public var isNull: Bool { self == .null }

    /// The value, if it is `true` or `false`.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The value, if it is a number written as an integer that fits.
    public var int: Int? {
        guard case .integer(let value) = self else { return nil }
        return Int(value)
    }

    /// The value, if it is a number; integers are rounded to the nearest `Double`.
    public var double: Double? {
        switch self {
        case .double(let value): return value
        case .integer(let value): return Double(value)
        case .unsigned(let value): return Double(value)
        default: return nil
        }
    }

    /// The value, if it is a string.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The elements, if the value is an array.
    public var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The members, if the value is an object.
    public var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// The value of a member; nil if there is none or this is no object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// An element of an array; nil beyond its end or if this is no array.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let array) = self, array.indices.contains(index) else { return nil }
        return array[index]
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}

/// The members of a JSON object in their order, with fast look-up by key. Two objects are equal when they have the
/// same keys with the same values, in any order; two keys are when their code points are (RFC 8259, section 8.3), so that é
/// as one character and as two are different ones.
public struct JSONObject: Sendable {
    /// A key with its value.
    public typealias Member = (key: String, value: JSONValue)

    private var members: [Member] = []
    /// The place of each key; kept only above ``indexThreshold`` members, below which a linear search is faster.
    private var places: [Key: Int] = [:]

    /// A key as its code points: strings are equal that only look alike.
    private struct Key: Hashable {
        let text: String

        static func == (a: Key, b: Key) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

        // Equal code points have equal hashes, and so have strings that look alike, which are rare.
        func hash(into hasher: inout Hasher) { hasher.combine(text) }
    }

    private static let indexThreshold = 8

    public init() {}

    /// Makes room for so many members.
    public mutating func reserveCapacity(_ count: Int) {
        members.reserveCapacity(count)
        if count > Self.indexThreshold { places.reserveCapacity(count) }
    }

    /// Setting a new key appends a member; setting nil removes it.
    public subscript(key: String) -> JSONValue? {
        get {
            guard let place = place(of: key) else { return nil }
            return members[place].value
        }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil):
                members.remove(at: place)
                places.removeAll()
                indexIfLarge()
            case (nil, let value?):
                members.append((key, value))
                if members.count == Self.indexThreshold + 1 {
                    indexIfLarge()
                } else if members.count > Self.indexThreshold {
                    places[Key(text: key)] = members.count - 1
                }
            case (nil, nil): break
            }
        }
    }

    /// The keys in their order.
    public var keys: [String] { members.map(\.key) }

    private func place(of key: String) -> Int? {
        let key = Key(text: key)
        return members.count > Self.indexThreshold ? places[key] : members.firstIndex { Key(text: $0.key) == key }
    }

    private mutating func indexIfLarge() {
        guard members.count > Self.indexThreshold else { return }
        for (place, member) in members.enumerated() { places[Key(text: member.key)] = place }
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    public subscript(position: Int) -> Member { members[position] }
}

extension JSONObject: Equatable {
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
    }
}
