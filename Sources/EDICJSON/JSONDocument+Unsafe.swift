/// A parsed document that is walked in place, without building a tree: for big files.
///
/// Parsing runs at simdjson's speed; memory is at most 8 bytes per byte of input plus the strings. A document is
/// immutable and may be read from any number of threads. Where an object has a key twice, the last member counts, as
/// in Python and JavaScript.
///
/// ```swift
/// let document = try JSONDocument(parsing: bytes.span)
/// document.root["model"]?["vocab"]?.forEachMember { key, id in … }
/// ```
public struct JSONDocument: Sendable {
    /// How deep arrays and objects may nest unless the caller says otherwise.
    public static let defaultDepthLimit = 512

    /// The outermost value.
    public let root: JSONElement

    /// Parses `bytes`, one JSON value in UTF-8 with optional white space around it.
    public init(parsing bytes: Span<UInt8>, depthLimit: Int = defaultDepthLimit) throws(JSONError) {
        let storage = try JSONTapeStorage(depthLimit: depthLimit)
        root = JSONElement(storage: storage, tape: try storage.parse(bytes), index: 1)
    }
}

/// One value of a ``JSONDocument``; it keeps the document alive.
public struct JSONElement: Sendable {
    // Safe to share: the storage of a document is never written after its initialiser.
    private nonisolated(unsafe) let storage: JSONTapeStorage
    private nonisolated(unsafe) let tape: JSONTape
    private let index: Int

    init(storage: JSONTapeStorage, tape: JSONTape, index: Int) {
        unsafe self.storage = storage
        unsafe self.tape = tape
        self.index = index
    }

    /// What a value can be.
    public enum Kind: Sendable { case null, bool, number, string, array, object }

    /// What the value is.
    public var kind: Kind {
        switch unsafe tape.type(index) {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        default: return .number
        }
    }

    /// Whether the value is `null`.
    public var isNull: Bool { kind == .null }

    /// The value, if it is `true` or `false`.
    public var bool: Bool? {
        switch unsafe tape.type(index) {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: return nil
        }
    }

    /// The value, if it is a number written as an integer that fits.
    public var int: Int? {
        guard unsafe tape.type(index) == UInt8(ascii: "l") else { return nil }
        return unsafe Int(truncatingIfNeeded: tape.word(index + 1))
    }

    /// The value, if it is a number; integers are rounded to the nearest `Double`.
    public var double: Double? {
        switch unsafe tape.type(index) {
        case UInt8(ascii: "d"): return unsafe Double(bitPattern: tape.word(index + 1))
        case UInt8(ascii: "l"): return unsafe Double(Int64(bitPattern: tape.word(index + 1)))
        case UInt8(ascii: "u"): return unsafe Double(tape.word(index + 1))
        default: return nil
        }
    }

    /// The value, if it is a string.
    public var string: String? {
        guard kind == .string else { return nil }
        return unsafe tape.string(index)
    }

    /// Calls `body` with the unescaped UTF-8 of a string, without copying it; nil if this is not a string.
    public func withUTF8<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R? {
        guard kind == .string else { return nil }
        let bytes = unsafe tape.utf8(index)
        return try unsafe body(bytes.span)
    }

    /// The number of members of an object (a key given twice counts twice) or elements of an array; 0 for the rest.
    public var count: Int {
        guard kind == .object || kind == .array else { return 0 }
        let stored = unsafe Int(truncatingIfNeeded: (tape.word(index) >> 32) & 0xFF_FFFF)
        if stored < 0xFF_FFFF { return stored }
        var counted = 0
        if kind == .object { forEachMember { _, _ in counted += 1 } } else { forEachElement { _ in counted += 1 } }
        return counted
    }

    /// The value of the last member with this key; nil if there is none or this is no object. Takes time linear in
    /// the number of members.
    public subscript(key: String) -> JSONElement? {
        var key = key
        let found = key.withUTF8 { unsafe tape.member($0, of: index) }
        guard let found else { return nil }
        return unsafe JSONElement(storage: storage, tape: tape, index: found)
    }

    /// Visits the elements of an array in order; does nothing for other kinds.
    public func forEachElement<E: Error>(_ body: (JSONElement) throws(E) -> Void) throws(E) {
        guard kind == .array else { return }
        let end = unsafe tape.next(index) - 1
        var at = index + 1
        while at < end {
            try unsafe body(JSONElement(storage: storage, tape: tape, index: at))
            at = unsafe tape.next(at)
        }
    }

    /// Visits the members of an object in the order of the file, with the unescaped UTF-8 of each key; does nothing
    /// for other kinds.
    public func forEachMember<E: Error>(_ body: (Span<UInt8>, JSONElement) throws(E) -> Void) throws(E) {
        guard kind == .object else { return }
        let end = unsafe tape.next(index) - 1
        var at = index + 1
        while at < end {
            let key = unsafe tape.utf8(at)
            try unsafe body(key.span, JSONElement(storage: storage, tape: tape, index: at + 1))
            at = unsafe tape.next(at + 1)
        }
    }

    /// The elements of an array; empty for other kinds.
    public var elements: [JSONElement] {
        var all: [JSONElement] = []
        all.reserveCapacity(count)
        forEachElement { all.append($0) }
        return all
    }

    /// The members of an object in the order of the file; empty for other kinds.
    public var members: [(key: String, value: JSONElement)] {
        var all: [(key: String, value: JSONElement)] = []
        all.reserveCapacity(count)
        forEachMember { key, value in all.append((String(copying: key), value)) }
        return all
    }

    /// The whole value as a tree.
    public var value: JSONValue {
        switch unsafe tape.type(index) {
        case UInt8(ascii: "{"):
            var object = JSONObject()
            object.reserveCapacity(count)
            forEachMember { key, value in object[String(copying: key)] = value.value }
            return .object(object)
        case UInt8(ascii: "["):
            var array: [JSONValue] = []
            array.reserveCapacity(count)
            forEachElement { array.append($0.value) }
            return .array(array)
        case UInt8(ascii: "\""): return unsafe .string(tape.string(index))
        case UInt8(ascii: "l"): return unsafe .integer(Int64(bitPattern: tape.word(index + 1)))
        case UInt8(ascii: "u"): return unsafe .unsigned(tape.word(index + 1))
        case UInt8(ascii: "d"): return unsafe .double(Double(bitPattern: tape.word(index + 1)))
        case UInt8(ascii: "t"): return .bool(true)
        case UInt8(ascii: "f"): return .bool(false)
        default: return .null
        }
    }
}

extension String {
    /// A copy of UTF-8 bytes.
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
