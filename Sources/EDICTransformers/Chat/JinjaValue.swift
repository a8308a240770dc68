/// A value in a template.
enum JinjaValue: Sendable {
    case undefined
    case none
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(String)
    case array(JinjaList)
    case dictionary(JinjaDictionary)
    /// What a loop knows of itself.
    case loop(JinjaLoop)
    /// A `namespace()`, by its number in the interpreter.
    case namespace(Int)
    /// A macro of the template, by its number in the interpreter.
    case macro(Int)
    /// A function that templates find there, by its name.
    case function(String)

    /// Deeper values are no data but an attack on the stack: printing, comparing and freeing them recurse.
    private static let depthLimit = 100

    static func list(_ items: [JinjaValue], _ kind: JinjaList.Kind = .list) throws(JinjaError) -> JinjaValue {
        .array(JinjaList(kind: kind, items: items, depth: try depth(over: items)))
    }

    static func list(_ texts: [String]) throws(JinjaError) -> JinjaValue { try list(texts.map { .string($0) }) }

    /// A dictionary; a later value of a key counts, at the place of the first one.
    static func object(_ members: [(String, JinjaValue)]) throws(JinjaError) -> JinjaValue {
        .dictionary(JinjaDictionary(members, depth: try depth(over: members.map(\.1))))
    }

    /// The depth of what holds these values.
    static func depth(over items: [JinjaValue]) throws(JinjaError) -> UInt8 {
        let depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
        guard depth <= depthLimit else { throw JinjaError("a value nests deeper than \(depthLimit)") }
        return UInt8(depth)
    }

    private var depth: Int {
        switch self {
        case .array(let list): Int(list.depth)
        case .dictionary(let dictionary): Int(dictionary.depth)
        case .loop(let loop): Int(loop.depth)
        default: 0
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .array(let list): list.kind == .generator || !list.items.isEmpty
        case .dictionary(let dictionary): !dictionary.keys.isEmpty
        case .loop, .namespace, .macro, .function: true
        }
    }

    /// A whole number; true and false are 1 and 0, as in Python.
    var whole: Int? {
        switch self {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    var number: Double? {
        if case .double(let value) = self { value } else { whole.map { Double($0) } }
    }

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .undefined: "something undefined"
        case .none: "none"
        case .bool: "true or false"
        case .integer, .double: "a number"
        case .string: "a text"
        case .array(let list):
            switch list.kind {
            case .list, .tuple: "a list"
            case .range: "a range"
            case .view: "a part of a dictionary (put | list behind it)"
            case .generator: "the result of a filter (put | list behind it)"
            }
        case .dictionary: "a dictionary"
        case .loop: "loop"
        case .namespace: "a namespace"
        case .macro: "a macro"
        case .function: "a function"
        }
    }
}

/// A sequence of values. Python has several kinds, which print, compare and count differently.
struct JinjaList: Sendable {
    enum Kind: Sendable {
        case list, tuple, range
        /// The keys, values or items of a dictionary.
        case view
        /// What `map`, `select` and others give: without a length, and always true.
        case generator
    }
    let kind: Kind
    let items: [JinjaValue]
    let depth: UInt8

    var hasPlaces: Bool { kind != .view && kind != .generator }
}

/// A text as a key: equal only if all its code points are, where Swift's `==` lets them be equivalent.
struct JinjaKey: Sendable, Hashable {
    let text: String

    /// What looking it up costs: each byte is taken into the hash, and compared.
    var price: Int { JinjaWork.item + 4 * text.utf8.count }

    static func == (left: JinjaKey, right: JinjaKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

/// Texts and their values, in the order in which the texts came.
final class JinjaDictionary: Sendable {
    let keys: [String]
    let values: [JinjaValue]
    private let places: [JinjaKey: Int]
    let depth: UInt8

    init(_ members: [(String, JinjaValue)], depth: UInt8) {
        var keys: [String] = []
        var values: [JinjaValue] = []
        var places: [JinjaKey: Int] = [:]
        for (key, value) in members {
            if let place = places[JinjaKey(text: key)] {
                values[place] = value
            } else {
                places[JinjaKey(text: key)] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
        (self.keys, self.values, self.places, self.depth) = (keys, values, places, depth)
    }

    subscript(_ key: String) -> JinjaValue? { places[JinjaKey(text: key)].map { values[$0] } }
}

/// Where a loop stands.
final class JinjaLoop: Sendable {
    private let items: [JinjaValue]
    private let index: Int
    let depth: UInt8

    init(_ items: [JinjaValue], at index: Int, depth: UInt8) {
        self.items = items
        self.index = index
        self.depth = depth
    }

    func attribute(_ name: String) throws(JinjaError) -> JinjaValue {
        switch name {
        case "index": .integer(index + 1)
        case "index0": .integer(index)
        case "first": .bool(index == 0)
        case "last": .bool(index + 1 == items.count)
        case "length": .integer(items.count)
        case "revindex": .integer(items.count - index)
        case "revindex0": .integer(items.count - index - 1)
        case "previtem": index > 0 ? items[index - 1] : .undefined
        case "nextitem": index + 1 < items.count ? items[index + 1] : .undefined
        default: throw JinjaError("loop.\(name) is not supported")
        }
    }
}
